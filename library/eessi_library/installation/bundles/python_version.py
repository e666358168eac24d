"""Names and versions of Python distributions: PEP 503, PEP 440 and their metadata. Pure but for
reading one file of metadata."""

from __future__ import annotations

import os
import re
from typing import Final

_DIRECTORY: Final = re.compile(r'(?P<name>.+?)-(?P<version>\d[^-]*)(?:-.*)?\.(?:dist|egg)-info')
_FIELD: Final = re.compile(r'^(Name|Version):[ \t]*(\S+)', re.MULTILINE)

#: PEP 440, appendix B, in the parts that tell releases apart.
_PEP_440: Final = re.compile(
    r'v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)'
    r'(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>\d*))?'
    r'(?P<post>-\d+|[-_.]?(?:post|rev|r)[-_.]?\d*)?'
    r'(?P<dev>[-_.]?dev[-_.]?\d*)?'
    r'(?P<local>\+[a-z0-9._-]+)?'
)
_PRE: Final = {'alpha': 'a', 'beta': 'b', 'c': 'rc', 'pre': 'rc', 'preview': 'rc'}


def normalised_name(name: str) -> str:
    """Return a name as PEP 503 compares it."""
    return re.sub(r'[-_.]+', '-', name).lower()


def of_metadata_directory(path: str) -> tuple[str, str] | None:
    """Return name and version of a ``.dist-info`` or ``.egg-info``; None for anything else.

    What the metadata says counts; the name of the directory, where there is none to read.
    """
    if not path.endswith(('.dist-info', '.egg-info')):
        return None
    for place in (f'{path}/METADATA', f'{path}/PKG-INFO', path):
        if os.path.isfile(place):
            try:
                with open(place, encoding='utf-8', errors='replace') as file:
                    fields = dict(_FIELD.findall(file.read(20_000).split('\n\n')[0]))
            except OSError:
                continue
            if {'Name', 'Version'} <= set(fields):
                return fields['Name'], fields['Version']
    match = _DIRECTORY.fullmatch(os.path.basename(path))
    return (match['name'], match['version']) if match else None


def release_of(version: str) -> tuple[tuple[int, ...], str] | None:
    """Return the numbers and the candidate (``rc1``) of a version; None when it is no PEP 440."""
    match = _PEP_440.fullmatch(version.strip().lower())
    if match is None:
        return None
    numbers = [int(number) for number in match['release'].split('.')]
    while numbers[-1:] == [0]:
        numbers.pop()
    pre = match['pre'] or ''
    candidate = f'{_PRE.get(pre, pre)}{int(match["pre_n"] or 0)}' if pre else ''
    return (int(match['epoch'] or 0), *numbers), candidate


def is_no_version(version: str) -> bool:
    """True for what tools write that were told none: setuptools 0.0.0, versioneer 0+unknown."""
    return release_of(version) == ((0,), '')


def is_between_releases(version: str) -> bool:
    """True for a development, post or local version: made between two releases, or locally."""
    match = _PEP_440.fullmatch(version.strip().lower())
    return match is not None and bool(match['post'] or match['dev'] or match['local'])
