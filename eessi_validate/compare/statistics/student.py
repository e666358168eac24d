"""Student's t distribution, so that sample sizes need no further dependency."""

from __future__ import annotations

import math
from functools import cache

#: Terms and relative precision of the continued fraction.
_TERMS = 500
_PRECISION = 1e-15


def cumulative(t: float, degrees: float) -> float:
    """Return P(T <= t) for ``degrees`` of freedom (NIST DLMF 8.17(i), with x = v / (v + t^2))."""
    tail = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))
    return 1.0 - tail if t > 0 else tail


@cache
def quantile(probability: float, degrees: float) -> float:
    """Return t with P(T <= t) = ``probability``.

    :raises ValueError: unless 0 < probability < 1 and degrees > 0.
    """
    if not 0 < probability < 1 or degrees <= 0:
        raise ValueError(f'no quantile {probability} for {degrees} degrees of freedom')
    if probability < 0.5:
        return -quantile(1 - probability, degrees)
    low, high = 0.0, 1.0
    while cumulative(high, degrees) < probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * max(high, 1.0):
        middle = (low + high) / 2
        if cumulative(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b) (NIST DLMF 8.17.22)."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    log_front += a * math.log(x) + b * math.log1p(-x)
    # The fraction is evaluated forwards by Steed's recurrence for its denominators.
    denominator, step = 1.0, 1.0
    total = 1.0
    for term in range(1, _TERMS):
        m = term // 2
        if term % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        denominator = 1.0 / (1.0 + numerator * denominator)
        step *= denominator - 1.0
        total += step
        if abs(step) < _PRECISION * abs(total):
            break
    return math.exp(log_front) / a * total
