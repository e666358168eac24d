"""Alpha spending against published boundaries; the order of runs; the machine against itself."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from eessi_validate.compare.statistics import (
    advise_duet,
    boundaries,
    check_itself,
    pair_order,
    plan_looks,
    schedule,
    sequential_p,
    signed_rank,
)

#: Two-sided 5 %, equally spaced looks, O'Brien-Fleming spending: D. M. Reboussin, D. L. DeMets,
#: K. Kim and K. K. G. Lan, Control. Clin. Trials 21 (2000) 190, and the R package ldbounds.
PUBLISHED = {
    2: (2.963, 1.969),
    3: (3.710, 2.511, 1.993),
    4: (4.333, 2.963, 2.359, 2.014),
    5: (4.877, 3.357, 2.680, 2.290, 2.031),
}


@pytest.mark.parametrize('looks', PUBLISHED)
def test_boundaries_are_the_published_ones(looks: int) -> None:
    fractions = tuple((i + 1) / looks for i in range(looks))
    assert boundaries(fractions) == pytest.approx(PUBLISHED[looks], abs=1.5e-3)


def test_one_look_spends_everything() -> None:
    assert boundaries((1.0,)) == pytest.approx((1.95996,), abs=1e-4)


def test_random_walks_cross_the_boundaries_in_5_percent() -> None:
    steps = np.random.default_rng(7).standard_normal((100_000, 10)).cumsum(axis=1)
    bounds = np.array(boundaries(tuple((i + 1) / 10 for i in range(10))))
    crossed = (np.abs(steps) / np.sqrt(np.arange(1, 11)) > bounds).any(axis=1).mean()
    assert crossed == pytest.approx(0.05, abs=0.003)


@pytest.mark.parametrize('wrong', [(0.5, 0.5), (0.6, 0.3), (0.0, 1.0), (0.5, 1.2)])
def test_looks_must_increase_up_to_one(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match='increase up to 1'):
        boundaries(wrong)


def test_looks_come_every_six_pairs_and_end_at_the_most() -> None:
    assert plan_looks(30).pairs == (6, 12, 18, 24, 30)
    assert plan_looks(20).pairs == (6, 12, 20)
    assert plan_looks(6).pairs == (6,)
    assert plan_looks(6).levels == pytest.approx((0.05,), abs=1e-6)
    assert all(a < b for a, b in pairwise(plan_looks(60).levels))
    with pytest.raises(ValueError, match='at least 6'):
        plan_looks(5)


def test_the_p_value_over_looks_crosses_5_percent_where_the_boundary_does() -> None:
    looks = plan_looks(24)
    for number, level in enumerate(looks.levels):
        before = [1.0] * number
        assert sequential_p(looks.pairs, [*before, level * 0.999]) <= 0.05
        assert sequential_p(looks.pairs, [*before, level * 1.001]) > 0.05


def test_a_single_look_keeps_its_p_value_and_later_looks_never_raise_it() -> None:
    assert sequential_p((20,), [0.03]) == pytest.approx(0.03, rel=1e-3)
    early = sequential_p((6, 12, 18), [0.03, 0.001])
    assert sequential_p((6, 12, 18), [0.03, 0.001, 0.9]) == early


def test_each_pair_tosses_its_own_coin() -> None:
    first = [pair_order(pair, 's')[0] == 'after' for pair in range(400)]
    assert 160 < sum(first) < 240
    # Neighbours agree as often as not, at any distance.
    for distance in (1, 2, 3):
        agree = sum(a == b for a, b in zip(first, first[distance:], strict=False))
        assert 160 < agree < 240
    assert all(set(pair_order(pair, 's')) == {'before', 'after'} for pair in range(8))


def test_the_seed_fixes_the_order_and_more_pairs_continue_it() -> None:
    assert schedule(20, 's')[:16] == schedule(8, 's')
    assert schedule(12, 's', first=8) == schedule(20, 's')[16:]
    assert schedule(20, 's') != schedule(20, 't')


def test_warm_up_runs_both_sides_and_is_marked() -> None:
    steps = schedule(1, 's', warm_ups=2)
    assert [s.warm_up for s in steps] == [True] * 4 + [False] * 2
    assert {s.side for s in steps[:2]} == {'before', 'after'}


def test_a_disturbance_of_two_runs_is_no_false_alarm() -> None:
    generator = np.random.default_rng(5)
    kicks = generator.standard_normal((4000, 21))
    noise = kicks[:, 1:] + 0.5 * kicks[:, :-1]
    alarms = 0
    for number, times in enumerate(noise):
        steps = schedule(10, f'{number}')
        sides = {(step.pair, step.side): t for step, t in zip(steps, times, strict=True)}
        differences = [sides[pair, 'after'] - sides[pair, 'before'] for pair in range(10)]
        alarms += signed_rank.two_sided_p(differences) <= 0.05
    assert 0.035 <= alarms / len(noise) <= 0.065


def test_a_machine_that_agrees_with_itself_has_no_problem() -> None:
    values = np.exp(0.03 * np.random.default_rng(2).standard_normal((20, 2)))
    check = check_itself([tuple(row) for row in values])
    assert check.problem == ''
    assert check.noise == pytest.approx(0.03, rel=0.3)
    assert check.spread == pytest.approx(0.03 * math.sqrt(2), rel=0.4)


def test_a_machine_that_differs_from_itself_is_not_to_be_trusted() -> None:
    values = [(1.0 + i / 1000, 1.1 + i / 900) for i in range(20)]
    assert 'differs from itself by 10' in check_itself(values).problem


def test_drift_shows_as_autocorrelation() -> None:
    drifting = [(1 + i / 10, 1 + i / 10 + 0.05) for i in range(20)]
    assert check_itself(drifting).autocorrelation > 0.7


def correlated(share: float) -> list[tuple[float, float]]:
    generator = np.random.default_rng(4)
    common = generator.standard_normal((20, 1))
    own = generator.standard_normal((20, 2))
    values = np.exp(0.1 * (math.sqrt(share) * common + math.sqrt(1 - share) * own))
    return [(float(a), float(b)) for a, b in values]


def test_duet_needs_room_and_common_noise() -> None:
    assert advise_duet(correlated(0.9), cores_of_both=2, idle_cores=4).allowed
    crowded = advise_duet(correlated(0.9), cores_of_both=4, idle_cores=2.5)
    assert (crowded.allowed, crowded.reason) == (False, 'both sides take 4 cores, 2.5 are idle')
    apart = advise_duet(correlated(0.0), cores_of_both=2, idle_cores=4)
    assert not apart.allowed
    assert 'more than 0.5 is needed' in apart.reason
    assert not advise_duet(correlated(0.9)[:5], cores_of_both=2, idle_cores=4).allowed
    assert not advise_duet([(1.0, 2.0)] * 8, cores_of_both=2, idle_cores=4).allowed
