"""Files of a store, on a local disk or behind any fsspec address; published whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eessi_validate.errors import UsageError

_INCOMING = '.incoming'

#: What file systems of fsspec raise besides OSError: module -> base classes. A module that was
#: never imported has raised nothing.
_FOREIGN = {
    'botocore.exceptions': ('BotoCoreError', 'ClientError'),
    'aiohttp': ('ClientError',),
    'google.auth.exceptions': ('GoogleAuthError',),
    'azure.core.exceptions': ('AzureError',),
}


class Files:
    """A directory of files that are written once and never changed."""

    def __init__(self, address: str) -> None:
        self.address = address
        #: None for a plain directory, which needs no fsspec: its import costs 0.1 s.
        self.system: Any = None
        if '://' in address or '::' in address:
            self.system, root = _opened(address)
            if 'file' in _protocols(self.system):
                self.system = None
        else:
            root = os.path.abspath(os.path.expanduser(address))
        self.root = root.rstrip('/')

    @property
    def local(self) -> bool:
        """Whether the store is a directory of this host."""
        return self.system is None

    def path(self, name: str) -> str:
        """Return the path of a file by its name below the root."""
        return f'{self.root}/{name}'

    def find(self, below: str) -> list[str]:
        """Return the names of all files below a directory; none where there is no directory."""
        if self.local:
            # fsspec's find asks for the status of each file, which costs more than reading it.
            return sorted(self._walk(below))
        start = len(self.root) + 1
        with self._reaching('read'):
            # Others write meanwhile: a listing that this process remembers is not what is there.
            self.system.invalidate_cache()
            return sorted(path[start:] for path in self.system.find(self.path(below)))

    def _walk(self, below: str) -> list[str]:
        start = len(self.root) + 1
        return [
            os.path.join(directory, name)[start:]
            for directory, _, names in os.walk(self.path(below))
            for name in names
        ]

    def read(self, name: str) -> bytes:
        """Return the bytes of a file."""
        if self.local:
            return Path(self.path(name)).read_bytes()
        with self.plain_errors():
            return bytes(self.system.cat_file(self.path(name)))

    def top(self) -> list[str]:
        """Return the names right below the root; none where there is no store yet."""
        try:
            if self.local:
                return sorted(os.listdir(self.root))
            with self._reaching('read', absent=False):
                entries = self.system.ls(self.root, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(entry.rstrip('/').rpartition('/')[2] for entry in entries)

    def publish(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Make a file visible under its name, with all its bytes.

        Locally through a file elsewhere in the store, synchronised and renamed; elsewhere by one
        upload, which object stores show when it is complete. A writer that dies leaves at most an
        unpublished file, which ``gc`` removes.

        :arg durable: wait until the bytes would survive a power cut.
        """
        if not self.local:
            with self._reaching('write to'):
                self.system.pipe_file(self.path(name), data)
            return
        final = Path(self.path(name))
        part = Path(self.path(_INCOMING)) / f'{uuid.uuid4().hex}.part'
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            final.parent.mkdir(parents=True, exist_ok=True)
            with part.open('xb') as stream:
                stream.write(data)
                stream.flush()
                if durable:
                    os.fsync(stream.fileno())
            part.replace(final)
            if durable:
                _synchronise(final.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise UsageError(f'cannot write to the store {self.address}: {error}') from error

    def remove(self, name: str) -> None:
        """Remove a file; one that has gone already is no error."""
        with contextlib.suppress(FileNotFoundError):
            if self.local:
                Path(self.path(name)).unlink()
            else:
                with self._reaching('write to', absent=False):
                    self.system.rm_file(self.path(name))

    @contextlib.contextmanager
    def plain_errors(self) -> Iterator[None]:
        """Turn what a file system's own libraries raise into OSError."""
        try:
            yield
        except _foreign() as error:
            raise OSError(f'{self.address}: {error}') from error

    @contextlib.contextmanager
    def _reaching(self, what: str, *, absent: bool = True) -> Iterator[None]:
        """Say which store cannot be reached, and why."""
        try:
            with self.plain_errors():
                yield
        except FileNotFoundError as error:
            if not absent:
                raise
            raise UsageError(f'cannot {what} the store {self.address}: {error}') from error
        except OSError as error:
            raise UsageError(f'cannot {what} the store {self.address}: {error}') from error

    def unpublished(self) -> list[str]:
        """Return what writers left behind or are still writing."""
        return self.find(_INCOMING)

    def age(self, name: str) -> float:
        """Return the seconds since a local file was last written."""
        import time

        try:
            return time.time() - Path(self.path(name)).stat().st_mtime
        except FileNotFoundError:
            return 0.0


def _opened(address: str) -> tuple[Any, str]:
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(address)
    except (ValueError, ImportError) as error:
        raise UsageError(f'cannot open the store {address}: {error}') from error
    return system, str(root)


def _foreign() -> tuple[type[Exception], ...]:
    found = [
        getattr(sys.modules[module], name, None)
        for module, names in _FOREIGN.items()
        if module in sys.modules
        for name in names
    ]
    return tuple(kind for kind in found if kind is not None)


def _protocols(system: Any) -> tuple[str, ...]:
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _synchronise(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
