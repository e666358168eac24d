"""The moderated t-statistic in plain Python.

G. K. Smyth, Linear models and empirical Bayes methods for assessing differential expression in
microarray experiments, Statistical Applications in Genetics and Molecular Biology 3 (2004) article
3: section 3 (posterior variance, moderated t) and section 6.2 (hyperparameters from the first two
moments of log s^2). Multiple testing: Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ModeratedFit:
    """Two-group comparison of every gene."""

    coefficients: list[float]
    intercepts: list[float]
    sigma: list[float]
    df_prior: float
    s2_prior: float
    s2_post: list[float]
    df_total: float
    t: list[float]
    p: list[float]


def digamma(x: float) -> float:
    """Return psi(x), x > 0: recurrence to x >= 12, then the asymptotic series (DLMF 5.11.2)."""
    shift = 0.0
    while x < 12:
        shift -= 1 / x
        x += 1
    y = 1 / (x * x)
    series = y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132)))))
    return shift + math.log(x) - 1 / (2 * x) - series


def trigamma(x: float) -> float:
    """Return psi'(x), x > 0: recurrence, then the derivative of the series (DLMF 5.15.8)."""
    shift = 0.0
    while x < 16:
        shift += 1 / (x * x)
        x += 1
    y = 1 / (x * x)
    series = 1 / 6 - y * (1 / 30 - y * (1 / 42 - y * (1 / 30 - y * (5 / 66 - y * 691 / 2730))))
    return shift + 1 / x + y / 2 + series * y / x


def trigamma_inverse(value: float) -> float:
    """Return x > 0 with ``psi'(x) = value``, by bisection on the logarithm (psi' decreases)."""
    low, high = -30.0, 30.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if trigamma(math.exp(middle)) > value else (low, middle)
    return math.exp((low + high) / 2)


def student_two_sided(t: float, df: float) -> float:
    """Return P(|T| >= |t|) for any real df, as the regularised incomplete beta function.

    Continued fraction by Lentz's method (DLMF 8.17.22; Numerical Recipes, 3rd edition, 6.4).
    """
    x, a, b = df / (df + t * t), df / 2, 0.5
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _continued_fraction(x, a, b) / a
    return 1 - front * _continued_fraction(1 - x, b, a) / b


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    result = d
    for m in range(1, 500):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / (1 + step * d), 1 + step / c
            result *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return result


def fit_two_groups(rows: Sequence[Sequence[float]], group: Sequence[int]) -> ModeratedFit:
    """Compare the samples of group 1 with those of group 0, gene by gene."""
    zero = [i for i, g in enumerate(group) if g == 0]
    one = [i for i, g in enumerate(group) if g == 1]
    df = len(group) - 2
    unscaled = math.sqrt(1 / len(zero) + 1 / len(one))
    intercepts, coefficients, variances = [], [], []
    for row in rows:
        mean0 = math.fsum(row[i] for i in zero) / len(zero)
        mean1 = math.fsum(row[i] for i in one) / len(one)
        squares = [(row[i] - mean0) ** 2 for i in zero] + [(row[i] - mean1) ** 2 for i in one]
        intercepts.append(mean0)
        coefficients.append(mean1 - mean0)
        variances.append(math.fsum(squares) / df)
    df_prior, s2_prior = _hyperparameters(variances, df)
    post = [(df_prior * s2_prior + df * v) / (df_prior + df) for v in variances]
    # limma bounds the total by the pooled degrees of freedom of all genes.
    df_total = min(df_prior + df, df * len(variances))
    t = [c / (math.sqrt(v) * unscaled) for c, v in zip(coefficients, post, strict=True)]
    return ModeratedFit(
        coefficients=coefficients,
        intercepts=intercepts,
        sigma=[math.sqrt(v) for v in variances],
        df_prior=df_prior,
        s2_prior=s2_prior,
        s2_post=post,
        df_total=df_total,
        t=t,
        p=[student_two_sided(value, df_total) for value in t],
    )


def _hyperparameters(variances: Sequence[float], df: int) -> tuple[float, float]:
    """Return d0 and s0^2 (section 6.2).

    :raises ValueError: if the variances spread no more than chance explains (d0 infinite).
    """
    e = [math.log(v) - digamma(df / 2) + math.log(df / 2) for v in variances]
    mean = math.fsum(e) / len(e)
    spread = math.fsum((x - mean) ** 2 for x in e) / (len(e) - 1) - trigamma(df / 2)
    if spread <= 0:
        raise ValueError('the variances spread no more than chance explains')
    df_prior = 2 * trigamma_inverse(spread)
    return df_prior, math.exp(mean + digamma(df_prior / 2) - math.log(df_prior / 2))


def adjusted(p: Sequence[float]) -> list[float]:
    """Return the p-values adjusted by Benjamini and Hochberg, in the order given."""
    order = sorted(range(len(p)), key=lambda i: p[i], reverse=True)
    result, smallest = [0.0] * len(p), 1.0
    for rank, i in zip(range(len(p), 0, -1), order, strict=True):
        smallest = min(smallest, p[i] * len(p) / rank)
        result[i] = smallest
    return result
