"""Reads Portage's database of installed packages (VDB), also of a foreign architecture. Pure.

Source: portage(5), ``/var/db/pkg``; PMS 11 (https://projects.gentoo.org/pms) for package atoms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from eessi_library.compat_layer.package_model import (
    DIRECTORY,
    FILE,
    LINK,
    DatabaseError,
    Entry,
    Package,
)

_PREFIX = re.compile(r'^.*?/compat/[^/]+/[^/]+/')
_NAME_VERSION = re.compile(
    r'^(?P<name>.+?)-(?P<version>\d+(?:\.\d+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)\d*)*(?:-r\d+)?)$'
)
_ATOM = re.compile(
    r'^(?P<operator>[<>]?=|[<>~])?(?P<name>[^:\[\s]+?)(?P<glob>\*)?(?::(?P<slot>[^\[\s]+))?(?:\[.*\])?$'
)
_TRUSTED = re.compile(r'user-defined-trusted-dirs=(?P<list>[^"\'\s\\]+)')


def parse_contents(text: str) -> list[Entry]:
    """Return the entries of a CONTENTS file; paths may contain spaces; raises DatabaseError."""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        kind, _, rest = line.partition(' ')
        if kind == 'obj' and len(parts := rest.rsplit(' ', 2)) == 3:
            entries.append(Entry(relative(parts[0]), FILE, md5=parts[1]))
        elif kind == 'sym' and ' -> ' in rest and ' ' in rest.partition(' -> ')[2]:
            path, _, target = rest.partition(' -> ')
            entries.append(Entry(relative(path), LINK, target=target.rsplit(' ', 1)[0]))
        elif kind == 'dir' and rest:
            entries.append(Entry(relative(rest), DIRECTORY))
        elif kind in ('fif', 'dev') and rest:
            entries.append(Entry(relative(rest), ''))
        elif line.strip():
            raise DatabaseError(f'line {number} is no entry of CONTENTS: {line!r}')
    return entries


def relative(path: str) -> str:
    """Return a path relative to the compat layer: CONTENTS has the prefix in front."""
    return _PREFIX.sub('', path).lstrip('/')


def split_name_version(text: str) -> tuple[str, str]:
    """Return name and version of ``glibc-2.37-r7``; the version is '' where there is none."""
    found = _NAME_VERSION.match(text)
    return (found['name'], found['version']) if found else (text, '')


def read_database(compat_path: str) -> list[Package]:
    """Return the installed packages, named ``category/name``; raises DatabaseError."""
    root = Path(compat_path, 'var/db/pkg')
    places = sorted(p for p in root.glob('*/*') if p.is_dir() and not p.name.startswith('-'))
    if not places:
        raise DatabaseError(f'{root} holds no package')
    packages = []
    for place in places:
        contents = place / 'CONTENTS'
        try:
            text = contents.read_text(encoding='utf-8', errors='surrogateescape')
            entries = tuple(parse_contents(text))
        except OSError as error:
            raise DatabaseError(f'{contents}: {error.strerror}') from error
        except DatabaseError as error:
            raise DatabaseError(f'{contents}: {error}') from error
        name, version = split_name_version(place.name)
        packages.append(Package(f'{place.parent.name}/{name}', version, entries))
    return packages


def recorded_trusted_directories(environment: str) -> list[str]:
    """Return the directories in ``user-defined-trusted-dirs=...``; empty where there are none."""
    found = _TRUSTED.search(environment)
    return [part for part in found['list'].split(':') if part] if found else []


def parse_set(text: str) -> list[str]:
    """Return the atoms of a package set, without comments."""
    lines = (line.partition('#')[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def is_installed(atom: str, packages: Iterable[Package]) -> bool:
    """Say whether a package fits an atom; slots and USE flags are not compared.

    Operators: none and ``=`` (exact, or a prefix with ``*``), ``~`` (any revision). Ordered
    operators ask for the package alone: sets of EESSI do not use them.
    """
    found = _ATOM.match(atom)
    if not found:
        raise DatabaseError(f'{atom!r} is no package atom')
    name, version = found['name'], ''
    if found['operator']:
        name, version = split_name_version(found['name'])
    for package in packages:
        if package.name == name and _fits(found, version, package.version):
            return True
    return False


def _fits(atom: re.Match[str], wanted: str, installed: str) -> bool:
    if atom['operator'] == '=':
        return installed.startswith(wanted) if atom['glob'] else installed == wanted
    if atom['operator'] == '~':
        return re.sub(r'-r\d+$', '', installed) == wanted
    return True
