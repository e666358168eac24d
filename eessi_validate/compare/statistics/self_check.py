"""The machine against itself: how large is the difference between a thing and itself?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.statistics.power import MINIMUM_PAIRS
from eessi_validate.compare.statistics.ratio import RatioEstimate, estimate_ratio

#: Fewest A/A pairs that can fail the check at its level: 2 / 2^8 is 0.8 %, 2 / 2^7 is 1.6 %.
SELF_CHECK_PAIRS = 8

#: Correlation of the two sides above which running both at once cancels noise (the reference
#: experiment: 0.5; below it duet runs disturb each other).
DUET_CORRELATION = 0.5


@dataclass(frozen=True)
class SelfCheck:
    """What A/A pairs say about this machine, now."""

    n: int
    #: Coefficient of variation of single runs, as a fraction.
    noise: float
    #: Standard deviation of the log ratio within pairs.
    spread: float
    #: Lag-1 autocorrelation of the runs in the order they were made; near 1 is slow drift.
    autocorrelation: float
    estimate: RatioEstimate | None
    #: '' if the check passed or had too few pairs to fail; else what is wrong.
    problem: str = ''


def check_itself(pairs: Sequence[tuple[float, float]], *, alpha: float = 0.01) -> SelfCheck:
    """Return the noise of A/A pairs; a difference that cannot be chance is a problem.

    :arg pairs: values of one metric, in the order they were measured.
    :arg alpha: the check cries wolf this often.
    """
    logs = np.log(np.asarray(pairs, dtype=float).ravel())
    ratios = [math.log(after) - math.log(before) for before, after in pairs]
    estimate = estimate_ratio(ratios)
    problem = ''
    if estimate is not None and estimate.p <= alpha:
        problem = (
            f'the same software differs from itself by {abs(estimate.ratio - 1):.1%}'
            f' (p = {estimate.p:.4f}): order or start-up matters here, trust no comparison'
        )
    return SelfCheck(
        n=len(pairs),
        noise=float(np.std(logs, ddof=1)) if len(logs) > 1 else math.nan,
        spread=float(np.std(ratios, ddof=1)) if len(ratios) > 1 else math.nan,
        autocorrelation=autocorrelation(logs),
        estimate=estimate,
        problem=problem,
    )


def autocorrelation(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the lag-1 autocorrelation; 0 for constant or too short series."""
    centred = np.asarray(values, dtype=float) - np.mean(values) if len(values) else np.zeros(0)
    total = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / total if len(centred) > 2 and total > 0 else 0.0


@dataclass(frozen=True)
class DuetAdvice:
    """Whether both sides may run at the same time."""

    allowed: bool
    reason: str
    correlation: float = math.nan


def advise_duet(
    pilot: Sequence[tuple[float, float]], *, cores_of_both: int, idle_cores: float
) -> DuetAdvice:
    """Return whether running both sides at once would cancel noise here.

    Duet runs share every disturbance (L. Bulej et al., ICPE 2020), if there is room for both and
    the pilot shows that they do.

    :arg pilot: values of simultaneous runs.
    """
    if idle_cores < cores_of_both:
        reason = f'both sides take {cores_of_both} cores, {idle_cores:.1f} are idle'
        return DuetAdvice(False, reason)
    if len(pilot) < MINIMUM_PAIRS:
        return DuetAdvice(False, f'{len(pilot)} pilot pairs: {MINIMUM_PAIRS} are needed')
    logs = np.log(np.asarray(pilot, dtype=float))
    spread = logs.std(axis=0)
    if not spread.all():
        return DuetAdvice(False, 'one side does not vary: there is no noise to cancel')
    correlation = float(np.corrcoef(logs.T)[0, 1])
    if correlation <= DUET_CORRELATION:
        reason = f'pilot correlation {correlation:.2f}, more than {DUET_CORRELATION} is needed'
        return DuetAdvice(False, reason, correlation)
    return DuetAdvice(True, f'pilot correlation {correlation:.2f}', correlation)
