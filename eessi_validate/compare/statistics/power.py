"""What a number of pairs can find, and how many pairs it takes.

For normal differences, at the level that the exact test really has for n pairs: six pairs cost more
than the textbook says, because their test works at 3.1 %, not at 5 %. Up to 30 pairs the power is
simulated once, with a fixed seed; above, it is Student's with the signed-rank test's efficiency.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.statistics.signed_rank import (
    attained_level,
    interval_rank,
    walsh_averages,
)
from eessi_validate.compare.statistics.student import quantile

#: Fewest pairs for which an exact two-sided test can reach 5 %: 2 / 2^6 is 3.1 %, 2 / 2^5 is 6.3 %.
MINIMUM_PAIRS = 6

#: Above this nobody wants to know the number any more.
MOST_PAIRS = 10_000

#: Up to here power is simulated: few pairs or small levels leave few attainable outcomes.
_SIMULATED_UP_TO = 30
_SIMULATIONS = 4000

#: Asymptotic efficiency of the signed-rank test against the t test for normal differences
#: (J. L. Hodges and E. L. Lehmann, Ann. Math. Statist. 27 (1956) 324).
_EFFICIENCY = 3 / math.pi

#: From here on the exact level is the nominal one to within 1 % of itself.
_EXACT_UP_TO = 100


def scale_of_interval(half_width: float, n: int, alpha: float) -> float:
    """Return the standard deviation of one difference that an interval's half width stands for.

    Unlike the sample's own, it is what the estimate saw: spikes barely move it (E. L. Lehmann,
    Ann. Math. Statist. 34 (1963) 1507).
    """
    return half_width * math.sqrt(n) / _two_sided_quantile(n, alpha)


def detectable_effect(scale: float, n: int, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the smallest effect found with probability ``power``; inf if n pairs find none.

    :arg scale: standard deviation of one difference, in the unit of the answer.
    """
    if n < 2 or _level(n, alpha) == 0:
        return math.inf
    return scale * _standard_effect(n, alpha, power)


def pairs_for_effect(
    scale: float, effect: float, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return how many pairs find ``effect`` with probability ``power``; None above 10,000."""
    if effect <= 0:
        return None
    return _first(lambda n: detectable_effect(scale, n, alpha=alpha, power=power) <= effect)


def pairs_for_equivalence(
    scale: float, margin: float, *, alpha: float = 0.05, power: float = 0.8
) -> int | None:
    """Return how many pairs show two equal things equivalent within ``margin``.

    Two one-sided tests of level ``alpha`` each; both succeed with probability ``power``
    (D. J. Schuirmann, J. Pharmacokin. Biopharm. 15 (1987) 657). None above 10,000.
    """
    if margin <= 0:
        return None
    each = (1 + power) / 2
    return _first(lambda n: detectable_effect(scale, n, alpha=2 * alpha, power=each) <= margin)


def pairs_for_family(metrics: int, alpha: float = 0.05) -> int:
    """Return the fewest pairs with which one metric among ``metrics`` can pass the correction."""
    return max(MINIMUM_PAIRS, math.ceil(1 + math.log2(max(metrics, 1) / alpha)))


def _first(enough: Callable[[int], bool]) -> int | None:
    """Return the smallest n that is enough: by doubling, then by halving the gap."""
    high = MINIMUM_PAIRS
    while not enough(high):
        high *= 2
        if high > MOST_PAIRS:
            return None
    low = max(high // 2, MINIMUM_PAIRS - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _level(n: int, alpha: float) -> float:
    return alpha if n > _EXACT_UP_TO else attained_level(n, alpha)


def _two_sided_quantile(n: int, alpha: float) -> float:
    return quantile(1 - _level(n, alpha) / 2, n - 1)


@cache
def _standard_effect(n: int, alpha: float, power: float) -> float:
    """Return the effect found with probability ``power``, in standard deviations."""
    if n > _SIMULATED_UP_TO:
        sum_of_quantiles = _two_sided_quantile(n, alpha) + quantile(power, n - 1)
        return sum_of_quantiles / math.sqrt(n * _EFFICIENCY)
    # The test rejects when the k-th smallest Walsh average is positive; an effect shifts them all.
    rank = interval_rank(n, alpha)
    smallest = np.partition(_simulated_averages(n), rank - 1, axis=-1)[:, rank - 1]
    return -float(np.quantile(smallest, 1 - power))


@lru_cache(maxsize=4)
def _simulated_averages(n: int) -> NDArray[np.float64]:
    return walsh_averages(np.random.default_rng(n).standard_normal((_SIMULATIONS, n)))
