"""Wheels: what their metadata say, and how they are laid out below an installation.

Format: PyPA, Binary distribution format (PEP 427) and Core metadata. The layout is the one pip
makes, without its traces of the building host (no ``direct_url.json``, no compiled-in Python).
"""

from __future__ import annotations

import configparser
import hashlib
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path, PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from eessi_validate.localstack.errors import LocalStackError

_SCRIPT = """\
#!/usr/bin/python3
import sys
from {module} import {first}

sys.exit({call}())
"""


@dataclass(frozen=True)
class Wheel:
    """One wheel in the cache; `name` is the normalised name of the distribution."""

    path: Path
    name: str
    version: str
    requires: tuple[str, ...] = ()

    @property
    def is_pure(self) -> bool:
        """Whether it fits any machine."""
        return self.path.name.endswith('-none-any.whl')


def read_wheel(path: Path) -> Wheel:
    """Read a wheel's metadata; LocalStackError when it is not a wheel."""
    try:
        with zipfile.ZipFile(path) as archive:
            (name,) = (n for n in archive.namelist() if _is_metadata(n))
            fields = HeaderParser().parsestr(archive.read(name).decode())
    except (OSError, ValueError, zipfile.BadZipFile) as broken:
        raise LocalStackError(f'{path.name} is not a wheel: {broken}') from broken
    requires = tuple(fields.get_all('Requires-Dist') or ())
    return Wheel(path, canonicalize_name(fields['Name']), fields['Version'], requires)


def _is_metadata(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 2 and parts[0].endswith('.dist-info') and parts[1] == 'METADATA'


def needed(
    requirements: Iterable[str],
    wheels: Mapping[str, Wheel],
    provided: Mapping[str, str],
    environment: Mapping[str, str],
) -> list[Wheel]:
    """The wheels that `requirements` need in `environment`, without those that are `provided`.

    pip evaluates markers for the Python that runs it, so its choice is checked here against the
    Python of the stack. `provided` maps what the dependencies of the installation bring to its
    version. Raises LocalStackError for what is missing or of a wrong version.
    """
    found: dict[str, Wheel] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(Requirement(r), '') for r in requirements]
    while queue:
        requirement, by = queue.pop(0)
        name = canonicalize_name(requirement.name)
        version = provided.get(name) or (wheels[name].version if name in wheels else '')
        if not requirement.specifier.contains(version or '0', prereleases=True) or not version:
            has = f'{name} {version}' if version else 'no wheel of it'
            wants = f'{by} needs {requirement}' if by else f'{requirement} is wanted'
            raise LocalStackError(f'{wants}, but there is {has}')
        if name in provided:
            continue
        wheel = found.setdefault(name, wheels[name])
        for extra in ('', *sorted(requirement.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                more = map(Requirement, wheel.requires)
                queue += [
                    (r, f'{name} {wheel.version}')
                    for r in more
                    if r.marker is None or r.marker.evaluate({**environment, 'extra': extra})
                ]
    return sorted(found.values(), key=lambda w: w.name)


def environment(python: str, machine: str) -> dict[str, str]:
    """The markers of the stack's Python (PEP 508); `python` is ``3.11``, `machine` ``x86_64``."""
    return {
        'implementation_name': 'cpython',
        'implementation_version': f'{python}.0',
        'os_name': 'posix',
        'platform_machine': machine,
        'platform_python_implementation': 'CPython',
        'platform_release': '',
        'platform_system': 'Linux',
        'platform_version': '',
        'python_full_version': f'{python}.0',
        'python_version': python,
        'sys_platform': 'linux',
    }


def install(wheel: Wheel, prefix: Path, python: str) -> None:
    """Lay a wheel out below `prefix`: ``lib/python3.11/site-packages``, ``bin``, ..."""
    site = prefix / 'lib' / f'python{python}' / 'site-packages'
    schemes = {
        'purelib': site,
        'platlib': site,
        'scripts': prefix / 'bin',
        'data': prefix,
        'headers': prefix / 'include' / f'python{python}' / wheel.name,
    }
    with zipfile.ZipFile(wheel.path) as archive:
        for member in archive.infolist():
            parts = PurePosixPath(member.filename).parts
            if member.is_dir() or not parts:
                continue
            if '..' in parts or parts[0] == '/':
                raise LocalStackError(f'{wheel.path.name} has the unsafe path {member.filename}')
            target = site.joinpath(*parts)
            if parts[0].endswith('.data') and len(parts) > 2 and parts[1] in schemes:
                target = schemes[parts[1]].joinpath(*parts[2:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, open(target, 'wb') as stream:
                shutil.copyfileobj(source, stream, 1 << 20)
            is_script = len(parts) > 2 and parts[1] == 'scripts'
            executable = is_script or (member.external_attr >> 16) & 0o111
            target.chmod(0o755 if executable else 0o644)
            if is_script:
                _name_python(target)
        entries = [n for n in archive.namelist() if n.endswith('.dist-info/entry_points.txt')]
        text = archive.read(entries[0]).decode() if entries else ''
    _write_scripts(text, prefix / 'bin')


def _name_python(script: Path) -> None:
    """``#!python`` stands for the interpreter of the installation (PEP 427)."""
    content = script.read_bytes()
    if content.startswith(b'#!python'):
        script.write_bytes(b'#!/usr/bin/python3\n' + content.partition(b'\n')[2])


def _write_scripts(entry_points: str, bin_: Path) -> None:
    """A program for each console script (PyPA, Entry points specification)."""
    parser = configparser.ConfigParser(delimiters=('=',), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(entry_points)
    if not parser.has_section('console_scripts'):
        return
    bin_.mkdir(parents=True, exist_ok=True)
    for name, value in parser['console_scripts'].items():
        module, _, call = value.split('[')[0].strip().partition(':')
        text = _SCRIPT.format(module=module, first=call.split('.')[0], call=call)
        (bin_ / name).write_text(text, encoding='utf-8')
        (bin_ / name).chmod(0o755)


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
