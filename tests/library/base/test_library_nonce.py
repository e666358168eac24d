"""Numbers drawn from a nonce: in range, the same for the same nonce, spread over the range."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from eessi_library.nonce import draw_nonce, fraction, integer, real

nonces = st.text(alphabet='0123456789abcdef', min_size=16, max_size=16)
purposes = st.text(min_size=1, max_size=20)


def test_fresh_nonce_is_sixteen_hexadecimal_digits_and_differs() -> None:
    first, second = draw_nonce(), draw_nonce()
    assert re.fullmatch(r'[0-9a-f]{16}', first)
    assert first != second


@given(nonces, purposes)
def test_fraction_is_below_one(nonce: str, purpose: str) -> None:
    assert 0 <= fraction(nonce, purpose) < 1


@given(nonces, purposes, st.integers(-1000, 1000), st.integers(0, 1000))
def test_integer_is_in_its_range(nonce: str, purpose: str, low: int, width: int) -> None:
    assert low <= integer(nonce, purpose, low, low + width) <= low + width


@given(nonces, purposes, st.integers(-30000, 30000), st.integers(0, 10000))
def test_real_is_in_its_range_and_rounded(nonce: str, purpose: str, low: int, width: int) -> None:
    value = real(nonce, purpose, low / 100, (low + width) / 100)
    assert low / 100 <= value <= (low + width) / 100
    assert value == round(value, 2)


@given(nonces, purposes)
def test_same_nonce_and_purpose_give_the_same_number(nonce: str, purpose: str) -> None:
    assert fraction(nonce, purpose) == fraction(nonce, purpose)


def test_number_of_a_recorded_nonce_stays_what_it_was() -> None:
    assert integer('66952654712215a2', 'gromacs seed', 1, 999_999) == 710170
    assert real('66952654712215a2', 'gromacs temperature', 297.0, 303.0) == 299.5


@given(nonces)
def test_purposes_are_independent(nonce: str) -> None:
    assert fraction(nonce, 'seed') != fraction(nonce, 'temperature')


def test_numbers_spread_over_the_range() -> None:
    drawn = [integer(f'{n:016x}', 'purpose', 0, 9) for n in range(2000)]
    counts = [drawn.count(value) for value in range(10)]
    # Ten bins of 200 expected: chi-squared with 9 degrees of freedom is below 30 in 99.96 %.
    assert sum((count - 200) ** 2 / 200 for count in counts) < 30
