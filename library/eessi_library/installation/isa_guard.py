"""Does code ask the CPU what it has? Without that nothing guards an instruction at run time.

By an instruction (CPUID, an ID register) or by symbols of those who ask for it: what counts is in
the tables of instructions, ``asks``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .code_sections import CodeSection
from .isa_words import reads_register

_CPUID: Final = b'\x0f\xa2'


def code_asks(sections: Iterable[CodeSection], family: str, asks: Any) -> bool:
    """True when code holds the instruction that asks."""
    if family == 'x86_64':
        return any(_CPUID in section.data for section in sections)
    if 'mask' not in asks:
        return False
    mask, value = int(asks['mask'], 16), int(asks['value'], 16)
    return any(reads_register(section.data, mask, value) for section in sections)


def imports_ask(names: Iterable[str], asks: Any) -> bool:
    """True when one of some symbols is of those who ask."""
    whole, parts = set(asks['imports']), tuple(asks.get('parts', ()))
    return any(name in whole or any(part in name for part in parts) for name in names)


def bytes_that_ask(asks: Any) -> list[bytes]:
    """Return what to look for in a table of names."""
    whole = [b'\0%s\0' % name.encode() for name in asks['imports']]
    return whole + [part.encode() for part in asks.get('parts', ())]
