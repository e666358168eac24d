"""Is there an instruction where the search found its encoding? Disassembled, not guessed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from .disassembly import Instruction, stretches, windows
from .features import FeatureCount, all_mnemonics

#: Bytes decoded before a place in code that has no table of functions near it, and beyond which
#: a function of the table is not believed to reach (a hand-written one may have no entry).
_SECOND_LOOK: Final = 1 << 12
_LONGEST_FUNCTION: Final = 1 << 18

#: Places looked at with one objdump.
_BATCH: Final = 20_000

#: Bytes of code per place to look at, below which all of the code is disassembled at once, and
#: bytes of code whose listing is held at once (it is ten times as long).
DENSE: Final = 100
_LISTED: Final = 1 << 20


def instructions_at(
    objdump: str,
    code: bytes,
    places: Sequence[int],
    starts: Sequence[int],
    count: FeatureCount,
) -> Iterator[tuple[int, Instruction]]:
    """Yield (offset, instruction) for those beyond the target that start at some places of code.

    :arg starts: offsets in the code at which functions start, sorted.
    """
    found: set[int] = set()
    for start in range(0, len(places), _BATCH):
        seen = windows(objdump, count.family, code, places[start : start + _BATCH])
        found.update(offset for offset, each in seen if count.feature(each) is not None)
    ranges = _from_function_starts(len(code), starts, sorted(found))
    yield from stretches(objdump, count.family, code, ranges, all_mnemonics(count.family))


def instructions_of(
    objdump: str, code: bytes, starts: Sequence[int], family: str
) -> Iterator[tuple[int, Instruction]]:
    """Yield (offset, instruction) for those of all code that need any feature.

    Decoded from each start of a function to the next, so that data between functions misleads
    within one of them only.
    """
    ranges: list[tuple[int, int]] = []
    pending = 0
    for start, end in zip(starts, [*starts[1:], len(code)], strict=True):
        ranges.append((start, end))
        pending += end - start
        if pending > _LISTED:
            yield from stretches(objdump, family, code, ranges, all_mnemonics(family))
            ranges, pending = [], 0
    yield from stretches(objdump, family, code, ranges, all_mnemonics(family))


def _from_function_starts(
    size: int, starts: Sequence[int], offsets: list[int]
) -> list[tuple[int, int]]:
    """Return what to decode to be sure of some offsets: from the start of their function on."""
    ranges: dict[int, int] = {}
    for offset in offsets:
        at = bisect_right(starts, offset) - 1
        start = starts[at] if at >= 0 else -1
        if start < 0 or offset - start > _LONGEST_FUNCTION:
            start = max(0, offset - _SECOND_LOOK)
        ranges[start] = min(offset + 16, size)
    return sorted(ranges.items())
