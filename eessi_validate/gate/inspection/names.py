"""Rules for the name of a member."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

#: Names that need no closer look: printable ASCII, no hidden file, no space at an end.
PLAIN = re.compile(rb'[!-\-0-~](?:[ -.0-~]{0,253}[!-.0-~])?')

_LEFTOVERS = (b'.git', b'.svn', b'.hg', b'.bzr')
_NFS = re.compile(rb'\.nfs[0-9a-f]{8,}')
#: Control, format, surrogate, private and unassigned characters; separators of lines.
_HIDDEN = ('Cc', 'Cf', 'Cs', 'Co', 'Cn', 'Zl', 'Zp')

Add = Callable[[str, bytes, str], None]


def path_is_usable(path: bytes, add: Add) -> bool:
    """Report a path that is not relative and in its shortest form; say whether it is."""
    parts = path.split(b'/')
    usable = True
    if path.startswith(b'/'):
        add('name-absolute', path, 'the path is absolute')
        usable = False
    if b'..' in parts:
        add('name-dotdot', path, 'the path has the component ".."')
        usable = False
    if b'.' in parts or b'' in parts[1 if not usable else 0 :]:
        add('name-dot', path, 'the path has the component "." or an empty one')
        usable = False
    return usable


def judge_component(part: bytes, path: bytes, add: Add, longest: int) -> None:
    """Report what is wrong with one component of a path that is not ``PLAIN``."""
    if len(part) > longest:
        add('name-too-long', path, f'a component has {len(part)} bytes, more than {longest}')
    try:
        text = part.decode('utf-8')
    except UnicodeDecodeError:
        add('name-encoding', path, 'the name is not UTF-8')
        return
    hidden = {c for c in text if unicodedata.category(c) in _HIDDEN}
    if hidden:
        shown = ', '.join(f'U+{ord(c):04X}' for c in sorted(hidden))
        add('name-control-character', path, f'the name has the characters {shown}')
    if text != text.strip():
        add('name-edge-space', path, 'the name begins or ends with white space')
    if part.startswith(b'.wh.'):
        add('reserved-whiteout', path, 'it is a whiteout of an overlay file system')
    elif part.startswith(b'.cvmfs'):
        add('reserved-cvmfs', path, 'CernVM-FS gives the name a meaning')
    elif part in _LEFTOVERS or _NFS.fullmatch(part):
        add('reserved-leftover', path, 'it is version control data or a leftover of NFS')


def collisions(names: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return pairs of names that differ only in case or in Unicode normal form."""
    seen: dict[str, bytes] = {}
    found = []
    for name in names:
        folded = unicodedata.normalize('NFC', name.decode('utf-8', 'surrogateescape')).casefold()
        if folded in seen:
            found.append((seen[folded], name))
        else:
            seen[folded] = name
    return found
