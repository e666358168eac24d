"""The tree that the members of an archive make, compact enough for millions of them."""

from __future__ import annotations

from collections.abc import Iterator

from eessi_validate.gate.inspection.base import BaseStack
from eessi_validate.gate.inspection.faults import ReadingStopped
from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.layout import Layout, Place
from eessi_validate.gate.inspection.limits import Limits
from eessi_validate.gate.inspection.names import PLAIN, Add, judge_component, path_is_usable

#: What a name in a directory is: a file, a directory, one that only other members imply, or
#: else a symbolic link, for which its target (bytes) is kept.
FILE, DIRECTORY, IMPLIED = 'f', 'd', 'i'


class Directory:
    """A directory that has members."""

    __slots__ = ('base', 'entries', 'place', 'shadowed', 'takes_files')

    def __init__(self, place: Place, base: dict[bytes, str] | None, shadowed: bool) -> None:
        self.place = place
        self.takes_files = place.takes_files
        #: Names and what they are: ``FILE``, ``DIRECTORY``, ``IMPLIED``, or a link's target.
        self.entries: dict[bytes, str | bytes] = {}
        #: The same directory of the base stack; None if there is none.
        self.base = base
        #: Whether the path leads through something that is no directory.
        self.shadowed = shadowed


class Tree:
    """All members of an archive by directory."""

    def __init__(self, layout: Layout, base: BaseStack | None, add: Add, limits: Limits) -> None:
        self._layout = layout
        self._base = base
        self._add = add
        self._longest = limits.component
        self._most_names = self._names_left = limits.names
        self.directories: dict[bytes, Directory] = {}

    def directory(self, path: bytes, member: bytes) -> Directory | None:
        """Return a directory, made known with all above it; None if its path is unusable.

        :arg member: on whose behalf, for findings.
        """
        found = self.directories.get(path)
        if found is not None:
            return found
        if path and not path_is_usable(path, lambda name, _, why: self._add(name, member, why)):
            return None
        here = self.directories.get(b'') or self._make(b'', None, member)
        end = 0
        while end < len(path):
            following = path.find(b'/', end + 1)
            end = len(path) if following < 0 else following
            prefix = path[:end]
            above, known = here, self.directories.get(prefix)
            here = known or self._make(prefix, above, member)
        return here

    def lookup(self, path: bytes) -> str | bytes | None:
        """Return what a path is in the archive, None if it is not in it."""
        if not path:
            return IMPLIED
        parent, _, name = path.rpartition(b'/')
        directory = self.directories.get(parent)
        return directory.entries.get(name) if directory else None

    def names(self, path: bytes) -> Iterator[tuple[bytes, str | bytes]]:
        """Iterate over what is in a directory."""
        directory = self.directories.get(path)
        if directory:
            yield from sorted(directory.entries.items())

    def _make(self, path: bytes, above: Directory | None, member: bytes) -> Directory:
        # A path of 2,000 directories is short, but the paths of all its directories are not.
        self._names_left -= len(path)
        if self._names_left < 0:
            raise ReadingStopped(
                'too-many-members',
                f'the paths of all directories have more than {self._most_names} bytes',
            )
        shadowed, listing = False, None
        name = path.rpartition(b'/')[2]
        if above is not None:
            shadowed = above.shadowed or self._imply(above, name, path, member)
            if not PLAIN.fullmatch(name):
                judge_component(name, path, self._add, self._longest)
        else:
            self._layout.place(member)  # settles what all paths begin with
        place = self._layout.place(path)
        if self._base is not None:
            if above is None:
                listing = self._base.list_directory(b'')
            elif above.base is not None and name in above.base:
                listing = self._in_base(above.base[name], path, member)
        made = self.directories[path] = Directory(place, listing, shadowed)
        return made

    def _imply(self, above: Directory, name: bytes, path: bytes, member: bytes) -> bool:
        known = above.entries.setdefault(name, IMPLIED)
        if known in (DIRECTORY, IMPLIED):
            return False
        if isinstance(known, bytes):
            self._add('member-through-symlink', member, _shown('is a symbolic link', path))
        else:
            self._add('path-file-and-directory', member, _shown('is a file', path))
        return True

    def _in_base(self, kind: str, path: bytes, member: bytes) -> dict[bytes, str] | None:
        assert self._base is not None
        if kind == 'd':
            return self._base.list_directory(path)
        if kind == 'l':
            self._add(
                'member-through-base-symlink',
                member,
                _shown('is a symbolic link in the base stack', path),
            )
        else:
            self._add('base-type-changed', member, _shown('is a file in the base stack', path))
        return None


def _shown(what: str, path: bytes) -> str:
    return f'{printable(path)} {what}'
