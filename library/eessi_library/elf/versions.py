"""Symbol versions that an object needs and defines (LSB core 5.0, 10.7)."""

from typing import Final, NamedTuple

from . import constants as elf
from .errors import MalformedElf
from .image import Image, StringTable

#: Most version records read from one file; glibc's libc, the richest known, has about 100.
MOST_VERSIONS: Final = 1 << 14


class VersionNeed(NamedTuple):
    """One version that must be defined by a needed file; ``number`` is its VERSYM number."""

    file: str
    version: str
    number: int
    weak: bool
    hidden: bool


class VersionDefinition(NamedTuple):
    """One version that the object defines; the base one names the object itself."""

    version: str
    number: int
    base: bool


def read_version_needs(
    image: Image, strings: StringTable, address: int, count: int
) -> tuple[VersionNeed, ...]:
    """Return the DT_VERNEED chain of ``count`` files, flattened in file order."""
    needs: list[VersionNeed] = []
    layout = image.layout
    if count > MOST_VERSIONS:
        raise MalformedElf(f'DT_VERNEEDNUM: {count}, more than the limit of {MOST_VERSIONS}')
    offset = image.offset_of(address, layout.verneed.size, 'DT_VERNEED')
    for _ in range(count):
        _, aux_count, file_index, aux, following = image.record_at(
            layout.verneed, offset, 'DT_VERNEED'
        )
        file = strings.at(file_index, 'vn_file')
        aux_offset = offset + aux
        for _ in range(aux_count):
            _, flags, other, name_index, aux_next = image.record_at(
                layout.vernaux, aux_offset, 'DT_VERNEED'
            )
            needs.append(
                VersionNeed(
                    file,
                    strings.at(name_index, 'vna_name'),
                    other & elf.VERSYM_VERSION,
                    bool(flags & elf.VER_FLG_WEAK),
                    bool(other & elf.VERSYM_HIDDEN),
                )
            )
            if len(needs) > MOST_VERSIONS:
                raise MalformedElf(f'DT_VERNEED: more than {MOST_VERSIONS} versions')
            if not aux_next:
                break
            aux_offset += aux_next
        if not following:
            break
        offset += following
    return tuple(needs)


def read_version_definitions(
    image: Image, strings: StringTable, address: int, count: int
) -> tuple[VersionDefinition, ...]:
    """Return the DT_VERDEF chain of ``count`` versions in file order."""
    definitions: list[VersionDefinition] = []
    layout = image.layout
    if count > MOST_VERSIONS:
        raise MalformedElf(f'DT_VERDEFNUM: {count}, more than the limit of {MOST_VERSIONS}')
    offset = image.offset_of(address, layout.verdef.size, 'DT_VERDEF')
    for _ in range(count):
        _, flags, index, aux_count, _, aux, following = image.record_at(
            layout.verdef, offset, 'DT_VERDEF'
        )
        if aux_count:
            name_index, _ = image.record_at(layout.verdaux, offset + aux, 'DT_VERDEF')
            definitions.append(
                VersionDefinition(
                    strings.at(name_index, 'vda_name'),
                    index & elf.VERSYM_VERSION,
                    bool(flags & elf.VER_FLG_BASE),
                )
            )
        if not following:
            break
        offset += following
    return tuple(definitions)
