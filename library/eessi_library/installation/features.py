"""What an installation offers, as a list that can be compared between targets and releases.

Extensions of Python, R and Perl with their versions, and programs. From files alone: the lists of a
CPU target that this host cannot execute are as good as any.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from .bundles.perl import perl_names
from .bundles.python import python_sites
from .bundles.r import r_packages, r_sites
from .model import Finding, InstallationRequest, Severity
from .start_up import programs

_DISTRIBUTION: Final = re.compile(
    r'^(?P<name>.+?)-(?P<version>\d[^-]*)(?:-.*)?\.(?:dist|egg)-info$'
)
_VERSION: Final = re.compile(r'^Version:\s*(\S+)', re.MULTILINE)


def features_of(request: InstallationRequest) -> dict[str, str]:
    """Return ``<kind>:<name>`` -> version ('' where it has none) of all that it offers."""
    found: dict[str, str] = {}
    top = request.real_path
    for site in python_sites(request):
        for entry in os.listdir(f'{top}/{site}'):
            match = _DISTRIBUTION.match(entry)
            if match:
                name = re.sub(r'[-_.]+', '-', match['name']).lower()  # PEP 503
                found[f'python:{name}'] = match['version']
    for site in r_sites(request):
        for name in r_packages(f'{top}/{site}'):
            found[f'R:{name}'] = _r_version(f'{top}/{site}/{name}/DESCRIPTION')
    for name in perl_names(request):
        found[f'perl:{name}'] = ''
    for name in programs(request):
        found[f'program:{name}'] = ''
    return found


def _r_version(path: str) -> str:
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            match = _VERSION.search(file.read(100_000))
    except OSError:
        return ''
    return match[1] if match else ''


def drift(
    installation: str, ours: Mapping[str, str], theirs: Mapping[str, str], where: str
) -> Iterator[Finding]:
    """Yield what one installation lacks, has besides, or has in another version than elsewhere.

    :arg where: what ``theirs`` is from, in words.
    """
    for name in sorted({*ours, *theirs}):
        if name not in ours:
            reason = f'is not here, and {where} has it'
        elif name not in theirs:
            reason = f'is here, and {where} does not have it'
        elif ours[name] != theirs[name]:
            reason = f'is {ours[name] or "without version"}, and {where} has {theirs[name]}'
        else:
            continue
        check = 'drift/version' if name in ours and name in theirs else 'drift/feature'
        yield Finding(check, Severity.ERROR, installation, name, reason)


def release_drift(
    installation: str, ours: Mapping[str, str], theirs: Mapping[str, str], where: str
) -> Iterator[Finding]:
    """Yield what software of another release offers and this one does not: what users will miss.

    Warnings: releases may differ, and versions of extensions must.
    """
    for name in sorted(set(theirs) - set(ours)):
        reason = f'is not here, and {where} has it'
        yield Finding('drift/release', Severity.WARNING, installation, name, reason)


def installation_drift(ours: Iterable[str], theirs: Iterable[str], where: str) -> Iterator[Finding]:
    """Yield the installations that are on one side only."""
    here, there = set(ours), set(theirs)
    for name in sorted(there - here):
        reason = f'is not here, and {where} has it'
        yield Finding('drift/installation', Severity.ERROR, name, 'installation', reason)
    for name in sorted(here - there):
        reason = f'is here, and {where} does not have it'
        yield Finding('drift/installation', Severity.ERROR, name, 'installation', reason)
