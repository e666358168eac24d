"""Metrics of passing cases as series: truths for drift, the others for screening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.stored.cases import IDENTITY, Cases, case_name
from eessi_validate.compare.stored.coded import Rows, group


@dataclass(frozen=True)
class Series:
    """Values of one metric of one case, of both sides."""

    #: Positions of rows before and after.
    before: NDArray[np.int64]
    after: NDArray[np.int64]

    @property
    def any(self) -> int:
        """A row to take names from."""
        return int(self.before[0] if len(self.before) else self.after[0])


@dataclass(frozen=True)
class Sorted:
    """Series, and where the rows went that are in none."""

    truths: tuple[Series, ...]
    speeds: tuple[Series, ...]
    parts: dict[str, int]


def sort_rows(cases: Cases, ignored: Sequence[str], per_system: bool) -> Sorted:
    """Give every row its place: a series of truths, a series of speeds, or a reason why not."""
    frame = cases.rows
    passed = frame.texts['outcome'].equals('pass')
    named = ~frame.texts['metric'].equals('')
    value = frame.numbers['value']
    truth = frame.texts['direction'].equals('truth')
    usable = np.isfinite(value) & (truth | (value > 0))
    left = ~cases.surplus
    parts: dict[str, int] = {'repeated id, used once': int(cases.surplus.sum())}
    for reason, mask in (
        ('case without metrics', ~named),
        ('case did not pass', named & ~passed),
        ('value that is no number, or not positive', named & passed & ~usable),
    ):
        taken = left & mask
        parts[reason] = int(taken.sum())
        left &= ~mask
    columns = [name for name in IDENTITY if name not in ignored]
    columns += ['metric', *(['system'] if per_system else [])]
    rows = np.flatnonzero(left)
    found: dict[bool, list[Series]] = {True: [], False: []}
    groups = group(frame.take(rows), columns)
    for kind in (True, False):
        mine = truth[rows] == kind
        for series in _split(rows[mine], groups[mine], cases.side):
            found[kind].append(series)
    parts['truth'] = sum(len(s.before) + len(s.after) for s in found[True])
    parts['performance'] = sum(len(s.before) + len(s.after) for s in found[False])
    return Sorted(tuple(found[True]), tuple(found[False]), parts)


def _split(
    rows: NDArray[np.int64], groups: NDArray[np.int64], side: NDArray[np.int64]
) -> Iterator[Series]:
    if not len(rows):
        return
    order = np.lexsort((rows, side[rows], groups))
    rows, groups = rows[order], groups[order]
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    sides = side[rows]
    for part, which in zip(np.split(rows, starts[1:]), np.split(sides, starts[1:]), strict=True):
        cut = int(np.searchsorted(which, 1))
        yield Series(part[:cut], part[cut:])


def one_sided(
    frame: Rows, series: Sequence[Series], cases: Cases, ignored: Sequence[str]
) -> list[str]:
    """Name metrics on one side only of cases that passed on both: vanished, new or renamed."""
    lonely = [s for s in series if not len(s.before) or not len(s.after)]
    if not lonely:
        return []
    passing: list[set[str]] = [set(), set()]
    chosen = cases.chosen
    candidates = {case_name(frame, s.any, ignored) for s in lonely}
    ok = frame.texts['outcome'].equals('pass')[chosen]
    tests = {frame.at('test', s.any) for s in lonely}
    mine = chosen[ok & frame.texts['test'].any_of(tests)[chosen]]
    for row in mine:
        name = case_name(frame, int(row), ignored)
        if name in candidates:
            passing[int(cases.side[row])].add(name)
    both = passing[0] & passing[1]
    told: dict[str, tuple[list[str], list[str]]] = {}
    for s in lonely:
        name = case_name(frame, s.any, ignored)
        if name in both:
            told.setdefault(name, ([], []))[int(not len(s.before))].append(
                frame.at('metric', s.any)
            )
    lines = []
    for name, (gone, new) in sorted(told.items()):
        gone, new = sorted(set(gone)), sorted(set(new))
        if gone and new:
            lines.append(
                f'{name}: metric {", ".join(gone)} vanished and {", ".join(new)} appeared: '
                'renamed? not compared'
            )
        elif gone:
            lines.append(f'{name}: metric {", ".join(gone)} vanished')
    return lines
