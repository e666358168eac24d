"""Which programs of the stack a job starts, found by the words of its script. Pure but for stat."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.stack.dependencies import read_dependencies
from eessi_validate.stack.modules import Module

#: Starts the ranks of a job; the same names as in ``agent.py``.
LAUNCHERS = ('mpirun', 'mpiexec', 'orterun', 'prterun')

_WORD = re.compile(r'[\w./+${}-]+')
_VARIABLE = re.compile(r'\$\{?(\w+)\}?')


@dataclass(frozen=True)
class Program:
    """An executable file of the stack."""

    #: Path below the root of the stack.
    relative: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.relative.rpartition('/')[2]

    @property
    def launches(self) -> bool:
        """True if it starts the ranks of a job."""
        return self.name in LAUNCHERS


def loaded_installations(software: Path, module: str, modules: Sequence[Module]) -> list[Path]:
    """Return the installations that loading a module brings, its own first.

    :arg software: directory of the installations, ``<software layer>/software``.
    """
    dependencies = read_dependencies(modules)
    names = {m.full_name for m in modules}
    wanted, queue = dict.fromkeys([module]), [module]
    while queue:
        for name in dependencies.get(queue.pop(0), ()):
            known = [name] if name in names else [n for n in names if n.startswith(f'{name}/')]
            queue += [n for n in known if n not in wanted]
            wanted |= dict.fromkeys(known)
    return [software / name for name in wanted if (software / name).is_dir()]


def programs_of(
    script: str, root: Path, installations: Iterable[Path], compat: Path
) -> tuple[Program, ...]:
    """Return the programs that a job script names, in order.

    Found are paths below the root, also behind ``$EESSI_EPREFIX`` and ``$EBROOT...``, and names of
    executables in ``bin`` of an installation or below its ``libexec``, where the module of the OSU
    Micro-Benchmarks looks for them. Programs that only other programs start are not.
    """
    places = list(installations)
    directories = [directory for place in places for directory in _directories(place)]
    variables = {'EESSI_EPREFIX': str(compat)}
    for place in places:
        name = re.sub(r'[^A-Z0-9]', '', place.parent.name.upper().replace('-', ''))
        variables[f'EBROOT{name}'] = str(place)
    found: dict[str, Program] = {}
    for word in _WORD.findall(script):
        for path in _candidates(word, variables, directories):
            if path.startswith(f'{root}/') and os.path.isfile(path) and os.access(path, os.X_OK):
                real = os.path.join(os.path.realpath(os.path.dirname(path)), path.split('/')[-1])
                relative = os.path.relpath(real, root)
                if not relative.startswith('..'):
                    found.setdefault(relative, Program(relative))
                break
    return tuple(found.values())


def _directories(installation: Path) -> list[str]:
    below = sorted(found for found, _, _ in os.walk(installation / 'libexec'))
    return [str(installation / 'bin'), *below]


def _candidates(word: str, variables: dict[str, str], directories: Sequence[str]) -> list[str]:
    if '/' in word:
        return [_VARIABLE.sub(lambda m: variables.get(m[1], m[0]), word)]
    return [os.path.join(directory, word) for directory in directories]
