"""Read an archive of objects (``ar``): which members it has, and where their bytes lie.

The common form is that of ar(5); GNU: ``/`` and ``/SYM64/`` symbol tables, ``//`` long names, thin
archives (binutils, include/aout/ar.h and bfd/archive.c); BSD: ``#1/`` names and ``__.SYMDEF``
(FreeBSD ar(5)). Hostile input is expected: every failure is a MalformedArchive, and nothing but
headers, names and symbol tables is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import Struct, unpack_from
from typing import Final

from .errors import ElfError

MAGIC: Final = b'!<arch>\n'
THIN_MAGIC: Final = b'!<thin>\n'

#: Limits far above anything sound (largest seen: 10,400 members, names of 200 bytes).
MOST_MEMBERS: Final = 1 << 18
LONGEST_NAME: Final = 1 << 12
MOST_NAME_BYTES: Final = 1 << 26

#: Records of a symbol table unpacked at once.
_RECORDS: Final = 1 << 16

_HEADER: Final = 60
_END_OF_HEADER: Final = b'`\n'

Buffer = bytes | mmap


class MalformedArchive(ElfError):
    """The file starts as an archive but breaks its format, or a limit of this reader."""


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One member: its printable name, and where its bytes lie in the archive.

    ``path``: the file that a member of a thin archive stands for, relative to the directory of the
    archive unless absolute, None elsewhere; it has no bytes in the archive then.
    """

    name: str
    offset: int
    size: int
    path: str | None = None


def is_archive(head: bytes) -> bool:
    """True when a file that starts with these bytes is an archive, thin or not."""
    return head.startswith((MAGIC, THIN_MAGIC))


def archive_members(data: Buffer) -> Iterator[ArchiveMember]:
    """Yield the members of an archive in its order, symbol tables and names left out.

    Raises MalformedArchive at the first header that is not one, and for a symbol table that names a
    place where no member starts: a linker would take there what nobody has looked at.
    """
    thin = data[: len(MAGIC)] == THIN_MAGIC
    if not thin and data[: len(MAGIC)] != MAGIC:
        raise MalformedArchive('does not start with the magic number of an archive')
    at, number, names = len(MAGIC), 0, b''
    starts: set[int] = set()
    named: set[int] = set()
    while at < len(data):
        if number == MOST_MEMBERS:
            raise MalformedArchive(f'more than the limit of {MOST_MEMBERS} members')
        number += 1
        field, size = _header(data, at)
        content = at + _HEADER
        inside = not thin or field in (b'/', b'//', b'/SYM64/')
        if inside and size > len(data) - content:
            raise MalformedArchive(
                f'member {_printable(field)} at {at:#x} of {size} bytes in a file of {len(data)}'
            )
        following = content + (size + size % 2 if inside else 0)
        if field == b'//':
            if size > MOST_NAME_BYTES:
                raise MalformedArchive(f'{size} bytes of names, the limit is {MOST_NAME_BYTES}')
            names = bytes(data[content : content + size])
        elif field in (b'/', b'/SYM64/'):
            if not named:  # COFF has a second one, in another form
                named = _gnu_symbol_table(data, content, size, 8 if field != b'/' else 4)
        elif not (field.startswith(b'/<') and field.endswith(b'>/')):  # COFF: /<ECSYMBOLS>/
            name, skipped = _name(data, field, content, size, names)
            if name.startswith(b'__.SYMDEF'):
                named |= _bsd_symbol_table(data, content + skipped, size - skipped, name)
            else:
                starts.add(at)
                path = name.decode('utf-8', 'surrogateescape') if thin else None
                yield ArchiveMember(_printable(name), content + skipped, size - skipped, path)
        at = following
    # the padding of the last member may be missing
    strangers = named - starts
    if strangers:
        raise MalformedArchive(
            f'its symbol table names {min(strangers):#x}, where no member starts'
        )


def _header(data: Buffer, at: int) -> tuple[bytes, int]:
    """Return the field of the name without its padding, and the size that a header states."""
    header = bytes(data[at : at + _HEADER])
    if len(header) < _HEADER or not header.endswith(_END_OF_HEADER):
        raise MalformedArchive(f'no header of a member at {at:#x}')
    digits = header[48:58].rstrip(b' ')
    if not digits.isdigit():  # also refuses a sign, which int() would take
        raise MalformedArchive(f'the member at {at:#x} has the size {_printable(digits)!r}')
    return header[:16].rstrip(b' '), int(digits)


def _name(data: Buffer, field: bytes, content: int, size: int, names: bytes) -> tuple[bytes, int]:
    """Return the name of a member, and how many bytes of its content it takes."""
    if field.startswith(b'#1/'):
        length = field[3:]
        if not length.isdigit() or int(length) > min(size, LONGEST_NAME):
            raise MalformedArchive(f'a name {_printable(field)} for a member of {size} bytes')
        return bytes(data[content : content + int(length)]).rstrip(b'\0'), int(length)
    if field.startswith(b'/'):
        # a thin archive in a thin archive adds the place of the inner member
        index = field[1:].partition(b':')[0]
        if not index.isdigit() or int(index) >= len(names):
            raise MalformedArchive(f'a name {_printable(field)} in a table of {len(names)} bytes')
        return _long_name(names, int(index)), 0
    return field.removesuffix(b'/'), 0


def _long_name(names: bytes, start: int) -> bytes:
    # GNU ends a name with "/\n", COFF with a NUL byte
    limit = start + LONGEST_NAME
    found = (names.find(mark, start, limit) for mark in (b'\n', b'\0'))
    ends = [end for end in found if end >= 0]
    if not ends:
        raise MalformedArchive(f'no end of the name at {start} in the table of long names')
    return names[start : min(ends)].removesuffix(b'/')


def _gnu_symbol_table(data: Buffer, start: int, size: int, width: int) -> set[int]:
    """Return the offsets of members that a symbol table names: big-endian on every machine."""
    kind = 'I' if width == 4 else 'Q'
    if size < width:
        return set()
    (count,) = unpack_from(f'>{kind}', data, start)
    if count > size // width - 1:
        raise MalformedArchive(f'a symbol table of {size} bytes for {count} symbols')
    return _offsets(data, start + width, count, Struct(f'>{kind}'))


def _bsd_symbol_table(data: Buffer, start: int, size: int, name: bytes) -> set[int]:
    """Return the offsets of members that a BSD symbol table names: pairs (name, offset)."""
    kind, width = ('Q', 8) if name.startswith(b'__.SYMDEF_64') else ('I', 4)
    if size < width:
        return set()
    (length,) = unpack_from(f'<{kind}', data, start)
    if length > size - width:
        raise MalformedArchive(f'a symbol table of {size} bytes with pairs of {length}')
    return _offsets(data, start + width, length // (2 * width), Struct(f'<{width}x{kind}'))


def _offsets(data: Buffer, start: int, count: int, record: Struct) -> set[int]:
    """Return the different numbers in some records, each one's only field."""
    found: set[int] = set()
    for first in range(0, count, _RECORDS):
        at = start + first * record.size
        raw = data[at : at + min(_RECORDS, count - first) * record.size]
        found.update(number for (number,) in record.iter_unpack(raw))
        if len(found) > MOST_MEMBERS:
            raise MalformedArchive(f'a symbol table of more than {MOST_MEMBERS} members')
    return found


def _printable(name: bytes) -> str:
    """Return a name that fits into one line and into ``archive(name)``."""
    text = name.decode('utf-8', 'replace')
    return ''.join(c if c.isprintable() and c not in '()' else '?' for c in text)
