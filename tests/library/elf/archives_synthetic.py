"""Archives written byte by byte: what ar would write, and what it never would."""

from __future__ import annotations

import struct
from collections.abc import Sequence

MAGIC = b'!<arch>\n'
THIN = b'!<thin>\n'


def header(name: bytes, size: int | bytes) -> bytes:
    """Return the 60 bytes before a member."""
    digits = size if isinstance(size, bytes) else b'%d' % size
    return b'%-16b%-12b%-6b%-6b%-8b%-10b`\n' % (name, b'0', b'0', b'0', b'644', digits)


def member(name: bytes, content: bytes) -> bytes:
    return header(name, len(content)) + content + b'\n' * (len(content) % 2)


def gnu_symbols(offsets: Sequence[int], wide: bool = False) -> bytes:
    """Return GNU's symbol table, with a name for each offset."""
    kind = 'Q' if wide else 'I'
    numbers = struct.pack(f'>{1 + len(offsets)}{kind}', len(offsets), *offsets)
    names = b''.join(b'f%d\0' % number for number in range(len(offsets)))
    return member(b'/SYM64/' if wide else b'/', numbers + names)


def bsd_symbols(offsets: Sequence[int]) -> bytes:
    """Return the symbol table of BSD, with the same name for each offset."""
    pairs = b''.join(struct.pack('<II', 0, offset) for offset in offsets)
    body = struct.pack('<I', len(pairs)) + pairs + struct.pack('<I', 2) + b'f\0'
    return member(b'__.SYMDEF', body)
