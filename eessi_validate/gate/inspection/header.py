"""One header block of a tar archive, read strictly.

Sources: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
What two readers could take differently (several number notations, a name in a field that only one
of the formats has) is refused instead of guessed.
"""

from __future__ import annotations

import re
import struct
import zlib
from functools import lru_cache
from typing import NamedTuple

from eessi_validate.gate.inspection.faults import ReadingStopped

BLOCK = 512
ZERO_BLOCK = bytes(BLOCK)

_FIELDS = struct.Struct('100s24s12s12s8sc100s8s32s32s16s155s12s')
_USTAR, _GNU = b'ustar\x0000', b'ustar  \0'
_OCTAL = re.compile(rb' *([0-7]+)[ \0]*')
#: First byte of a number in GNU's binary notation.
_BINARY = 0x80
_NO_LINK, _NO_PREFIX, _NO_TAIL = bytes(100), bytes(155), bytes(12)


class Header(NamedTuple):
    """The fields of a header that decide anything."""

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    typeflag: bytes
    link: bytes


def parse_header(block: bytes, number: int) -> Header:
    """Return the fields of a header block.

    :arg number: of the block in the archive, for messages.
    :raises ReadingStopped: where readers could disagree on what the block says.
    """
    fields = _FIELDS.unpack(block)
    (name, owners, size_field, mtime, checksum, typeflag, link, magic, _, _, devices) = fields[:11]
    prefix, tail = fields[11:]
    # The lower half of Adler-32 is the sum of the bytes plus one, modulo 65521: exact for ASCII.
    total = (zlib.adler32(block) & 0xFFFF) - 1 if block.isascii() else sum(block)
    if total != _whole_sum(checksum):
        raise ReadingStopped('header-checksum', f'block {number} is no header: its checksum fails')
    if magic == _GNU:
        if prefix != _NO_PREFIX or tail != _NO_TAIL:
            raise ReadingStopped(
                'header-ambiguous',
                f'block {number} is a GNU header with bytes where other readers find a name',
            )
    elif magic != _USTAR:
        raise ReadingStopped(
            'header-format', f'block {number} is neither a POSIX ustar nor a GNU header'
        )
    elif tail != _NO_TAIL:
        raise ReadingStopped(
            'header-ambiguous', f'block {number} has bytes in the reserved end of its header'
        )
    if size_field[:11].isdigit() and size_field[11:] in b' \0':
        try:
            size = int(size_field[:11], 8)
        except ValueError:
            raise _bad_number('size', number) from None
    else:
        size = _number(size_field)
        if size < 0:
            raise _bad_number('size', number)
    if not mtime[:11].isdigit() and _number(mtime) < 0:
        raise _bad_number('mtime', number)
    if not _are_devices(devices):
        raise _bad_number('device number', number)
    mode, uid, gid = _owners(owners)
    if min(mode, uid, gid) < 0:
        raise _bad_number('mode, uid or gid', number)
    # Half a million times in a large archive: the usual fields without a call.
    text = name.rstrip(b'\0')
    if not text or 0 in text:
        text = _text(name, number)
    if prefix != _NO_PREFIX:
        before = _text(prefix, number)
        if before[-1:] in b'/' or text[:1] in b'/':
            raise ReadingStopped(
                'header-ambiguous',
                f'the two halves of the name in block {number} can be joined in several ways',
            )
        text = before + b'/' + text
    target = _text(link, number) if link != _NO_LINK else b''
    return Header(text, mode, uid, gid, size, typeflag, target)


@lru_cache(maxsize=65536)
def _whole_sum(checksum: bytes) -> int:
    """Return the sum of all bytes of a header with this checksum field; -1 if it is no number.

    The field itself counts as eight spaces in the checksum.
    """
    found = _OCTAL.fullmatch(checksum)
    return int(found[1], 8) + sum(checksum) - 8 * 32 if found else -1


@lru_cache(maxsize=4096)
def _owners(fields: bytes) -> tuple[int, int, int]:
    # No mode is large enough for GNU's binary notation.
    mode = -1 if fields[0] == _BINARY else _number(fields[:8])
    return mode, _number(fields[8:16]), _number(fields[16:])


@lru_cache(maxsize=256)
def _are_devices(fields: bytes) -> bool:
    return all(
        not half.strip(b'\0 ') or _OCTAL.fullmatch(half) for half in (fields[:8], fields[8:])
    )


def _number(field: bytes) -> int:
    """Return an octal number, or one in GNU's binary notation for large values; -1 if malformed."""
    if found := _OCTAL.fullmatch(field):
        return int(found[1], 8)
    value = int.from_bytes(field[1:], 'big') if field[0] == _BINARY else -1
    return value if value < 1 << 63 else -1


def _bad_number(what: str, number: int) -> ReadingStopped:
    return ReadingStopped('header-number', f'the {what} in block {number} is not a sound number')


def _text(field: bytes, number: int) -> bytes:
    if not field[0]:
        if field.count(0) == len(field):
            return b''
    else:
        text = field.rstrip(b'\0')
        if 0 not in text:
            return text
    raise ReadingStopped(
        'header-ambiguous', f'a text in the header in block {number} goes on after its end'
    )
