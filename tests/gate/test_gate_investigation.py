"""Which of build, test, base or luck: every cell of the table, written out."""

from __future__ import annotations

from itertools import product

import pytest
from gate_material import case, decided, result

from eessi_validate.gate.decision.investigation import (
    Cell,
    causes_of,
    cell_of,
    cell_of_baseline,
)
from eessi_validate.results.model import Baseline, Cause, Investigation, Outcome

LETTERS = {'P': Cell.PASS, 'F': Cell.FAIL, '?': Cell.UNKNOWN, '-': Cell.ABSENT}
CAUSES = {'b': Cause.BUILD, 't': Cause.TEST, 's': Cause.BASE, 'l': Cause.LUCK}

#: Of a case that fails again: a row for (base, with the previous test), a column for both taken
#: back: pass, fail, not known, none. b build, t test, s base, . not clear.
FAILS_AGAIN = """
        P   F   ?   -
    PP  bt  .   .   .
    PF  b   b   b   b
    P?  b   .   .   .
    P-  b   b   b   b
    FP  t   st  t   t
    FF  bt  s   .   .
    F?  t   s   .   .
    F-  st  st  st  st
    ?P  t   .   .   .
    ?F  b   .   .   .
    ??  .   .   .   .
    ?-  .   .   .   .
    -P  bt  bt  bt  bt
    -F  b   b   b   b
    -?  .   .   .   .
    --  .   .   .   .
"""


def cells() -> list[tuple[str, str]]:
    _, header, *rows = FAILS_AGAIN.rstrip().split('\n')
    found = []
    for row in rows:
        corner, *entries = row.split()
        found += [
            (corner + both, entry.strip('.'))
            for both, entry in zip(header.split(), entries, strict=True)
        ]
    return found


def test_the_table_is_whole():
    assert {corner for corner, _ in cells()} == {''.join(c) for c in product('PF?-', repeat=3)}


@pytest.mark.parametrize(('corner', 'expected'), cells())
def test_what_fails_again_is_put_down_to_what_makes_the_difference(corner, expected):
    found = causes_of(Cell.FAIL, *(LETTERS[letter] for letter in corner))
    assert found == {CAUSES[letter] for letter in expected}


@pytest.mark.parametrize('corner', [''.join(c) for c in product('PF?-', repeat=3)])
@pytest.mark.parametrize(('again', 'expected'), [('P', 'l'), ('?', ''), ('-', '')])
def test_what_does_not_fail_again_is_luck_and_what_is_not_known_is_not_clear(
    again, corner, expected
):
    found = causes_of(LETTERS[again], *(LETTERS[letter] for letter in corner))
    assert found == {CAUSES[letter] for letter in expected}


def test_a_rerun_that_is_not_known_never_adds_a_cause():
    for corner in product('PF', repeat=3):
        sure = causes_of(Cell.FAIL, *(LETTERS[letter] for letter in corner))
        for place in range(3):
            unsure = [LETTERS[letter] for letter in corner]
            unsure[place] = Cell.UNKNOWN
            assert causes_of(Cell.FAIL, *unsure) <= sure


@pytest.mark.parametrize(
    ('outcomes', 'cell'),
    [
        ([Outcome.PASS], Cell.PASS), ([Outcome.FAIL], Cell.FAIL),
        ([Outcome.PASS, Outcome.FAIL], Cell.UNKNOWN), ([Outcome.ERROR], Cell.UNKNOWN),
        ([Outcome.SKIP], Cell.UNKNOWN), ([Outcome.MISSING], Cell.UNKNOWN),
        ([Outcome.ABORTED], Cell.UNKNOWN),
    ],
)  # fmt: skip
def test_only_a_clean_pass_and_a_failure_say_something(outcomes, cell):
    assert cell_of(result(*outcomes)) is cell


def test_without_a_result_nothing_is_known_and_without_a_base_there_is_none():
    assert cell_of(None) is Cell.UNKNOWN
    assert cell_of_baseline(None) is Cell.ABSENT
    key = case().full_key
    assert cell_of_baseline(Baseline(case=key)) is Cell.UNKNOWN
    assert cell_of_baseline(Baseline(case=key, outcome=Outcome.FAIL)) is Cell.FAIL
    assert cell_of_baseline(Baseline(case=key, outcome=Outcome.PASS)) is Cell.PASS
    assert cell_of_baseline(Baseline(case=key, outcome=Outcome.PASS, flaky=True)) is Cell.UNKNOWN
    assert cell_of_baseline(Baseline(case=key, outcome=Outcome.ERROR)) is Cell.UNKNOWN


def test_the_report_says_it_and_the_verdict_does_not_change():
    found = Investigation(
        case=case().full_key, again='fail', base='fail', previous='pass', both='pass',
        causes=(Cause.TEST,),
    )  # fmt: skip
    plain = decided(result(Outcome.FAIL))
    report = decided(result(Outcome.FAIL), investigations=(found,))
    assert report.judgement.verdict is plain.judgement.verdict
    (excuse,) = [each for each in report.judgement.excuses if each.cases]
    assert 'investigated: the test; again: fail, on the base: fail' in excuse.reason
    lucky = found.model_copy(update={'again': 'pass', 'causes': (Cause.LUCK,)})
    report = decided(result(Outcome.FAIL), investigations=(lucky,))
    assert report.judgement.verdict.value == 'REJECT'
    (excuse,) = [each for each in report.judgement.excuses if each.cases]
    assert 'luck' in excuse.reason
