"""What was decided on a tarball before: refusals for a while, ingestions for good."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError

#: Seconds for which a refusal is repeated without reading the tarball anew.
REFUSAL_COUNTS = 3600.0


class Remembered:
    """Small files in a directory, one for each tarball; written whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise HoldError(f'cannot write in {directory}: {error.strerror}') from error

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Keep others from working on the same tarball.

        :raises HoldError: if somebody is.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(self._directory / f'{name}.lock', flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise HoldError('another process is at work on this tarball') from None
        finally:
            os.close(lock)

    def recall(self, name: str) -> dict[str, Any]:
        """Return what was written down under a name; nothing if that cannot be read."""
        try:
            content = json.loads((self._directory / f'{name}.json').read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write_down(self, name: str, content: dict[str, Any]) -> None:
        """Write something down; without a place for it there is just nothing to recall."""
        part = self._directory / f'.{name}.{os.getpid()}.part'
        with contextlib.suppress(OSError):
            part.write_text(json.dumps({**content, 'at': time.time()}), encoding='utf-8')
            part.replace(self._directory / f'{name}.json')


def still_counts(content: dict[str, Any], key: str) -> bool:
    """Say whether a refusal is about the very same question, and young."""
    at = content.get('at')
    return (
        content.get('key') == key
        and isinstance(at, float)
        and 0 <= time.time() - at <= REFUSAL_COUNTS
    )


def key_of(*parts: str | Path) -> str:
    """Return a digest over texts and the contents of files; one that is missing is a content."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            try:
                content = b'+' + part.read_bytes()
            except OSError:
                content = b'-'
        else:
            content = part.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()
