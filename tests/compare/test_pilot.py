"""How many pairs: from noise, never from the side that happens to be ahead."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from eessi_validate.compare.statistics import estimate_ratio, most_pairs, sign_free_scale


def test_the_pilot_says_how_many_pairs_and_the_cap_is_said() -> None:
    assert most_pairs(0.05, math.expm1(0.05), 60)[0] in (10, 11)
    assert most_pairs(0.001, 0.05, 60) == (6, True)
    assert most_pairs(0.5, 0.01, 60) == (60, False)


def test_a_scale_that_few_pairs_stand_for_plans_more_of_them() -> None:
    target = math.expm1(0.05)
    planned = [most_pairs(0.1, target, 600, degrees=d)[0] for d in (5, 7, 50, 5000)]
    assert planned == sorted(planned, reverse=True)
    known = most_pairs(0.1, target, 600)[0]
    assert planned[-1] == known
    # Stein: by the square of the ratio of the quantiles, (2.365 + 0.896) / (1.960 + 0.842).
    assert planned[1] / known == pytest.approx(1.354, rel=0.05)


def test_signs_do_not_change_the_scale() -> None:
    sizes = np.array([0.01, 0.02, 0.05, 0.03, 0.07, 0.04])
    scales = {round(sign_free_scale(sizes * s), 12) for s in product((1, -1), repeat=6)}
    assert len(scales) == 1


def test_a_scale_with_signs_is_smallest_where_all_signs_agree() -> None:
    sizes = np.array([0.01, 0.02, 0.05, 0.03, 0.07, 0.04])
    scales = {}
    for signs in product((1, -1), repeat=6):
        estimate = estimate_ratio(list(sizes * signs))
        assert estimate is not None
        scales[signs] = estimate.scale
    assert min(scales, key=lambda s: scales[s]) in ((1,) * 6, (-1,) * 6)
    assert scales[(1,) * 6] < 0.7 * sign_free_scale(sizes)


def test_the_scale_without_signs_is_that_of_the_noise_on_average() -> None:
    noise = np.random.default_rng(3).standard_normal((4000, 6))
    assert np.mean([sign_free_scale(row) for row in noise[:1000]]) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize('values', [[0.1] * 5, [0.1] * 11, [0.1] * 5 + [math.nan]])
def test_too_few_too_many_or_broken_values_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match='finite differences'):
        sign_free_scale(values)
