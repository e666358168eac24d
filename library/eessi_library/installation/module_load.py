"""Does the module load alone in a clean shell, set what its installation has, and unload cleanly?

One shell per module: the release's init script, ``module load``, ``module unload``, with the
environment written down before, between and after. Lmod's own message is what a finding says.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .model import InstallationRequest, Observation, Severity

#: Seconds for one module with all it depends on.
LIMIT_SECONDS: Final = 120

SCRIPT: Final = """\
source "$1" >init.out 2>&1 || { cat init.out >&2; exit 90; }
env -0 >before.env
module load "$2" >load.out 2>&1 || exit 91
module is-loaded "$2" || exit 92
env -0 >loaded.env
module unload "$2" >unload.out 2>&1 || exit 93
env -0 >after.env
"""

_STATUS: Final = {
    90: 'the init script of the release failed',
    91: 'module load failed',
    92: 'module load returned, and the module is not loaded',
    93: 'module unload failed',
}

#: What Lmod keeps for itself, and what every command of a shell changes.
_OWN: Final = re.compile(
    r'_ModuleTable|__LMOD|LMOD_|LOADEDMODULES\Z|_LMFILES_\Z|_\Z|SHLVL\Z|BASH_FUNC_|OLDPWD\Z'
)

_DEPENDS: Final = re.compile(
    r"""^\s*(?:if\s+not\s*\(?\s*isloaded.*?then\s*)?(?:depends_on|load)\s*\(([^)]*)\)"""
    r"""|^\s*(?:depends-on|module\s+load)\s+(\S+)""",
    re.MULTILINE,
)
_QUOTED: Final = re.compile(r"""["']([^"']+)["']""")
_CONFLICT: Final = re.compile(r"""^\s*conflict\s*\(?\s*["']?([^"'\s)]+)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading: exit status (None: time limit), Lmod's words, three environments."""

    status: int | None
    message: str
    before: Mapping[str, str]
    loaded: Mapping[str, str]
    after: Mapping[str, str]


def clean_environment(request: InstallationRequest) -> dict[str, str]:
    """Return the environment of a shell that nobody has prepared; the CPU target is given."""
    return {
        'PATH': '/usr/bin:/bin',
        'HOME': '/nonexistent',
        'TERM': 'dumb',
        'EESSI_SILENT': '1',
        'EESSI_SOFTWARE_SUBDIR_OVERRIDE': request.release.subdirectory,
    }


def load_module(request: InstallationRequest, scratch: str) -> Loaded:
    """Load and unload the module of an installation in a shell of its own."""
    command = ['bash', '--noprofile', '--norc', '-c', SCRIPT, 'module-check']
    try:
        done = subprocess.run(
            [*command, request.release.init, request.name],
            env=clean_environment(request),
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors='replace',
            timeout=LIMIT_SECONDS,
            check=False,
        )
        status: int | None = done.returncode
        message = done.stderr
    except subprocess.TimeoutExpired:
        status, message = None, f'not done within {LIMIT_SECONDS} s'
    said = [message, *(_text(scratch, name) for name in ('load.out', 'unload.out'))]
    return Loaded(
        status,
        ' '.join(' '.join(said).split())[:300],
        _environment(scratch, 'before.env'),
        _environment(scratch, 'loaded.env'),
        _environment(scratch, 'after.env'),
    )


def _text(scratch: str, name: str) -> str:
    path = Path(scratch, name)
    return path.read_text(encoding='utf-8', errors='replace') if path.exists() else ''


def _environment(scratch: str, name: str) -> dict[str, str]:
    pairs = (entry.partition('=') for entry in _text(scratch, name).split('\0') if '=' in entry)
    return {key: value for key, _, value in pairs if not _OWN.match(key)}


def judge_module(request: InstallationRequest, seen: Loaded) -> Iterator[Observation]:
    """Yield what is wrong with a module, from its file and from what loading it did. Pure but for
    looking whether directories and module files exist."""

    def found(check: str, subject: str, reason: str, severity: Severity) -> Observation:
        return Observation(f'module/{check}', severity, request.name, subject, reason)

    yield from check_module_file(request)
    if seen.status != 0:
        why = _STATUS.get(seen.status or -1, f'exit status {seen.status}')
        yield found('load', why, f'{why}: {seen.message}', Severity.ERROR)
        return
    roots = [key for key, value in seen.loaded.items() if value == request.path]
    if not any(key.startswith('EBROOT') for key in roots):
        name = root_variable(request.name.split('/')[0])
        value = seen.loaded.get(name, 'not set')
        reason = f'no EBROOT variable is {request.path}; {name} is {value}'
        yield found('root', name, reason, Severity.ERROR)
    path = seen.loaded.get('PATH', '').split(':')
    if _has_programs(request) and f'{request.path}/bin' not in path:
        yield found('path', 'PATH', 'bin has programs and is not on PATH', Severity.ERROR)
    for name in ('LD_LIBRARY_PATH', 'LD_PRELOAD', 'LD_AUDIT'):
        if name in seen.loaded and seen.loaded[name] != seen.before.get(name):
            reason = f'sets {name}, which reaches every program of the user: {seen.loaded[name]}'
            yield found('library-path', name, reason, Severity.ERROR)
    for name in sorted(set(seen.loaded) - set(seen.before)):
        for entry in seen.loaded[name].split(':') if name.endswith('PATH') else ():
            if entry.startswith(request.path) and not os.path.exists(
                request.release.located(entry)
            ):
                reason = f'{name} names {entry}, which is not there'
                yield found('directory', name, reason, Severity.WARNING)
    left = [
        name
        for name in sorted({*seen.before, *seen.after})
        if seen.before.get(name) != seen.after.get(name)
    ]
    if left:
        changed = ', '.join(left[:5])
        yield found('unload', changed, f'unload leaves {changed} changed', Severity.ERROR)


def check_module_file(request: InstallationRequest) -> Iterator[Observation]:
    """Yield what is wrong with the text of a module file: dependencies, conflict."""
    tree = f'{request.release.software}/modules/all'

    def found(check: str, subject: str, reason: str, severity: Severity) -> Observation:
        return Observation(f'module/{check}', severity, request.name, subject, reason)

    if request.module_file is None:
        yield found('missing', 'module', f'has no module file in {tree}', Severity.ERROR)
        return
    try:
        place = request.release.located(request.module_file)
        text = Path(place).read_text(encoding='utf-8', errors='replace')
    except OSError as error:
        reason = f'the module file cannot be read: {error.strerror}'
        yield found('missing', 'module', reason, Severity.ERROR)
        return
    for wanted in dependencies(text):
        if not _module_exists(request, tree, wanted):
            reason = f'depends on {wanted}, which has no module in {tree}'
            yield found('dependency', wanted, reason, Severity.ERROR)
    name = request.name.split('/')[0]
    if name not in _CONFLICT.findall(text):
        reason = f'does not conflict with other versions of {name}'
        yield found('conflict', name, reason, Severity.WARNING)


def dependencies(text: str) -> list[str]:
    """Return the modules that a module file loads, in order, each once."""
    found: dict[str, None] = {}
    for match in _DEPENDS.finditer(text):
        names = _QUOTED.findall(match[1]) if match[1] is not None else [match[2]]
        found.update(dict.fromkeys(names))
    return list(found)


def _module_exists(request: InstallationRequest, tree: str, name: str) -> bool:
    places = (f'{tree}/{name}.lua', f'{tree}/{name}')
    return any(os.path.exists(request.release.located(place)) for place in places)


def _has_programs(request: InstallationRequest) -> bool:
    try:
        with os.scandir(f'{request.real_path}/bin') as entries:
            return any(entry.is_file() and os.access(entry.path, os.X_OK) for entry in entries)
    except OSError:
        return False


def root_variable(software: str) -> str:
    """Return the name of the variable with the root of software, as EasyBuild makes it
    (``get_software_root_env_var_name`` and ``convert_name`` of its tools)."""
    mapped = {'+': 'plus', '-': 'min', '.': ''}
    return 'EBROOT' + ''.join(mapped.get(char, char) for char in software).upper()
