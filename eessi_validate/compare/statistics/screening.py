"""Stored runs of different days: good for finding what deserves a measurement, for no more.

All of one side was measured before all of the other. Whatever the machine did in between is in
the difference, and no test can take it out: with slow drift every usual one raises 20 to 50 %
false alarms at its 5 % (``benchmarks/statistics``). The answer is therefore labelled *screening*
and says *suspect*; ``eessi-validate ab`` confirms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from eessi_validate.compare.statistics.comparability import Comparability
from eessi_validate.compare.statistics.rank_sum import shift_interval
from eessi_validate.compare.statistics.self_check import autocorrelation
from eessi_validate.compare.statistics.verdict import Direction

LABEL = 'screening'

#: Level of the interval: a missed suspect is lost, a false one costs a rerun.
SCREENING_ALPHA = 0.1

#: With too few runs for an interval, differences beyond this fraction are suspect.
COARSE_DELTA = 0.1


class Suspicion(str, Enum):
    """What stored runs allow to say; "regression" is not among it."""

    SUSPECT_SLOWER = 'suspect: slower'
    SUSPECT_FASTER = 'suspect: faster'
    NOT_SUSPECT = 'not suspect'
    #: Too little or unfit data.
    UNKNOWN = 'cannot be screened'


@dataclass(frozen=True)
class StoredRun:
    """One value of one metric from a stored run."""

    value: float
    unit: str
    #: What was measured together shares its luck: one session, job or day.
    session: str


@dataclass(frozen=True)
class Screening:
    """A comparison of stored runs, labelled as what it is."""

    suspicion: Suspicion
    reason: str
    #: Sessions on each side, which are what counts.
    sessions: tuple[int, int] = (0, 0)
    #: After / before, and its interval widened for dependence; nan if there is none.
    ratio: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    #: Factor by which the interval was widened.
    widened: float = 1.0
    #: Rows that were not used: (side, reason).
    rejected: tuple[tuple[str, str], ...] = ()
    label: str = LABEL


def screen(
    before: Sequence[StoredRun],
    after: Sequence[StoredRun],
    direction: Direction,
    *,
    comparability: Comparability | None = None,
    practical_delta: float = 0.02,
) -> Screening:
    """Return whether the runs after deserve an interleaved measurement.

    Values of one session become one (their median): repeating a run a hundred times on one bad
    evening makes one bad evening.

    :arg comparability: from ``check_comparable``; refused comparisons are not made.
    """
    if direction not in ('higher', 'lower'):
        raise ValueError('a truth is compared by tolerance, not screened')
    if comparability is not None and not comparability.allowed:
        reason = f'not comparable: {"; ".join(comparability.refusals)}'
        return Screening(Suspicion.UNKNOWN, reason)
    units = {run.unit for run in (*before, *after)}
    if len(units) > 1:
        return Screening(Suspicion.UNKNOWN, f'units differ: {", ".join(sorted(map(repr, units)))}')
    rejected = tuple(
        (side, f'{run.value} in {run.session or "a session"}: a ratio needs positive numbers')
        for side, runs in (('before', before), ('after', after))
        for run in runs
        if not _usable(run)
    )
    old, new = _sessions(before), _sessions(after)
    if not old or not new:
        side = 'after' if old else 'before'
        return Screening(Suspicion.UNKNOWN, f'no usable run {side}', rejected=rejected)
    return _screened(old, new, direction, math.log1p(practical_delta), rejected)


def _usable(run: StoredRun) -> bool:
    return math.isfinite(run.value) and run.value > 0


def _sessions(runs: Sequence[StoredRun]) -> list[float]:
    """Return the log of each session's median, in the order in which sessions appear."""
    values: dict[str, list[float]] = {}
    for run in runs:
        if _usable(run):
            values.setdefault(run.session, []).append(math.log(run.value))
    return [float(np.median(logs)) for logs in values.values()]


def _screened(
    old: list[float],
    new: list[float],
    direction: Direction,
    log_delta: float,
    rejected: tuple[tuple[str, str], ...],
) -> Screening:
    counts = (len(old), len(new))
    exact = shift_interval(old, new, SCREENING_ALPHA)
    if exact is None:
        shift = float(np.median(np.subtract.outer(new, old)))
        suspect = abs(shift) > math.log1p(COARSE_DELTA)
        why = f'{counts[0]} and {counts[1]} sessions are too few for an interval; '
        why += f'judged by a {COARSE_DELTA:.0%} rule'
        suspicion = _suspicion(suspect, shift, direction)
        return Screening(suspicion, why, counts, math.exp(shift), rejected=rejected)
    shift, low, high = exact
    factor = _widening(old, new)
    low, high = shift - factor * (shift - low), shift + factor * (high - shift)
    suspect = abs(shift) > log_delta and (low > 0 or high < 0)
    return Screening(
        suspicion=_suspicion(suspect, shift, direction),
        reason=f'{counts[0]} and {counts[1]} sessions of different times',
        sessions=counts,
        ratio=math.exp(shift),
        lower=math.exp(low),
        upper=math.exp(high),
        widened=factor,
        rejected=rejected,
    )


def _widening(old: list[float], new: list[float]) -> float:
    """Return sqrt((1 + r) / (1 - r)) for the autocorrelation r within the sides.

    The variance of a mean of an AR(1) series (G. E. P. Box and G. M. Jenkins, Time Series
    Analysis, 1970). r is underestimated by (1 + 3 r) / n in short series (M. G. Kendall,
    Biometrika 41 (1954) 403), which is put back; never below 0, at most 0.9.
    """
    weights = [len(side) for side in (old, new)]
    r = sum(w * autocorrelation(s) for w, s in zip(weights, (old, new), strict=True)) / sum(weights)
    n = sum(weights) / 2
    r = min(max(r + (1 + 3 * r) / n, 0.0), 0.9)
    return math.sqrt((1 + r) / (1 - r))


def _suspicion(suspect: bool, shift: float, direction: Direction) -> Suspicion:
    if not suspect:
        return Suspicion.NOT_SUSPECT
    worse = (shift > 0) == (direction == 'lower')
    return Suspicion.SUSPECT_SLOWER if worse else Suspicion.SUSPECT_FASTER
