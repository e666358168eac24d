"""The exact signed-rank test, estimate and interval, against published examples and enumeration."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from eessi_validate.compare.statistics import signed_rank
from eessi_validate.compare.statistics.student import cumulative, quantile

#: Hamilton depression scale, Hollander and Wolfe, Nonparametric Statistical Methods, table 3.1.
#: R 4's ``wilcox.test(x, y, paired = TRUE, conf.int = TRUE)`` gives p = 0.03906, estimate 0.46
#: and interval 0.010 to 0.786.
BEFORE = (1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30)
AFTER = (0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29)
DEPRESSION = tuple(a - b for a, b in zip(BEFORE, AFTER, strict=True))

#: Largest T with P(T <= t) <= 0.025, the classical table (Wilcoxon 1964; n = 6 .. 20).
CRITICAL = {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 13: 17, 14: 21, 15: 25, 20: 52}


def test_published_example_has_its_published_p_value_estimate_and_interval() -> None:
    assert signed_rank.two_sided_p(DEPRESSION) == pytest.approx(0.0390625)
    assert float(signed_rank.hodges_lehmann(np.array(DEPRESSION))) == pytest.approx(0.46)
    assert signed_rank.interval(DEPRESSION, 0.05) == pytest.approx((0.010, 0.786))


@pytest.mark.parametrize(('n', 'critical'), CRITICAL.items())
def test_critical_values_are_those_of_the_classical_table(n: int, critical: int) -> None:
    assert signed_rank.interval_rank(n, 0.05) - 1 == critical


@pytest.mark.parametrize('ties', [(1, 2, 3, 4, 5), (1, 1, 1, 2, 2), (0, 0, 1, 2, 2, 3), (0, 0)])
def test_p_value_is_that_of_enumerating_all_signs(ties: tuple[float, ...]) -> None:
    sizes = np.abs(ties)
    doubled = [2 * np.sum(sizes < s) + np.sum(sizes == s) + 1 for s in sizes]
    moving = [int(r) for r, s in zip(doubled, sizes, strict=True) if s]
    sums = [
        sum(r for r, s in zip(moving, signs, strict=True) if s)
        for signs in product((0, 1), repeat=len(moving))
    ]
    observed = sum(moving)
    upper = sum(t >= observed for t in sums) / len(sums)
    assert signed_rank.two_sided_p(ties) == pytest.approx(min(1.0, 2 * upper))


def test_distribution_is_exact_and_quick_for_a_hundred_pairs() -> None:
    probabilities = signed_rank.distribution(100)
    values = np.arange(len(probabilities))
    assert probabilities.sum() == pytest.approx(1.0)
    assert values @ probabilities == pytest.approx(100 * 101 / 4)
    variance = values**2 @ probabilities - (100 * 101 / 4) ** 2
    assert variance == pytest.approx(100 * 101 * 201 / 24)
    assert probabilities[0] == 2.0**-100


def test_interval_and_test_agree() -> None:
    generator = np.random.default_rng(3)
    for n in range(6, 20):
        differences = tuple(generator.standard_normal(n) + 0.5)
        bounds = signed_rank.interval(differences, 0.05)
        assert bounds is not None
        outside = bounds[0] > 0 or bounds[1] < 0
        assert outside == (signed_rank.two_sided_p(differences) <= 0.05)


def test_five_pairs_have_no_interval_at_5_percent_and_six_have() -> None:
    assert signed_rank.interval((1, 2, 3, 4, 5), 0.05) is None
    assert signed_rank.interval((1, 2, 3, 4, 5, 6), 0.05) == (1, 6)


def test_nothing_but_zeros_is_no_evidence() -> None:
    assert signed_rank.two_sided_p((0.0,) * 8) == 1.0


def test_sign_and_order_do_not_matter() -> None:
    turned = tuple(-d for d in reversed(DEPRESSION))
    assert signed_rank.two_sided_p(turned) == signed_rank.two_sided_p(DEPRESSION)


@pytest.mark.parametrize(
    ('probability', 'degrees', 'expected'),
    # Tables of Student's distribution, e.g. NIST/SEMATECH e-Handbook, section 1.3.6.7.2.
    [(0.975, 1, 12.706), (0.975, 9, 2.262), (0.95, 5, 2.015), (0.99, 30, 2.457), (0.9, 100, 1.290)],
)
def test_student_quantiles_are_those_of_the_tables(
    probability: float, degrees: float, expected: float
) -> None:
    assert quantile(probability, degrees) == pytest.approx(expected, abs=5e-4)
    assert quantile(1 - probability, degrees) == pytest.approx(-expected, abs=5e-4)
    assert cumulative(quantile(probability, degrees), degrees) == pytest.approx(probability)


def test_student_with_one_degree_is_cauchy() -> None:
    assert cumulative(2.5, 1) == pytest.approx(0.5 + math.atan(2.5) / math.pi, rel=1e-12)
    assert cumulative(-1e4, 1) == pytest.approx(0.5 + math.atan(-1e4) / math.pi, rel=1e-6)
