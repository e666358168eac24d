"""What a case without a clean pass is against the same case on the base alone."""

from __future__ import annotations

from collections.abc import Iterable

from eessi_validate.results.model import Baseline, CaseResult, FailureClass, Outcome


def classify(
    results: Iterable[CaseResult], baselines: Iterable[Baseline]
) -> dict[str, FailureClass]:
    """Return the class of each case that has one, by full key.

    An error or an aborted case has none: nothing is known of the software then.
    """
    on_base = {baseline.case: baseline for baseline in baselines}
    found = {}
    for result in results:
        key = result.case.full_key
        failure = _class(result, on_base.get(key))
        if failure is not None:
            found[key] = failure
    return found


def _class(result: CaseResult, base: Baseline | None) -> FailureClass | None:
    if result.flaky:
        return FailureClass.FLAKY
    if result.outcome in (Outcome.SKIP, Outcome.MISSING):
        return FailureClass.LOST_COVERAGE
    if result.outcome is not Outcome.FAIL:
        return None
    if base is None or base.outcome is None:
        return FailureClass.NEW_FAIL
    if base.flaky:
        return FailureClass.FLAKY
    if base.outcome is Outcome.PASS:
        return FailureClass.REGRESSION
    return FailureClass.ALWAYS_FAIL if base.outcome is Outcome.FAIL else FailureClass.NEW_FAIL
