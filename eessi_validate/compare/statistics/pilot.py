"""How many pairs to plan for, decided without learning which side is faster.

A number of pairs that depends on the signs of pairs which the test uses later costs error: six
pairs of equal sign also look quieter than they are, so that the measurement would end just where
chance has put all of them on one side. Two pilots know nothing of it: pairs of a side against
itself, and the sizes of the differences without their signs. For differences that are symmetric
about zero signs and sizes are independent, and the signed-rank test is exact given the sizes;
hence the error stays what the looks spend (the blinded re-estimation of A. L. Gould and W. J.
Shih, Commun. Statist. Theory Meth. 21 (1992) 2833; M. Kieser and T. Friede, Statist. Med. 22
(2003) 3571, for one sample).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from statistics import NormalDist

import numpy as np

from eessi_validate.compare.statistics.power import (
    MINIMUM_PAIRS,
    pairs_for_effect,
    scale_of_interval,
)
from eessi_validate.compare.statistics.signed_rank import interval_rank, walsh_averages
from eessi_validate.compare.statistics.student import quantile

_NORMAL = NormalDist()

#: More pairs than this have too many patterns of signs, and no pilot needs them.
_MOST_PATTERNS_OF = 10


def most_pairs(
    scale: float,
    target: float,
    cap: int,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    degrees: int | None = None,
) -> tuple[int, bool]:
    """Return how many pairs to plan for, and whether that reaches the target.

    :arg scale: standard deviation of one pair's log ratio in a pilot that did not know the signs
        of the pairs to be tested.
    :arg target: smallest slowdown to be found, as a fraction.
    :arg cap: the most pairs that may be measured.
    :arg degrees: degrees of freedom behind the scale. It may be too small by chance; with
        Student's quantiles the power is reached on average over pilots (C. Stein, Ann. Math.
        Statist. 16 (1945) 243). None takes the scale as known.
    """
    if degrees is not None:
        known = _NORMAL.inv_cdf(1 - alpha / 2) + _NORMAL.inv_cdf(power)
        scale *= (quantile(1 - alpha / 2, degrees) + quantile(power, degrees)) / known
    needed = pairs_for_effect(scale, math.log1p(target), alpha=alpha, power=power)
    reached = needed is not None and needed <= cap
    return (max(needed, MINIMUM_PAIRS), True) if reached and needed else (cap, False)


def sign_free_scale(log_ratios: Sequence[float], alpha: float = 0.05) -> float:
    """Return the scale of differences from their sizes alone: its mean over all signs.

    A difference between the sides counts as noise here, so the number of pairs is more than needed
    where there is one; looks end the measurement all the same.

    :raises ValueError: unless there are 6 to 10 finite values.
    """
    n = len(log_ratios)
    if not MINIMUM_PAIRS <= n <= _MOST_PATTERNS_OF or not np.isfinite(log_ratios).all():
        raise ValueError(f'{MINIMUM_PAIRS} to {_MOST_PATTERNS_OF} finite differences, got {n}')
    # Turning all signs turns the interval, and leaves its width: half of the patterns are enough.
    signs = np.array([(1, *rest) for rest in product((1, -1), repeat=n - 1)])
    averages = np.sort(walsh_averages(signs * np.abs(log_ratios)), axis=1)
    rank = interval_rank(n, alpha)
    widths = averages[:, -rank] - averages[:, rank - 1]
    return scale_of_interval(float(widths.mean()) / 2, n, alpha)
