"""Policy: only a pass of every planned case accepts; everything else has an excuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_validate.gate.judge import judge
from eessi_validate.results.model import (
    CaseId,
    CaseResult,
    Evidence,
    HostFacts,
    Outcome,
    Plan,
    PlannedCase,
    Report,
    Run,
    Standing,
    Subject,
    VerdictCode,
)

SUBJECT = Subject(
    kind='stack', repository='r', release='2025.06', root='/s', cpu_targets=('x86_64/generic',)
)
HOST = HostFacts(hostname='h', cpu_model='m', cpu_target='zen2', cpus=2, kernel='k', os='o')


def case(number: int = 0, partition: str = 'host:default') -> PlannedCase:
    identity = CaseId(
        test='T', software=f's{number}', version='1', cpu_target='x86_64/generic', scale='cores_1'
    )
    return PlannedCase(id=identity, module=f's{number}/1', partition=partition, kind='functional')


def result(
    number: int, outcome: Outcome, *earlier: Outcome, partition: str = 'host:default'
) -> CaseResult:
    return CaseResult(
        case=case(number, partition), outcome=outcome,
        reason='' if outcome is Outcome.PASS else f'reason {number}', attempts=(*earlier, outcome),
    )  # fmt: skip


def judged(
    *results: CaseResult, plan: tuple[PlannedCase, ...] | None = None, **changes: object
) -> Report:
    cases = plan if plan is not None else tuple(r.case for r in results)
    values: dict[str, object] = {
        'id': 'i', 'nonce': 'n', 'started': 't', 'seconds': 1.0, 'host': HOST, 'versions': {},
        'system': 'host', 'command': 'c', 'results': results,
    }  # fmt: skip
    return judge(SUBJECT, Plan(cases=cases), Run(**{**values, **changes}))  # type: ignore[arg-type]


PASS, FAIL, ERROR = Outcome.PASS, Outcome.FAIL, Outcome.ERROR
SKIP, MISSING, ABORTED = Outcome.SKIP, Outcome.MISSING, Outcome.ABORTED


@pytest.mark.parametrize(
    ('outcomes', 'verdict'),
    [
        ((PASS,), 'ACCEPT'),
        ((PASS, PASS), 'ACCEPT'),
        ((FAIL,), 'REJECT'),
        ((PASS, FAIL), 'REJECT'),
        ((ERROR,), 'HOLD'),
        ((SKIP,), 'HOLD'),
        ((MISSING,), 'HOLD'),
        ((ABORTED,), 'HOLD'),
        ((PASS, SKIP), 'HOLD'),
        ((FAIL, ERROR, SKIP, MISSING), 'REJECT'),
        ((), 'HOLD'),
    ],
)
def test_outcomes_decide(outcomes: tuple[Outcome, ...], verdict: str) -> None:
    report = judged(*(result(n, outcome) for n, outcome in enumerate(outcomes)))
    assert report.judgement.verdict.value == verdict


def test_accept_has_no_excuse_and_says_how_many_passed() -> None:
    judgement = judged(result(0, PASS), result(1, PASS)).judgement
    assert (judgement.excuses, judgement.summary) == ((), 'all 2 planned cases passed')


def test_excuse_names_module_test_reason_and_release() -> None:
    (excuse,) = judged(result(3, FAIL)).judgement.excuses
    assert (excuse.subject, excuse.check, excuse.cpu_target) == (
        's3/1', 'T %cores_1', 'x86_64/generic',
    )  # fmt: skip
    assert (excuse.effect, excuse.reason) == ('reject', 'reason 3')
    assert excuse.cases == (case(3).full_key,)
    assert excuse.release


def test_summary_names_the_decisive_case_and_counts_the_rest() -> None:
    report = judged(result(0, SKIP), result(1, FAIL), result(2, FAIL))
    assert report.judgement.summary == 's1/1 T %cores_1: reason 1 (and 1 more)'


def test_flaky_case_is_held() -> None:
    report = judged(result(0, PASS, FAIL), result(1, PASS))
    assert report.judgement.verdict is VerdictCode.HOLD
    assert 'flaky: passed only after 1 failed attempt(s)' in report.judgement.summary
    assert (report.counters.passed, report.counters.held, report.counters.flaky) == (1, 1, 1)


def test_planned_case_without_a_result_holds() -> None:
    report = judged(result(0, PASS), plan=(case(0), case(1)))
    assert report.judgement.verdict is VerdictCode.HOLD
    assert 'no result' in report.judgement.summary


def test_empty_plan_holds_with_nothing_to_run() -> None:
    report = judged()
    assert report.judgement.verdict is VerdictCode.HOLD
    assert report.judgement.summary == 'plan: nothing to run'


def test_plan_that_runs_no_software_holds_even_if_its_files_are_in_order() -> None:
    read = case(0, 'driver').model_copy(update={'evidence': Evidence.STATIC})
    report = judged(CaseResult(case=read, outcome=PASS, attempts=(PASS,)))
    assert report.judgement.verdict is VerdictCode.HOLD
    assert 'no case runs any software' in report.judgement.summary


def test_what_the_driver_itself_executed_is_software_that_ran() -> None:
    assert judged(result(0, PASS, partition='driver')).judgement.verdict is VerdictCode.ACCEPT


def test_interrupted_run_holds_whatever_passed() -> None:
    report = judged(result(0, PASS), interrupted=True)
    assert report.judgement.verdict is VerdictCode.HOLD
    assert report.judgement.summary == 'run: the run was stopped'


def test_failure_in_an_interrupted_run_still_rejects() -> None:
    report = judged(result(0, FAIL), result(1, ABORTED), interrupted=True)
    assert report.judgement.verdict is VerdictCode.REJECT


def test_result_that_nobody_planned_is_noted_and_never_a_pass() -> None:
    report = judged(result(0, PASS), unplanned=('T x',))
    assert [e.effect for e in report.judgement.excuses] == ['note']
    assert report.judgement.verdict is VerdictCode.ACCEPT
    assert judged(plan=(), unplanned=('T x',)).judgement.verdict is VerdictCode.HOLD


def test_pass_of_another_case_does_not_answer_a_planned_one() -> None:
    report = judged(result(1, PASS), plan=(case(0),))
    assert report.judgement.verdict is VerdictCode.HOLD


@pytest.mark.parametrize(
    ('outcome', 'standing'),
    [
        (PASS, Standing.PASSED),
        (FAIL, Standing.NEW_FAILURE),
        (ERROR, Standing.HELD),
        (SKIP, Standing.LOST_COVERAGE),
        (MISSING, Standing.LOST_COVERAGE),
        (ABORTED, Standing.HELD),
    ],
)
def test_every_outcome_has_its_counter(outcome: Outcome, standing: Standing) -> None:
    report = judged(result(0, outcome))
    assert report.judgement.standings == {case(0).full_key: standing}


outcome_lists = st.lists(st.sampled_from(Outcome), max_size=12)
histories = st.lists(st.sampled_from(Outcome), max_size=3)


@given(outcome_lists, st.data())
def test_counters_add_up(outcomes: list[Outcome], data: st.DataObject) -> None:
    results = [result(n, o, *data.draw(histories)) for n, o in enumerate(outcomes)]
    counters = judged(*results).counters
    parts = (
        counters.passed, counters.new_failures, counters.known, counters.lost_coverage,
        counters.held,
    )  # fmt: skip
    assert counters.planned == sum(parts) == len(outcomes)


@given(outcome_lists.filter(bool), st.data())
def test_only_clean_passes_of_everything_accept(
    outcomes: list[Outcome], data: st.DataObject
) -> None:
    results = [result(n, o, *data.draw(histories)) for n, o in enumerate(outcomes)]
    accepted = judged(*results).judgement.verdict is VerdictCode.ACCEPT
    assert accepted == all(r.outcome is PASS and not r.flaky for r in results)


@given(outcome_lists.filter(bool), st.randoms())
def test_verdict_does_not_depend_on_the_order(outcomes: list[Outcome], random: object) -> None:
    results = [result(n, o) for n, o in enumerate(outcomes)]
    shuffled = list(results)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judged(*results).judgement.verdict is judged(*shuffled).judgement.verdict


def test_counters_add_up_without_results_too() -> None:
    counters = judged(result(0, PASS), plan=(case(0), case(1))).counters
    assert (counters.planned, counters.passed, counters.lost_coverage) == (2, 1, 1)


def test_two_results_of_one_case_do_not_hide_the_failure() -> None:
    report = judged(result(0, FAIL), result(0, PASS), plan=(case(0),))
    assert report.judgement.verdict is VerdictCode.REJECT
    assert (report.counters.passed, report.counters.new_failures) == (0, 1)


def test_release_of_an_error_is_a_command_that_runs_it_again() -> None:
    (excuse,) = judged(result(0, ERROR)).judgement.excuses
    assert '--only-failed' in excuse.release


def test_problem_of_reframe_is_at_least_noted() -> None:
    report = judged(result(0, PASS), problems=('skipping test file ...',))
    assert any('skipping test file' in e.reason for e in report.judgement.excuses)
