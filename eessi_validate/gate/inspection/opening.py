"""How an untrusted file is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError


def open_tarball(path: Path) -> int:
    """Return a descriptor of a plain file; no link is followed and no pipe waited for.

    :raises UsageError: if there is no such file.
    :raises HoldError: if it cannot be opened, e.g. because it is a link.
    """
    # Not blocking: opening a named pipe would wait for a writer for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f'no tarball at {path}: {error.strerror}') from error
    except OSError as error:
        raise HoldError(f'{path} cannot be opened without following links: {error}') from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UsageError(f'{path} is no file')
    return descriptor
