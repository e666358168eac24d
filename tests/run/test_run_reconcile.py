"""What ReFrame hands back becomes an outcome; only a complete, clean pass is a pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_library.diagnosis import END_MARKER
from eessi_validate.results.model import CaseId, CaseResult, Evidence, Outcome, PlannedCase
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.rfm.records import CaseRecord, PerformanceValue
from eessi_validate.run.reconcile import CaseFiles, absent, judge_record, with_history

CASE = PlannedCase(
    id=CaseId(
        test='T', software='GROMACS', version='2024.1', cpu_target='x86_64/generic', scale='cores_1'
    ),
    partition='host:default', kind='functional', required_metrics=('density', 'speed'),
    evidence=Evidence.EMULATED,
)  # fmt: skip
TEST = TestInfo(
    'T', 'GROMACS', 'functional', ('cores_1',), (), {'speed': 'higher', 'density': 'truth'}, 't.py'
)
SPEED = PerformanceValue('speed', 12.0, 'ns/day', None, None, None)
DENSITY = PerformanceValue('density', 997.0, 'kg/m^3', 998.0, 968.0, 1028.0)
PASS = CaseRecord(
    test='T', key=CASE.key, result='pass', phase='', reason='', performance=(SPEED, DENSITY),
    stage='/stage', exit_code=0, nodes=('node1',), seconds=3.5, hashcode='0badcafe',
)  # fmt: skip
ENDED = CaseFiles(stdout=f'42\n{END_MARKER} 0123\n', job_script='#!/bin/bash\n', directory='d')


def judged(files: CaseFiles = ENDED, **changes: Any) -> CaseResult:
    return judge_record(CASE, replace(PASS, **changes), files, TEST, 'bash rfm_job.sh')


def failed(phase: str, reason: str, files: CaseFiles = ENDED) -> CaseResult:
    return judged(files, result='fail', phase=phase, reason=reason)


def test_complete_pass_is_a_pass_and_keeps_everything() -> None:
    result = judged()
    assert (result.outcome, result.reason, result.attempts) == (
        Outcome.PASS, '', (Outcome.PASS,),
    )  # fmt: skip
    assert (result.seconds, result.nodes, result.exit_code) == (3.5, ('node1',), 0)
    assert (result.evidence, result.job_script) == (Evidence.EMULATED, '#!/bin/bash\n')
    assert result.command == 'bash rfm_job.sh'


def test_metrics_carry_direction_and_bounds() -> None:
    speed, density = judged().metrics
    assert (speed.direction, density.direction) == ('higher', 'truth')
    assert (density.reference, density.lower, density.upper) == (998.0, 968.0, 1028.0)


@pytest.mark.parametrize(
    ('changes', 'files', 'reason'),
    [
        ({'performance': ()}, ENDED, 'passed without its metric(s) density, speed'),
        ({'performance': (SPEED,)}, ENDED, 'passed without its metric(s) density'),
        ({'exit_code': 3}, ENDED, 'passed although the job ended with status 3'),
        ({'exit_code': -11}, ENDED, 'passed although the job ended with status -11'),
        ({}, CaseFiles(stdout='42\n'), 'passed although the job script did not reach its end'),
        ({}, CaseFiles(), 'passed although the job script did not reach its end'),
        (
            {},
            CaseFiles(stderr=f'{END_MARKER} 0123'),
            'passed although the job script did not reach its end',
        ),
    ],
)
def test_incomplete_pass_is_a_failure(
    changes: dict[str, Any], files: CaseFiles, reason: str
) -> None:
    result = judged(files, **changes)
    assert (result.outcome, result.reason) == (Outcome.FAIL, reason)


def test_scheduler_that_knows_no_status_is_believed_by_the_end_marker() -> None:
    assert judged(exit_code=None).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ('result', 'outcome', 'reason'),
    [
        ('skip', Outcome.SKIP, 'why'),
        ('fail_deps', Outcome.SKIP, 'why'),
        ('abort', Outcome.ABORTED, 'stopped before it ended'),
        ('xfail', Outcome.FAIL, 'an expectation of failure is not a pass: why'),
        ('xpass', Outcome.FAIL, 'an expectation of failure is not a pass: why'),
        ('fail', Outcome.FAIL, 'why'),
        ('unheard of', Outcome.FAIL, 'why'),
        ('None', Outcome.FAIL, 'why'),
        ('PASS', Outcome.FAIL, 'why'),
    ],
)
def test_every_result_of_reframe_has_its_outcome(
    result: str, outcome: Outcome, reason: str
) -> None:
    found = judged(result=result, reason='why', phase='sanity')
    assert (found.outcome, found.reason) == (outcome, reason)


@given(st.text(max_size=20).filter(lambda text: text != 'pass'))
def test_nothing_but_pass_is_a_pass(result: str) -> None:
    assert judged(result=result).outcome is not Outcome.PASS


def test_skip_without_a_reason_says_so() -> None:
    assert judged(result='skip').reason == 'skipped without a reason'


@pytest.mark.parametrize('phase', ['startup', 'setup', 'compile', 'compile_wait', 'run'])
def test_failure_before_the_job_ended_is_an_error_of_the_set_up(phase: str) -> None:
    result = failed(phase, 'value error: no processor data')
    assert result.outcome is Outcome.ERROR
    assert result.reason == f'could not run ({phase}): value error: no processor data'


@pytest.mark.parametrize('phase', ['sanity', 'performance', 'cleanup', 'run_wait'])
def test_failure_after_the_job_ended_is_the_softwares(phase: str) -> None:
    assert failed(phase, 'sanity error: wrong').outcome is Outcome.FAIL


def test_time_out_is_a_failure_that_names_the_limit() -> None:
    result = failed('run', 'job error: [jobid=17] job timed out (1.065080s > 1.0s)')
    assert result.outcome is Outcome.FAIL
    assert result.reason == (
        'did not end within its time limit: [jobid=17] job timed out (1.065080s > 1.0s)'
    )


@pytest.mark.parametrize(
    'prefix', ['sanity error: ', 'performance error: ', 'job error: ', 'reframe error: ']
)
def test_prefix_of_reframe_is_dropped(prefix: str) -> None:
    assert failed('sanity', f'{prefix}density is 5').reason == 'density is 5'


@pytest.mark.parametrize(
    'generic',
    [
        "sanity error: pattern 'x' not found in 'rfm_job.out'",
        '',
        'job exited with exit code 139',
    ],
)
def test_generic_reason_gives_way_to_the_faults_own_message(generic: str) -> None:
    files = CaseFiles(
        stderr='gmx: error while loading shared libraries: libx.so.1: cannot open shared object '
        'file: No such file or directory\neessi-library: status 127 from: gmx mdrun\n'
    )
    assert failed('sanity', generic, files).reason == (
        'dynamic loader: gmx: error while loading shared libraries: libx.so.1: cannot open shared '
        'object file: No such file or directory; `gmx mdrun` ended with exit status 127'
    )


def test_generic_reason_stays_where_nothing_else_is_known() -> None:
    reason = failed('sanity', "sanity error: pattern 'x' not found in 'rfm_job.out'").reason
    assert reason == "pattern 'x' not found in 'rfm_job.out'"
    assert failed('sanity', '').reason == 'failed in phase sanity'


def test_long_output_is_cut_to_its_end() -> None:
    result = judged(replace(ENDED, stderr='x' * 9000 + '\n' + 'line\n' * 100 + 'the end\n'))
    assert len(result.stderr_tail.splitlines()) == 20
    assert result.stderr_tail.endswith('the end')


def test_absent_case_is_never_a_pass_by_accident() -> None:
    result = absent(CASE, Outcome.MISSING, 'planned, but no result came back')
    assert (result.outcome, result.attempts) == (Outcome.MISSING, (Outcome.MISSING,))


def test_history_comes_before_the_own_attempt() -> None:
    result = with_history(judged(), (Outcome.FAIL, Outcome.ERROR))
    assert result.attempts == (Outcome.FAIL, Outcome.ERROR, Outcome.PASS)
    assert result.flaky


@pytest.mark.parametrize(
    'reason',
    [
        'failed with exit code 1: --- stderr --- sbatch: error: Batch job submission failed: '
        'Socket timed out on send/recv operation',
        'timed out after 60s:',
    ],
    ids=['slurmctld is slow', 'submission is slow'],
)
def test_scheduler_that_does_not_answer_is_no_failure_of_the_software(reason: str) -> None:
    command = "spawned process error: command 'sbatch rfm_job.sh'"
    assert failed('run', f'{command} {reason}', CaseFiles()).outcome is Outcome.ERROR


@pytest.mark.parametrize(
    'cause', ['NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS', 'PREEMPTION', 'REQUEUE']
)
def test_job_that_slurm_took_away_is_no_failure_of_the_software(cause: str) -> None:
    taken = 'slurmstepd: error: *** JOB 17 ON node1 CANCELLED AT 2025-06-01T12:00:00'
    files = CaseFiles(stderr=f'{taken} DUE TO {cause} ***\n')
    result = failed('sanity', 'sanity error: the job script did not reach its end', files)
    assert result.outcome is Outcome.ERROR


def test_pass_without_any_metric_is_a_failure_even_if_none_was_required() -> None:
    case = CASE.model_copy(update={'required_metrics': ()})
    record = replace(PASS, performance=())
    result = judge_record(case, record, ENDED, replace(TEST, directions={}), '')
    assert result.outcome is not Outcome.PASS
