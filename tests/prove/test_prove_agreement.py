"""Numbers that sound runs of one nonce do not agree on are found by their place in like lines."""

from __future__ import annotations

import pytest

from eessi_validate.prove.agreement import disagreements

TABLE = b'# Size  Latency\n1    0.21   Pass\n2    0.21   Pass\n128  0.32   Pass\n256  0.47   Pass\n'


def found(text: bytes, *others: bytes) -> list[bytes]:
    """Return the word that ends each place that the runs do not agree on."""
    return [text[start:].split()[0] for start in sorted(disagreements(text, others))]


def test_numbers_that_repeat_are_agreed_on() -> None:
    assert found(TABLE, TABLE, TABLE) == []
    assert found(TABLE) == []


@pytest.mark.parametrize(
    ('text', 'other', 'expected'),
    [
        # A quarter of the 1 % by which results are spoiled.
        (b'E -15.8490 eV', b'E -15.8492 eV', []),
        (b'E -15.8490 eV', b'E -15.9490 eV', [b'-15.8490']),
        (b'took 2.51 s, E -15.8490 eV', b'took 2.61 s, E -15.8490 eV', [b'2.51']),
        (b'sum 12497500 in 1042 us', b'sum 12497500 in 2113 us', [b'1042']),
        (b'{"t": 0.5, "x": 1.5}', b'{"t": 0.9, "x": 1.5}', [b'0.5,']),
        (b'id ' + b'0f' * 16, b'id ' + b'1e' * 16, [b'0f' * 16]),
        # Near zero, and of the other sign: noise.
        (b'force 1.0e-12', b'force -3.0e-12', [b'1.0e-12']),
    ],
)
def test_numbers_that_differ_are_told(text: bytes, other: bytes, expected: list[bytes]) -> None:
    assert found(text, other) == expected


def test_column_of_a_table_in_which_most_differ_is_one_of_measurements() -> None:
    other = TABLE.replace(b'128  0.32', b'128  0.35').replace(b'256  0.47', b'256  0.43')
    assert found(TABLE, other) == [b'0.21', b'0.21', b'0.32', b'0.47']


def test_one_number_that_differs_does_not_excuse_its_column() -> None:
    assert found(TABLE, TABLE.replace(b'0.47', b'0.43')) == [b'0.47']


def test_one_of_several_runs_is_enough() -> None:
    assert found(b'E 1.5', b'E 1.5', b'E 1.6') == [b'1.5']


@pytest.mark.parametrize(
    'other', [b'E 1.6\nE 1.7\n', b'F 1.6\n', b'', b'\0'], ids=['more', 'other', 'none', 'binary']
)
def test_where_lines_do_not_go_together_nothing_is_excused(other: bytes) -> None:
    assert found(b'E 1.5\n', other) == []


def test_short_number_that_grows_does_not_shift_the_others() -> None:
    text, other = b'99 us for E 1.5 eV and 2.5 s', b'101 us for E 1.5 eV and 2.9 s'
    assert found(text, other) == [b'2.5']
