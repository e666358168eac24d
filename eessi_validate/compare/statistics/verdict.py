"""The four verdicts on a family of metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from eessi_validate.compare.statistics.multiplicity import benjamini_hochberg
from eessi_validate.compare.statistics.pairs import PairedSample
from eessi_validate.compare.statistics.power import (
    MINIMUM_PAIRS,
    MOST_PAIRS,
    pairs_for_effect,
    pairs_for_equivalence,
    pairs_for_family,
)
from eessi_validate.compare.statistics.ratio import RatioEstimate, estimate_ratio


class Verdict(str, Enum):
    """What interleaved pairs allow to say of one metric; "no regression" is not among it."""

    SLOWER = 'slower'
    FASTER = 'faster'
    #: Shown to differ by less than the practical delta.
    EQUIVALENT = 'equivalent'
    INCONCLUSIVE = 'inconclusive'


#: Which way a metric gets better. Truths are compared by tolerance, not here.
Direction = Literal['higher', 'lower']


@dataclass(frozen=True)
class Settings:
    """What counts as a difference that matters, and how sure to be."""

    #: Differences up to this fraction do not matter to anyone.
    practical_delta: float = 0.02
    #: False discovery rate of the family, and 1 - confidence of the intervals.
    alpha: float = 0.05
    #: Level of each of the two one-sided equivalence tests.
    equivalence_alpha: float = 0.05
    #: Probability with which ``detectable`` and "needs n" promise to find an effect.
    power: float = 0.8

    def __post_init__(self) -> None:
        for name in ('practical_delta', 'alpha', 'equivalence_alpha', 'power'):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise ValueError(f'{name} must lie between 0 and 1, got {value}')

    @property
    def log_delta(self) -> float:
        """The practical delta on the log scale."""
        return math.log1p(self.practical_delta)


@dataclass(frozen=True)
class Comparison:
    """One metric of one case, measured before and after."""

    name: str
    direction: Direction
    sample: PairedSample
    #: p-value over all looks of a sequential design; None takes the estimate's own.
    p: float | None = None
    #: Level of each equivalence test at this look of a sequential design (see ``Looks``).
    equivalence_alpha: float | None = None


@dataclass(frozen=True)
class Judged:
    """A comparison with its verdict and the reason for it."""

    comparison: Comparison
    verdict: Verdict
    reason: str
    estimate: RatioEstimate | None = None
    p: float | None = None
    #: False discovery rate at which this metric would still be called different.
    q: float | None = None
    #: Pairs that would decide it; None unless inconclusive, or if more than 10,000.
    needs: int | None = None

    @property
    def slowdown(self) -> float | None:
        """Factor by which it became slower, whichever way the metric counts; 1.05 is 5 % slower."""
        if self.estimate is None:
            return None
        up_is_worse = self.comparison.direction == 'lower'
        return self.estimate.ratio if up_is_worse else 1 / self.estimate.ratio


def judge_family(
    comparisons: Sequence[Comparison], settings: Settings = Settings()
) -> tuple[Judged, ...]:
    """Return a verdict for each comparison; the correction is over those that could be tested."""
    estimates = [_estimate(comparison, settings) for comparison in comparisons]
    tested = [i for i, estimate in enumerate(estimates) if estimate is not None]
    p_values = {i: _p_value(comparisons[i], estimates[i]) for i in tested}
    q_values = dict(zip(tested, benjamini_hochberg([p_values[i] for i in tested]), strict=True))
    return tuple(
        _untested(comparison)
        if (estimate := estimates[i]) is None
        else _judged(comparison, estimate, p_values[i], q_values[i], len(tested), settings)
        for i, comparison in enumerate(comparisons)
    )


def _estimate(comparison: Comparison, settings: Settings) -> RatioEstimate | None:
    if comparison.direction not in ('higher', 'lower'):
        raise ValueError(f'{comparison.name}: no better or worse in direction "truth"')
    if comparison.sample.refusal:
        return None
    return estimate_ratio(
        comparison.sample.log_ratios,
        alpha=settings.alpha,
        equivalence_alpha=comparison.equivalence_alpha or settings.equivalence_alpha,
        power=settings.power,
    )


def _p_value(comparison: Comparison, estimate: RatioEstimate | None) -> float:
    if comparison.p is not None:
        return comparison.p
    assert estimate is not None
    return estimate.p


def _untested(comparison: Comparison) -> Judged:
    sample = comparison.sample
    if sample.refusal:
        return Judged(comparison, Verdict.INCONCLUSIVE, sample.refusal)
    lost = f' ({len(sample.rejected)} rows rejected)' if sample.rejected else ''
    reason = f'{_count(len(sample.pairs))}{lost}: no exact test of fewer than {MINIMUM_PAIRS}'
    reason += ' can reach 5 %'
    return Judged(comparison, Verdict.INCONCLUSIVE, reason, needs=MINIMUM_PAIRS)


def _judged(
    comparison: Comparison,
    estimate: RatioEstimate,
    p: float,
    q: float,
    family: int,
    settings: Settings,
) -> Judged:
    effect = math.log(estimate.ratio)
    different = q <= settings.alpha and estimate.excludes_one()
    if different and abs(effect) > settings.log_delta:
        worse = (effect > 0) == (comparison.direction == 'lower')
        verdict = Verdict.SLOWER if worse else Verdict.FASTER
        shown = math.expm1(abs(effect))
        reason = f'by {shown:.1%}, {_count(estimate.n)}, q = {_small(q)}'
        return Judged(comparison, verdict, reason, estimate, p, q)
    if estimate.within(settings.practical_delta):
        reason = f'within {settings.practical_delta:.1%} with {_count(estimate.n)}'
        if different:
            reason += '; a difference is there, too small to matter'
        return Judged(comparison, Verdict.EQUIVALENT, reason, estimate, p, q)
    needs = _needed(estimate, p, family, settings)
    why = _why_inconclusive(estimate, p, q, family, settings, different)
    return Judged(comparison, Verdict.INCONCLUSIVE, why, estimate, p, q, needs)


def _why_inconclusive(
    estimate: RatioEstimate, p: float, q: float, family: int, settings: Settings, different: bool
) -> str:
    if different:
        return (
            f'a difference is there, but whether it exceeds {settings.practical_delta:.1%} is not'
            f' known: {_interval(estimate)}'
        )
    if p <= settings.alpha and estimate.excludes_one():
        return f'p = {_small(p)} alone, but q = {_small(q)} among {family} metrics'
    return (
        f'{_count(estimate.n)} find {estimate.detectable:.1%} and more;'
        f' {_interval(estimate)} includes both no difference and one that matters'
        if not estimate.excludes_one()
        else f'{_interval(estimate)} so far, but not enough to stop at this look: p = {_small(p)}'
    )


def _needed(estimate: RatioEstimate, p: float, family: int, settings: Settings) -> int | None:
    """Return the pairs that find the practical delta, and that show its absence.

    An effect that was estimated larger but not found counts as it was estimated. In a family the
    first discovery must pass the correction alone, for which the exact test needs enough pairs.
    """
    effect = max(settings.log_delta, abs(math.log(estimate.ratio)))
    level = settings.alpha / family
    for_difference = pairs_for_effect(estimate.scale, effect, alpha=level, power=settings.power)
    needed = [for_difference]
    if effect == settings.log_delta:
        # Nothing suggests a difference that matters: it may turn out to be equivalence.
        needed.append(
            pairs_for_equivalence(
                estimate.scale,
                settings.log_delta,
                alpha=settings.equivalence_alpha,
                power=settings.power,
            )
        )
    if p <= settings.alpha:
        needed.append(pairs_for_family(family, settings.alpha))
    known = [n for n in needed if n is not None]
    if len(known) < len(needed):
        return None
    return max(*known, estimate.n + 1)


def needs_text(judged: Judged) -> str:
    """Return "needs n = ..." for an inconclusive verdict, '' for the others."""
    if judged.verdict is not Verdict.INCONCLUSIVE or judged.comparison.sample.refusal:
        return ''
    return f'needs n = {judged.needs}' if judged.needs else f'needs n > {MOST_PAIRS:,}'


def _interval(estimate: RatioEstimate) -> str:
    return f'{estimate.lower:.3f} to {estimate.upper:.3f}'


def _count(n: int) -> str:
    return f'{n} pair' if n == 1 else f'{n} pairs'


def _small(probability: float) -> str:
    return f'{probability:.3f}' if probability >= 0.001 else f'{probability:.1e}'
