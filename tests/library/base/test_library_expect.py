"""Expectations fail with a sentence that says what was expected and what was found."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_close, expect_within

numbers = st.floats(-1e6, 1e6)


def test_condition_that_holds_is_silent() -> None:
    expect(True, 'never seen')
    with pytest.raises(SanityError, match='seen'):
        expect(False, 'seen')


@given(numbers, numbers, numbers)
def test_within_means_between_the_bounds(value: float, low: float, high: float) -> None:
    if low <= value <= high:
        expect_within('x', value, low, high)
    else:
        with pytest.raises(SanityError, match='outside'):
            expect_within('x', value, low, high)


@pytest.mark.parametrize('value', [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_never_within_and_never_close(value: float) -> None:
    with pytest.raises(SanityError, match='outside'):
        expect_within('x', value, -math.inf, math.inf)
    with pytest.raises(SanityError, match='expected'):
        expect_close('x', value, 1.0, math.inf)


def test_sentence_names_value_unit_reference_and_distance() -> None:
    with pytest.raises(SanityError) as caught:
        expect_close('energy', -41.0, -46.7, 0.02, 'kJ/mol')
    sentence = 'energy is -41 kJ/mol, expected -46.7 within 0.02 relative (off by 0.12)'
    assert str(caught.value) == sentence


@given(numbers.filter(lambda x: abs(x) > 1e-3), st.floats(1e-6, 0.5))
def test_close_is_symmetric_about_references_of_either_sign(reference: float, part: float) -> None:
    inside = abs(reference) * part * 0.99
    for value in (reference - inside, reference + inside):
        expect_close('x', value, reference, part)
    for value in (reference - 2 * inside - 1e-9, reference + 2 * inside + 1e-9):
        with pytest.raises(SanityError):
            expect_close('x', value, reference, part)


def test_reference_of_zero_fails_with_a_sentence() -> None:
    with pytest.raises(SanityError):
        expect_close('net charge', 0.5, 0.0, 0.01, 'e')
