"""From measured rows to pairs; every row is used, or rejected with a reason."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Measurement:
    """One value of one metric, measured on one side of one pair."""

    #: What names the pair; the same on both sides.
    pair: str
    value: float
    unit: str
    #: Why it must not be used (the case failed, for instance); '' if it may.
    invalid: str = ''


@dataclass(frozen=True)
class Rejected:
    """A row that was not used."""

    side: str
    measurement: Measurement
    reason: str


@dataclass(frozen=True)
class PairedSample:
    """The usable pairs of one metric; rows in are two for each pair plus the rejected ones."""

    pairs: tuple[tuple[float, float], ...] = ()
    unit: str = ''
    rejected: tuple[Rejected, ...] = ()
    #: Why nothing can be compared at all; '' if pairs can.
    refusal: str = ''
    #: Names of the pairs, in their order.
    names: tuple[str, ...] = field(default=(), compare=False)

    @property
    def log_ratios(self) -> tuple[float, ...]:
        """``log(after / before)`` of each pair."""
        return tuple(math.log(after) - math.log(before) for before, after in self.pairs)


def pair_up(before: Sequence[Measurement], after: Sequence[Measurement]) -> PairedSample:
    """Join two sides by the name of the pair, in the order of ``before``.

    Rejected: values that are not positive finite numbers (a ratio needs them), pairs named twice
    on a side (which one counts is not known), rows without a partner, and the partners of rejected
    rows. A unit that differs anywhere refuses the whole sample.
    """
    sides = {'before': before, 'after': after}
    refusal = _refusal(sides)
    if refusal:
        rejected = [Rejected(s, m, refusal) for s, rows in sides.items() for m in rows]
        return PairedSample(rejected=tuple(rejected), refusal=refusal)
    reasons = {
        side: {row.pair: _reason(row, counts[row.pair]) for row in rows}
        for side, rows in sides.items()
        for counts in [Counter(row.pair for row in rows)]
    }
    rejected = []
    for side, other, rows in (('before', 'after', before), ('after', 'before', after)):
        for row in rows:
            reason = reasons[side][row.pair]
            if not reason and row.pair not in reasons[other]:
                reason = f'has no partner {other}'
            elif not reason and reasons[other][row.pair]:
                reason = f'its partner {other} {reasons[other][row.pair]}'
            if reason:
                rejected.append(Rejected(side, row, reason))
    lost = {entry.measurement.pair for entry in rejected}
    partner = {row.pair: row.value for row in after}
    used = [row for row in before if row.pair not in lost]
    return PairedSample(
        pairs=tuple((row.value, partner[row.pair]) for row in used),
        unit=(*before, *after)[0].unit,
        rejected=tuple(rejected),
        names=tuple(row.pair for row in used),
    )


def _refusal(sides: dict[str, Sequence[Measurement]]) -> str:
    for side, rows in sides.items():
        if not rows:
            return f'nothing was measured {side}'
    units = {side: sorted({row.unit for row in rows}) for side, rows in sides.items()}
    if units['before'] != units['after'] or len(units['before']) > 1:
        found = ' and '.join(f'{", ".join(map(repr, units[side]))} {side}' for side in units)
        return f'units differ: {found}'
    return ''


def _reason(row: Measurement, times: int) -> str:
    if times > 1:
        return f'is there {times} times'
    if row.invalid:
        return row.invalid
    if not math.isfinite(row.value):
        return f'is {row.value}, not a number that can be compared'
    if row.value <= 0:
        return f'is {row.value:g}: a ratio needs positive values'
    return ''
