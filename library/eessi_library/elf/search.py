"""Search paths as glibc's loader reads them: elements, $ORIGIN and its kin, hwcaps directories.

Source: ``elf/dl-load.c`` (fillin_rpath, _dl_dst_substitute, is_dst) and ``elf/dl-hwcaps.c`` of
glibc 2.36; ``ld.so(8)``.
"""

import re
from dataclasses import dataclass
from typing import Final

from .errors import LoaderLimit

#: Longest search path that is followed, in bytes; the longest of EasyBuild have about 60 kB.
LONGEST_SEARCH_PATH: Final = 1 << 18

_TOKEN: Final = re.compile(r'\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))')

#: glibc-hwcaps subdirectories in search order, best first, by machine name (``elf/dl-hwcaps.c``
#: and ``sysdeps/*/dl-hwcaps_subdirs.c`` of glibc; aarch64 has none).
HWCAPS_LEVELS: Final = {
    'x86_64': ('x86-64-v4', 'x86-64-v3', 'x86-64-v2'),
    'ppc64le': ('power10', 'power9'),
}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Values of the dynamic string tokens; None where the loader would not know one."""

    origin: str | None
    lib: str | None = None
    platform: str | None = None


def expand(text: str, tokens: Tokens) -> str | None:
    """Replace $ORIGIN, $LIB and $PLATFORM, braces or not; None when a value is unknown.

    Anything else after a dollar sign stays as it is.
    """
    if '$' not in text:
        return text
    values = {'ORIGIN': tokens.origin, 'LIB': tokens.lib, 'PLATFORM': tokens.platform}
    unknown = False

    def value(match: re.Match[str]) -> str:
        nonlocal unknown
        found = values[match[1] or match[2]]
        if found is None:
            unknown = True
            return ''
        return found

    expanded = _TOKEN.sub(value, text)
    return None if unknown else expanded


def split_search_path(text: str, tokens: Tokens, separators: str = ':') -> tuple[str, ...]:
    """Return the directories of a search path, each once, in order; each ends with a slash.

    An empty element is the current directory and comes back as an empty string. An element with
    an unknown token is dropped, an empty path is no path at all. LD_LIBRARY_PATH is separated by
    ``':;'``, DT_RPATH and DT_RUNPATH by colons alone. Raises LoaderLimit beyond
    LONGEST_SEARCH_PATH.
    """
    if not text:
        return ()
    if len(text) > LONGEST_SEARCH_PATH:
        raise LoaderLimit(f'search path of {len(text)} bytes, at most {LONGEST_SEARCH_PATH}')
    if len(separators) > 1:
        for separator in separators[1:]:
            text = text.replace(separator, separators[0])
    directories: dict[str, None] = {}
    for element in text.split(separators[0]):
        if not element:
            directories[''] = None
            continue
        expanded = expand(element, tokens)
        if expanded:
            directories[expanded.rstrip('/') + '/'] = None
    return tuple(directories)


def hwcaps_subdirectories(machine: str, level: str | None) -> tuple[str, ...]:
    """Return the glibc-hwcaps subdirectories that a CPU of a level searches, best first.

    ``level`` is ``x86-64-v2`` to ``x86-64-v4``, ``power9``, ``power10``, or None for a baseline
    CPU. Raises ValueError for a level that the machine does not have.
    """
    if level is None:
        return ()
    levels = HWCAPS_LEVELS.get(machine, ())
    if level not in levels:
        raise ValueError(f'{machine} has no glibc-hwcaps level {level!r}; it has {levels}')
    return tuple(f'glibc-hwcaps/{name}/' for name in levels[levels.index(level) :])
