"""Instructions beyond a CPU target in objects that are not linked yet: alone or in an archive.

Each section with code starts at address 0, often one for each function. The sections of many
objects are laid side by side in blocks, so that one disassembler serves thousands of them. Calls
and addresses are still zero, which is as good as any other number to who looks for instructions.
"""

from __future__ import annotations

import dataclasses
import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from mmap import ACCESS_READ, mmap
from typing import Final

from eessi_library.elf import CodeRange, FunctionNames, ObjectFile, archive_members, is_archive
from eessi_library.elf.constants import ELFMAG, ET_REL

from ..member_kinds import BITCODE, ELF, kind_of_content
from ..rules import abi_of
from .code_sections import CodeSection, code_digest
from .disassembly import find_objdump
from .features import (
    WORDS,
    FeatureCount,
    FeatureUse,
    document_of,
    known_features,
    supported_features,
)
from .guard import bytes_that_ask, code_asks
from .places import DENSE, instructions_at, instructions_of
from .screen_x86_64 import candidates, screens_for
from .words import words_beyond

#: Bytes of code that are looked at together; one section alone may be larger.
_BLOCK: Final = 8 << 20

#: Between two sections of a block, so that no encoding reaches from one into the next.
_PADDING: Final = b'\x90' * 16

#: What can only be judged when a program is linked.
SLIM_LTO: Final = 'intermediate code of GCC (-flto)'


class _Judged:
    """One object: what it is called, itself, what was counted in it."""

    def __init__(self, within: str, file: ObjectFile, count: FeatureCount) -> None:
        self.within = within
        self.file = file
        self.count = count

    @cached_property
    def functions(self) -> FunctionNames:
        """The symbols of its code, read when they are asked for."""
        return self.file.functions()

    def uses(self) -> list[FeatureUse]:
        """Return what was counted, with the name of the object."""
        return [dataclasses.replace(use, within=self.within) for use in self.count.uses()]


@dataclass(slots=True)
class _Block:
    """Code of several objects side by side, and which bytes are of which section of which."""

    data: bytearray = field(default_factory=bytearray)
    begins: list[int] = field(default_factory=list)
    parts: list[tuple[_Judged, CodeRange]] = field(default_factory=list)

    def add(self, one: _Judged, code: CodeRange) -> None:
        self.begins.append(len(self.data))
        self.parts.append((one, code))
        self.data += one.file.bytes_of(code) + _PADDING

    def at(self, offset: int) -> tuple[_Judged, CodeRange, int]:
        """Return whose byte is at an offset: object, section, offset in it."""
        number = bisect_right(self.begins, offset) - 1
        return *self.parts[number], offset - self.begins[number]

    def starts(self, places: list[int]) -> list[int]:
        """Return where sections start, and functions in those that have some places."""
        found = set(self.begins)
        for number in {bisect_right(self.begins, place) - 1 for place in places}:
            one, code = self.parts[number]
            inside = one.functions.starts.get(code.number, ())
            found.update(self.begins[number] + offset for offset in inside if offset < code.size)
        return sorted(found)


@contextmanager
def mapped(path: str) -> Iterator[mmap | bytes]:
    """Map the bytes of a file for the duration of a block."""
    with open(path, 'rb') as file:
        if not file.read(1):
            yield b''
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            yield data


def holds_objects(path: str) -> bool:
    """True for an archive and for an ELF file that is not linked."""
    with open(path, 'rb') as file:
        head = file.read(18)
    if is_archive(head):
        return True
    kinds = {b'\x01': ET_REL.to_bytes(2, 'little'), b'\x02': ET_REL.to_bytes(2, 'big')}
    return head.startswith(ELFMAG) and head[16:18] == kinds.get(head[5:6])


def objects_in(data: mmap | bytes, family: str) -> Iterator[tuple[str, ObjectFile | str]]:
    """Yield (``''`` or ``(member)``, object or what it is instead) of a file for a CPU family.

    Members for other machines, and what no linker makes code of, are left out: the check of
    linkage names them. Raises MalformedArchive and MalformedElf.
    """
    wanted = abi_of(family)
    if not is_archive(data[:8]):
        found = ObjectFile(data)
        if found.header.abi == wanted:
            yield '', found
        return
    for member in archive_members(data):
        if member.path is not None:
            continue  # of a thin archive: a file of its own
        within = f'({member.name})'
        kind = kind_of_content(data[member.offset : member.offset + min(64, member.size)])
        if kind == BITCODE:
            yield within, kind
        elif kind == ELF:
            found = ObjectFile(data, member.offset, member.size)
            if found.header.abi == wanted:
                yield within, found


def object_features(path: str, cpu_target: str, compat: str) -> list[FeatureUse]:
    """Return the features that the objects of a file need beyond a CPU target, for each object.

    Raises NoDisassembler, DisassemblyFailed, ElfError and OSError.
    """
    family = cpu_target.split('/')[0]
    supported = supported_features(cpu_target)
    if supported is None:
        raise LookupError(f'no feature list for the CPU target {cpu_target}')
    counted: dict[int, _Judged] = {}
    with mapped(path) as data:
        every = (
            _Judged(within, found, FeatureCount(family, supported))
            for within, found in objects_in(data, family)
            if isinstance(found, ObjectFile)
        )
        if family in WORDS:
            return [use for one in every for use in _count_words(one, family, supported)]
        objdump = find_objdump(family, compat)
        screens = screens_for(supported, known_features(family))
        for block in _blocks(every):
            for one in _count_block(block, objdump, screens):
                counted[id(one)] = one
        return [use for one in counted.values() for use in one.uses()]


def _blocks(every: Iterable[_Judged]) -> Iterator[_Block]:
    block = _Block()
    for one in every:
        for code in one.file.code:
            if block.data and len(block.data) + code.size > _BLOCK:
                yield block
                block = _Block()
            block.add(one, code)
    if block.data:
        yield block


def _count_block(block: _Block, objdump: str, screens: tuple[bytes, ...]) -> Iterator[_Judged]:
    """Count the instructions beyond the target in a block; yield the object of each."""
    code = bytes(block.data)
    places = candidates(code, screens)
    if not places:
        return
    any_count = block.parts[0][0].count
    starts = block.starts(places)
    if len(places) * DENSE > len(code):
        found = instructions_of(objdump, code, starts, any_count.family)
    else:
        found = instructions_at(objdump, code, places, starts, any_count)
    for offset, each in found:
        one, section, inside = block.at(offset)
        if one.count.feature(each) is not None:
            name = one.functions.at(section.number, inside)
            one.count.add(dataclasses.replace(each, address=inside), name)
            yield one


def _count_words(one: _Judged, family: str, supported: frozenset[str]) -> list[FeatureUse]:
    uses: dict[str, FeatureUse] = {}
    for code in one.file.code:
        section = CodeSection(0, one.file.bytes_of(code))
        for word in words_beyond([section], document_of(family), supported):
            name = one.functions.at(code.number, word.address)
            use = uses.get(word.feature)
            use = use or FeatureUse(word.feature, 0, word.address, name, word.name, one.within)
            uses[word.feature] = dataclasses.replace(use, instructions=use.instructions + 1)
    return [uses[feature] for feature in sorted(uses)]


def objects_ask_the_cpu(path: str, family: str, compat: str) -> bool:
    """True when any object of a file asks the CPU what it has: the one for all of an archive."""
    asks = document_of(family)['asks']
    names = bytes_that_ask(asks)
    with mapped(path) as data:
        if any(found.mentions(name) for found in _objects(data, family) for name in names):
            return True
        sections = (
            CodeSection(0, found.bytes_of(code))
            for found in _objects(data, family)
            for code in found.code
        )
        return code_asks(sections, family, asks, compat)


def _objects(data: mmap | bytes, family: str) -> Iterator[ObjectFile]:
    for _, found in objects_in(data, family):
        if isinstance(found, ObjectFile):
            yield found


def objects_digest(path: str, family: str) -> str:
    """Return a digest of the code of all objects of a file, of their names, of who asks the CPU.

    Names, because the answer has them; symbols that ask, because code without its relocations may
    be equal and call something else.
    """
    digest = hashlib.sha256()
    names = bytes_that_ask(document_of(family)['asks'])
    with mapped(path) as data:
        for within, found in objects_in(data, family):
            if isinstance(found, str):
                digest.update(f'{within}\0{found}\n'.encode())
                continue
            code = code_digest([CodeSection(0, found.bytes_of(each)) for each in found.code])
            asks = [found.mentions(name) for name in names]
            digest.update(f'{within}\0{code}\0{found.has_lto}\0{asks}\n'.encode())
    return f'objects:{digest.hexdigest()}'


def unjudged(path: str, family: str) -> list[tuple[str, str]]:
    """Return (member, what it is) for objects whose instructions are chosen at the link."""
    if not holds_objects(path):
        return []
    with mapped(path) as data:
        return [
            (within, found if isinstance(found, str) else SLIM_LTO)
            for within, found in objects_in(data, family)
            if isinstance(found, str) or (found.has_lto and not found.code)
        ]
