"""Wilson's interval and Fisher's test against published values."""

from __future__ import annotations

import pytest

from eessi_validate.compare.statistics import (
    PassRate,
    RateChange,
    compare_pass_rates,
    fisher_exact,
    wilson_interval,
)


@pytest.mark.parametrize(
    ('successes', 'trials', 'lower', 'upper'),
    # R. G. Newcombe, Statist. Med. 17 (1998) 857, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_of_the_comparison_by_newcombe(
    successes: int, trials: int, lower: float, upper: float
) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((lower, upper), abs=5e-5)
    turned = wilson_interval(trials - successes, trials)
    assert turned == pytest.approx((1 - upper, 1 - lower), abs=5e-5)


@pytest.mark.parametrize(
    ('table', 'p'),
    [
        ((3, 1, 1, 3), 0.4857),  # the lady tasting tea, Fisher 1935
        ((2, 10, 15, 3), 0.0005367),  # convictions of twins, Fisher 1970; R's help of fisher.test
        ((0, 0, 5, 5), 1.0),
        ((10, 0, 0, 10), 2 / 184756),
    ],
)
def test_fisher_s_examples(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher_exact(*table) == pytest.approx(p, rel=2e-4)
    a, b, c, d = table
    assert fisher_exact(c, d, a, b) == pytest.approx(fisher_exact(*table))


def test_flaky_is_both_outcomes_in_one_release() -> None:
    assert [PassRate(p, 5).flaky for p in (0, 2, 5)] == [False, True, False]
    assert PassRate(0, 0).interval == (0.0, 1.0)


def test_a_change_of_the_failure_rate_must_be_shown() -> None:
    assert compare_pass_rates(PassRate(20, 20), PassRate(10, 20))[0] is RateChange.WORSE
    assert compare_pass_rates(PassRate(10, 20), PassRate(20, 20))[0] is RateChange.BETTER
    assert compare_pass_rates(PassRate(1, 1), PassRate(0, 1)) == (RateChange.NOT_SHOWN, 1.0)
    assert compare_pass_rates(PassRate(0, 0), PassRate(0, 9)) == (RateChange.NOT_SHOWN, 1.0)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match='no proportion'):
        wilson_interval(3, 2)
    with pytest.raises(ValueError, match='negative'):
        fisher_exact(-1, 2, 3, 4)
