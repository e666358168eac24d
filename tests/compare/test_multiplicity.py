"""False discovery rate against the worked example of its authors."""

from __future__ import annotations

import pytest

from eessi_validate.compare.statistics import benjamini_hochberg

#: Benjamini and Hochberg 1995, section 4.2: 15 comparisons of treatments of myocardial infarction.
PAPER = (
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
)


def test_the_paper_s_example_has_four_discoveries() -> None:
    q_values = benjamini_hochberg(PAPER)
    assert sum(q <= 0.05 for q in q_values) == 4
    assert q_values[3] == pytest.approx(0.0095 * 15 / 4)


def test_q_follows_its_p_whatever_the_order() -> None:
    turned = benjamini_hochberg(PAPER[::-1])
    assert turned[::-1] == benjamini_hochberg(PAPER)


def test_one_metric_needs_no_correction_and_none_is_no_error() -> None:
    assert benjamini_hochberg([0.03]) == (0.03,)
    assert benjamini_hochberg([]) == ()


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(ValueError, match='not a p-value'):
        benjamini_hochberg([0.1, float('nan')])
