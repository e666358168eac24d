"""Read what the dynamic loader reads of an ELF file: header, interpreter, dynamic section.

Works from the program headers alone, so files with stripped section headers read the same.
Hostile input is expected: every failure is a MalformedElf, and the work per file is bounded.
"""

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from . import constants as elf
from .errors import MalformedElf
from .image import LAYOUTS, Buffer, Image, Segment, StringTable
from .versions import (
    VersionDefinition,
    VersionNeed,
    read_version_definitions,
    read_version_needs,
)

#: Limits far above anything sound (largest seen: 25 segments, 250 NEEDED, 60 kB of RPATH).
MOST_SEGMENTS: Final = 1 << 12
MOST_DYNAMIC_ENTRIES: Final = 1 << 14
MOST_NOTES: Final = 1 << 8
DYNAMIC_STRING_BYTES: Final = 4 << 20

Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class ElfObject:
    """The loader's view of one ELF file; texts are decoded with surrogate escapes."""

    elf_class: int
    data_encoding: int
    osabi: int
    machine: int
    type: int
    interpreter: str | None = None
    is_dynamic: bool = False
    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    flags: int = 0
    flags_1: int = 0
    build_id: str | None = None
    version_needs: tuple[VersionNeed, ...] = ()
    version_definitions: tuple[VersionDefinition, ...] = ()
    #: Raw dynamic entries that locate the symbol tables, for this room only.
    tags: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def abi(self) -> tuple[int, int, int]:
        """Class, data encoding and machine: what must agree within one process."""
        return self.elf_class, self.data_encoding, self.machine

    @property
    def machine_name(self) -> str:
        """Name of the machine as in ``uname -m``, or ``machine N`` when it is not in the table."""
        name = elf.MACHINE_NAMES.get(self.machine, f'machine {self.machine}')
        little = self.data_encoding == elf.ELFDATA2LSB
        return 'ppc64le' if name == 'ppc64' and little else name

    @property
    def is_pie(self) -> bool:
        """True for a position-independent executable that says so (DF_1_PIE)."""
        return bool(self.flags_1 & elf.DF_1_PIE)

    @property
    def no_default_libraries(self) -> bool:
        """True when DF_1_NODEFLIB keeps the loader out of the default directories."""
        return bool(self.flags_1 & elf.DF_1_NODEFLIB)


def read_elf(path: Path) -> ElfObject | None:
    """Read one file; None when it is not a regular file that starts with the ELF magic number.

    Raises MalformedElf, and OSError when the file cannot be opened. Opens without blocking, so
    that a FIFO or a device in a hostile tree answers None.
    """
    with open_image_data(path) as data:
        return None if data is None else parse_elf(data)


@contextmanager
def open_image_data(path: Path) -> Iterator[mmap.mmap | None]:
    """Map the bytes of an ELF file for the duration of a block; None when it is none."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        if not regular or os.pread(descriptor, len(elf.ELFMAG), 0) != elf.ELFMAG:
            yield None
            return
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            yield data
    finally:
        os.close(descriptor)


def parse_elf(data: Buffer) -> ElfObject | None:
    """Read an ELF file from memory; None when it does not start with the ELF magic number."""
    image, header = _open_image(data)
    if image is None:
        return None
    elf_class, data_encoding, osabi, kind, machine = header
    dynamic: Segment | None = None
    interpreter: str | None = None
    notes: list[Segment] = []
    for segment in image_segments(image):
        if segment.type == elf.PT_DYNAMIC:
            if dynamic is not None:
                raise MalformedElf('more than one PT_DYNAMIC program header')
            dynamic = segment
        elif segment.type == elf.PT_INTERP:
            if interpreter is not None:
                raise MalformedElf('more than one PT_INTERP program header')
            interpreter = _interpreter(image, segment)
        elif segment.type == elf.PT_NOTE:
            notes.append(segment)
    build_id = _build_id(image, notes)
    if dynamic is None or dynamic.file_size == 0:
        return ElfObject(
            elf_class, data_encoding, osabi, machine, kind, interpreter, build_id=build_id
        )
    needed_indices, tags = _dynamic_entries(image, dynamic)
    strings = dynamic_strings(image, tags, DYNAMIC_STRING_BYTES)

    def text(tag: int, what: str) -> str | None:
        index = tags.get(tag)
        return None if index is None else strings.at(index, what)

    version_needs: tuple[VersionNeed, ...] = ()
    if elf.DT_VERNEED in tags:
        version_needs = read_version_needs(
            image, strings, tags[elf.DT_VERNEED], tags.get(elf.DT_VERNEEDNUM, 0)
        )
    version_definitions: tuple[VersionDefinition, ...] = ()
    if elf.DT_VERDEF in tags:
        version_definitions = read_version_definitions(
            image, strings, tags[elf.DT_VERDEF], tags.get(elf.DT_VERDEFNUM, 0)
        )
    return ElfObject(
        elf_class,
        data_encoding,
        osabi,
        machine,
        kind,
        interpreter,
        True,
        text(elf.DT_SONAME, 'DT_SONAME'),
        tuple([strings.at(index, 'DT_NEEDED') for index in needed_indices]),
        text(elf.DT_RPATH, 'DT_RPATH'),
        text(elf.DT_RUNPATH, 'DT_RUNPATH'),
        tags.get(elf.DT_FLAGS, 0),
        tags.get(elf.DT_FLAGS_1, 0),
        build_id,
        version_needs,
        version_definitions,
        tags,
    )


def open_image(data: Buffer) -> Image | None:
    """Return the image of ELF bytes with its PT_LOAD segments known; None when not ELF."""
    image, _ = _open_image(data)
    if image is not None:
        image_segments(image)
    return image


def _open_image(data: Buffer) -> tuple[Image | None, tuple[int, int, int, int, int]]:
    if data[:4] != elf.ELFMAG:
        return None, (0, 0, 0, 0, 0)
    if len(data) < elf.EI_NIDENT:
        raise MalformedElf(f'e_ident: {len(data)} bytes, expected at least {elf.EI_NIDENT}')
    elf_class, data_encoding = data[elf.EI_CLASS], data[elf.EI_DATA]
    layout = LAYOUTS.get((elf_class, data_encoding))
    if layout is None:
        raise MalformedElf(f'e_ident: class {elf_class} with data encoding {data_encoding}')
    image = Image(data, layout)
    kind, machine, *_ = image.record_at(layout.header, elf.EI_NIDENT, 'ELF header')
    return image, (elf_class, data_encoding, data[elf.EI_OSABI], kind, machine)


def image_segments(image: Image) -> list[Segment]:
    """Return the program headers in file order and tell the image its PT_LOAD segments.

    PT_LOAD segments must be sorted and must not overlap (gABI chapter 5, "Program Header"):
    otherwise one address would have two contents, and the loader might use the other one.
    """
    layout = image.layout
    header = image.record_at(layout.header, elf.EI_NIDENT, 'ELF header')
    table, sections, entry_size, count = header[4], header[5], header[8], header[9]
    if count == elf.PN_XNUM:
        count = image.record_at(layout.section_header, sections, 'section 0')[7]
    if not count:
        return []
    record = layout.program_header
    if entry_size != record.size:
        raise MalformedElf(f'e_phentsize: {entry_size}, expected {record.size}')
    if count > MOST_SEGMENTS:
        raise MalformedElf(f'e_phnum: {count}, more than the limit of {MOST_SEGMENTS}')
    raw = image.bytes_at(table, count * record.size, 'program headers')
    segments = []
    loads: list[Segment] = []
    for fields in record.iter_unpack(raw):
        if layout.wide:
            kind, flags, offset, address, _, file_size, memory_size, align = fields
        else:
            kind, offset, address, _, file_size, memory_size, flags, align = fields
        segment = Segment(kind, flags, offset, address, file_size, memory_size, align)
        segments.append(segment)
        if kind == elf.PT_LOAD:
            if loads and address < loads[-1].address + loads[-1].file_size:
                raise MalformedElf(
                    f'PT_LOAD at {address:#x} is unsorted or overlaps the one before'
                )
            loads.append(segment)
    image.loads = loads
    return segments


def _interpreter(image: Image, segment: Segment) -> str:
    # The kernel takes at most PATH_MAX bytes and wants a final NUL (fs/binfmt_elf.c).
    if not 2 <= segment.file_size <= 4096:
        raise MalformedElf(f'PT_INTERP: {segment.file_size} bytes, expected 2 to 4096')
    raw = image.bytes_at(segment.offset, segment.file_size, 'PT_INTERP')
    if raw[-1]:
        raise MalformedElf('PT_INTERP: does not end with a NUL byte')
    return raw[: raw.index(0)].decode('utf-8', 'surrogateescape')


def _build_id(image: Image, segments: list[Segment]) -> str | None:
    record = image.layout.note
    left = MOST_NOTES
    for segment in segments:
        align = 8 if segment.align == 8 else 4
        offset, end = segment.offset, segment.offset + segment.file_size
        while offset + record.size <= end and left:
            left -= 1
            name_size, size, kind = image.record_at(record, offset, 'PT_NOTE')
            name = offset + record.size
            description = offset + -(-(record.size + name_size) // align) * align
            if description + size > end:
                raise MalformedElf(f'PT_NOTE: the note at {offset:#x} overruns its segment')
            is_build_id = kind == elf.NT_GNU_BUILD_ID and size <= 64 and name_size == 4
            if is_build_id and image.bytes_at(name, 4, 'PT_NOTE') == elf.NOTE_NAME_GNU:
                return image.bytes_at(description, size, 'PT_NOTE').hex()
            offset = description + -(-size // align) * align
    return None


def _dynamic_entries(image: Image, segment: Segment) -> tuple[list[int], dict[int, int]]:
    # The loader follows p_vaddr, other tools p_offset: two places would be two truths.
    size = segment.file_size
    offset = image.offset_of(segment.address, size, 'PT_DYNAMIC')
    if offset != segment.offset:
        raise MalformedElf(
            f'PT_DYNAMIC: its address is loaded from {offset:#x}, its offset is {segment.offset:#x}'
        )
    record = image.layout.dynamic
    most = MOST_DYNAMIC_ENTRIES * record.size
    raw = image.bytes_at(offset, min(size - size % record.size, most), 'PT_DYNAMIC')
    needed: list[int] = []
    tags: dict[int, int] = {}
    for tag, value in record.iter_unpack(raw):
        if tag == elf.DT_NULL:
            return needed, tags
        if tag == elf.DT_NEEDED:
            needed.append(value)
        else:
            tags[tag] = value  # glibc, too, lets the last of several entries win
    if size > most:
        raise MalformedElf(f'PT_DYNAMIC: more than {MOST_DYNAMIC_ENTRIES} entries')
    raise MalformedElf('PT_DYNAMIC: does not end with DT_NULL')


def dynamic_strings(image: Image, tags: dict[int, int], budget: int) -> StringTable:
    """Return the dynamic string table that DT_STRTAB and DT_STRSZ describe."""
    address, size = tags.get(elf.DT_STRTAB), tags.get(elf.DT_STRSZ)
    if address is None or size is None:
        raise MalformedElf('dynamic section without DT_STRTAB or DT_STRSZ')
    return StringTable(image, address, size, budget)
