"""Bounds-checked access to the bytes of one ELF file, and its record layouts.

Nothing here trusts a number of the file: every read is checked against the size of the data,
so that ``struct.error`` and reads beyond the end cannot happen.
"""

from dataclasses import dataclass
from mmap import mmap
from struct import Struct
from typing import Final

from . import constants as elf
from .errors import MalformedElf

Buffer = bytes | mmap

#: Longest string of a dynamic string table that is read (C++ symbols are the long ones), bytes.
LONGEST_STRING: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Layout:
    """Record layouts of one class and data encoding (gABI chapter 4)."""

    wide: bool
    header: Struct
    program_header: Struct
    section_header: Struct
    dynamic: Struct
    symbol: Struct
    order: str
    note: Struct
    verneed: Struct
    vernaux: Struct
    verdef: Struct
    verdaux: Struct


def _layout(wide: bool, order: str) -> Layout:
    def record(fields: str) -> Struct:
        return Struct(order + fields)

    return Layout(
        wide=wide,
        header=record('HHIQQQIHHHHHH' if wide else 'HHIIIIIHHHHHH'),
        program_header=record('IIQQQQQQ' if wide else 'IIIIIIII'),
        section_header=record('IIQQQQIIQQ' if wide else 'IIIIIIIIII'),
        dynamic=record('qQ' if wide else 'iI'),
        symbol=record('IBBHQQ' if wide else 'IIIBBH'),
        order=order,
        note=record('III'),
        verneed=record('HHIII'),
        vernaux=record('IHHII'),
        verdef=record('HHHHIII'),
        verdaux=record('II'),
    )


LAYOUTS: Final = {
    (elf_class, data): _layout(elf_class == elf.ELFCLASS64, order)
    for elf_class in (elf.ELFCLASS32, elf.ELFCLASS64)
    for data, order in ((elf.ELFDATA2LSB, '<'), (elf.ELFDATA2MSB, '>'))
}


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header; offsets and sizes in bytes."""

    type: int
    flags: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    align: int


class Image:
    """The bytes of one ELF file with the means to follow its offsets and addresses."""

    __slots__ = ('data', 'layout', 'loads', 'size')

    def __init__(self, data: Buffer, layout: Layout) -> None:
        self.data = data
        self.size = len(data)
        self.layout = layout
        self.loads: list[Segment] = []

    def bytes_at(self, offset: int, size: int, what: str) -> bytes:
        """Return ``size`` bytes at a file offset; raise MalformedElf when outside the file."""
        if offset + size > self.size:
            raise MalformedElf(
                f'{what}: bytes {offset:#x} to {offset + size:#x} lie outside the file '
                f'of {self.size:#x} bytes'
            )
        return self.data[offset : offset + size]

    def record_at(self, record: Struct, offset: int, what: str) -> tuple[int, ...]:
        """Return one unpacked record at a file offset."""
        if offset + record.size > self.size:
            raise MalformedElf(f'{what}: a record at {offset:#x} lies outside the file')
        return record.unpack_from(self.data, offset)

    def offset_of(self, address: int, size: int, what: str) -> int:
        """Return the file offset of ``size`` loaded bytes at a virtual address."""
        for load in self.loads:
            inside = address - load.address
            if inside >= 0 and inside + size <= load.file_size:
                if load.offset + inside + size > self.size:
                    raise MalformedElf(f'{what}: address {address:#x} is beyond the end of file')
                return load.offset + inside
        raise MalformedElf(f'{what}: address {address:#x} (+{size:#x}) is in no PT_LOAD segment')


class StringTable:
    """A dynamic string table (DT_STRTAB, DT_STRSZ), read with a budget of bytes."""

    __slots__ = ('_budget', '_data', '_end', '_known', '_start', '_total')

    def __init__(self, image: Image, address: int, size: int, budget: int) -> None:
        self._data = image.data
        self._start = image.offset_of(address, size, 'DT_STRTAB')
        self._end = self._start + size
        self._known: dict[int, str] = {}
        self._budget = self._total = budget

    def at(self, index: int, what: str) -> str:
        """Return the string at a table index; undecodable bytes become surrogate escapes."""
        known = self._known.get(index)
        if known is not None:
            return known
        start = self._start + index
        end = -1
        if start < self._end:
            end = self._data.find(b'\0', start, min(self._end, start + LONGEST_STRING))
        if end < 0:
            raise MalformedElf(
                f'{what}: no terminated string at index {index:#x} of the string table '
                f'of {self._end - self._start:#x} bytes'
            )
        self._budget -= end - start
        if self._budget < 0:
            raise MalformedElf(f'{what}: strings exceed the limit of {self._total} bytes')
        text = self._data[start:end].decode('utf-8', 'surrogateescape')
        self._known[index] = text
        return text
