"""Four verdicts, and what each needs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eessi_validate.compare.statistics import (
    Comparison,
    Direction,
    Measurement,
    Settings,
    Verdict,
    estimate_ratio,
    judge_family,
    needs_text,
    pair_up,
)


def comparison(
    log_ratios: list[float], direction: Direction = 'lower', name: str = 'time'
) -> Comparison:
    before = [Measurement(str(i), 1.0, 's') for i in range(len(log_ratios))]
    after = [Measurement(str(i), math.exp(d), 's') for i, d in enumerate(log_ratios)]
    return Comparison(name, direction, pair_up(before, after))


def noise(n: int, spread: float, shift: float = 0.0, seed: int = 1) -> list[float]:
    values = np.random.default_rng(seed).standard_normal(n)
    centred = (values - values.mean()) / values.std() * spread
    return [float(v) for v in centred + shift]


def test_a_clear_slowdown_is_slower_and_its_inverse_faster() -> None:
    (slow,) = judge_family([comparison(noise(20, 0.02, 0.05))])
    (fast,) = judge_family([comparison(noise(20, 0.02, -0.05))])
    assert (slow.verdict, fast.verdict) == (Verdict.SLOWER, Verdict.FASTER)
    assert slow.estimate is not None
    assert slow.slowdown == pytest.approx(1.05, abs=0.01)
    assert slow.estimate.lower < 1.05 < slow.estimate.upper


def test_direction_turns_the_verdict_not_the_ratio() -> None:
    (speed,) = judge_family([comparison(noise(20, 0.02, -0.05), 'higher')])
    assert speed.verdict is Verdict.SLOWER
    assert speed.estimate is not None
    assert speed.estimate.ratio < 1 < (speed.slowdown or 0)


def test_a_truth_has_no_direction() -> None:
    with pytest.raises(ValueError, match='direction "truth"'):
        judge_family([comparison(noise(8, 0.01), 'truth')])  # type: ignore[arg-type]


def test_little_noise_and_no_difference_is_equivalent() -> None:
    (judged,) = judge_family([comparison(noise(20, 0.01))])
    assert judged.verdict is Verdict.EQUIVALENT


def test_a_significant_difference_too_small_to_matter_is_equivalent_and_says_so() -> None:
    (judged,) = judge_family([comparison(noise(30, 0.005, 0.01))])
    assert judged.verdict is Verdict.EQUIVALENT
    assert 'too small to matter' in judged.reason


def test_noise_is_inconclusive_and_says_how_many_pairs_it_takes() -> None:
    (judged,) = judge_family([comparison(noise(10, 0.05))])
    assert judged.verdict is Verdict.INCONCLUSIVE
    # 5 % per pair, 2 % to be found or excluded: (z(.975) + z(.8))^2 (5 / 2)^2 = 49 at least.
    assert judged.needs is not None
    assert 49 <= judged.needs <= 90
    assert needs_text(judged) == f'needs n = {judged.needs}'


@pytest.mark.parametrize('n', range(6))
def test_fewer_than_six_pairs_are_inconclusive_and_why(n: int) -> None:
    (judged,) = judge_family([comparison([0.5 + i / 100 for i in range(n)])])
    assert judged.verdict is Verdict.INCONCLUSIVE
    expected = 'fewer than 6 can reach 5 %' if n else 'nothing was measured before'
    assert expected in judged.reason
    assert judged.needs == (6 if n else None)


def test_a_unit_that_changed_is_inconclusive_and_why() -> None:
    rows = [Measurement(str(i), 1.0, 's') for i in range(8)]
    other = [Measurement(str(i), 1000.0, 'ms') for i in range(8)]
    (judged,) = judge_family([Comparison('time', 'lower', pair_up(rows, other))])
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert "units differ: 's' before and 'ms' after" in judged.reason
    assert needs_text(judged) == ''


def test_six_pairs_cannot_be_a_discovery_among_two_hundred_and_the_number_says_so() -> None:
    family = [comparison([0.05 + i / 1000 for i in range(6)])]
    family += [comparison(noise(6, 0.01, seed=i)) for i in range(199)]
    judged = judge_family(family)[0]
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert 'among 200 metrics' in judged.reason
    assert judged.needs is not None
    assert judged.needs >= 13


def test_metrics_that_cannot_be_tested_do_not_weaken_the_others() -> None:
    alone = judge_family([comparison(noise(10, 0.02, 0.03))])[0]
    mixed = judge_family([comparison(noise(10, 0.02, 0.03)), *[comparison([0.1])] * 50])[0]
    assert alone.q == mixed.q


def test_order_of_a_family_does_not_matter() -> None:
    family = [comparison(noise(12, 0.03, s / 50, seed=s), name=str(s)) for s in range(6)]
    there = {j.comparison.name: (j.verdict, j.q) for j in judge_family(family)}
    back = {j.comparison.name: (j.verdict, j.q) for j in judge_family(family[::-1])}
    assert there == back


def test_identical_values_are_equivalent() -> None:
    (judged,) = judge_family([comparison([0.0] * 10)])
    assert judged.verdict is Verdict.EQUIVALENT
    assert judged.p == 1.0


def test_one_spike_does_not_move_the_estimate() -> None:
    calm = estimate_ratio(noise(12, 0.01))
    spiked = estimate_ratio([*noise(12, 0.01)[:-1], 2.0])
    assert calm is not None
    assert spiked is not None
    assert abs(math.log(spiked.ratio / calm.ratio)) < 0.01
    assert spiked.spread > 0.5
    assert spiked.scale < 0.05


def test_log_ratios_must_be_finite() -> None:
    with pytest.raises(ValueError, match='not finite'):
        estimate_ratio([math.nan] * 8)


@pytest.mark.parametrize('value', [0.0, 1.0, -0.1])
def test_settings_must_be_fractions(value: float) -> None:
    with pytest.raises(ValueError, match='practical_delta'):
        Settings(practical_delta=value)


def test_a_verdict_is_never_said_to_be_no_regression() -> None:
    assert {v.value for v in Verdict} == {'slower', 'faster', 'equivalent', 'inconclusive'}
