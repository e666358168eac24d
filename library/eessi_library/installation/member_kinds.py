"""What the first bytes of a member of an archive say that it is."""

from __future__ import annotations

from typing import Final

ELF: Final = 'ELF'
BITCODE: Final = 'LLVM bitcode'
EMPTY: Final = 'nothing (empty)'

#: First bytes -> what it is. LLVM: BitCodeFormat.rst, "Magic Numbers", "Wrapper"; PE/COFF: file
#: header (machine) and anonymous objects of import libraries (winnt.h); Mach-O: loader.h.
_KINDS: Final = (
    (b'\x7fELF', ELF),
    (b'BC\xc0\xde', BITCODE),
    (b'\xde\xc0\x17\x0b', BITCODE),
    (b'!<arch>\n', 'an archive'),
    (b'!<thin>\n', 'an archive'),
    (b'\x64\x86', 'a COFF object (Windows)'),
    (b'\x4c\x01', 'a COFF object (Windows)'),
    (b'\x64\xaa', 'a COFF object (Windows)'),
    (b'\x00\x00\xff\xff', 'a COFF object (Windows)'),
    (b'\xcf\xfa\xed\xfe', 'a Mach-O object (macOS)'),
    (b'\xce\xfa\xed\xfe', 'a Mach-O object (macOS)'),
    (b'\x00asm', 'WebAssembly'),
    (b'go object ', 'an object of Go'),
    (b'rust\0', 'metadata of Rust'),
)


def kind_of_content(head: bytes) -> str:
    """Return what some first bytes begin: ``ELF``, else words for a message."""
    if not head:
        return EMPTY
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    return 'data' if b'\0' in head else 'text'
