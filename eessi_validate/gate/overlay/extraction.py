"""Extracts an inspected tarball into a private directory, following nothing.

Every path is walked from the directory's own descriptor, component by component, without following
links; files are made anew or not at all. Only files, directories and links are made; owners,
devices, set-user-id bits and extended attributes never are.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from eessi_validate.errors import HoldError
from eessi_validate.gate.inspection.compressed import TarballStream
from eessi_validate.gate.inspection.faults import ReadingStopped
from eessi_validate.gate.inspection.limits import DEFAULT_LIMITS, Limits
from eessi_validate.gate.inspection.reader import Member, TarReader

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def extract_tarball(
    tarball: Path, sha256: str, into: Path, *, below: str = '', limits: Limits = DEFAULT_LIMITS
) -> None:
    """Extract the tarball with this digest; afterwards ``into`` holds all of it.

    :arg sha256: digest of the tarball that was inspected, in hexadecimal.
    :arg into: an empty directory of the caller.
    :arg below: what comes before the paths of the tarball, e.g. ``2021.06/``.
    :raises HoldError: if the file is another one by now, has a member that must not be extracted,
        or cannot be written (no space); what was extracted until then is removed.
    """
    try:
        _extract(tarball, sha256, into, below.encode(), limits)
    except (ReadingStopped, OSError, HoldError) as error:
        remove_tree(into)
        if isinstance(error, HoldError):
            raise
        raise HoldError(f'{tarball.name} cannot be extracted: {error}') from error


def remove_tree(directory: Path) -> None:
    """Remove an extracted tree; links in it are removed, never followed."""
    shutil.rmtree(directory, ignore_errors=True)


def _extract(tarball: Path, sha256: str, into: Path, below: bytes, limits: Limits) -> None:
    descriptor = os.open(tarball, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise HoldError(f'{tarball} is no file any more')
        stream = TarballStream(descriptor, limits, lambda _piece: None)
        writer = _Writer(into)
        try:
            reader = TarReader(stream.next_chunk, _refuse, limits)
            for member in reader:
                writer.make(member, below, reader)
        finally:
            writer.close()
            digest = stream.finish()
    finally:
        os.close(descriptor)
    if digest != sha256:
        raise HoldError(f'{tarball.name} changed after its inspection: sha256 is now {digest}')


def _refuse(finding: str, member: bytes, sentence: str) -> None:
    # The inspection was of other bytes, or did not reject what it must.
    raise ReadingStopped(finding, f'{sentence} ({finding})', member)


class _Writer:
    """Makes members below one directory."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _DIRECTORY)
        self._last: tuple[bytes, int] = (b'', os.dup(self._root))

    def close(self) -> None:
        os.close(self._last[1])
        os.close(self._root)

    def make(self, member: Member, below: bytes, reader: TarReader) -> None:
        path = below + member.name.rstrip(b'/')
        parent, _, name = path.rpartition(b'/')
        if name in (b'', b'.', b'..'):
            raise HoldError(f'a member is called {member.name!r}')
        directory = self._directory(parent)
        if member.kind == 'd':
            _make_directory(name, directory)
        elif member.kind == '-':
            self._file(name, directory, member.mode, reader)
        elif member.kind == 'l':
            os.symlink(member.link, name, dir_fd=directory)
        elif member.kind == 'h':
            self._link(below + member.link, name, directory)
        else:
            raise HoldError(f'{member.name!r} is no file, directory or link')

    def _file(self, name: bytes, directory: int, mode: int, reader: TarReader) -> None:
        made = os.open(name, _FILE, 0o600, dir_fd=directory)
        try:
            for piece in reader.content():
                rest = memoryview(piece)
                while rest:
                    rest = rest[os.write(made, rest) :]
            # Never more than what an installation needs; always removable by its owner.
            os.fchmod(made, mode & 0o755 | 0o600)
        finally:
            os.close(made)

    def _link(self, target: bytes, name: bytes, directory: int) -> None:
        parent, _, own = target.rpartition(b'/')
        source = self._walk(parent)
        try:
            if not stat.S_ISREG(os.stat(own, dir_fd=source, follow_symlinks=False).st_mode):
                raise HoldError(f'a hard link to {target!r}, which is no file')
            os.link(own, name, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
        finally:
            os.close(source)

    def _directory(self, path: bytes) -> int:
        """Return a descriptor of a directory, made if need be; it is kept for the next member."""
        if path != self._last[0]:
            descriptor = self._walk(path)
            os.close(self._last[1])
            self._last = (path, descriptor)
        return self._last[1]

    def _walk(self, path: bytes) -> int:
        here = os.dup(self._root)
        for component in path.split(b'/') if path else ():
            if component in (b'', b'.', b'..'):
                os.close(here)
                raise HoldError(f'the path {path!r} has the component {component!r}')
            try:
                _make_directory(component, here)
                inner = os.open(component, _DIRECTORY, dir_fd=here)
            finally:
                os.close(here)
            here = inner
        return here


def _make_directory(name: bytes, directory: int) -> None:
    try:
        os.mkdir(name, 0o755, dir_fd=directory)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            raise
    else:
        # whatever the umask of who runs the gate: others must be able to enter
        os.chmod(name, 0o755, dir_fd=directory)
