"""An alarm for the last runs of a series: halved speed must not go unnoticed for a week.

Asked after every run, so the error of each look must be small: at 1 in 10,000 a nightly series
cries wolf once in 27 years. A change of some per cent is not for this alarm but for
``find_changes`` and an interleaved rerun.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.statistics.student import cumulative
from eessi_validate.compare.statistics.verdict import Direction
from eessi_validate.compare.statistics.warning_lines import both_out

#: Sound runs that must precede before anything can be said.
MINIMUM_BASELINE = 8

#: Share of the error for the last 1, 2 and 3 runs. Two are what a rerun gives: most goes there.
_SHARES = (0.1, 0.8, 0.1)

#: Runs in a baseline -> robust standard deviations from the median beyond which a run is none of
#: it. Normal noise has such a run once in 1,000 baselines (simulated, 100,000 of each length; the
#: usual 3.5 for all, B. Iglewicz and D. C. Hoaglin, How to Detect and Handle Outliers, 1993, takes
#: one out of 14 % of baselines of 8, whose noise then looks small: the alarm rang ten times too
#: often there).
_OUTLIER = {8: 15.5, 10: 11.6, 12: 10.3, 15: 8.9, 20: 7.3, 30: 6.2, 40: 5.7, 60: 5.3, 100: 5.0}

#: Median absolute deviation of a normal distribution in standard deviations.
_MAD_OF_NORMAL = 0.6745


@dataclass(frozen=True)
class Noise:
    """What other series of this kind on this system say about the noise."""

    #: Standard deviation of the logarithm of single runs.
    scale: float
    #: Degrees of freedom behind it: runs less series.
    degrees: int


@dataclass(frozen=True)
class Alarm:
    """What the last runs of a series say."""

    raised: bool
    reason: str
    #: Last runs that are bad together: 1, 2 or 3.
    runs: int = 0
    #: Geometric mean of those runs as a fraction of the baseline.
    ratio: float = math.nan
    p: float = math.nan


def pooled_noise(series: Sequence[Sequence[float]]) -> Noise | None:
    """Return the noise within series (positive values), pooled; None without any.

    Each series loses its outliers first, so that one that fell does not pass for noise.
    """
    total, degrees = 0.0, 0
    for values in series:
        if len(values) >= MINIMUM_BASELINE:
            logs = _without_outliers(np.log(np.asarray(values, dtype=float)))
            total += float(((logs - logs.mean()) ** 2).sum())
            degrees += len(logs) - 1
    return Noise(math.sqrt(total / degrees), degrees) if degrees and total > 0 else None


def check_last_runs(
    values: Sequence[float],
    direction: Direction,
    *,
    noise: Noise | None = None,
    baseline: int = 200,
    error: float = 1e-4,
    smallest: float = 0.1,
) -> Alarm:
    """Return whether the last 1, 2 or 3 runs are worse than the runs before them.

    A t-test on logarithms of the last run, or of the mean of the last three, against up to
    ``baseline`` runs before; for two runs, that both are out (``warning_lines``). The error is
    divided among the three lengths. The series' own noise is shrunk towards ``noise`` by degrees
    of freedom (G. K. Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004) 3).

    :arg values: positive finite values, oldest first.
    :arg error: probability of an alarm at one look at a sound series.
    :arg smallest: no alarm for changes below this fraction.
    :raises ValueError: if a value is not positive and finite.
    """
    if any(not (math.isfinite(v) and v > 0) for v in values):
        raise ValueError('a series of times or speeds holds positive finite values only')
    logs = np.log(np.asarray(values, dtype=float))
    worse = logs if direction == 'lower' else -logs
    found = [
        alarm
        for runs, share in enumerate(_SHARES, 1)
        if (alarm := _look(worse, runs, noise, baseline, direction, share)) is not None
    ]
    if not found:
        return Alarm(False, f'{len(values)} runs: {MINIMUM_BASELINE} sound ones are needed before')
    best = min(found, key=lambda alarm: alarm.p)
    change = abs(best.ratio - 1)
    if best.p > error or change < smallest:
        return Alarm(False, 'nothing that noise would not do', 0, best.ratio, best.p)
    last = 'the last run is' if best.runs == 1 else f'the last {best.runs} runs are'
    reason = f'{last} at {best.ratio:.0%} of the baseline'
    return Alarm(True, reason, best.runs, best.ratio, best.p)


def _look(
    worse: NDArray[np.float64],
    runs: int,
    noise: Noise | None,
    baseline: int,
    direction: Direction,
    share: float,
) -> Alarm | None:
    sound = _without_outliers(worse[:-runs][-baseline:]) if len(worse) > runs else worse[:0]
    if len(sound) < MINIMUM_BASELINE:
        return None
    degrees = len(sound) - 1
    squares = float(((sound - sound.mean()) ** 2).sum())
    if noise is not None:
        squares, degrees = squares + noise.scale**2 * noise.degrees, degrees + noise.degrees
    scale = math.sqrt(squares / degrees)
    last = worse[-runs:] - sound.mean()
    shift = float(last.mean())
    if runs == 2:
        first, second = (_tail(float(x), scale, 1, len(sound), degrees) for x in last)
        p = both_out(first, second, len(sound), degrees)
    else:
        p = _tail(shift, scale, runs, len(sound), degrees)
    ratio = math.exp(shift if direction == 'lower' else -shift)
    return Alarm(False, '', runs, ratio, min(1.0, p / share))


def _tail(shift: float, scale: float, runs: int, baseline: int, degrees: int) -> float:
    """Return the one-sided p-value of the mean of ``runs`` against that of a baseline."""
    error = scale * math.sqrt(1 / runs + 1 / baseline)
    # Without any noise whatever is worse is certainly so.
    return cumulative(-shift / error, degrees) if error > 0 else float(shift <= 0)


def _without_outliers(
    values: NDArray[np.float64],
) -> NDArray[np.float64]:
    if not len(values):
        return values
    distance = np.abs(values - np.median(values))
    far = float(np.interp(len(values), list(_OUTLIER), list(_OUTLIER.values())))
    limit = far * float(np.median(distance)) / _MAD_OF_NORMAL
    return values[distance <= limit] if limit > 0 else values
