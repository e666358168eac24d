"""Python bundles: imports of all top-level names, ``pip check``, ``ctypes.util.find_library``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Final

from eessi_library.elf import ElfError, read_elf

from ..model import InstallationRequest, Observation, Severity
from .interpreters import interpreter, run_interpreter

#: Prints {top-level name: error or null}. Each is imported in a process of its own family: a
#: crash of one must not hide the others.
_PYTHON_IMPORTS: Final = r"""
import importlib, json, os, sys
answers = {}
for name in sys.argv[1:]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        try:
            importlib.import_module(name)
            text = ''
        except BaseException as error:
            text = f'{type(error).__name__}: {error}'
        os.write(writing, text.encode()[:2000])
        os._exit(0)
    os.close(writing)
    said = b''
    while block := os.read(reading, 4096):
        said += block
    os.close(reading)
    status = os.waitpid(child, 0)[1]
    number = status & 127
    answers[name] = f'died by signal {number}' if number else (said.decode() or None)
print(json.dumps(answers))
"""

#: Prints what pip check would of requirements without marker that no distribution meets.
_REQUIREMENTS: Final = r"""
import re, sys
from importlib import metadata
for dist in metadata.distributions(path=sys.argv[1:]):
    for wanted in dist.requires or []:
        name = re.match(r'[A-Za-z0-9._-]+', wanted)
        if ';' in wanted or not name:
            continue
        try:
            metadata.distribution(name[0])
        except metadata.PackageNotFoundError:
            print(f'{dist.metadata["Name"]} {dist.version} requires {name[0]},'
                  ' which is not installed.')
"""

_FIND_LIBRARY: Final = (
    "import ctypes.util,sys;n=ctypes.util.find_library('c');"
    'print([a for a in sys.argv[1:] if not ctypes.util.find_library(a)]);'
    'import ctypes;ctypes.CDLL(n) if n else sys.exit(3)'
)

#: Libraries of LIBRARY_PATH that are looked for; each takes up to three programs.
_MOST_LIBRARIES: Final = 5

#: What pip check says of requirements, and of wheels for another machine.
_UNMET: Final = re.compile(r'which is not installed|has requirement|is not supported on this')

_SITE: Final = re.compile(r'^lib(?:64)?/python3(?:\.\d+)?/(?:site|dist)-packages$')
_NAME: Final = re.compile(r'^[A-Za-z][A-Za-z0-9_]*$')


def check_python(
    request: InstallationRequest, site: str, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every extension in one site directory that cannot be imported, and what it lacks."""
    python = interpreter(request, environment, ('python3', 'python'))
    if python is None:
        reason = 'has Python extensions, and its module finds no Python of the stack'
        yield Observation('bundle/no-interpreter', Severity.ERROR, site, 'python', reason)
        return
    wanted = libraries_of_the_stack(request, environment)
    command = [python, '-c', _FIND_LIBRARY, *wanted]
    status, out, err = run_interpreter(command, environment, scratch)
    lost = [name for name in wanted if repr(name) in out]
    if status == 0 and lost:
        # EasyBuild patches Python for stacks that do without LD_LIBRARY_PATH (easyblocks#3352)
        severity = Severity.ERROR if lost == wanted else Severity.WARNING
        reason = (
            f'ctypes.util.find_library of {python} does not find {", ".join(lost)}, which '
            'LIBRARY_PATH has: it relies on LD_LIBRARY_PATH, which no module sets'
        )
        yield Observation('bundle/find-library', severity, site, 'LIBRARY_PATH', reason)
    if status != 0:
        said = (err.strip().splitlines() or ['returns nothing'])[-1]
        reason = f'ctypes.util.find_library finds no C library under {python}: {said}'
        yield Observation('bundle/find-library', Severity.ERROR, site, 'find_library', reason)
    names = top_level_names(f'{request.real_path}/{site}')
    status, out, err = run_interpreter(
        [python, '-c', _PYTHON_IMPORTS, *names], environment, scratch
    )
    try:
        answers = json.loads(out.splitlines()[-1]) if status == 0 else None
    except (ValueError, IndexError):
        answers = None
    if answers is None:
        reason = f'importing stopped with {status}: {err.strip()[-200:]}'
        yield Observation('bundle/python-import', Severity.ERROR, site, 'stopped', reason)
        return
    for name, fault in sorted(answers.items()):
        if fault:
            reason = f'import {name}: {fault[:240]}'
            yield Observation(
                'bundle/python-import', Severity.ERROR, f'{site}/{name}', name, reason
            )
    yield from _unmet_requirements(
        python, site, f'{request.real_path}/{site}', environment, scratch
    )


def libraries_of_the_stack(
    request: InstallationRequest, environment: Mapping[str, str]
) -> list[str]:
    """Return names of libraries of the software layer that LIBRARY_PATH offers: ``ffi``."""
    found: list[str] = []
    for directory in environment.get('LIBRARY_PATH', '').split(':'):
        place = request.release.located(directory)
        if not directory.startswith(f'{request.release.software}/') or not os.path.isdir(place):
            continue
        for name in sorted(os.listdir(place)):
            match = re.fullmatch(r'lib([A-Za-z0-9_]+)\.so', name)
            try:
                elf = read_elf(f'{place}/{name}') if match else None
            except (ElfError, OSError):
                continue
            if match and elf and (elf.soname or '').startswith(f'{name}.'):
                found.append(match[1])
                break  # one of each directory
    return found[:_MOST_LIBRARIES]


def _unmet_requirements(
    python: str, site: str, path: str, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield what pip says of requirements; without pip, those that are missing altogether."""
    status, out, err = run_interpreter([python, '-m', 'pip', 'check'], environment, scratch)
    if 'No module named pip' in err:
        status, out, err = run_interpreter(
            [python, '-c', _REQUIREMENTS, path], environment, scratch
        )
    said = [line.strip() for line in out.splitlines() if _UNMET.search(line)]
    if status != 0 and not (status == 1 and said):  # 1: pip has something to say
        reason = f'pip check stopped with {status}: {err.strip()[-200:]}'
        yield Observation('bundle/pip-check', Severity.ERROR, site, 'stopped', reason)
        return
    for line in said:
        yield Observation('bundle/pip-check', Severity.ERROR, site, line, line)


def python_sites(request: InstallationRequest) -> list[str]:
    """Return the site-packages directories of an installation, relative to it."""
    found = []
    for lib in ('lib', 'lib64'):
        top = f'{request.real_path}/{lib}'
        if os.path.islink(top) or not os.path.isdir(top):
            continue
        for python in sorted(os.listdir(top)):
            for packages in ('site-packages', 'dist-packages'):
                path = f'{lib}/{python}/{packages}'
                if _SITE.match(path) and os.path.isdir(f'{request.real_path}/{path}'):
                    found.append(path)
    return found


def top_level_names(site: str) -> list[str]:
    """Return what can be imported from a site directory: names of its distributions' records.

    ``top_level.txt`` where a distribution has one, else packages, modules and compiled modules
    that its RECORD names; of a namespace (``google``) the packages in it. Private names (leading
    underscore) are parts, not extensions. Names that are recorded and not there are passed by as
    long as another one of the same distribution is: some record their tests.
    """
    there = {name.split('.')[0] for name in os.listdir(site)}
    found: set[str] = set()
    for entry in sorted(os.listdir(site)):
        if entry.endswith(('.dist-info', '.egg-info')):
            names = top_level_names_of(f'{site}/{entry}')
            found.update({n for n in names if n.split('.')[0] in there} or names)
    return sorted(found)


def top_level_names_of(metadata: str) -> set[str]:
    """Return what can be imported from one distribution, by its metadata directory."""
    return {name for name in _recorded(metadata) if _NAME.match(name.split('.')[0])}


def _recorded(metadata: str) -> set[str]:
    """Return the names that a distribution says it has, from its metadata directory."""
    lines = _lines(f'{metadata}/top_level.txt')
    paths = [line.split(',')[0] for line in _lines(f'{metadata}/RECORD')]
    packages = {p.removesuffix('/__init__.py') for p in paths if p.endswith('/__init__.py')}
    names = {line.strip().replace('/', '.') for line in lines} - {''}
    if not lines:
        names = {package for package in packages if '/' not in package}
        for path in paths:
            if '/' not in path and path.endswith(('.py', '.so')):
                names.add(path.split('.')[0])
    if not names or names.isdisjoint(package.split('/')[0] for package in packages):
        return names or _in_namespaces(packages)
    whole = {name for name in names if name.replace('.', '/') in packages}
    return whole or _in_namespaces(packages) or names


def _in_namespaces(packages: set[str]) -> set[str]:
    """Return the outermost packages, for distributions that have none at the top."""
    return {
        package.replace('/', '.')
        for package in packages
        if all(part.isidentifier() for part in package.split('/'))
        and packages.isdisjoint(_above(package))
    }


def _above(package: str) -> Iterator[str]:
    while '/' in package:
        package = package.rpartition('/')[0]
        yield package


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read().splitlines()
    except OSError:
        return []
