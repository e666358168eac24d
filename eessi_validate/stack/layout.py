"""A stack and its releases, in today's layout and in that of the 2021.06 pilot."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eessi_validate.errors import UsageError, unknown_name
from eessi_validate.stack.modules import Module, discover_modules

_RELEASE = re.compile(r'^20\d\d(?:\.\d\d|\d{4})(?:-[0-9A-Za-z._-]+)?$')


@dataclass(frozen=True)
class Release:
    """One release of a stack."""

    name: str
    path: Path

    def compat(self, family: str) -> Path:
        """Return the prefix of the compat layer for an architecture."""
        return self.path / 'compat' / 'linux' / family

    def compat_families(self) -> tuple[str, ...]:
        """Return the architectures that have a compat layer."""
        return _visible_directories(self.path / 'compat' / 'linux')

    def software(self, cpu_target: str) -> Path:
        """Return the software layer of a CPU target."""
        return self.path / 'software' / 'linux' / cpu_target

    def module_tree(self, cpu_target: str) -> Path:
        """Return the directory that belongs in MODULEPATH."""
        return self.software(cpu_target) / 'modules' / 'all'

    def modules(self, cpu_target: str) -> tuple[Module, ...]:
        """Return the modules of a CPU target."""
        return discover_modules(self.module_tree(cpu_target))

    @property
    def init(self) -> Path:
        """The script that users source."""
        return self.path / 'init' / 'bash'

    @cached_property
    def cpu_targets(self) -> tuple[str, ...]:
        """CPU targets that have a software layer, as paths below ``software/linux``."""
        base = self.path / 'software' / 'linux'
        found = []
        for depth in (1, 2, 3):
            for directory in base.glob('/'.join('*' * depth)):
                if (directory / 'modules').is_dir() or (directory / 'software').is_dir():
                    found.append(directory.relative_to(base).as_posix())
        return tuple(sorted(f for f in found if not any(p.startswith('.') for p in f.split('/'))))


@dataclass(frozen=True)
class Stack:
    """A repository tree in EESSI layout."""

    root: Path
    #: Directory that holds the releases: ``<root>/versions``, or the root itself for the pilot.
    releases_path: Path

    @property
    def repository(self) -> str:
        """Name of the repository, which is the name of its root directory."""
        return self.root.name

    @property
    def release_names(self) -> tuple[str, ...]:
        """Releases, oldest first."""
        return tuple(n for n in _visible_directories(self.releases_path) if _RELEASE.match(n))

    def release(self, name: str) -> Release:
        """Return a release by name.

        :raises UsageError: naming the nearest valid releases.
        """
        if name not in self.release_names:
            raise unknown_name('release', name, self.release_names)
        return Release(name, self.releases_path / name)


def open_stack(root: str | os.PathLike[str]) -> Stack:
    """Return the stack at ``root``.

    :raises UsageError: if there is no tree in EESSI layout.
    """
    # Without links, because the stack itself and its modules name the place where they are.
    path = Path(root).expanduser().resolve()
    if not path.is_dir():
        raise UsageError(f'no stack at {path}: the directory does not exist')
    if (path / 'versions').is_dir():
        return Stack(path, path / 'versions')
    if any(_RELEASE.match(name) for name in _visible_directories(path)):
        return Stack(path, path)
    for parent in path.parents:
        if (parent / 'versions').is_dir():
            raise UsageError(f'{path} is inside a stack: give its root, {parent}')
    raise UsageError(f'no stack at {path}: expected a directory "versions" with releases in it')


def _visible_directories(path: Path) -> tuple[str, ...]:
    try:
        with os.scandir(path) as entries:
            names = [e.name for e in entries if e.is_dir() and not e.name.startswith('.')]
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(sorted(names))
