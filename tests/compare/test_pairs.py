"""What bad rows get: each is used, or rejected with a reason that names it."""

from __future__ import annotations

import math

import pytest

from eessi_validate.compare.statistics import Measurement, PairedSample, pair_up


def rows(*values: float, unit: str = 's') -> list[Measurement]:
    return [Measurement(str(i), value, unit) for i, value in enumerate(values)]


def reasons(sample: PairedSample) -> dict[tuple[str, str], str]:
    return {(r.side, r.measurement.pair): r.reason for r in sample.rejected}


def accounted(sample: PairedSample) -> int:
    return 2 * len(sample.pairs) + len(sample.rejected)


def test_pairs_are_joined_by_name_not_by_position() -> None:
    sample = pair_up(rows(1, 2, 3), list(reversed(rows(2, 4, 6))))
    assert sample.pairs == ((1, 2), (2, 4), (3, 6))
    assert sample.log_ratios == pytest.approx([math.log(2)] * 3)


@pytest.mark.parametrize(
    ('value', 'reason'),
    [
        (0.0, 'a ratio needs positive values'),
        (-3.0, 'a ratio needs positive values'),
        (math.nan, 'not a number that can be compared'),
        (math.inf, 'not a number that can be compared'),
    ],
)
def test_a_value_without_a_ratio_is_rejected_with_its_partner(value: float, reason: str) -> None:
    sample = pair_up(rows(1, 2), rows(1, value))
    assert sample.pairs == ((1, 1),)
    assert reason in reasons(sample)['after', '1']
    assert 'partner after is' in reasons(sample)['before', '1']
    assert accounted(sample) == 4


def test_a_pair_named_twice_is_rejected_on_both_sides() -> None:
    doubled = [*rows(1, 2), Measurement('1', 2.0, 's')]
    sample = pair_up(doubled, rows(1, 2))
    assert sample.pairs == ((1, 1),)
    assert 'is there 2 times' in reasons(sample)['before', '1']
    assert accounted(sample) == 5


def test_a_row_without_partner_is_named() -> None:
    sample = pair_up(rows(1, 2, 3), rows(1, 2))
    assert reasons(sample) == {('before', '2'): 'has no partner after'}
    assert accounted(sample) == 5


def test_a_failed_run_is_not_used() -> None:
    failed = [Measurement('0', 1.0, 's', invalid='failed'), Measurement('1', 1.0, 's')]
    sample = pair_up(rows(1, 1), failed)
    assert reasons(sample)['after', '0'] == 'failed'
    assert len(sample.pairs) == 1


@pytest.mark.parametrize('side', [0, 1])
def test_units_that_differ_refuse_everything(side: int) -> None:
    sides = [rows(1, 2), rows(1, 2)]
    sides[side][1] = Measurement('1', 2.0, 'ms')
    sample = pair_up(*sides)
    assert sample.pairs == ()
    assert "units differ: 's'" in sample.refusal or "units differ: 'ms', 's'" in sample.refusal
    assert accounted(sample) == 4


def test_an_empty_side_is_said() -> None:
    assert pair_up([], rows(1)).refusal == 'nothing was measured before'
    assert pair_up(rows(1), []).refusal == 'nothing was measured after'
    assert accounted(pair_up(rows(1), [])) == 1
