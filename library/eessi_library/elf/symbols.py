"""Dynamic symbols with their versions: what an object imports and what it exports.

Sources: gABI chapter 4 "Symbol Table", LSB core 5.0 10.7 "Symbol Versioning"; the GNU hash table
as in ``elf/dl-lookup.c`` of glibc.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from . import constants as elf
from .errors import MalformedElf
from .image import Buffer, Image
from .reader import ElfObject, Path, dynamic_strings, open_image, open_image_data, parse_elf

#: A limit far above anything sound (libtorch has 0.2 million symbols).
MOST_SYMBOLS: Final = 1 << 22


class Symbol(NamedTuple):
    """One dynamic symbol; ``version`` is None when it is unversioned or of the base version.

    ``file`` is the library that DT_VERNEED names for an import. ``version_index`` is the VERSYM
    number without its high bit, which is ``hidden``: an unversioned lookup passes it by.
    ``size`` is in bytes.
    """

    name: str
    version: str | None
    file: str | None
    binding: int
    type: int
    visibility: int
    size: int
    version_index: int
    hidden: bool

    @property
    def is_weak(self) -> bool:
        """True when the loader accepts that nothing provides it."""
        return self.binding == elf.STB_WEAK


@dataclass(frozen=True, slots=True)
class DynamicSymbols:
    """Imports (undefined) and exports (defined, neither local nor internal), in table order."""

    imports: tuple[Symbol, ...] = ()
    exports: tuple[Symbol, ...] = ()
    #: False when the object has no DT_VERSYM: then its exports satisfy any version.
    is_versioned: bool = False


def read_symbols(path: Path) -> DynamicSymbols | None:
    """Read the dynamic symbols of a file; None when it is not an ELF file.

    Raises MalformedElf, and OSError when the file cannot be opened.
    """
    with open_image_data(path) as data:
        return None if data is None else parse_symbols(data)


def parse_symbols(data: Buffer, known: ElfObject | None = None) -> DynamicSymbols | None:
    """Read the dynamic symbols from memory; ``known`` saves parsing the dynamic section again."""
    obj = known or parse_elf(data)
    image = open_image(data)
    if obj is None or image is None:
        return None
    address = obj.tags.get(elf.DT_SYMTAB)
    if address is None:
        return DynamicSymbols()
    record = image.layout.symbol
    if obj.tags.get(elf.DT_SYMENT, record.size) != record.size:
        raise MalformedElf(f'DT_SYMENT: {obj.tags[elf.DT_SYMENT]}, expected {record.size}')
    count = _symbol_count(image, obj.tags, address)
    if count > MOST_SYMBOLS:
        raise MalformedElf(f'{count} dynamic symbols, more than the limit of {MOST_SYMBOLS}')
    start = image.offset_of(address, count * record.size, 'DT_SYMTAB')
    table = image.bytes_at(start, count * record.size, 'DT_SYMTAB')
    versions = _version_indices(image, obj.tags, count)
    # Names may share their tails, yet never add up to several times their table.
    most = 4 * obj.tags.get(elf.DT_STRSZ, 0) + (1 << 16)
    strings = dynamic_strings(image, obj.tags, most)
    needs = {need.number: need for need in obj.version_needs}
    definitions = {item.number: item.version for item in obj.version_definitions if not item.base}
    imports: list[Symbol] = []
    exports: list[Symbol] = []
    wide = image.layout.wide
    for fields, version_index in zip(record.iter_unpack(table), versions, strict=True):
        if wide:
            name_index, info, other, section, _, size = fields
        else:
            name_index, _, size, info, other, section = fields
        binding = info >> 4
        if binding == elf.STB_LOCAL or not name_index:
            continue
        name = strings.at(name_index, 'st_name')
        visibility = other & 3
        hidden = version_index >= elf.VERSYM_HIDDEN
        index = version_index & elf.VERSYM_VERSION
        if section == elf.SHN_UNDEF:
            version, file = None, None
            if index > elf.VER_NDX_GLOBAL:
                need = needs.get(index)
                if need is not None:
                    file, version, _, _, hidden = need
                else:
                    # A weak reference to a version that the object itself defines.
                    version = definitions.get(index)
            row = Symbol(name, version, file, binding, info & 15, visibility, size, index, hidden)
            imports.append(row)
        elif index != elf.VER_NDX_LOCAL and visibility not in (elf.STV_HIDDEN, elf.STV_INTERNAL):
            # An executable with a COPY relocation defines a version that it needs.
            version = definitions.get(index)
            if version is None and index in needs:
                version = needs[index].version
            exports.append(
                Symbol(name, version, None, binding, info & 15, visibility, size, index, hidden)
            )
    return DynamicSymbols(tuple(imports), tuple(exports), elf.DT_VERSYM in obj.tags)


def _version_indices(image: Image, tags: dict[int, int], count: int) -> tuple[int, ...]:
    if elf.DT_VERSYM not in tags:
        return (elf.VER_NDX_GLOBAL,) * count
    record = Struct(f'{image.layout.order}{count}H')
    offset = image.offset_of(tags[elf.DT_VERSYM], record.size, 'DT_VERSYM')
    return image.record_at(record, offset, 'DT_VERSYM')


def _symbol_count(image: Image, tags: dict[int, int], address: int) -> int:
    # The dynamic section does not say it. Section headers are exact where they exist; they are
    # believed only when they describe the very table that the loader uses.
    count = _count_of_section(image, address)
    if count is not None:
        return count
    if elf.DT_HASH in tags:
        words = Struct(image.layout.order + '2I')
        offset = image.offset_of(tags[elf.DT_HASH], words.size, 'DT_HASH')
        return image.record_at(words, offset, 'DT_HASH')[1]
    if elf.DT_GNU_HASH in tags:
        count = _count_of_gnu_hash(image, tags[elf.DT_GNU_HASH])
        if count is not None:
            return count
    # No export, so no hash chain to follow: linkers place DT_STRTAB right behind DT_SYMTAB.
    strings = tags.get(elf.DT_STRTAB, 0)
    return max(0, strings - address) // image.layout.symbol.size


def _count_of_section(image: Image, address: int) -> int | None:
    header = image.record_at(image.layout.header, elf.EI_NIDENT, 'ELF header')
    sections, entry_size, count = header[5], header[10], header[11]
    record = image.layout.section_header
    if not sections or entry_size != record.size:
        return None
    if sections + count * record.size > image.size:
        return None
    raw = image.bytes_at(sections, count * record.size, 'section headers')
    for fields in record.iter_unpack(raw):
        if fields[1] == elf.SHT_DYNSYM and fields[3] == address:
            return int(fields[5]) // image.layout.symbol.size
    return None


def _count_of_gnu_hash(image: Image, address: int) -> int | None:
    """Return one more than the largest symbol index in the table, None when it is empty."""
    order = image.layout.order
    head = Struct(order + '4I')
    offset = image.offset_of(address, head.size, 'DT_GNU_HASH')
    bucket_count, first, bloom_words, _ = image.record_at(head, offset, 'DT_GNU_HASH')
    offset += head.size + bloom_words * (8 if image.layout.wide else 4)
    raw = image.bytes_at(offset, bucket_count * 4, 'DT_GNU_HASH')
    last = max(Struct(f'{order}{bucket_count}I').unpack(raw), default=0)
    if last < first or last == 0:
        return None
    word = Struct(order + 'I')
    chains = offset + bucket_count * 4
    while last < MOST_SYMBOLS:
        (value,) = image.record_at(word, chains + (last - first) * 4, 'DT_GNU_HASH')
        last += 1
        if value & 1:
            return last
    raise MalformedElf(f'DT_GNU_HASH: more than {MOST_SYMBOLS} symbols')
