"""Results are spoiled in their own notation; echoes of the input, versions and times stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_validate.prove.numbers import spoil, values


@pytest.mark.parametrize(
    ('text', 'spoiled'),
    [
        (b'energy = -15.84922271 Ry', b'energy = -16.00771494 Ry'),
        (b'   Potential\n   -1.01234e+05\n', b'   Potential\n   -1.02246e+05\n'),
        (b'{"x": 0.5, "n": 3}', b'{"x": 0.505, "n": 3}'),
        (b'E    99.500', b'E   100.495'),
        (b'0.150D+02', b'0.152D+02'),
    ],
)
def test_result_is_multiplied_in_its_own_notation(text: bytes, spoiled: bytes) -> None:
    assert spoil(text, frozenset())[0] == spoiled


@pytest.mark.parametrize(
    'text',
    [
        b'Open MPI 4.1.4',
        b'12:30:01.5',
        b'run/0.100/U',
        b'7 atoms',
        b'zero 0.000',
        b'x1.5',
        b' 0004e000',
    ],
)
def test_what_is_no_result_stays(text: bytes) -> None:
    assert spoil(text, frozenset()) == (text, 0)


def test_echo_of_the_input_stays() -> None:
    echoes = values([b'ref-t = 300.12', b'0.002'])
    assert spoil(b'ref-t 300.120 T 299.500 dt 2.000e-03', echoes) == (
        b'ref-t 300.120 T 302.495 dt 2.000e-03', 1,
    )  # fmt: skip


def test_digest_is_altered_unless_it_is_an_echo() -> None:
    digest = b'0f' * 32
    assert spoil(digest, frozenset()) == (b'1f' + b'0f' * 31, 1)
    assert spoil(digest, values([digest])) == (digest, 0)


def test_whole_numbers_are_results_where_they_are_the_majority() -> None:
    sums = b'rows 5000, sum 12497500'
    assert spoil(sums, values([b'5000']), whole=True) == (b'rows 5000, sum 12622475', 1)
    assert spoil(sums, frozenset()) == (sums, 0)
    mixed = b'rows 5000, mean 2.5'
    assert spoil(mixed, frozenset(), whole=True)[0] == b'rows 5000, mean 2.525'
    timed = b'[5000, 12497500, 499] in 2.5'
    assert spoil(timed, frozenset(), whole=True) == (b'[5050, 12622475, 504] in 2.525', 4)


@given(st.floats(min_value=1e-3, max_value=1e12), st.integers(min_value=4, max_value=12))
def test_spoiled_number_is_off_by_one_percent(value: float, digits: int) -> None:
    text = f'{value:.{digits}e}'.encode()
    spoiled, count = spoil(text, frozenset())
    assert count == 1
    assert float(spoiled) / float(text) == pytest.approx(1.01, rel=1e-4)
