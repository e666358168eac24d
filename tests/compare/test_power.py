"""Detectable effects and numbers of pairs, against simulation and the textbook."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eessi_validate.compare.statistics import (
    detectable_effect,
    pairs_for_effect,
    pairs_for_equivalence,
    pairs_for_family,
)
from eessi_validate.compare.statistics.power import scale_of_interval
from eessi_validate.compare.statistics.signed_rank import interval_rank, walsh_averages


@pytest.mark.parametrize('n', [6, 8, 10, 20, 30, 35])
def test_the_detectable_effect_is_found_four_times_in_five(n: int) -> None:
    generator = np.random.default_rng(1000 + n)
    effect = detectable_effect(1.0, n)
    averages = np.sort(walsh_averages(generator.standard_normal((4000, n)) + effect))
    found = (averages[:, interval_rank(n, 0.05) - 1] > 0).mean()
    assert found == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize('n', [6, 10, 20, 30])
def test_the_scale_of_the_interval_is_the_standard_deviation(n: int) -> None:
    generator = np.random.default_rng(n)
    averages = np.sort(walsh_averages(generator.standard_normal((4000, n))))
    rank = interval_rank(n, 0.05)
    half = (averages[:, -rank] - averages[:, rank - 1]) / 2
    assert np.mean([scale_of_interval(h, n, 0.05) for h in half]) == pytest.approx(1.0, abs=0.07)


def test_numbers_of_pairs_are_near_those_of_the_t_test() -> None:
    # n = (z(.975) + z(.8))^2 (sd / effect)^2 = 7.85 and 31.4, plus about two for Student.
    assert pairs_for_effect(0.05, 0.05) in (10, 11)
    assert pairs_for_effect(0.10, 0.05) in range(32, 36)


def test_the_number_of_pairs_is_the_smallest_that_is_enough() -> None:
    for scale in (0.01, 0.03, 0.07):
        n = pairs_for_effect(scale, 0.02)
        assert n is not None
        assert detectable_effect(scale, n) <= 0.02
        assert n == 6 or detectable_effect(scale, n - 1) > 0.02


def test_a_family_of_two_hundred_needs_thirteen_pairs() -> None:
    assert pairs_for_family(1) == 6
    assert pairs_for_family(200) == 13
    assert 2.0 ** (1 - 13) <= 0.05 / 200 < 2.0 ** (1 - 12)


def test_what_cannot_be_found_has_no_number() -> None:
    assert pairs_for_effect(1.0, 0.001) is None
    assert pairs_for_effect(1.0, 0.0) is None
    assert pairs_for_equivalence(1.0, 0.001) is None
    assert math.isinf(detectable_effect(1.0, 5))
