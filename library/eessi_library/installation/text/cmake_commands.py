"""Commands of CMake that only look whether something is there, or compare. Pure.

``find_library(Z z PATHS /opt/z/lib)`` goes through places that need not be there, and
``if(DIR STREQUAL "/usr/lib")`` asks, and ``list(REMOVE_ITEM DIRS "/usr/lib")`` takes away: none
brings a path into what is built. A generated file of targets compares so with the prefix of its
build before it replaces it (``_IMPORT_PREFIX``).
"""

from __future__ import annotations

import re
from typing import Final

#: Commands begin a line, as a rule.
_COMMAND: Final = re.compile(
    rb'^[ \t]*(?P<name>list[ \t]*\([ \t]*\w+|\w+(?=[ \t]*\())', re.MULTILINE | re.IGNORECASE
)

_LOOK: Final = re.compile(
    rb'find_\w+|if|elseif|else|endif|while|foreach|string|message|option|file'
    rb'|list[ \t]*\([ \t]*(?:REMOVE_ITEM|FIND)',
    re.IGNORECASE,
)

#: Bytes before a path in which its command is looked for.
_MOST: Final = 4_000


def only_looks(data: bytes, place: int) -> bool:
    """True when the command that holds this place of a text only looks or compares."""
    name = b''
    for match in _COMMAND.finditer(data, max(0, place - _MOST), place + 1):
        name = match['name']
    return _LOOK.fullmatch(name) is not None
