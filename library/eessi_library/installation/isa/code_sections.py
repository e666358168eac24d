"""The bytes of an ELF file that a CPU may execute.

Sections of any type with SHF_EXECINSTR where section headers are there (gABI chapter 4), else
segments with PF_X, which also hold the read-only data that some linkers put beside the code.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from eessi_library.elf import MalformedElf
from eessi_library.elf.image import Buffer

SHT_NULL: Final = 0
SHT_NOBITS: Final = 8
SHF_EXECINSTR: Final = 4
PT_LOAD: Final = 1
PF_X: Final = 1
_MOST_HEADERS: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class CodeSection:
    """One run of code: its bytes, and the address of the first."""

    address: int
    data: bytes


def code_sections(data: Buffer) -> list[CodeSection]:
    """Return the code of a 64-bit ELF file in the order of the file; none for other classes.

    Raises MalformedElf when a header points outside of the file.
    """
    if len(data) < 64 or data[4] != 2:
        return []
    order = '<' if data[5] == 1 else '>'
    (phoff, shoff) = struct.unpack_from(f'{order}QQ', data, 32)
    phentsize, phnum, shentsize, shnum = struct.unpack_from(f'{order}HHHH', data, 54)
    try:
        if shoff and shnum and shentsize == 64:
            found = _cut(data, _sections(data, order, shoff, shnum))
            if found:
                return found
        return _cut(data, _segments(data, order, phoff, phnum)) if phentsize == 56 else []
    except struct.error as error:
        raise MalformedElf(f'headers outside of the file: {error}') from None


def _sections(data: Buffer, order: str, shoff: int, shnum: int) -> Iterator[tuple[int, int, int]]:
    """Yield (address, offset, size) of each section with code."""
    for number in range(min(shnum, _MOST_HEADERS)):
        _, kind, flags, address, offset, size = struct.unpack_from(
            f'{order}IIQQQQ', data, shoff + 64 * number
        )
        if kind not in (SHT_NULL, SHT_NOBITS) and flags & SHF_EXECINSTR:
            yield address, offset, size


def _segments(data: Buffer, order: str, phoff: int, phnum: int) -> Iterator[tuple[int, int, int]]:
    """Yield (address, offset, size) of each segment with code."""
    for number in range(min(phnum, _MOST_HEADERS)):
        kind, flags, offset, address, _, size = struct.unpack_from(
            f'{order}IIQQQQ', data, phoff + 56 * number
        )
        if kind == PT_LOAD and flags & PF_X:
            yield address, offset, size


def _cut(data: Buffer, places: Iterable[tuple[int, int, int]]) -> list[CodeSection]:
    found = []
    total = 0
    for address, offset, size in places:
        if offset + size > len(data):
            raise MalformedElf(f'code at {offset} of {size} bytes in a file of {len(data)}')
        total += size
        if total > len(data):
            raise MalformedElf(f'code overlaps: {total} bytes of it in a file of {len(data)}')
        found.append(CodeSection(address, bytes(data[offset : offset + size])))
    return found


def code_digest(sections: list[CodeSection]) -> str:
    """Return a digest of the code alone: equal for files that differ in names and paths only."""
    digest = hashlib.sha256()
    for section in sections:
        digest.update(len(section.data).to_bytes(8, 'little'))
        digest.update(section.data)
    return digest.hexdigest()
