"""Who has seen a mutant: the test itself, or the driver in its place. Pure."""

from __future__ import annotations

from eessi_validate.results.model import CaseResult, Outcome
from eessi_validate.run.reconcile import NOT_BELIEVED, TOO_LONG

#: What failed the case.
TEST = 'the test'
REFERENCE = 'a reference of a metric'
TIME_LIMIT = 'the time limit of the driver'
DISBELIEF = 'the driver, which does not believe this pass'


def killer(result: CaseResult) -> str:
    """Return who failed the case, '' for one that did not fail."""
    if result.outcome is not Outcome.FAIL:
        return ''
    if result.reason.startswith(TOO_LONG):
        return TIME_LIMIT
    if result.reason.startswith(NOT_BELIEVED):
        return DISBELIEF
    return REFERENCE if result.phase == 'performance' else TEST
