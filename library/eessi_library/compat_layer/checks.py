"""The one table that says which check of the compat layer applies to which stack, and why not.

Imports the standard library only. A check is one row; nothing else in the library decides whether
a check runs, so what does not apply is known when the run is planned, with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

#: Group -> library test that holds the checks of the group.
GROUPS: Final[dict[str, str]] = {
    'tools': 'eessi_library.compat_layer.tools.CompatTools',
    'c_library': 'eessi_library.compat_layer.c_library.CLibrary',
    'locale_time': 'eessi_library.compat_layer.locale_time.LocaleAndTime',
    'name_service': 'eessi_library.compat_layer.name_service.NameService',
    'trust_store': 'eessi_library.compat_layer.trust_store.TrustStore',
    'loader': 'eessi_library.compat_layer.loader.Loader',
    'packages': 'eessi_library.compat_layer.package_database.PackageDatabase',
    'permissions': 'eessi_library.compat_layer.permissions.Permissions',
    'module_system': 'eessi_library.compat_layer.module_system.ModuleSystem',
    'compiler': 'eessi_library.compat_layer.compiler.Compiler',
    'portage_setup': 'eessi_library.compat_layer.portage_setup.PortageSetup',
}

#: Package managers whose database can be read; ``none`` is a compat layer without any.
PACKAGE_MANAGERS: Final = ('portage', 'dpkg', 'none')

_NOT_PORTAGE: Final = 'only Portage has it; packages of this compat layer come from {}'
_DEBIAN_GLIBC: Final = "Debian's glibc is built without user-defined trusted directories"


@dataclass(frozen=True)
class Check:
    """One check: what it asserts, in which group it runs, and where it makes sense."""

    #: Name, unique in the table.
    name: str
    #: Library test that holds it, a key of :data:`GROUPS`.
    group: str
    #: What is asserted, in one phrase.
    asserts: str
    #: Package manager -> why the check makes no sense there ({} is its name).
    not_with: dict[str, str] = field(default_factory=dict, hash=False)
    #: First and last release that has what is checked, both included; '' is no limit.
    first: str = ''
    last: str = ''
    #: Why releases before ``first`` or after ``last`` do not have it.
    limit: str = ''
    #: Programs that must be shipped for the check to make sense.
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Applicability:
    """Whether a check applies, and the reason where it does not."""

    applies: bool
    reason: str


def _portage(name: str, group: str, asserts: str, **limits: str) -> Check:
    reasons = {'dpkg': _NOT_PORTAGE.format('dpkg'), 'none': _NOT_PORTAGE.format('no database')}
    return Check(name, group, asserts, reasons, **limits)


_TRUSTED = {'dpkg': _DEBIAN_GLIBC, 'none': _DEBIAN_GLIBC}
_SETS = 'package sets are used up to release 2025.06'
_GIT_SYNC = 'the repository is synced by git since the pilot 2021.06'
_TRUSTED_SINCE = 'trusted directories were added in the pilot 2021.06'

_TABLE: Final = (
    Check('start', 'tools', 'startprefix runs commands and hands on their exit status'),
    Check('tools', 'tools', 'required tools are shipped and start'),
    Check('make', 'tools', 'make builds a target', needs=('make',)),
    Check('patch', 'tools', 'patch changes a file', needs=('patch',)),
    Check('patchelf', 'tools', 'patchelf sets an RPATH', needs=('patchelf',)),
    Check('linker', 'tools', 'the linker embeds data in an object', needs=('ld.bfd', 'objdump')),
    Check('archspec', 'tools', 'archspec names a target the CPU can run', needs=('archspec',)),
    Check('git', 'tools', 'git makes the commit that was asked for', needs=('git',)),
    Check('curl', 'tools', 'curl transfers a file unchanged', needs=('curl',)),
    Check('pip_check', 'tools', 'installed Python packages fit each other', needs=('pip',)),
    Check('format', 'c_library', 'printf and awk print doubles exactly', needs=('printf', 'awk')),
    Check('convert', 'c_library', 'strtod and snprintf are exact', needs=('python3',)),
    Check('math', 'c_library', 'libm is within 1 ulp, sqrt and fma exact', needs=('python3',)),
    Check('iconv', 'c_library', 'character sets convert exactly', needs=('iconv',)),
    Check('locale', 'locale_time', 'en_US.utf8 exists', needs=('locale',)),
    Check('locale_rules', 'locale_time', 'en_US.utf8 formats and sorts', needs=('sort', 'printf')),
    Check('time_zone', 'locale_time', 'zones have their exact offsets', needs=('date',)),
    Check('users', 'name_service', 'the running user and group are found', needs=('getent', 'id')),
    Check('hosts', 'name_service', 'localhost and addresses resolve', needs=('getent',)),
    Check(
        'host_links',
        'name_service',
        'links to host files lead to the host',
    ),
    Check('certificates', 'trust_store', 'every certificate parses', needs=('python3',)),
    Check('default_store', 'trust_store', 'the store is the default', needs=('openssl',)),
    Check('chain', 'trust_store', 'only trusted chains are accepted', needs=('openssl',)),
    Check(
        'handshake',
        'trust_store',
        'curl and Python trust only what the store trusts',
        needs=('openssl', 'python3', 'curl'),
    ),
    Check('own_libraries', 'loader', 'programs load their libraries from the compat layer'),
    Check('dlopen_search', 'loader', 'dlopen searches no directory of the host'),
    Check('glibc_version', 'loader', 'loader, C library and database name one version'),
    Check(
        'trusted_directories',
        'loader',
        'the loader searches the trusted directories',
        _TRUSTED,
        first='2021.06',
        limit=_TRUSTED_SINCE,
    ),
    Check(
        'trusted_record',
        'loader',
        'the trusted directories are recorded for the next build of glibc',
        _TRUSTED,
        first='2021.06',
        limit=_TRUSTED_SINCE,
    ),
    Check('database', 'packages', 'there is a package database with the essential packages'),
    Check('files', 'packages', 'files of all packages are there and unmodified'),
    Check('unowned', 'packages', 'every program and library belongs to a package'),
    Check('modes', 'permissions', 'no setuid, setgid, world-writable or unreadable file'),
    Check('module_avail', 'module_system', "Lmod lists its own and a user's modules"),
    Check('module_load', 'module_system', 'Lmod loads, unloads and refuses modules'),
    Check('lto', 'compiler', 'GCC compiles, links with LTO, and the program runs', needs=('gcc',)),
    _portage('emerge', 'portage_setup', 'emerge starts and names its version'),
    _portage('equery', 'portage_setup', 'equery starts and finds the owner of a file'),
    _portage(
        'git_sync', 'portage_setup', 'the gentoo repository is synced by git',
        first='2021.06', limit=_GIT_SYNC,
    ),
    _portage('package_set', 'portage_setup', 'the set of this stack is known', last='2025.06',
             limit=_SETS),
    _portage('set_installed', 'portage_setup', 'every package of the set is installed',
             last='2025.06', limit=_SETS),
)  # fmt: skip

_BY_NAME: Final[dict[str, Check]] = {check.name: check for check in _TABLE}

#: Names of all checks, in the order in which they run.
CHECKS: Final[tuple[str, ...]] = tuple(_BY_NAME)


def find_check(name: str) -> Check:
    """Return the row of a check; raises ValueError naming the valid ones."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise ValueError(f'no check {name!r}; the checks are {", ".join(CHECKS)}') from None


def release_key(release: str) -> tuple[int, int]:
    """Return (year, month) of ``2025.06`` or the nightly form ``20250612``; raises ValueError."""
    found = re.fullmatch(r'(20\d\d)(?:\.(\d\d)|(\d\d)\d\d)(?:-[\w.-]+)?', release)
    if not found:
        raise ValueError(f'release {release!r} is neither YYYY.MM nor YYYYMMDD')
    return int(found[1]), int(found[2] or found[3])


def applicable(
    check_name: str,
    release: str,
    package_manager: str,
    shipped: Collection[str] | None = None,
) -> Applicability:
    """Say whether a check applies to a stack, and why not.

    :arg release: e.g. ``2023.06``.
    :arg package_manager: one of :data:`PACKAGE_MANAGERS`.
    :arg shipped: programs of the compat layer
        (:func:`eessi_library.compat_layer.layout.shipped_programs`); None takes all for shipped.
    """
    check = find_check(check_name)
    if package_manager not in PACKAGE_MANAGERS:
        raise ValueError(f'package manager {package_manager!r} is not in {PACKAGE_MANAGERS}')
    if reason := check.not_with.get(package_manager):
        return Applicability(False, reason)
    key = release_key(release)
    too_old = check.first and key < release_key(check.first)
    too_new = check.last and key > release_key(check.last)
    if too_old or too_new:
        return Applicability(False, f'{check.limit} (this is {release})')
    if shipped is not None and (missing := [p for p in check.needs if p not in shipped]):
        return Applicability(False, f'{" and ".join(missing)} not shipped by this compat layer')
    return Applicability(True, '')


def applicable_checks(
    group: str, release: str, package_manager: str, shipped: Collection[str] | None = None
) -> tuple[str, ...]:
    """Return the names of the checks of a group that apply, in order."""
    return tuple(
        check.name
        for check in _TABLE
        if check.group == group
        and applicable(check.name, release, package_manager, shipped).applies
    )


def group_applicable(
    group: str, release: str, package_manager: str, shipped: Collection[str] | None = None
) -> Applicability:
    """Say whether any check of a group applies, and why none does."""
    if group not in GROUPS:
        raise ValueError(f'no group {group!r}; the groups are {", ".join(GROUPS)}')
    names = [check.name for check in _TABLE if check.group == group]
    answers = [applicable(name, release, package_manager, shipped) for name in names]
    if any(answer.applies for answer in answers):
        return Applicability(True, '')
    return Applicability(False, '; '.join(dict.fromkeys(answer.reason for answer in answers)))
