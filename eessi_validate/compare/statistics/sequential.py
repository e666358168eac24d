"""Looking at the pairs while they come in, without paying for it with false alarms.

The error is spent over the looks (K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983) 659) as in
the design of P. C. O'Brien and T. R. Fleming (Biometrics 35 (1979) 549): almost nothing early.
Boundaries come from the recursion of P. Armitage, C. K. McPherson and B. C. Rowe (J. R. Statist.
Soc. A 132 (1969) 235); the tests compare them with published tables. They hold for a statistic
with independent increments, which the signed-rank statistic is in the limit; the test-bed in
``benchmarks/statistics`` measures the error for real numbers of pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.statistics.power import MINIMUM_PAIRS

_NORMAL = NormalDist()

#: Points of the grid on which the path's density is carried from look to look.
_POINTS = 241

#: Smallest p-value that is told apart from zero.
_LEAST = 1e-12

#: A boundary that nothing crosses: P(|Z| > 12) is 4e-33.
_NEVER = 12.0


def spent(alpha: float, fraction: float) -> float:
    """Return the one-sided error spent at an information fraction, of ``alpha`` in all."""
    if fraction >= 1:
        return alpha
    return _tail(_NORMAL.inv_cdf(1 - alpha / 2) / math.sqrt(fraction)) * 2


@cache
def boundaries(fractions: tuple[float, ...], alpha: float = 0.05) -> tuple[float, ...]:
    """Return the |Z| that must be reached at each look for a two-sided error of ``alpha``.

    :arg fractions: information at each look as a fraction of the last planned one, increasing.
    :raises ValueError: unless 0 < fractions <= 1, strictly increasing, and 0 < alpha < 1.
    """
    steps = (0.0, *fractions)
    if any(a >= b for a, b in pairwise(steps)) or steps[-1] > 1 + 1e-9:
        raise ValueError(f'looks must increase up to 1, got {fractions}')
    if not 0 < alpha < 1:
        raise ValueError(f'alpha must lie between 0 and 1, got {alpha}')
    found: list[float] = []
    grid, density = np.zeros(1), np.ones(1)
    before = earlier = 0.0
    for fraction in fractions:
        step = math.sqrt(fraction - earlier)
        to_spend = max(spent(alpha / 2, fraction) - before, 0.0)
        bound = _solve(grid, density, step, to_spend)
        found.append(bound / math.sqrt(fraction))
        grid, density = _continue(grid, density, step, bound)
        before, earlier = spent(alpha / 2, fraction), fraction
    return tuple(found)


def _solve(
    grid: NDArray[np.float64], density: NDArray[np.float64], step: float, error: float
) -> float:
    """Return b with P(the path has not stopped and now exceeds b) = ``error``."""
    low, high = 0.0, _NEVER
    if error <= 0:
        return high
    for _ in range(40):
        middle = (low + high) / 2
        tails = np.array([_tail((middle - x) / step) for x in grid])
        if float(tails @ density) > error:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _continue(
    grid: NDArray[np.float64], density: NDArray[np.float64], step: float, bound: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the density of paths that stay within the bound, with Simpson's weights in it."""
    points = np.linspace(-bound, bound, _POINTS)
    kernel = np.exp(-0.5 * ((points[:, None] - grid[None, :]) / step) ** 2)
    values = kernel @ density / (step * math.sqrt(2 * math.pi))
    weights = np.ones(_POINTS)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    return points, values * weights * (2 * bound / (_POINTS - 1) / 3)


def _tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


@dataclass(frozen=True)
class Looks:
    """When to look, and which level each look has; fixed before the first pair."""

    #: Pairs at each look; the last is the most that will be measured.
    pairs: tuple[int, ...]
    #: Two-sided level of the test and of the interval at each look.
    levels: tuple[float, ...]
    #: One-sided level of each equivalence test at each look.
    equivalence_levels: tuple[float, ...]

    def index(self, n: int) -> int | None:
        """Return the number of the look due at ``n`` pairs; None between looks."""
        return self.pairs.index(n) if n in self.pairs else None


def plan_looks(
    most: int, *, every: int = 6, alpha: float = 0.05, equivalence_alpha: float = 0.05
) -> Looks:
    """Return looks after every ``every`` pairs up to ``most``.

    :raises ValueError: if ``most`` is below six or ``every`` not positive.
    """
    if most < MINIMUM_PAIRS or every < 1:
        raise ValueError(f'at least {MINIMUM_PAIRS} pairs and a positive step are needed')
    pairs = [n for n in range(every, most, every) if n >= MINIMUM_PAIRS]
    # A look that leaves less than half a step for the last one is not worth its error.
    if pairs and most - pairs[-1] < every / 2:
        pairs.pop()
    pairs.append(most)
    return Looks(
        pairs=tuple(pairs),
        levels=_levels(pairs, alpha),
        equivalence_levels=tuple(x / 2 for x in _levels(pairs, 2 * equivalence_alpha)),
    )


def _levels(pairs: Sequence[int], alpha: float) -> tuple[float, ...]:
    fractions = tuple(n / pairs[-1] for n in pairs)
    return tuple(2 * _tail(z) for z in boundaries(fractions, alpha))


def sequential_p(pairs: Sequence[int], p_values: Sequence[float]) -> float:
    """Return the p-value over the looks made so far: the least error at which one would stop.

    :arg pairs: pairs at every planned look; the last is the planned end.
    :arg p_values: two-sided p-value at the looks made so far, in order.
    """
    errors, levels = _level_table(tuple(n / pairs[-1] for n in pairs))
    best = 0.0
    for look, p in enumerate(p_values):
        # Between the table's lines both are straight on logarithmic scales, to 1 part in 1,000.
        found = np.interp(math.log(max(p, _LEAST)), levels[:, look], errors, right=0.0)
        best = min(best, float(found))
    return math.exp(best)


@cache
def _level_table(fractions: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return logarithms of overall errors, and of the level that each look has with them."""
    usual = (0.001, 0.01, 0.05, 0.1)
    errors = sorted({*np.geomspace(_LEAST, 0.999, 40).tolist(), *usual})
    levels = [[2 * _tail(z) for z in boundaries(fractions, error)] for error in errors]
    return np.log(errors), np.log(np.maximum(levels, _LEAST**3))
