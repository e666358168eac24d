"""The version of the software by the records of its own installation, against its module's.

Three kinds of records name the software and its version, apart from what EasyBuild writes after
the name of the module: the metadata of a Python distribution or of an R package, the ``.pc`` file
of pkg-config, and the version file of a CMake package. Only a record that goes by the name of the
software counts: GROMACS' ``libgromacs.pc`` and ``gromacs-config-version.cmake``, not the ones of
what was built along.

How much each is worth: a Python distribution and an R package are released under the version that
their metadata has, so another one there is an error. Versions of ``.pc`` and CMake files are those
of an interface and need not be the release's (graphite2 1.3.14 says 3.2.1), so another one is a
warning, unless a program of the installation says the same (``reported_version``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..bundles.python import python_sites
from ..bundles.python_version import (
    is_between_releases,
    is_no_version,
    normalised_name,
    of_metadata_directory,
)
from ..bundles.r import r_sites
from ..model import InstallationRequest, Observation, Severity
from ..rules import table
from .agreement import Agreement, agreement, best, is_comparable
from .reported import other_names, version_of

#: Where CMake looks for packages (find_package's documentation, Config mode) and pkg-config for
#: its files, relative to the installation.
_PKG_CONFIG: Final = ('lib/pkgconfig', 'lib64/pkgconfig', 'share/pkgconfig')
_CMAKE: Final = ('lib/cmake', 'lib64/cmake', 'share/cmake', 'cmake')

_PC_VERSION: Final = re.compile(r'^Version:[ \t]*(\d\S*)', re.MULTILINE)
_CMAKE_VERSION: Final = re.compile(r'^[ \t]*set[ \t]*\([ \t]*PACKAGE_VERSION[ \t]+"?(\d[^\s")]*)',
                                   re.MULTILINE | re.IGNORECASE)  # fmt: skip
_CMAKE_FILE: Final = re.compile(r'(.+?)-?config-?version\.cmake', re.IGNORECASE)
_R_VERSION: Final = re.compile(r'^Version:\s*(\S+)', re.MULTILINE)

#: Bytes of a record that are read.
_MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Record:
    """A file of the installation that says which version of the software this is."""

    member: str
    version: str
    #: True where the version can only be that of the release.
    of_release: bool


def check_recorded_version(request: InstallationRequest) -> Iterator[Observation]:
    """Yield the records of the software that say another version than its module.

    Where modules name series (``version_reporters``), one that goes on is right: 1.1.1k for 1.1.
    """
    wanted = version_of(request.name)
    software = request.name.split('/')[0]
    reporter = table('version_reporters').get(software, {})
    if not is_comparable(wanted) or software in table('version_records'):
        return
    names = (wanted, *other_names(reporter, wanted))
    for record in recorded_versions(request):
        found = best(agreement(each, record.version) for each in names)
        series = found is Agreement.LONGER and reporter.get('series')
        if found is Agreement.SAME or series or _lacks_revision(wanted, record, found):
            continue
        certain = record.of_release and found is not Agreement.SHORTER
        more = '' if certain else ': whether that is the same release cannot be told from here'
        yield Observation(
            'version/recorded',
            Severity.ERROR if certain else Severity.WARNING,
            record.member,
            record.version,
            f'is of {software} {record.version}, the module says {wanted}{more}',
        )


def recorded_versions(request: InstallationRequest) -> list[Record]:
    """Return what the records of an installation say of the software that it is named after."""
    software = normalised_name(request.name.split('/')[0])
    found: list[Record] = []
    for site in python_sites(request):
        # the directory of a distribution begins with its name (PyPA, Recording installed projects)
        names = _names(request, site)
        for entry in (name for name in names if normalised_name(name).startswith(software)):
            of = of_metadata_directory(f'{request.real_path}/{site}/{entry}')
            if of and normalised_name(of[0]) == software and not is_no_version(of[1]):
                certain = not is_between_releases(of[1])
                found.append(Record(f'{site}/{entry}', of[1], certain))
    for site in r_sites(request):
        for name in _names(request, site):
            member = f'{site}/{name}/DESCRIPTION'
            if normalised_name(name) == software:
                found += _read(request, member, _R_VERSION, True)
    for directory in _PKG_CONFIG:
        for name in _names(request, directory):
            if name.endswith('.pc') and _is_of(name[:-3], software):
                found += _read(request, f'{directory}/{name}', _PC_VERSION, False)
    for directory in _cmake_directories(request):
        for name in _names(request, directory):
            match = _CMAKE_FILE.fullmatch(name)
            if match and _is_of(match[1], software):
                found += _read(request, f'{directory}/{name}', _CMAKE_VERSION, False)
    return found


def _lacks_revision(wanted: str, record: Record, found: Agreement) -> bool:
    """True for the interface's version of 7.1.1-15: ImageMagick.pc says 7.1.1, no revision."""
    release = re.sub(r'-\d+\Z', '', wanted)
    shorter = found is Agreement.SHORTER and not record.of_release
    return shorter and agreement(release, record.version) is Agreement.SAME


def _is_of(name: str, software: str) -> bool:
    plain = normalised_name(name)
    return software in (plain, plain.removeprefix('lib'))


def _cmake_directories(request: InstallationRequest) -> Iterator[str]:
    for top in _CMAKE:
        yield top
        yield from (f'{top}/{name}' for name in _names(request, top))


def _names(request: InstallationRequest, directory: str) -> list[str]:
    try:
        return sorted(os.listdir(f'{request.real_path}/{directory}'))
    except OSError:
        return []


def _read(
    request: InstallationRequest, member: str, pattern: re.Pattern[str], of_release: bool
) -> Iterator[Record]:
    try:
        with open(f'{request.real_path}/{member}', encoding='utf-8', errors='replace') as file:
            match = pattern.search(file.read(_MOST))
    except OSError:
        return  # files/unreadable says so
    if match:
        yield Record(member, match[1], of_release)
