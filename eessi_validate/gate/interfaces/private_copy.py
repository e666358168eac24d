"""A private copy of a tarball: what is verified is what is handed on, whoever owns the original."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError

_PREFIX = 'copy-'
_PIECE = 4 << 20


@dataclass(frozen=True)
class PrivateCopy:
    """A copy that nobody else can write to."""

    path: Path
    sha256: str
    #: Descriptor that holds the copy: inherited by a program, it keeps the copy until that ends.
    lock: int


@contextmanager
def private_copy(tarball: Path, below: Path) -> Iterator[PrivateCopy]:
    """Copy a file, under its own name and time, into a private directory for as long as needed.

    :arg below: directory of our own for such copies; made if need be.
    :raises UsageError: if there is no such file.
    :raises HoldError: if it cannot be copied, e.g. because the disk is full.
    """
    with private_directory(below) as (directory, lock):
        path = directory / tarball.name
        yield PrivateCopy(path, _copy(tarball, path), lock)


@contextmanager
def private_directory(below: Path) -> Iterator[tuple[Path, int]]:
    """Make a private directory for as long as needed; yield it and the descriptor that holds it.

    Those that killed processes left are removed, unless a program still works with them.

    :raises HoldError: if it cannot be made.
    """
    try:
        below.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_leftovers(below)
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=below))
        lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise HoldError(f'no private directory below {below}: {error.strerror}') from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield directory, lock
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def digest_of(tarball: Path) -> str:
    """Return the sha256 of a file in hexadecimal.

    :raises UsageError: if there is no such file.
    :raises HoldError: if it cannot be read.
    """
    return _read(tarball, None)


def _copy(tarball: Path, path: Path) -> str:
    made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        return _read(tarball, made)
    finally:
        os.close(made)


def _read(tarball: Path, into: int | None) -> str:
    digest = hashlib.sha256()
    try:
        # Not blocking: opening a named pipe would wait for a writer for ever.
        source = os.open(tarball, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise UsageError(f'no tarball at {tarball}') from error
    except OSError as error:
        raise HoldError(f'{tarball} cannot be opened: {error.strerror}') from error
    try:
        status = os.fstat(source)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f'{tarball} is no file')
        while piece := os.read(source, _PIECE):
            digest.update(piece)
            rest = memoryview(piece)
            while into is not None and rest:
                rest = rest[os.write(into, rest) :]
        if into is not None:
            os.utime(into, ns=(status.st_atime_ns, status.st_mtime_ns))
    except OSError as error:
        raise HoldError(f'{tarball} cannot be copied: {error.strerror}') from error
    finally:
        os.close(source)
    return digest.hexdigest()


def _remove_leftovers(below: Path) -> None:
    for directory in below.glob(f'{_PREFIX}*'):
        try:
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
