"""The loader's cache file, ``ld.so.cache``: library names to paths, per ABI and hwcaps level.

Source: ``sysdeps/generic/dl-cache.h`` and ``elf/dl-cache.c`` of glibc 2.36 (format
``glibc-ld.so.cache1.1`` with its extension directory).
"""

import os
import struct
from typing import Final

from . import constants as elf
from .errors import ElfError

_MAGIC: Final = b'glibc-ld.so.cache1.1'
_OLD_MAGIC: Final = b'ld.so-1.7.0'
_EXTENSION_MAGIC: Final = 0xEAA42174
_TAG_HWCAPS: Final = 1
_HWCAP_EXTENSION: Final = 1 << 62
_LARGEST: Final = 64 << 20

# _DL_CACHE_DEFAULT_ID per machine (sysdeps/*/dl-cache.h); FLAG_ELF_LIBC6 is 3.
_FLAGS: Final = {
    (elf.ELFCLASS64, elf.EM_X86_64): 0x0303,
    (elf.ELFCLASS32, elf.EM_X86_64): 0x0803,
    (elf.ELFCLASS64, elf.EM_AARCH64): 0x0A03,
    (elf.ELFCLASS64, elf.EM_PPC64): 0x0503,
    (elf.ELFCLASS64, elf.EM_RISCV): 0x1003,
    (elf.ELFCLASS32, elf.EM_386): 0x0003,
}


class MalformedCache(ElfError):
    """The bytes are not a cache of the format that glibc writes since 2.2."""


class LoaderCache:
    """What ``ldconfig`` recorded: look up a library name for an ABI and hwcaps levels."""

    def __init__(self, entries: dict[tuple[str, int], list[tuple[str, str | None]]]) -> None:
        self._entries = entries

    def __len__(self) -> int:
        return sum(len(paths) for paths in self._entries.values())

    def lookup(
        self, name: str, abi: tuple[int, int, int], levels: tuple[str, ...] = ()
    ) -> str | None:
        """Return the path for a name; ``levels`` are the CPU's hwcaps levels, best first.

        ``abi`` is (class, data encoding, machine). Entries that only a legacy hwcap selects
        (glibc before 2.37) are passed by.
        """
        flags = _FLAGS.get((abi[0], abi[2]))
        if flags is None:
            return None
        candidates = self._entries.get((name, flags), ())
        for level in (*levels, None):
            for path, needed_level in candidates:
                if needed_level == level:
                    return path
        return None


def read_cache(path: str | os.PathLike[str]) -> LoaderCache:
    """Read a cache file; raises OSError when it cannot be read and MalformedCache."""
    with open(path, 'rb') as file:
        return parse_cache(file.read(_LARGEST))


def parse_cache(data: bytes) -> LoaderCache:
    """Parse the bytes of a cache file; raises MalformedCache."""
    start = 0
    if data.startswith(_OLD_MAGIC):  # the old format may come first, with the new one behind
        start = data.find(_MAGIC)
    if start < 0 or not data.startswith(_MAGIC, start):
        raise MalformedCache(f'ld.so.cache: expected {_MAGIC!r}, found {data[:20]!r}')
    data = data[start:]
    try:
        return _parse(data)
    except struct.error as error:
        raise MalformedCache(f'ld.so.cache: {error}') from error


def _parse(data: bytes) -> LoaderCache:
    order = '>' if len(data) > 28 and data[28] & 3 == 3 else '<'
    count, _, _, extension = struct.unpack_from(order + 'IIB3xI', data, 20)
    levels = _hwcaps_levels(data, order, extension) if extension else []
    entries: dict[tuple[str, int], list[tuple[str, str | None]]] = {}
    record = struct.Struct(order + 'iIIIQ')
    if 48 + count * record.size > len(data):
        raise MalformedCache(f'ld.so.cache: {count} entries do not fit in {len(data)} bytes')
    for flags, key, value, _, hwcap in record.iter_unpack(data[48 : 48 + count * record.size]):
        level: str | None = None
        if hwcap & _HWCAP_EXTENSION:
            index = hwcap & 0xFFFFFFFF
            if index >= len(levels):
                continue
            level = levels[index]
        elif hwcap:
            continue
        entries.setdefault((_text(data, key), flags), []).append((_text(data, value), level))
    return LoaderCache(entries)


def _hwcaps_levels(data: bytes, order: str, offset: int) -> list[str]:
    magic, count = struct.unpack_from(order + 'II', data, offset)
    if magic != _EXTENSION_MAGIC:
        return []
    for number in range(min(count, 16)):
        tag, _, start, size = struct.unpack_from(order + 'IIII', data, offset + 8 + 16 * number)
        if tag == _TAG_HWCAPS:
            size = min(size, len(data))
            indices = struct.unpack_from(f'{order}{size // 4}I', data, start)
            return [_text(data, index) for index in indices]
    return []


def _text(data: bytes, offset: int) -> str:
    end = data.find(b'\0', offset, offset + 4096)
    if end < 0:
        raise MalformedCache(f'ld.so.cache: no string at offset {offset:#x}')
    return data[offset:end].decode('utf-8', 'surrogateescape')
