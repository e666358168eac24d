"""Stored runs: suspects at most, refused where the machines differ."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eessi_validate.compare.statistics import (
    Provenance,
    StoredRun,
    Suspicion,
    check_comparable,
    rank_sum,
    screen,
)

NODE = Provenance('EPYC 7763', 'standard', 4, 2, 1, 'performance', 'x86_64/amd/zen3', 'n1', '6.1')


def runs(centre: float, sessions: int, *, seed: int = 0, repeat: int = 1) -> list[StoredRun]:
    noise = 0.01 * np.random.default_rng(seed).standard_normal((sessions, repeat))
    return [
        StoredRun(centre * math.exp(noise[s, r]), 's', f'{seed}-{s}')
        for s in range(sessions)
        for r in range(repeat)
    ]


def test_rank_sum_has_its_published_distribution_and_interval() -> None:
    # Hollander and Wolfe, tables; U for 3 and 4 values.
    weights = [1, 1, 2, 3, 4, 4, 5, 4, 4, 3, 2, 1, 1]
    assert rank_sum.distribution(3, 4) == pytest.approx(np.array(weights) / 35)
    # Permeability constants, Hollander and Wolfe, table 4.1; the interval is R's ``wilcox.test``.
    term = (0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46)
    early = (1.15, 0.88, 0.90, 0.74, 1.21)
    assert rank_sum.shift_interval(early, term, 0.05) == pytest.approx((0.305, -0.15, 0.76))


def test_a_clear_change_is_a_suspect_and_labelled_screening() -> None:
    found = screen(runs(1.0, 8), runs(1.2, 8, seed=1), 'lower')
    assert found.suspicion is Suspicion.SUSPECT_SLOWER
    assert found.label == 'screening'
    assert found.lower < 1.2 < found.upper
    assert screen(runs(1.0, 8), runs(1.2, 8, seed=1), 'higher').suspicion is (
        Suspicion.SUSPECT_FASTER
    )


def test_screening_never_says_regression_nor_slower_without_suspect() -> None:
    assert all('regression' not in s.value for s in Suspicion)
    assert all(not s.value.startswith(('slower', 'faster')) for s in Suspicion)


def test_no_change_is_not_suspect() -> None:
    assert screen(runs(1.0, 8), runs(1.0, 8, seed=1), 'lower').suspicion is Suspicion.NOT_SUSPECT


def test_a_hundred_repetitions_of_one_evening_are_one_session() -> None:
    found = screen(runs(1.0, 1, repeat=100), runs(1.05, 1, seed=1, repeat=100), 'lower')
    assert found.sessions == (1, 1)
    assert found.suspicion is Suspicion.NOT_SUSPECT
    assert 'too few for an interval' in found.reason


def test_with_too_few_sessions_only_large_changes_are_suspect() -> None:
    found = screen(runs(1.0, 2), runs(1.3, 2, seed=1), 'lower')
    assert found.suspicion is Suspicion.SUSPECT_SLOWER
    assert math.isnan(found.lower)


def test_dependence_within_a_side_widens_the_interval() -> None:
    drifting = [StoredRun(math.exp(i / 50), 's', str(i)) for i in range(10)]
    assert screen(drifting, runs(1.3, 10), 'lower').widened > 1.5


@pytest.mark.parametrize('value', [0.0, -1.0, math.nan, math.inf])
def test_values_without_a_ratio_are_named(value: float) -> None:
    bad = [*runs(1.0, 8), StoredRun(value, 's', 'bad')]
    found = screen(bad, runs(1.0, 8, seed=1), 'lower')
    assert len(found.rejected) == 1
    assert found.rejected[0][0] == 'before'
    assert 'bad' in found.rejected[0][1]


def test_units_that_differ_and_empty_sides_cannot_be_screened() -> None:
    other = [StoredRun(1.0, 'ms', 'a')]
    assert screen(runs(1, 3), other, 'lower').reason == "units differ: 'ms', 's'"
    assert screen([], runs(1, 3), 'lower').reason == 'no usable run before'
    assert screen(runs(1, 3), [], 'lower').suspicion is Suspicion.UNKNOWN


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('cpu_model', 'Xeon 8480'),
        ('node_type', 'highmem'),
        ('tasks', 8),
        ('tasks_per_node', 4),
        ('cpus_per_task', 2),
        ('governor', 'powersave'),
    ],
)
def test_machines_that_differ_are_refused(field: str, value: object) -> None:
    after = [NODE, replace(NODE, **{field: value})]
    found = check_comparable([NODE], after)
    assert not found.allowed
    assert str(value) in found.refusals[0]
    screened = screen(runs(1, 8), runs(2, 8, seed=1), 'lower', comparability=found)
    assert screened.suspicion is Suspicion.UNKNOWN
    assert 'not comparable' in screened.reason


@pytest.mark.parametrize('field', ['kernel', 'hostname', 'cpu_target', 'microcode', 'driver'])
def test_other_differences_are_noted(field: str) -> None:
    found = check_comparable([replace(NODE, **{field: 'a'})], [replace(NODE, **{field: 'b'})])
    assert found.allowed
    assert len(found.notes) == 1
    assert 'before: a; after: b' in found.notes[0]


def test_what_was_not_recorded_is_said_not_assumed() -> None:
    found = check_comparable([NODE], [replace(NODE, governor='')])
    assert found.allowed
    assert found.notes == ('frequency governor was not recorded everywhere, so it was not checked',)
    assert len(check_comparable([Provenance()], [Provenance()]).notes) == 6


def test_equal_machines_have_nothing_to_say_and_an_empty_side_is_refused() -> None:
    assert check_comparable([NODE, NODE], [NODE]) == check_comparable([NODE], [NODE])
    assert check_comparable([NODE], [NODE]).notes == ()
    assert check_comparable([], [NODE]).refusals == ('no run before',)
