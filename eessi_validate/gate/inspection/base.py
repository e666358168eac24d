"""The base stack that a tarball is to be laid over: read, never followed through links."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from eessi_validate.gate.inspection.layout import Layout
from eessi_validate.stack.layout import open_stack

_PIECE = 1 << 20
_NOTHING_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


class BaseStack:
    """The tree of releases of a stack.

    :arg root: root of the stack.
    :arg layout: of the tarball: its paths may begin after the release (2021.06 form).
    :raises UsageError: if there is no stack.
    """

    def __init__(self, root: Path, layout: Layout) -> None:
        stack = open_stack(root)
        self.repository = stack.repository
        self.root = os.fsencode(stack.root)
        self.release_names = stack.release_names
        self._releases = os.fsencode(stack.releases_path)
        self._layout = layout

    def path(self, member: bytes) -> bytes:
        """Return where a path of the tarball is in the base stack."""
        return os.path.join(self._releases, self._layout.before_top + member).rstrip(b'/')

    def list_directory(self, member: bytes) -> dict[bytes, str] | None:
        """Return names and kinds (``-``, ``d``, ``l``, ``?``) in a directory; None without one.

        :raises OSError: if it cannot be read, because then nothing is known of it.
        """
        try:
            with os.scandir(self.path(member)) as entries:
                return {entry.name: _kind(entry) for entry in entries}
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return None
            raise

    def kind(self, member: bytes) -> str:
        """Return the kind of a path, '' if there is nothing."""
        try:
            mode = os.lstat(self.path(member)).st_mode
        except OSError as error:
            if error.errno in _NOTHING_THERE:
                return ''
            raise
        return {0o040000: 'd', 0o100000: '-', 0o120000: 'l'}.get(mode & 0o170000, '?')

    def link(self, member: bytes) -> bytes:
        """Return the target of a symbolic link."""
        return os.readlink(self.path(member))

    def same_file(self, member: bytes, other: bytes) -> bool:
        """Say whether two paths are one file (hard links)."""
        one, two = os.lstat(self.path(member)), os.lstat(self.path(other))
        return (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)

    def has_content(self, member: bytes, size: int, mode: int, content: Iterable[bytes]) -> bool:
        """Say whether a file has this content and is as executable; takes all of ``content``."""
        descriptor = os.open(self.path(member), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, 'rb', buffering=0) as stream:
            status = os.fstat(descriptor)
            same = status.st_size == size and not (status.st_mode ^ mode) & 0o111
            for piece in content:
                rest = memoryview(piece)
                while same and rest:
                    here = stream.read(min(len(rest), _PIECE))
                    same = bool(here) and here == rest[: len(here)]
                    rest = rest[len(here) :]
        return same

    def files_below(self, member: bytes) -> Iterable[bytes]:
        """Iterate over the paths of all files and links below a directory."""
        top = self.path(member)
        for directory, names, files in os.walk(top):
            below = member + directory[len(top) :]
            for name in files:
                yield below + b'/' + name
            for name in names:
                if os.path.islink(os.path.join(directory, name)):
                    yield below + b'/' + name


def _kind(entry: os.DirEntry[bytes]) -> str:
    if entry.is_symlink():
        return 'l'
    if entry.is_dir(follow_symlinks=False):
        return 'd'
    return '-' if entry.is_file(follow_symlinks=False) else '?'
