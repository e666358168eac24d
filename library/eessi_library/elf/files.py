"""The files that a simulated loader sees: read once, remembered by path and by (device, inode).

A view is a snapshot: make a new one when the tree has changed. Paths may be looked up elsewhere
than they will be at run time, for a stack that lies outside its final prefix or is layered.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from .errors import MalformedElf
from .reader import ElfObject, read_elf
from .symbols import DynamicSymbols, read_symbols

#: Symbolic links followed for one path, as the kernel counts (path_resolution(7)).
MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class SeenFile:
    """One file as the loader would open it.

    ``elf`` is None when the file is not ELF or is malformed, and ``problem`` then says which.
    ``real_path`` has all symbolic links resolved and is a path of this machine.
    """

    real_path: str
    identity: tuple[int, int]
    elf: ElfObject | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class SeenDirectory:
    """The names in a directory, and which one it is however its path was spelled."""

    identity: tuple[tuple[int, int], ...]
    names: frozenset[str]


class FileView:
    """Read-only, memoised access to a file tree.

    ``places`` maps a prefix that the loader would use to the directories of this machine that
    hold it, upper layer first: ``{'/cvmfs/x': ('/tmp/upper', '/srv/base')}``. A file deleted in
    an upper layer (overlay whiteout) is not understood.
    """

    def __init__(self, places: Mapping[str, Sequence[str]] | None = None) -> None:
        self._places = sorted(
            ((prefix.rstrip('/'), tuple(tops)) for prefix, tops in (places or {}).items()),
            key=lambda item: -len(item[0]),
        )
        self._directories: dict[str, SeenDirectory | None] = {}
        self._listed: dict[tuple[tuple[int, int], ...], SeenDirectory] = {}
        self._files: dict[str, SeenFile | None] = {}
        self._read: dict[tuple[int, int], tuple[ElfObject | None, str | None]] = {}
        self._symbols: dict[tuple[int, int], DynamicSymbols] = {}

    def directory(self, path: str) -> SeenDirectory | None:
        """Return what a directory holds; None when it does not exist or cannot be read."""
        try:
            return self._directories[path]
        except KeyError:
            pass
        found: dict[tuple[int, int], str] = {}
        for place in self._candidates(path):
            # ValueError: a NUL byte in a hostile path
            with suppress(OSError, ValueError):
                status = os.stat(place or '.')
                found.setdefault((status.st_dev, status.st_ino), place or '.')
        seen = self._list(found) if found else None
        self._directories[path] = seen
        return seen

    def file(self, path: str) -> SeenFile | None:
        """Return what a path leads to; None when there is nothing that can be opened."""
        try:
            return self._files[path]
        except KeyError:
            pass
        seen = None
        for place in self._candidates(path):
            seen = self._look(place)
            if seen is not None:
                break
        self._files[path] = seen
        return seen

    def symbols(self, file: SeenFile) -> DynamicSymbols:
        """Return the dynamic symbols of a seen file; none when they cannot be read."""
        found = self._symbols.get(file.identity)
        if found is None:
            try:
                found = read_symbols(file.real_path) or DynamicSymbols()
            except (OSError, MalformedElf):
                found = DynamicSymbols()
            self._symbols[file.identity] = found
        return found

    def _list(self, places: dict[tuple[int, int], str]) -> SeenDirectory:
        identity = tuple(places)
        if identity not in self._listed:
            names: set[str] = set()
            for place in places.values():
                with suppress(OSError):
                    names.update(os.listdir(place))
            self._listed[identity] = SeenDirectory(identity, frozenset(names))
        return self._listed[identity]

    def _look(self, place: str) -> SeenFile | None:
        try:
            status = os.stat(place)
            identity = status.st_dev, status.st_ino
            if identity not in self._read:
                self._read[identity] = _read(place)
            elf, problem = self._read[identity]
            return SeenFile(os.path.realpath(place), identity, elf, problem)
        except (OSError, ValueError):  # ValueError: a NUL byte in a hostile path
            return None

    def _candidates(self, path: str) -> tuple[str, ...]:
        """Return where a path may lie on this machine, first choice first."""
        if not self._places:
            return (path,)
        for prefix, tops in self._places:
            if path == prefix or path.startswith(prefix + '/'):
                return tuple(self._through_links(top, path[len(prefix) :]) for top in tops)
        return (path,)

    def _through_links(self, top: str, rest: str) -> str:
        """Follow links below ``top`` whose absolute target is a prefix that lies elsewhere."""
        for _ in range(MOST_LINKS):
            walked = top
            parts = rest.split('/')
            for number, part in enumerate(parts):
                walked = f'{walked}/{part}' if part else walked
                target = os.readlink(walked) if os.path.islink(walked) else ''
                if not target.startswith('/'):
                    continue
                for prefix, tops in self._places:
                    if target == prefix or target.startswith(prefix + '/'):
                        below = target[len(prefix) :]
                        top = next((t for t in tops if os.path.lexists(t + below)), tops[0])
                        rest = '/'.join([below, *parts[number + 1 :]])
                        break
                else:
                    continue
                break
            else:
                return walked
        return top + rest


def _read(place: str) -> tuple[ElfObject | None, str | None]:
    try:
        elf = read_elf(place)
    except MalformedElf as error:
        return None, str(error)
    if elf is not None:
        return elf, None
    # What glibc says (elf/dl-load.c, open_verify) about other content.
    return None, 'file too short' if os.path.getsize(place) < 64 else 'invalid ELF header'
