"""Where things are in a compat layer, and which facts belong to which release; stdlib only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eessi_library.compat_layer.checks import release_key

#: Directories of programs, relative to the compat layer.
PROGRAM_DIRECTORIES: Final = ('usr/sbin', 'usr/bin', 'sbin', 'bin')

#: CPU family -> loader, relative to the compat layer (gABI supplements of each processor).
LOADERS: Final[dict[str, str]] = {
    'x86_64': 'lib64/ld-linux-x86-64.so.2',
    'aarch64': 'lib/ld-linux-aarch64.so.1',
    'ppc64le': 'lib64/ld64.so.2',
    'riscv64': 'lib/ld-linux-riscv64-lp64d.so.1',
}

#: The store of trusted certificates, relative to the compat layer.
TRUST_STORE: Final = 'etc/ssl/certs/ca-certificates.crt'


@dataclass(frozen=True)
class Place:
    """What the path of a compat layer says: stack, release, operating system and CPU family."""

    root: str
    release: str
    system: str
    arch: str


def read_place(compat_path: str) -> Place:
    """Split ``<root>[/versions]/<release>/compat/<system>/<arch>``; raises ValueError.

    The pilot 2021.06 has no ``versions`` directory.
    """
    parts = Path(compat_path).parts
    if len(parts) < 5 or parts[-3] != 'compat':
        raise ValueError(f'{compat_path} does not end in <release>/compat/<system>/<arch>')
    above = Path(*parts[:-4])
    root = above.parent if above.name == 'versions' else above
    return Place(str(root), parts[-4], parts[-2], parts[-1])


def detect_package_manager(compat_path: str | os.PathLike[str]) -> str:
    """Return ``portage``, ``dpkg`` or ``none`` from the package database that is there.

    A layer that should have Portage's database but lost it must not look like one without: its
    configuration says whose it is, also beside a database of dpkg.
    """
    path = Path(compat_path)
    if (path / 'etc/portage').is_dir() or any(path.glob('var/db/pkg/*/*/CONTENTS')):
        return 'portage'
    return 'dpkg' if (path / 'var/lib/dpkg/status').is_file() else 'none'


def shipped_programs(compat_path: str | os.PathLike[str]) -> frozenset[str]:
    """Return the names of all programs of a compat layer, dangling links included.

    A dangling link is a program that the layer means to ship: its check must run and fail.
    """
    names: set[str] = set()
    for directory in PROGRAM_DIRECTORIES:
        path = Path(compat_path, directory)
        if path.is_dir():
            names.update(os.listdir(path))
    return frozenset(names)


def search_path(compat_path: str) -> str:
    """Return the PATH that holds the programs of the compat layer and no others."""
    return ':'.join(f'{compat_path}/{directory}' for directory in PROGRAM_DIRECTORIES)


def trusted_directories(compat_path: str, release: str) -> list[str]:
    """Return the directories that glibc trusts besides its own, in order.

    Up to 2023.06 the site's injected libraries; later directories of the compat layer that are
    variant symlinks (EESSI/compatibility-layer, pull requests 135 and 227).
    """
    place = read_place(compat_path)
    if release_key(release) >= (2025, 6):
        return [f'{compat_path}/lib/{name}' for name in ('override', 'nvidia', 'amd')]
    injected = f'{place.root}/host_injections/{release}'
    return [f'{injected}/compat/{place.system}/{place.arch}/lib']


@dataclass(frozen=True)
class Required:
    """A tool or link that a range of releases must have."""

    name: str
    package_managers: tuple[str, ...] = ('portage', 'dpkg', 'none')
    first: str = '2020.01'
    last: str = '9999.12'


#: Tools that every session must find in the compat layer; gold left binutils after 2023.06.
REQUIRED_TOOLS: Final = (
    Required('bash'),
    Required('python3'),
    Required('make'),
    Required('patch'),
    Required('patchelf', first='2021.06'),
    Required('ld.bfd'),
    Required('ld.gold', last='2023.06'),
    Required('archspec', ('portage',)),
    Required('emerge', ('portage',)),
    Required('equery', ('portage',)),
    Required('git', ('portage',), first='2021.06'),
    Required('curl', ('portage',)),
)

#: Links to files of the host: users, hosts and resolver of the node decide, not the stack.
HOST_LINKS: Final = (
    Required('etc/group'),
    Required('etc/passwd'),
    Required('etc/hosts', first='2021.01'),
    Required('etc/nsswitch.conf', last='2021.12'),
    Required('etc/resolv.conf'),
    Required('lib64/libnss_centrifydc.so.2', ('portage',)),
    Required('lib64/libnss_ldap.so.2', ('portage',), last='2021.12'),
    Required('lib64/libnss_sss.so.2', ('portage',), last='2021.12'),
)


def required(table: tuple[Required, ...], release: str, package_manager: str) -> list[str]:
    """Return the names in a table that a release must have."""
    key = _year_month(release)
    return [
        row.name
        for row in table
        if package_manager in row.package_managers
        and _year_month(row.first) <= key <= _year_month(row.last)
    ]


def _year_month(release: str) -> tuple[int, int]:
    if release.startswith('9999'):
        return 9999, 12
    return release_key(release)


def host_targets(compat_path: str, name: str) -> list[str]:
    """Return the targets that a link to a host file may have.

    Since 2025.06 a variant symlink of the stack may stand between (``defaults/compat/...``).
    """
    return [f'/{name}', f'{read_place(compat_path).root}/defaults/compat/{name}']
