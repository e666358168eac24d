"""Where functions start, from the table that unwinding uses: also in stripped files.

``.eh_frame_hdr``, located by PT_GNU_EH_FRAME (LSB core 5.0, 10.6.2): a sorted table of function
addresses, written by every linker for code with call frame information.
"""

from __future__ import annotations

import struct
from typing import Final

from eessi_library.elf.image import Buffer

_PT_GNU_EH_FRAME: Final = 0x6474E550
_UDATA4: Final = 0x03
#: Relative to the table, signed 4 bytes: what GNU ld, gold and lld write.
_DATAREL_SDATA4: Final = 0x3B
_MOST: Final = 1 << 22


def function_starts(data: Buffer) -> list[int]:
    """Return the addresses at which functions of a 64-bit ELF file start, sorted.

    Empty when there is no such table, or one in an encoding that no linker writes today.
    """
    order = '<' if data[5] == 1 else '>'
    try:
        (phoff,) = struct.unpack_from(f'{order}Q', data, 32)
        phentsize, phnum = struct.unpack_from(f'{order}HH', data, 54)
        for number in range(phnum if phentsize == 56 else 0):
            kind, _, offset, address = struct.unpack_from(f'{order}IIQQ', data, phoff + 56 * number)
            if kind == _PT_GNU_EH_FRAME:
                return _table(data, order, offset, address)
    except struct.error:
        return []
    return []


def _table(data: Buffer, order: str, offset: int, address: int) -> list[int]:
    version, _, count_encoding, table_encoding = data[offset : offset + 4]
    if version != 1 or count_encoding != _UDATA4 or table_encoding != _DATAREL_SDATA4:
        return []
    (count,) = struct.unpack_from(f'{order}I', data, offset + 8)
    pairs = struct.unpack_from(f'{order}{2 * min(count, _MOST)}i', data, offset + 12)
    return sorted(address + value for value in pairs[::2])
