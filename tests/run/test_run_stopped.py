"""The driver stopped, resumed and asked again.

All on the fixture tree of ``mini_stack``, with real ReFrame and real jobs.
"""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest
from driver_process import (
    hanging_case_runs,
    outcomes,
    processes_of,
    report_of,
    run,
    start,
    two_softwares,
    until,
)

pytestmark = pytest.mark.slow


def test_interrupt_writes_the_report_holds_and_leaves_no_process(tmp_path: Path) -> None:
    stack, check = two_softwares(tmp_path)
    (tmp_path / 'hang-Tool').touch()
    out = tmp_path / 'out'
    process = start('--stack', stack, '--checks', check, '--out', out)
    until(lambda: hanging_case_runs(out) and 'EESSI_Other' in kept(out))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 75
    assert report_of(out)['judgement']['verdict'] == 'HOLD'
    assert report_of(out)['run']['interrupted'] is True
    assert outcomes(out) == {'Tool#0': 'aborted', 'Other#0': 'pass'}
    assert processes_of(out) == []


def kept(out: Path) -> str:
    path = out / 'results.jsonl'
    return path.read_text() if path.exists() else ''


def test_interrupted_run_that_is_resumed_and_passes_is_accepted(tmp_path: Path) -> None:
    stack, check = two_softwares(tmp_path)
    (tmp_path / 'hang-Tool').touch()
    out = tmp_path / 'out'
    process = start('--stack', stack, '--checks', check, '--out', out)
    until(lambda: hanging_case_runs(out))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    (tmp_path / 'hang-Tool').unlink()
    code, output = run('--resume', out)
    assert outcomes(out) == {'Tool#0': 'pass', 'Other#0': 'pass'}
    assert code == 0, output


def test_terminate_is_an_orderly_stop_too(stack: Path, check: Path, tmp_path: Path) -> None:
    (tmp_path / 'hang-Tool').touch()
    out = tmp_path / 'out'
    process = start('--stack', stack, '--checks', check, '--out', out)
    until(lambda: hanging_case_runs(out))
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 75
    assert outcomes(out) == {'Tool#0': 'aborted'}
    assert processes_of(out) == []


def test_second_interrupt_stops_at_once_and_leaves_no_process(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    (tmp_path / 'hang-Tool').touch()
    out = tmp_path / 'out'
    process = start('--stack', stack, '--checks', check, '--out', out)
    until(lambda: hanging_case_runs(out))
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 75
    until(lambda: processes_of(out) == [], seconds=15)


def test_interrupt_while_planning_holds(stack: Path, tmp_path: Path) -> None:
    check = tmp_path / 'interrupted.py'
    check.write_text('import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n')
    code, _ = run('--stack', stack, '--checks', check, '--out', tmp_path / 'out')
    assert code == 75


# Killed, and resumed


def test_killed_run_keeps_its_results_takes_its_jobs_along_and_resumes(tmp_path: Path) -> None:
    stack, check = two_softwares(tmp_path)
    (tmp_path / 'hang-Tool').touch()
    out = tmp_path / 'out'
    process = start('--stack', stack, '--checks', check, '--out', out)
    until(lambda: hanging_case_runs(out) and 'EESSI_Other' in kept(out))
    process.kill()
    process.communicate(timeout=60)
    until(lambda: processes_of(out) == [], seconds=20)
    assert not (out / 'report.json').exists()
    before = kept(out)

    (tmp_path / 'hang-Tool').unlink()
    code, output = run('--resume', out)
    assert kept(out).startswith(before)
    assert kept(out).count('EESSI_Other') == before.count('EESSI_Other')
    assert outcomes(out) == {'Tool#0': 'pass', 'Other#0': 'pass'}
    assert code == 0, output


def test_resume_of_a_finished_run_runs_nothing_and_says_the_same(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    assert run('--stack', stack, '--checks', check, '--out', out)[0] == 0
    before = kept(out)
    assert run('--resume', out)[0] == 0
    assert kept(out) == before


def test_resume_of_a_directory_without_a_run_is_a_usage_error(tmp_path: Path) -> None:
    code, output = run('--resume', tmp_path)
    assert code == 2
    assert 'holds no run' in output


def test_resume_after_the_stack_has_changed_is_refused(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    run('--stack', stack, '--checks', check, '--out', out)
    module = next(stack.rglob('1.0.lua'))
    module.with_name('2.0.lua').write_text(module.read_text())
    code, output = run('--resume', out)
    assert code == 2
    assert re.search('no longer gives the plan|has changed since', output)


def test_resume_after_a_module_has_changed_is_refused(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    run('--stack', stack, '--checks', check, '--out', out)
    module = next(stack.rglob('1.0.lua'))
    module.write_text(module.read_text() + 'setenv("BROKEN", "1")\n')
    code, output = run('--resume', out)
    assert code == 2
    assert 'has changed since' in output


def test_run_may_be_resumed_from_another_directory(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    code, _ = run('--stack', stack.name, '--checks', check.name, '--out', 'out', cwd=tmp_path)
    assert code == 0
    (tmp_path / 'elsewhere').mkdir()
    code, output = run('--resume', tmp_path / 'out', cwd=tmp_path / 'elsewhere')
    assert code == 0, output


# Failed, and tried again


def test_only_failed_runs_what_did_not_pass_and_a_later_pass_is_held(tmp_path: Path) -> None:
    stack, check = two_softwares(tmp_path)
    (tmp_path / 'once').touch()
    out = tmp_path / 'out'
    assert run('--stack', stack, '--checks', check, '--out', out)[0] == 1
    assert sorted(outcomes(out).values()) == ['fail', 'pass']
    code, _ = run('--only-failed', out)
    assert outcomes(out) == {'Tool#0': 'pass', 'Other#0': 'pass'}
    counts = [kept(out).count(f'"test":"{name}"') for name in ('EESSI_Tool', 'EESSI_Other')]
    assert sorted(counts) == [1, 2]
    assert (code, report_of(out)['counters']['flaky']) == (75, 1)


def test_retry_that_passes_is_flaky_and_held_not_accepted(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    (tmp_path / 'once').touch()
    out = tmp_path / 'out'
    code, _ = run('--stack', stack, '--checks', check, '--out', out, '--retries', 2)
    report = report_of(out)
    assert (code, report['judgement']['verdict']) == (75, 'HOLD')
    (result,) = (r for r in report['run']['results'] if r['case']['id']['test'] == 'EESSI_Tool')
    assert result['attempts'] == ['fail', 'pass']
    assert (report['counters']['flaky'], report['counters']['passed']) == (1, 1)


def test_retry_that_fails_again_rejects(stack: Path, check: Path, tmp_path: Path) -> None:
    (tmp_path / 'broken').touch()
    out = tmp_path / 'out'
    code, _ = run('--stack', stack, '--checks', check, '--out', out, '--retries', 1)
    (result,) = (
        r for r in report_of(out)['run']['results'] if r['case']['id']['test'] == 'EESSI_Tool'
    )
    assert (code, result['attempts']) == (1, ['fail', 'fail'])
    assert 'exit status 8' in result['reason']


# Again with the same nonce; beside another run; repeated
