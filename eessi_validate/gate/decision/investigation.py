"""Which of build, test, base or luck a failure was, from reruns of the case. Pure.

A case failed with the new build under today's test. It is run again as it was, on the base alone,
with the previous test, and with both. The idea is openQA's (``openqa-investigate``): of the four
corners that build and test span, those that pass tell which of the two made the difference.
"""

from __future__ import annotations

from enum import Enum
from itertools import product

from eessi_validate.results.model import Baseline, CaseResult, Cause, Investigation, Outcome


class Cell(str, Enum):
    """What one rerun said."""

    PASS = 'pass'
    FAIL = 'fail'
    #: It ran into something else, was flaky, or did not run: it could have been either.
    UNKNOWN = 'not known'
    #: There is nothing to run: the base lacks the module, or there is no previous test.
    ABSENT = 'none'


_P, _F = Cell.PASS, Cell.FAIL
_BUILD, _TEST, _BASE = frozenset({Cause.BUILD}), frozenset({Cause.TEST}), frozenset({Cause.BASE})
_LUCK = frozenset({Cause.LUCK})
_NOT_CLEAR: frozenset[Cause] = frozenset()

#: Causes by (on the base, with the previous test, both), of a case that fails again.
_TABLE = {
    # Today's test passes on the base, so the base is not to blame, nor the test alone.
    (_P, _F, _P): _BUILD,
    (_P, _F, _F): _BUILD,
    # It takes the new build and today's test to fail.
    (_P, _P, _P): _BUILD | _TEST,
    # Either change alone fails, and neither with both taken back: two faults.
    (_F, _F, _P): _BUILD | _TEST,
    # Whatever is built, today's test fails and the previous one does not.
    (_F, _P, _P): _TEST,
    # Nothing that was changed makes a difference.
    (_F, _F, _F): _BASE,
    # The build mends the base for the previous test, not for today's.
    (_F, _P, _F): _BASE | _TEST,
    # No one cause explains this.
    (_P, _P, _F): _NOT_CLEAR,
}


def causes_of(again: Cell, base: Cell, previous: Cell, both: Cell) -> frozenset[Cause]:
    """Return the causes of a failure; empty if the reruns do not tell.

    Where a rerun could have been either, those causes are returned that are certain nonetheless.

    :arg again: the same once more.
    :arg base: on the base without the new build.
    :arg previous: the new build under the previous test.
    :arg both: the base under the previous test.
    """
    if again is Cell.PASS:
        return _LUCK
    if again is not Cell.FAIL:
        return _NOT_CLEAR
    if base is Cell.ABSENT:
        return {_F: _BUILD, _P: _BUILD | _TEST}.get(previous, _NOT_CLEAR)
    if previous is Cell.ABSENT:
        return {_P: _BUILD, _F: _BASE | _TEST}.get(base, _NOT_CLEAR)
    corners = product(_either(base), _either(previous), _either(both))
    possible = [_TABLE[corner] for corner in corners]
    return possible[0].intersection(*possible[1:])


def _either(cell: Cell) -> tuple[Cell, ...]:
    """Return all that a rerun could have said."""
    return (cell,) if cell in (_P, _F) else (_P, _F)


def cell_of(result: CaseResult | None) -> Cell:
    """Return what a rerun said; nothing for one that did not come back or had to be repeated."""
    if result is None or result.flaky:
        return Cell.UNKNOWN
    return {Outcome.PASS: Cell.PASS, Outcome.FAIL: Cell.FAIL}.get(result.outcome, Cell.UNKNOWN)


def cell_of_baseline(baseline: Baseline | None) -> Cell:
    """Return what the run on the base alone said; ``ABSENT`` if the base has no such module."""
    if baseline is None:
        return Cell.ABSENT
    if baseline.flaky or baseline.outcome is None:
        return Cell.UNKNOWN
    return {Outcome.PASS: Cell.PASS, Outcome.FAIL: Cell.FAIL}.get(baseline.outcome, Cell.UNKNOWN)


#: What a cause is called in reports.
_WORDS = {
    Cause.BUILD: 'the build',
    Cause.TEST: 'the test',
    Cause.BASE: 'the base or the host',
    Cause.LUCK: 'luck: it does not fail every time',
}


def words_for_case(found: Investigation) -> str:
    """Return the conclusion in words, with what it stands on."""
    causes = ' and '.join(_WORDS[cause] for cause in Cause if cause in found.causes)
    stands_on = (
        f'again: {found.again}, on the base: {found.base}, '
        f'with the previous test: {found.previous}, both: {found.both}'
    )
    return f'investigated: {causes or "not clear"}; {stands_on}'
