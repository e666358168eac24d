"""Passes and failures as proportions: is a test flaky, and did its failure rate change?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from statistics import NormalDist


def wilson_interval(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the score interval for a proportion (E. B. Wilson, JASA 22 (1927) 209).

    :raises ValueError: for impossible counts.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f'{successes} of {trials} is no proportion')
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = successes / trials, z * z / trials
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    lower = 0.0 if successes == 0 else centre - half
    upper = 1.0 if successes == trials else centre + half
    return max(lower, 0.0), min(upper, 1.0)


def fisher_exact(a: int, b: int, c: int, d: int) -> float:
    """Return the two-sided p-value for the table ((a, b), (c, d)) with its margins fixed.

    It adds up all tables that are no more probable (R. A. Fisher, The Design of Experiments,
    1935; the two-sided form is that of R's ``fisher.test``).

    :raises ValueError: for a negative count.
    """
    if min(a, b, c, d) < 0:
        raise ValueError(f'counts cannot be negative: {(a, b), (c, d)}')
    row, column, total = a + b, a + c, a + b + c + d
    low, high = max(0, row + column - total), min(row, column)
    log_weights = [
        _log_choose(column, x) + _log_choose(total - column, row - x) for x in range(low, high + 1)
    ]
    top = max(log_weights)
    weights = [math.exp(w - top) for w in log_weights]
    observed = weights[a - low] * (1 + 1e-7)
    return min(1.0, sum(w for w in weights if w <= observed) / sum(weights))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@dataclass(frozen=True)
class PassRate:
    """How often a case passed."""

    passed: int
    runs: int

    @property
    def flaky(self) -> bool:
        """Both outcomes in one release."""
        return 0 < self.passed < self.runs

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval; everything is possible without a run."""
        return wilson_interval(self.passed, self.runs) if self.runs else (0.0, 1.0)


class RateChange(str, Enum):
    """What two pass rates allow to say."""

    WORSE = 'fails more often'
    BETTER = 'fails less often'
    NOT_SHOWN = 'change not shown'


def compare_pass_rates(
    before: PassRate, after: PassRate, *, alpha: float = 0.05
) -> tuple[RateChange, float]:
    """Return whether the failure rate changed, and Fisher's p-value."""
    p = fisher_exact(
        before.passed, before.runs - before.passed, after.passed, after.runs - after.passed
    )
    if p > alpha:
        return RateChange.NOT_SHOWN, p
    worse = after.passed / after.runs < before.passed / before.runs
    return (RateChange.WORSE if worse else RateChange.BETTER), p
