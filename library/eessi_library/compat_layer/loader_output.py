"""Reads what the dynamic loader says of itself, and the kernel's list of mapped files. Pure."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_SYSTEM = re.compile(r'^\s+(/\S*) \(.*system search path.*\)$', re.MULTILINE)
_SEARCH_PATH = re.compile(r'^\s*\d+:\s*search path=(\S*)\s+\((?:[^()]|\([^()]*\))*\)$')
_TRYING = re.compile(r'^\s*\d+:\s*trying file=(/.*)/([^/]+)$')
_HWCAPS = re.compile(r'/(?:glibc-hwcaps/[^/]+|tls(?:/.+)?|x86_64(?:/x86_64)?|haswell(?:/.+)?)$')


def system_search_path(help_text: str) -> list[str]:
    """Return the system directories that ``ld.so --help`` lists, in order (glibc >= 2.33)."""
    return _SYSTEM.findall(help_text)


def searched_directories(debug_text: str, library: str) -> list[str]:
    """Return the directories in which ``LD_DEBUG=libs`` looked for a library, each once.

    Subdirectories for hardware capabilities are folded into the directory that holds them.
    """
    found: dict[str, None] = {}
    searching = False
    for line in debug_text.splitlines():
        if ' find library=' in line or '\tfind library=' in line:
            searching = f'find library={library} ' in line
        elif searching and (match := _SEARCH_PATH.match(line)):
            for directory in match[1].split(':'):
                found[_fold(directory)] = None
        elif (match := _TRYING.match(line)) and match[2] == library:
            found[_fold(match[1])] = None
    return [directory for directory in found if directory]


def _fold(directory: str) -> str:
    return _HWCAPS.sub('', directory.rstrip('/'))


def mapped_files(maps: str) -> list[str]:
    """Return the files in the text of ``/proc/<pid>/maps``, each once, in order."""
    files: dict[str, None] = {}
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith('/'):
            files[fields[5]] = None
    return list(files)


def foreign(paths: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """Return the paths that lie in none of the allowed directories, links resolved."""
    roots = [*allowed, *(os.path.realpath(root) for root in allowed)]
    return [
        path
        for path in paths
        if not any(
            place == root or place.startswith(f'{root}/')
            for place in (path, os.path.realpath(path))
            for root in roots
        )
    ]
