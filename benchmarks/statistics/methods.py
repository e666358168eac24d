"""The methods to be compared, each on many samples at once: log times before and after in.

Ours is the package's own arithmetic, with one axis more; ``tests/compare/test_statistics_bench.py``
checks that both agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from noise import Array
from numpy.typing import NDArray

from eessi_validate.compare.statistics import rank_sum, signed_rank
from eessi_validate.compare.statistics.student import quantile

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimates:
    """Ours, for many samples without ties."""

    centre: Array
    lower: Array
    upper: Array
    p: Array
    equivalence_lower: Array
    equivalence_upper: Array


def ours(before: Array, after: Array, alpha: float = 0.05) -> Estimates:
    """Return Hodges-Lehmann estimate, exact interval and signed-rank p of paired differences."""
    differences = after - before
    n = differences.shape[1]
    averages = np.sort(signed_rank.walsh_averages(differences), axis=1)
    rank = signed_rank.interval_rank(n, alpha)
    inner = signed_rank.interval_rank(n, 2 * alpha)
    # Tukey: the statistic is the number of positive Walsh averages.
    positive = (averages > 0).sum(axis=1)
    below = np.cumsum(signed_rank.distribution(n))
    p = np.minimum(1.0, 2 * below[np.minimum(positive, averages.shape[1] - positive)])
    return Estimates(
        centre=np.median(averages, axis=1),
        lower=averages[:, rank - 1] if rank else np.full(len(p), -np.inf),
        upper=averages[:, -rank] if rank else np.full(len(p), np.inf),
        p=p,
        equivalence_lower=averages[:, inner - 1] if inner else np.full(len(p), -np.inf),
        equivalence_upper=averages[:, -inner] if inner else np.full(len(p), np.inf),
    )


def our_verdicts(before: Array, after: Array, delta: float = 0.02) -> tuple[Flags, Flags]:
    """Return "slower or faster" and "equivalent" of single metrics (family of one)."""
    found = ours(before, after)
    limit = math.log1p(delta)
    different = (found.p <= 0.05) & (np.abs(found.centre) > limit)
    within = (found.equivalence_lower > -limit) & (found.equivalence_upper < limit)
    return different, within & ~different


def rule(before: Array, after: Array, limit: float) -> Flags:
    """Return whether means differ by more than a fixed fraction."""
    ratio = np.exp(after).mean(axis=1) / np.exp(before).mean(axis=1)
    return np.abs(ratio - 1) > limit


def reframe(before: Array, after: Array, limit: float) -> Flags:
    """Return what ReFrame's ``--performance-compare`` shows, judged by a limit.

    It prints ``round(100 * (A - B) / B, 2)`` of one aggregate per side and leaves judging to the
    reader (``reframe/frontend/reporting/utility.py``, 4.x); the aggregate here is the last run.
    """
    ratio = np.exp(after[:, -1] - before[:, -1])
    return np.abs(np.round(100 * (ratio - 1), 2)) > 100 * limit


def welch(before: Array, after: Array) -> Flags:
    """Return whether Welch's t-test rejects at 5 % (B. L. Welch, Biometrika 34 (1947) 28)."""
    n = before.shape[1]
    old, new = np.exp(before), np.exp(after)
    variances = old.var(axis=1, ddof=1) / n, new.var(axis=1, ddof=1) / n
    total = variances[0] + variances[1]
    t = (new.mean(axis=1) - old.mean(axis=1)) / np.sqrt(total)
    degrees = total**2 * (n - 1) / (variances[0] ** 2 + variances[1] ** 2)
    grid = np.linspace(max(n - 1, 1), 2 * n - 2, 60)
    limits = np.interp(degrees, grid, [quantile(0.975, float(d)) for d in grid])
    return np.abs(t) > limits


def mann_whitney(before: Array, after: Array) -> Flags:
    """Return whether the exact rank-sum test rejects at 5 %."""
    n, m = before.shape[1], after.shape[1]
    statistic = (after[:, :, None] > before[:, None, :]).sum(axis=(1, 2))
    below = np.cumsum(rank_sum.distribution(n, m))
    return 2 * below[np.minimum(statistic, n * m - statistic)] <= 0.05


def paired_t(before: Array, after: Array) -> Flags:
    """Return whether the paired t-test rejects at 5 %."""
    differences = after - before
    n = differences.shape[1]
    t = differences.mean(axis=1) / (differences.std(axis=1, ddof=1) / math.sqrt(n))
    return np.abs(t) > quantile(0.975, n - 1)


def discoveries(p: Array, rate: float = 0.05) -> Flags:
    """Return Benjamini and Hochberg's discoveries of each family (one row each)."""
    order = np.argsort(p, axis=1)
    ordered = np.take_along_axis(p, order, axis=1)
    size = p.shape[1]
    passing = ordered <= rate * np.arange(1, size + 1) / size
    last = np.where(passing.any(axis=1), size - np.argmax(passing[:, ::-1], axis=1), 0)
    found = np.zeros(p.shape, dtype=bool)
    np.put_along_axis(found, order, np.arange(size)[None, :] < last[:, None], axis=1)
    return found
