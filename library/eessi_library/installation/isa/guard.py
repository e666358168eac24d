"""Does code ask the CPU what it has? Without that nothing guards an instruction at run time.

By an instruction (CPUID, an ID register) or by symbols of those who ask for it: what counts is in
the tables of instructions, ``asks``. The two bytes of CPUID stand in every 65,536 of code by
chance, so the disassembler has to agree.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from .code_sections import CodeSection
from .disassembly import find_objdump, windows
from .words import reads_register

_CPUID: Final = re.compile(b'\x0f\xa2')

#: Bytes before and behind a place that are shown to the disassembler, and places shown at once.
_BEFORE: Final = 96
_BEHIND: Final = 16
_AT_ONCE: Final = 1_000


def code_asks(sections: Iterable[CodeSection], family: str, asks: Any, compat: str) -> bool:
    """True when code holds the instruction that asks. Raises NoDisassembler for x86-64."""
    if family == 'x86_64':
        surroundings = _surroundings(sections)
        while some := list(itertools.islice(surroundings, _AT_ONCE)):
            if _any_is_cpuid(some, compat):
                return True
        return False
    if 'mask' not in asks:
        return False
    mask, value = int(asks['mask'], 16), int(asks['value'], 16)
    return any(reads_register(section.data, mask, value) for section in sections)


def _surroundings(sections: Iterable[CodeSection]) -> Iterator[bytes]:
    for section in sections:
        for match in _CPUID.finditer(section.data):
            at = match.start()
            before = section.data[max(0, at - _BEFORE) : at].rjust(_BEFORE, b'\x90')
            yield before + section.data[at : at + _BEHIND].ljust(_BEHIND, b'\x90')


def _any_is_cpuid(surroundings: list[bytes], compat: str) -> bool:
    size = _BEFORE + _BEHIND
    places = range(_BEFORE, size * len(surroundings), size)
    found = windows(find_objdump('x86_64', compat), 'x86_64', b''.join(surroundings), places)
    return any(each.mnemonic == 'cpuid' for _, each in found)


def imports_ask(names: Iterable[str], asks: Any) -> bool:
    """True when one of some symbols is of those who ask."""
    whole, parts = set(asks['imports']), tuple(asks.get('parts', ()))
    return any(name in whole or any(part in name for part in parts) for name in names)


def bytes_that_ask(asks: Any) -> list[bytes]:
    """Return what to look for in a table of names."""
    whole = [b'\0%s\0' % name.encode() for name in asks['imports']]
    return whole + [part.encode() for part in asks.get('parts', ())]
