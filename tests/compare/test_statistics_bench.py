"""The test-bed measures what the package does: its vectorised methods agree with it."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from eessi_validate.compare.statistics import benjamini_hochberg, estimate_ratio, plan_looks
from eessi_validate.compare.statistics.signed_rank import interval_rank

BENCH = Path(__file__).parents[2] / 'benchmarks' / 'statistics'


@pytest.fixture(autouse=True)
def bench_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    if not BENCH.is_dir():
        pytest.skip('the test-bed is not part of an installation')
    monkeypatch.syspath_prepend(str(BENCH))
    for name in ('methods', 'noise', 'sections'):
        sys.modules.pop(name, None)


@pytest.mark.parametrize('n', [6, 11, 20])
def test_the_vectorised_estimate_is_the_package_s(n: int) -> None:
    from methods import ours

    generator = np.random.default_rng(n)
    before, after = generator.standard_normal((2, 50, n)) * 0.05
    found = ours(before, after + 0.03)
    for i in range(50):
        one = estimate_ratio(list(after[i] + 0.03 - before[i]))
        assert one is not None
        assert one.p == pytest.approx(found.p[i])
        assert math.log(one.ratio) == pytest.approx(found.centre[i])
        assert (math.log(one.lower), math.log(one.upper)) == pytest.approx(
            (found.lower[i], found.upper[i])
        )
        assert math.log(one.equivalence_upper) == pytest.approx(found.equivalence_upper[i])


def test_the_vectorised_discoveries_are_the_package_s() -> None:
    from methods import discoveries

    p = np.random.default_rng(1).random((40, 30)) ** 3
    for family, flags in zip(p, discoveries(p), strict=True):
        assert list(flags) == [q <= 0.05 for q in benjamini_hochberg(list(family))]


def test_interleaving_keeps_every_run_and_tosses_a_coin_a_pair() -> None:
    from noise import interleaved

    series = np.tile(np.arange(80.0), (50, 1))
    before, after = interleaved(series, 0.0, np.random.default_rng(0))
    assert sorted([*before[0], *after[0]]) == list(range(80))
    assert set((after - before).ravel()) == {-1.0, 1.0}
    assert abs((after - before).mean()) < 0.1
    before, after = interleaved(series, 0.0, np.random.default_rng(0), abba=True)
    assert set((after - before).reshape(-1, 2).sum(axis=1)) == {0.0}


def test_figures_to_reach_with_a_tenth_of_the_repetitions() -> None:
    from methods import our_verdicts, ours
    from noise import NoiseModel, interleaved, runs

    generator = np.random.default_rng(1)
    drift = NoiseModel('', 0.05, drift=True)
    alarms = ours(*interleaved(runs(drift, 4000, 20, generator), 0.0, generator)).p <= 0.05
    assert 0.035 <= alarms.mean() <= 0.065
    slower, _ = our_verdicts(*interleaved(runs(drift, 2000, 40, generator), 0.0488, generator))
    assert slower.mean() >= 0.95
    for n in (6, 10, 30):
        found = ours(*interleaved(runs(drift, 3000, 2 * n, generator), 0.05, generator))
        covered = (found.lower <= 0.05) & (found.upper >= 0.05)
        assert 0.94 <= covered.mean() <= 0.98


def test_looking_often_costs_no_error() -> None:
    from methods import ours
    from noise import NoiseModel, interleaved, runs

    generator = np.random.default_rng(2)
    drift = NoiseModel('', 0.05, drift=True)
    before, after = interleaved(runs(drift, 2000, 48, generator), 0.0, generator)
    looks, alarms = plan_looks(24), np.zeros(2000, dtype=bool)
    for n, level in zip(looks.pairs, looks.levels, strict=True):
        assert interval_rank(n, 0.05)
        alarms |= ours(before[:, :n], after[:, :n]).p <= level
    assert alarms.mean() <= 0.06


def test_a_number_of_pairs_from_a_pilot_costs_no_error() -> None:
    from noise import NoiseModel, interleaved, runs
    from sections import _look, _most_by_pilot

    generator = np.random.default_rng(3)
    series = runs(NoiseModel('', 0.05), 4000, 136, generator)
    itself = interleaved(series[:, :16], 0.0, generator)
    before, after = interleaved(series[:, 16:], 0.0, generator)
    rates = []
    for most in _most_by_pilot(itself, before, after).values():
        alarms = sum(
            _look(before[most == n], after[most == n], int(n))[0].sum() for n in np.unique(most)
        )
        rates.append(alarms / 4000)
    # Three standard errors are 1 %; the last way, which knows the signs, has 6.2 %.
    assert max(rates[:2]) <= 0.055
    assert rates[2] > max(rates[:2])
