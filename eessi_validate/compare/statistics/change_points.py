"""Where a series changed its level: triage for a history, never proof.

The self-normalised statistic of X. Shao and X. Zhang (JASA 105 (2010) 1228) needs no estimate of
the noise or of its autocorrelation. That is what nightly series need: on series of 60 with slow
drift the usual methods (E-divisive, PELT, t) raise 60 to 70 % false alarms at their 5 %, this one
about 20 % at its 1 %, and hardly any without drift (``benchmarks/statistics``). It can only say
where to look; an interleaved rerun of the two releases decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A series shorter than this is not searched, and neither is a shorter part of one.
MINIMUM_LENGTH = 10

#: Runs that must lie on each side of a change.
MINIMUM_SEGMENT = 3

#: Error -> critical value of the statistic (Shao and Zhang 2010, table 1, one dimension).
CRITICAL_VALUES = {0.1: 29.6, 0.05: 40.1, 0.025: 52.2, 0.01: 68.6, 0.005: 84.6, 0.001: 121.9}

#: Error at which each window is searched: there are many.
_WINDOW_ERROR = 0.001


@dataclass(frozen=True)
class Change:
    """A step in a series."""

    #: Number of the first run after the step.
    index: int
    #: Level after divided by level before.
    ratio: float
    statistic: float


def find_changes(
    values: Sequence[float], *, error: float = 0.01, smallest: float = 0.02
) -> tuple[Change, ...]:
    """Return the steps of a series, in order; the parts between them are searched again.

    :arg values: positive finite values, oldest first.
    :arg error: one of :data:`CRITICAL_VALUES`.
    :arg smallest: steps below this fraction are left out.
    :raises ValueError: if a value is not positive and finite, or the error has no critical value.
    """
    if error not in CRITICAL_VALUES:
        raise ValueError(f'error must be one of {", ".join(map(str, CRITICAL_VALUES))}')
    if any(not (math.isfinite(v) and v > 0) for v in values):
        raise ValueError('a series of times or speeds holds positive finite values only')
    logs = np.log(np.asarray(values, dtype=float))
    cuts = _search(logs, 0, len(logs), error)
    edges = [0, *(cut for cut, _ in cuts), len(logs)]
    found = []
    for i, (cut, statistic) in enumerate(cuts, 1):
        before, after = logs[edges[i - 1] : cut], logs[cut : edges[i + 1]]
        step = float(np.median(after) - np.median(before))
        if abs(step) >= math.log1p(smallest):
            found.append(Change(cut, math.exp(step), statistic))
    return tuple(found)


def _search(
    logs: NDArray[np.float64], start: int, end: int, error: float
) -> list[tuple[int, float]]:
    if end - start < MINIMUM_LENGTH:
        return []
    found = _strongest_within(logs, start, end, error)
    if found is None:
        return []
    return [
        *_search(logs, start, found[0], error),
        found,
        *_search(logs, found[0], end, error),
    ]


def _strongest_within(
    logs: NDArray[np.float64], start: int, end: int, error: float
) -> tuple[int, float] | None:
    """Search the whole, then windows of it: a step and its repair hide each other in the whole."""
    cut, statistic = strongest_change(logs[start:end])
    if statistic > CRITICAL_VALUES[error]:
        return start + cut, statistic
    candidates = []
    for low, high in _windows(start, end):
        cut, statistic = strongest_change(logs[low:high])
        if statistic > CRITICAL_VALUES[_WINDOW_ERROR]:
            candidates.append((low + cut, statistic))
    return max(candidates, key=lambda c: c[1], default=None)


def _windows(start: int, end: int) -> list[tuple[int, int]]:
    """Return halves and quarters, each overlapping the next by half.

    Seeded intervals: S. Kovacs et al., Biometrika 110 (2023) 249.
    """
    found = []
    length = (end - start) // 2
    while length >= 2 * MINIMUM_LENGTH:
        step = length // 2
        found += [(low, low + length) for low in range(start, end - length + 1, step)]
        length //= 2
    return found


def strongest_change(values: NDArray[np.float64]) -> tuple[int, float]:
    """Return the best cut of a series and its self-normalised statistic, T^2 / V."""
    n = len(values)
    sums = np.concatenate(([0.0], np.cumsum(values - values.mean())))
    best = (0, 0.0)
    positions = np.arange(n + 1)
    for cut in range(MINIMUM_SEGMENT, n - MINIMUM_SEGMENT + 1):
        # Both parts as bridges: partial sums less their share of the part's own sum.
        left = sums[: cut + 1] - positions[: cut + 1] / cut * sums[cut]
        rest = n - cut
        share = positions[: rest + 1] / rest
        right = sums[cut:] - sums[cut] - share * (sums[n] - sums[cut])
        noise = float(left @ left + right @ right) / n**2
        signal = float(sums[cut] ** 2) / n
        if signal <= 1e-20:
            continue
        statistic = signal / noise if noise > 0 else math.inf
        if statistic > best[1]:
            best = (cut, statistic)
    return best


@dataclass(frozen=True)
class DatedChange:
    """A step of one series, placed in time."""

    #: Name of the series.
    series: str
    #: What the series tests; steps of one software are one witness.
    software: str
    #: Day number, or any number that grows with time.
    time: float
    ratio: float


@dataclass(frozen=True)
class EnvironmentChange:
    """Many unrelated tests stepped together: the machine changed, not the software."""

    start: float
    end: float
    series: tuple[str, ...]
    #: Software that stepped, and software that was measured at all.
    stepped: tuple[str, ...]
    measured: int


def find_environment_changes(
    changes: Sequence[DatedChange],
    measured: Mapping[str, str],
    *,
    window: float = 3.0,
    least: int = 3,
    share: float = 0.5,
) -> tuple[EnvironmentChange, ...]:
    """Return the times at which unrelated software stepped together on one system.

    :arg measured: series -> software, of all series of the system, stepped or not.
    :arg window: steps this close together in time count as one event.
    :arg least: different software that must have stepped.
    :arg share: the same as a share of all software that is measured.
    """
    total = len(set(measured.values()))
    found = []
    for group in _clusters(sorted(changes, key=lambda c: (c.time, c.series)), window):
        stepped = sorted({change.software for change in group})
        if len(stepped) >= max(least, share * total):
            found.append(
                EnvironmentChange(
                    start=group[0].time,
                    end=group[-1].time,
                    series=tuple(sorted({change.series for change in group})),
                    stepped=tuple(stepped),
                    measured=total,
                )
            )
    return tuple(found)


def _clusters(changes: Sequence[DatedChange], window: float) -> list[list[DatedChange]]:
    """Group by time; a group spans at most ``window``, the fullest groups first."""
    remaining, groups = list(changes), []
    while remaining:
        windows = [
            [c for c in remaining if start.time <= c.time <= start.time + window]
            for start in remaining
        ]
        fullest = max(windows, key=lambda group: len({c.software for c in group}))
        groups.append(fullest)
        taken = set(map(id, fullest))
        remaining = [c for c in remaining if id(c) not in taken]
    return sorted(groups, key=lambda group: group[0].time)
