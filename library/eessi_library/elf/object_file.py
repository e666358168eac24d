"""Objects that are not linked yet (ET_REL): their sections with code, and what these are called.

Alone (``.o``) or a member of an archive, so everything is read from a part of a file. Sources: gABI
chapter 4 "Sections", "Symbol Table", with its extended numbering of sections. Hostile input is
expected: every failure is a MalformedElf, and no more is read than the object is long.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from . import constants as elf
from .errors import MalformedElf
from .image import LAYOUTS, Buffer, Layout
from .reader import ElfObject

#: A limit far above anything sound: one section per function of a large C++ file is 300,000.
MOST_SECTIONS: Final = 1 << 20

#: Longest name of a function that is shown, bytes.
_LONGEST_NAME: Final = 1 << 10

#: Symbols unpacked at once.
_CHUNK: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class CodeRange:
    """One section that a CPU may execute: its number, and where its bytes lie in the object."""

    number: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class _Section:
    number: int
    kind: int
    offset: int
    size: int
    link: int


@dataclass(slots=True)
class FunctionNames:
    """The symbols in the sections with code, for questions by section and offset."""

    starts: dict[int, list[int]] = field(default_factory=dict)
    names: dict[tuple[int, int], str] = field(default_factory=dict)

    def at(self, section: int, offset: int) -> str:
        """Return the nearest symbol at or before an offset in a section, '?' when none is."""
        starts = self.starts.get(section, [])
        found = bisect_right(starts, offset) - 1
        return self.names[section, starts[found]] if found >= 0 else '?'


class ObjectFile:
    """One object in ``size`` bytes at ``start`` of a file; raises MalformedElf.

    ``header`` holds class, data encoding, machine and type. ``code`` has the sections with code
    that are not empty, in the order of the table.
    """

    def __init__(self, data: Buffer, start: int = 0, size: int | None = None) -> None:
        self._data = data
        self._start = start
        self._size = len(data) - start if size is None else size
        ident = self._bytes(0, elf.EI_NIDENT, 'e_ident')
        if ident[: len(elf.ELFMAG)] != elf.ELFMAG:
            raise MalformedElf('does not start with the magic number of ELF')
        layout = LAYOUTS.get((ident[elf.EI_CLASS], ident[elf.EI_DATA]))
        if layout is None:
            raise MalformedElf(
                f'e_ident: class {ident[elf.EI_CLASS]} with data encoding {ident[elf.EI_DATA]}'
            )
        self._layout: Layout = layout
        fields = self._record(layout.header, elf.EI_NIDENT, 'ELF header')
        self.header = ElfObject(
            ident[elf.EI_CLASS], ident[elf.EI_DATA], ident[elf.EI_OSABI], fields[1], fields[0]
        )
        self.code: list[CodeRange] = []
        #: True when a compiler left its intermediate language in it (GCC, -flto).
        self.has_lto = False
        self._tables: list[_Section] = []
        self._strings: dict[int, _Section] = {}
        self._read_sections(fields)

    def bytes_of(self, code: CodeRange) -> bytes:
        """Return the bytes of a section with code."""
        return self._bytes(code.offset, code.size, f'section {code.number}')

    def mentions(self, name: bytes) -> bool:
        """True when a symbol's name has some bytes in it; ``\\0name\\0`` asks for a whole name."""
        for table in self._tables:
            strings = self._strings.get(table.link)
            if strings is None:
                continue
            first = self._start + strings.offset
            if self._data.find(name, first, first + strings.size) >= 0:
                return True
        return False

    def functions(self) -> FunctionNames:
        """Return the symbols in sections with code: functions, and labels of assembly language."""
        wanted = {code.number: code.size for code in self.code}
        found = FunctionNames()
        for table in self._tables:
            if table.kind == elf.SHT_SYMTAB:
                for section, value, kind, name in self._symbols(table):
                    if value > wanted.get(section, -1) or kind not in _CODE_SYMBOLS:
                        continue
                    text = self._name(table, name)
                    # an empty name is a section's; $x and $d only tell code from data (Arm)
                    if text and not text.startswith('$'):
                        found.names.setdefault((section, value), text)
        for section, value in sorted(found.names):
            found.starts.setdefault(section, []).append(value)
        return found

    def _symbols(self, table: _Section) -> Iterator[tuple[int, int, int, int]]:
        """Yield (section, value, type, index of its name) of the symbols of a table."""
        record = self._layout.symbol
        further = next(
            (t for t in self._tables if t.kind == elf.SHT_SYMTAB_SHNDX and t.link == table.number),
            None,
        )
        for first in range(0, table.size // record.size, _CHUNK):
            count = min(_CHUNK, table.size // record.size - first)
            raw = self._bytes(
                table.offset + first * record.size, count * record.size, 'symbol table'
            )
            for number, fields in enumerate(record.iter_unpack(raw), first):
                if self._layout.wide:
                    name, info, _, section, value, _ = fields
                else:
                    name, value, _, info, _, section = fields
                if section == elf.SHN_XINDEX and further is not None:
                    at = further.offset + 4 * number
                    section = self._record(_word(self._layout), at, 'extended section numbers')[0]
                if section != elf.SHN_UNDEF:
                    yield section, value, info & 15, name

    def _name(self, table: _Section, index: int) -> str:
        strings = self._strings.get(table.link)
        if strings is None or index >= strings.size:
            return ''
        raw = self._bytes(
            strings.offset + index, min(_LONGEST_NAME, strings.size - index), 'string table'
        )
        return raw.partition(b'\0')[0].decode('utf-8', 'replace')

    def _read_sections(self, header: tuple[int, ...]) -> None:
        table, entry_size, count, names_at = header[5], header[10], header[11], header[12]
        if not table:
            return
        record = self._layout.section_header
        if entry_size != record.size:
            raise MalformedElf(f'e_shentsize: {entry_size}, expected {record.size}')
        first = self._record(record, table, 'section 0')
        count = count or first[5]
        names_at = first[6] if names_at == elf.SHN_XINDEX else names_at
        if count > MOST_SECTIONS:
            raise MalformedElf(f'{count} sections, more than the limit of {MOST_SECTIONS}')
        raw = self._bytes(table, count * record.size, 'section headers')
        code_bytes = 0
        for number, fields in enumerate(record.iter_unpack(raw)):
            kind, flags, _, offset, size, link = fields[1:7]
            if kind in (elf.SHT_NULL, elf.SHT_NOBITS):
                continue
            if offset + size > self._size:
                raise MalformedElf(
                    f'section {number}: {size} bytes at {offset:#x} in an object of {self._size}'
                )
            if flags & elf.SHF_EXECINSTR and size:  # of any type: linkers keep strange ones
                self.code.append(CodeRange(number, offset, size))
                code_bytes += size
            elif kind in (elf.SHT_SYMTAB, elf.SHT_DYNSYM, elf.SHT_SYMTAB_SHNDX):
                self._tables.append(_Section(number, kind, offset, size, link))
            elif kind == elf.SHT_STRTAB:
                self._strings[number] = _Section(number, kind, offset, size, link)
        if code_bytes > self._size:
            raise MalformedElf(f'its sections with code overlap: {code_bytes} bytes of them')
        self.has_lto = self._has_lto(names_at)

    def _has_lto(self, names_at: int) -> bool:
        strings = self._strings.get(names_at)
        if strings is None:
            return False
        first = self._start + strings.offset
        return self._data.find(b'.gnu.lto_', first, first + strings.size) >= 0

    def _bytes(self, offset: int, size: int, what: str) -> bytes:
        if offset + size > self._size:
            raise MalformedElf(
                f'{what}: bytes {offset:#x} to {offset + size:#x} lie outside the object '
                f'of {self._size:#x} bytes'
            )
        at = self._start + offset
        return self._data[at : at + size]

    def _record(self, record: Struct, offset: int, what: str) -> tuple[int, ...]:
        return record.unpack(self._bytes(offset, record.size, what))


_CODE_SYMBOLS: Final = (elf.STT_NOTYPE, elf.STT_FUNC, elf.STT_GNU_IFUNC)


def _word(layout: Layout) -> Struct:
    return Struct(f'{layout.order}I')
