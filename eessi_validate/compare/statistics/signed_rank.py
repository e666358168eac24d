"""Wilcoxon's signed-rank statistic, its exact distribution, and the estimate that belongs to it.

Sources: F. Wilcoxon, Biometrics Bulletin 1 (1945) 80; J. L. Hodges and E. L. Lehmann, Ann. Math.
Statist. 34 (1963) 598 (estimate); J. W. Tukey 1949, in M. Hollander, D. A. Wolfe and E. Chicken,
Nonparametric Statistical Methods, 3rd ed., sections 3.1 to 3.3 (interval from Walsh averages).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@cache
def distribution(n: int) -> Array:
    """Return P(T = t) for t = 0 .. n(n+1)/2 without ties, by convolution; exact for any n."""
    return conditional_distribution(tuple(range(1, n + 1)))


def conditional_distribution(ranks: Sequence[int]) -> Array:
    """Return P(T = t) when each rank counts with probability 1/2, for t = 0 .. sum of ranks.

    With midranks (doubled, so that they are whole) this is the exact distribution under ties.
    All terms are positive: small tails keep their relative precision.
    """
    weights = np.zeros(sum(ranks) + 1)
    weights[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(weights)
        shifted[rank:] = weights[: len(weights) - rank]
        weights = 0.5 * weights + 0.5 * shifted
    return weights


def two_sided_p(differences: Sequence[float]) -> float:
    """Return the exact two-sided p-value of "the differences are symmetric about zero".

    Ties get midranks. Zeros are ranked and then left out (J. W. Pratt, JASA 54 (1959) 655), and
    the distribution is conditional on both; nothing but zeros gives 1.
    """
    values = np.asarray(differences, dtype=float)
    doubled = _doubled_midranks(np.abs(values))
    positive = int(doubled[values > 0].sum())
    probabilities = conditional_distribution(tuple(int(r) for r in doubled[values != 0]))
    lower = float(probabilities[: positive + 1].sum())
    upper = float(probabilities[positive:].sum())
    return min(1.0, 2.0 * min(lower, upper))


def _doubled_midranks(sizes: Array) -> NDArray[np.int64]:
    _, group, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    doubled = 2 * last - counts + 1
    return np.asarray(doubled[group], dtype=np.int64)


def walsh_averages(differences: Array) -> Array:
    """Return the n(n+1)/2 means of all pairs along the last axis, each value with itself too."""
    first, second = np.triu_indices(differences.shape[-1])
    return np.asarray((differences[..., first] + differences[..., second]) / 2)


def hodges_lehmann(differences: Array) -> Array:
    """Return the median of the Walsh averages along the last axis."""
    return np.asarray(np.median(walsh_averages(differences), axis=-1))


@cache
def interval_rank(n: int, alpha: float) -> int:
    """Return k so that the k-th smallest and k-th largest Walsh averages bound the interval.

    k is the largest with 2 P(T < k) <= alpha; 0 means that n is too small for any interval.
    """
    below = np.cumsum(distribution(n))
    # A hair of tolerance: 2 * 0.025 must count as 0.05.
    return int(np.searchsorted(2 * below, alpha * (1 + 1e-12), side='right'))


@cache
def attained_level(n: int, alpha: float) -> float:
    """Return the error of the two-sided test of nominal level ``alpha``: 0 if it never rejects."""
    rank = interval_rank(n, alpha)
    return float(2 * distribution(n)[:rank].sum())


def interval(differences: Sequence[float], alpha: float) -> tuple[float, float] | None:
    """Return the exact interval of confidence at least 1 - alpha for the centre of symmetry.

    Under ties it is conservative (G. E. Noether, Ann. Math. Statist. 38 (1967) 767).
    None if the differences are too few.
    """
    rank = interval_rank(len(differences), alpha)
    if rank == 0:
        return None
    averages = np.sort(walsh_averages(np.asarray(differences, dtype=float)))
    return float(averages[rank - 1]), float(averages[-rank])
