"""The rank-sum statistic of two independent samples, and the shift that belongs to it.

H. B. Mann and D. R. Whitney, Ann. Math. Statist. 18 (1947) 50; Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods, 3rd ed., sections 4.1 to 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray


@cache
def distribution(m: int, n: int) -> NDArray[np.float64]:
    """Return P(U = u) for u = 0 .. m n without ties, exact.

    Coefficients of the Gaussian binomial, built as a product of (1 - q^(n+i)) / (1 - q^i); every
    partial product is itself such a binomial, so its whole numbers stay exact in long arithmetic.
    """
    counts = [1]
    for i in range(1, m + 1):
        counts = _divided(_multiplied(counts, n + i), i)
    total = sum(counts)
    return np.array([c / total for c in counts])


def _multiplied(counts: list[int], power: int) -> list[int]:
    found = counts + [0] * power
    for i, count in enumerate(counts):
        found[i + power] -= count
    return found


def _divided(counts: list[int], power: int) -> list[int]:
    found = counts[: len(counts) - power]
    for i in range(power, len(found)):
        found[i] += found[i - power]
    return found


def shift_interval(
    before: Sequence[float], after: Sequence[float], alpha: float
) -> tuple[float, float, float] | None:
    """Return estimate and exact interval of the shift ``after - before``; None if too few.

    For independent values within and between samples: a block design has neither.
    """
    rank = int(
        np.searchsorted(
            2 * np.cumsum(distribution(len(before), len(after))), alpha * (1 + 1e-12), 'right'
        )
    )
    if rank == 0:
        return None
    differences = np.sort(np.subtract.outer(np.asarray(after), np.asarray(before)).ravel())
    return float(np.median(differences)), float(differences[rank - 1]), float(differences[-rank])
