"""The estimate of a ratio after / before from interleaved pairs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eessi_validate.compare.statistics.power import (
    MINIMUM_PAIRS,
    detectable_effect,
    scale_of_interval,
)
from eessi_validate.compare.statistics.signed_rank import (
    attained_level,
    hodges_lehmann,
    interval,
    two_sided_p,
)


@dataclass(frozen=True)
class RatioEstimate:
    """What the pairs say about after / before; ratios are factors, the rest is on the log scale."""

    n: int
    #: Hodges-Lehmann estimate; 1.05 means that the value after is 5 % larger.
    ratio: float
    #: Exact Walsh interval of confidence at least ``confidence``.
    lower: float
    upper: float
    #: Confidence that the interval really has (without ties), at least what was asked for.
    confidence: float
    #: Exact two-sided p-value of "there is no difference" (Wilcoxon's signed-rank test).
    p: float
    #: Standard deviation of ``log(after / before)``: 0.05 is about 5 % from pair to pair.
    spread: float
    #: The same as the interval sees it, which spikes barely move.
    scale: float
    #: Smallest slowdown found with 80 % probability by this many pairs, as a fraction (0.03: 3 %).
    detectable: float
    #: Interval for two one-sided equivalence tests (90 % if each has level 5 %).
    equivalence_lower: float
    equivalence_upper: float

    def within(self, practical_delta: float) -> bool:
        """Return whether equivalence within a factor ``1 + practical_delta`` is shown."""
        factor = 1 + practical_delta
        return 1 / factor < self.equivalence_lower and self.equivalence_upper < factor

    def excludes_one(self) -> bool:
        """Return whether the interval leaves out "no difference"."""
        return self.lower > 1 or self.upper < 1


def estimate_ratio(
    log_ratios: Sequence[float],
    *,
    alpha: float = 0.05,
    equivalence_alpha: float = 0.05,
    power: float = 0.8,
) -> RatioEstimate | None:
    """Return the estimate, or None for fewer than six pairs: they cannot reach 5 %.

    :arg log_ratios: ``log(after / before)`` of each interleaved pair.
    :arg alpha: two-sided level of the interval.
    :arg equivalence_alpha: level of each of the two one-sided tests.
    :raises ValueError: if a log ratio is not finite.
    """
    if not all(math.isfinite(value) for value in log_ratios):
        raise ValueError('a log ratio is not finite: leave such pairs out, and say so')
    n = len(log_ratios)
    bounds = interval(log_ratios, alpha)
    if n < MINIMUM_PAIRS or bounds is None:
        return None
    inner = interval(log_ratios, 2 * equivalence_alpha) or (-math.inf, math.inf)
    scale = scale_of_interval((bounds[1] - bounds[0]) / 2, n, alpha)
    return RatioEstimate(
        n=n,
        ratio=math.exp(float(hodges_lehmann(np.asarray(log_ratios, dtype=float)))),
        lower=math.exp(bounds[0]),
        upper=math.exp(bounds[1]),
        confidence=1 - attained_level(n, alpha),
        p=two_sided_p(log_ratios),
        spread=statistics.stdev(log_ratios),
        scale=scale,
        detectable=math.expm1(detectable_effect(scale, n, alpha=alpha, power=power)),
        equivalence_lower=math.exp(inner[0]),
        equivalence_upper=math.exp(inner[1]),
    )
