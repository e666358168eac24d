"""Instructions beyond a CPU target where all instructions are words of four bytes: Arm, POWER.

No disassembler: an instruction is known by its fixed bits (aarch64.json, ppc64le.json).
Data between code may look like one, so the tables name what is rare in data and what every loop
that uses a feature has.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from .code_sections import CodeSection

_NAMES: Final = 'encodings'


@dataclass(frozen=True, slots=True)
class Encoding:
    """The fixed bits of some instructions; a word with the ``unless`` bits is another one."""

    feature: str
    mask: int
    value: int
    name: str
    unless: tuple[int, int] | None = None

    def fits(self, word: int) -> bool:
        """True when a word is one of these instructions."""
        if word & self.mask != self.value:
            return False
        return self.unless is None or word & self.unless[0] != self.unless[1]


@dataclass(frozen=True, slots=True)
class WordUse:
    """One instruction beyond the target: feature, address, name in the table."""

    feature: str
    address: int
    name: str


def encodings(document: Any, supported: frozenset[str]) -> list[Encoding]:
    """Return the rows of a table for the features that a target lacks."""
    return [
        Encoding(
            row['feature'],
            int(row['mask'], 16),
            int(row['value'], 16),
            row['name'],
            tuple(int(bits, 16) for bits in row['except']) if 'except' in row else None,  # type: ignore[arg-type]
        )
        for row in document[_NAMES]
        if row['feature'] not in supported
    ]


def words_beyond(
    sections: Iterable[CodeSection], document: Any, supported: frozenset[str]
) -> Iterator[WordUse]:
    """Yield every instruction that needs a feature which is not supported, little-endian code.

    One right behind the guard that the table names for its feature is left out.
    """
    wanted = encodings(document, supported)
    guards = [
        (g['feature'], int(g['mask'], 16), int(g['value'], 16), int(g['within']))
        for g in document['guarded_by']
    ]
    top = _top_bytes(tuple((e.mask, e.value) for e in wanted))
    for section in sections:
        size = len(section.data) // 4 * 4
        words = array('I', section.data[:size])
        for match in top.finditer(section.data[3:size:4]):
            at = match.start()
            word = words[at]
            for each in wanted:
                if each.fits(word):
                    if not _is_guarded(words, at, each.feature, guards):
                        yield WordUse(each.feature, section.address + 4 * at, each.name)
                    break


def reads_register(data: bytes, mask: int, value: int) -> bool:
    """True when code has an instruction with some fixed bits, the upper half of the word whole."""
    low = value.to_bytes(4, 'little')[2:]
    return any(
        int.from_bytes(data[at : at + 4], 'little') & mask == value for at in _aligned(data, low)
    )


def _aligned(data: bytes, high_half: bytes) -> Iterator[int]:
    """Yield the offsets of words whose upper half is given."""
    for match in re.finditer(re.escape(high_half), data):
        if match.start() % 4 == 2:
            yield match.start() - 2


def _is_guarded(
    words: array[int], at: int, feature: str, guards: list[tuple[str, int, int, int]]
) -> bool:
    return any(
        word & mask == value
        for name, mask, value, within in guards
        if name == feature
        for word in words[max(0, at - within) : at]
    )


@cache
def _top_bytes(rows: tuple[tuple[int, int], ...]) -> re.Pattern[bytes]:
    """Return a pattern of the most significant bytes that words of some encodings can have."""
    found = [
        byte
        for byte in range(256)
        if any(byte & (mask >> 24) == value >> 24 for mask, value in rows)
    ]
    if not found:
        return re.compile(b'(?!)')  # no encoding is wanted: nothing fits
    return re.compile(b'[' + b''.join(b'\\x%02x' % byte for byte in found) + b']')
