"""Python, R and Perl bundles: is every extension that is installed complete and importable?

Run in the environment of the module, with the interpreters that its PATH finds: Python's ``pip
check`` and the import of every top-level name, R's ``library()``, and ``ctypes.util.find_library``
under a Python of the stack.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Final

from .model import InstallationRequest, Observation, Severity

LIMIT_SECONDS: Final = 300

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

_R_LIBRARIES: Final = r"""
names <- commandArgs(trailingOnly = TRUE)
for (name in names) {
  said <- tryCatch({
    suppressWarnings(suppressPackageStartupMessages(
      loadNamespace(name)))
    ''
  }, error = function(e) conditionMessage(e))
  cat('RESULT\t', name, '\t', gsub('[[:space:]]+', ' ', said), '\n', sep = '')
}
"""

_FIND_LIBRARY: Final = (
    "import ctypes.util,sys;n=ctypes.util.find_library('c');print(n or '');"
    'import ctypes;ctypes.CDLL(n) if n else sys.exit(3)'
)

_SITE: Final = re.compile(r'^lib(?:64)?/python3(?:\.\d+)?/(?:site|dist)-packages$')
_R_SITE: Final = ('lib/R/library', 'lib/R/site-library', 'library', '.')
_NAME: Final = re.compile(r'^[A-Za-z][A-Za-z0-9_]*$')


def check_bundles(
    request: InstallationRequest, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every extension of an installation that does not load."""
    for site in python_sites(request):
        yield from _python(request, site, environment, scratch)
    for site in _r_sites(request):
        yield from _r(request, site, environment, scratch)


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

    ``top_level.txt`` where a distribution has one, else packages with an ``__init__.py`` that its
    RECORD names; private names (leading underscore) are parts, not extensions.
    """
    names: set[str] = set()
    for entry in sorted(os.listdir(site)):
        if not entry.endswith(('.dist-info', '.egg-info')):
            continue
        top_level = f'{site}/{entry}/top_level.txt'
        record = f'{site}/{entry}/RECORD'
        if os.path.isfile(top_level):
            with open(top_level, encoding='utf-8', errors='replace') as file:
                names.update(line.strip().replace('/', '.') for line in file)
        elif os.path.isfile(record):
            with open(record, encoding='utf-8', errors='replace') as file:
                for line in file:
                    path = line.split(',')[0]
                    first, slash, rest = path.partition('/')
                    if slash and rest == '__init__.py':
                        names.add(first)
                    elif not slash and first.endswith('.py'):
                        names.add(first[:-3])
    there = {name.split('.')[0] for name in os.listdir(site)}
    return sorted(n for n in names if _NAME.match(n.split('.')[0]) and n.split('.')[0] in there)


def _run(
    command: list[str], environment: Mapping[str, str], scratch: str
) -> tuple[int | None, str, str]:
    try:
        done = subprocess.run(
            command,
            env={**environment, 'PYTHONDONTWRITEBYTECODE': '1', 'PIP_NO_INPUT': '1'},
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors='replace',
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, '', str(error)
    return done.returncode, done.stdout, done.stderr


def _python(
    request: InstallationRequest, site: str, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    python = interpreter(request, environment, ('python3', 'python'))
    if python is None:
        reason = 'has Python extensions, and its module finds no Python of the stack'
        yield Observation('bundle/no-interpreter', Severity.ERROR, site, 'python', reason)
        return
    status, out, err = _run([python, '-c', _FIND_LIBRARY], environment, scratch)
    if status != 0:
        said = (err.strip().splitlines() or ['returns nothing'])[-1]
        reason = f'ctypes.util.find_library finds no C library under {python}: {said}'
        yield Observation('bundle/find-library', Severity.ERROR, site, 'find_library', reason)
    names = top_level_names(f'{request.real_path}/{site}')
    if not names:
        return
    status, out, err = _run([python, '-c', _PYTHON_IMPORTS, *names], environment, scratch)
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
    status, out, err = _run([python, '-m', 'pip', 'check'], environment, scratch)
    if status is not None and 'No module named pip' not in err:
        for line in out.splitlines():
            if re.search(r'which is not installed|has requirement', line):
                yield Observation(
                    'bundle/pip-check', Severity.ERROR, site, line.strip(), line.strip()
                )


def _r_sites(request: InstallationRequest) -> list[str]:
    return [
        site
        for site in _R_SITE
        if os.path.isdir(top := f'{request.real_path}/{site}')
        and any(os.path.isfile(f'{top}/{name}/DESCRIPTION') for name in os.listdir(top))
    ]


def _r(
    request: InstallationRequest, site: str, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    program = interpreter(request, environment, ('Rscript',))
    if program is None:
        reason = 'has R packages, and its module finds no Rscript of the stack'
        yield Observation('bundle/no-interpreter', Severity.ERROR, site, 'Rscript', reason)
        return
    top = f'{request.real_path}/{site}'
    names = sorted(
        name for name in os.listdir(top) if os.path.isfile(f'{top}/{name}/Meta/package.rds')
    )
    script = f'{scratch}/libraries.R'
    with open(script, 'w', encoding='utf-8') as file:
        file.write(_R_LIBRARIES)
    status, out, err = _run([program, '--vanilla', script, *names], environment, scratch)
    answers = dict(
        line.split('\t')[1:3] for line in out.splitlines() if line.startswith('RESULT\t')
    )
    for name in names:
        fault = answers.get(name, f'stopped with {status}: {err.strip()[-160:]}')
        if fault:
            reason = f'library({name}): {fault[:240]}'
            yield Observation('bundle/r-library', Severity.ERROR, f'{site}/{name}', name, reason)
            if name not in answers:
                return


def interpreter(
    request: InstallationRequest, environment: Mapping[str, str], names: tuple[str, ...]
) -> str | None:
    """Return the first program of these names on PATH, else in the compat layer; never a host's."""
    release = request.release
    inside = (f'{release.software}/', f'{release.compat}/')
    path = [d for d in environment.get('PATH', '').split(':') if f'{d}/'.startswith(inside)]
    for name in names:
        for directory in [*path, f'{release.compat}/usr/bin', f'{release.compat}/bin']:
            if os.access(f'{directory}/{name}', os.X_OK):
                return f'{directory}/{name}'
    return None
