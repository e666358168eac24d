"""The driver as a user starts it: stopped, resumed, retried, repeated, beside another one.

All on the fixture tree of ``mini_stack``, with real ReFrame and real jobs.
"""

from __future__ import annotations

import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mini_stack import make_mini_stack, write_check

pytestmark = pytest.mark.slow

DRIVER = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']

#: Fails while the file is there, hangs while the other one is there; both lie beside the check.
STATEFUL = """\
    from reframe.core.builtins import run_before
    @run_before('run')
    def depend_on_the_world(self):
        here = os.path.dirname(os.path.abspath(__file__))
        self.prerun_cmds += [
            f'if [ -e {here}/hang-{self.case_key.partition("/")[0]} ]; then sleep 600; fi',
            f'if rm {here}/once 2>/dev/null; then exit 7; fi',
            f'if [ -e {here}/broken ]; then exit 8; fi',
        ]
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return make_mini_stack(tmp_path / 'mini.eessi.io', family=platform.machine())


@pytest.fixture
def check(tmp_path: Path) -> Path:
    path = write_check(tmp_path / 'tool.py', more=STATEFUL)
    path.write_text('import os\n' + path.read_text())
    return path


def start(*arguments: object, cwd: Path | None = None, **environment: str) -> Any:
    return subprocess.Popen(
        [*DRIVER, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, cwd=cwd, env={**os.environ, **environment},
    )  # fmt: skip


def run(*arguments: object, cwd: Path | None = None, **environment: str) -> tuple[int, str]:
    process = start(*arguments, cwd=cwd, **environment)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def report_of(out: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((out / 'report.json').read_text())
    return document


def outcomes(out: Path) -> dict[str, str]:
    found = report_of(out)['run']['results']
    return {
        r['case']['id']['software'] + f'#{r["case"]["repetition"]}': r['outcome']
        for r in found
        if r['case']['partition'] != 'driver'
    }


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.1)


def processes_of(directory: Path) -> list[str]:
    """Return the processes that work in a directory, or name it on their command line."""
    found = []
    for entry in Path('/proc').glob('[0-9]*'):
        try:
            command = (entry / 'cmdline').read_bytes().replace(b'\0', b' ').decode()
            where = os.readlink(entry / 'cwd')
        except OSError:
            continue
        if int(entry.name) != os.getpid() and (
            where.startswith(str(directory)) or str(directory) in command
        ):
            found.append(f'{entry.name} {command}')
    return found


def hanging_case_runs(out: Path) -> bool:
    return any('sleep 600' in line for line in processes_of(out))


def two_softwares(tmp_path: Path) -> tuple[Path, Path]:
    """Return a stack with Tool and Other, and a check file that covers both."""
    stack = make_mini_stack(tmp_path / 'mini.eessi.io', 'Tool', 'Other', family=platform.machine())
    path = write_check(tmp_path / 'tool.py', more=STATEFUL)
    text = 'import os\n' + path.read_text()
    other = text[text.index('@rfm.simple_test') :]
    other = other.replace('EESSI_Tool', 'EESSI_Other').replace(
        "covers = 'Tool'", "covers = 'Other'"
    )
    path.write_text(text + '\n\n' + other)
    return stack, path


# Stopped by the user


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


def without_time(value: Any, out: Path) -> Any:
    """Drop what may differ: times, durations, loads, identifiers of the run and its directory."""
    dropped = {'started', 'seconds', 'load_before', 'id', 'command', 'job_script'}
    if isinstance(value, dict):
        return {
            key: without_time(item, out)
            for key, item in value.items()
            if key not in dropped or (key == 'id' and isinstance(item, dict))
        }
    if isinstance(value, list):
        return [without_time(item, out) for item in value]
    return value.replace(str(out), 'OUT') if isinstance(value, str) else value


def test_same_nonce_gives_the_same_report_times_aside(tmp_path: Path) -> None:
    stack, check = two_softwares(tmp_path)
    reports = []
    for name in ('one', 'two'):
        out = tmp_path / name
        arguments = ('--stack', stack, '--checks', check, '--nonce', 'feed')
        assert run(*arguments, '--out', out)[0] == 0
        reports.append(json.dumps(without_time(report_of(out), out), indent=1))
    assert reports[0] == reports[1]


def test_fresh_runs_have_fresh_nonces(stack: Path, check: Path, tmp_path: Path) -> None:
    for name in ('one', 'two'):
        run('--stack', stack, '--checks', check, '--out', tmp_path / name)
    first, second = (report_of(tmp_path / name)['run'] for name in ('one', 'two'))
    assert first['nonce'] != second['nonce']
    tails = [[r['stdout_tail'] for r in found['results']] for found in (first, second)]
    assert tails[0] != tails[1]


def test_two_runs_at_once_do_not_disturb_each_other(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / 'one', tmp_path / 'two']
    running = [start('--stack', stack, '--checks', check, '--out', out) for out in outs]
    for process in running:
        process.communicate(timeout=120)
    assert [process.returncode for process in running] == [0, 0]
    assert [outcomes(out) for out in outs] == [{'Tool#0': 'pass'}] * 2


def test_two_runs_started_in_one_second_get_directories_of_their_own(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    work = tmp_path / 'work'
    work.mkdir()
    # The clock of both stands still, so that they do start in one second.
    frozen = tmp_path / 'frozen'
    frozen.mkdir()
    (frozen / 'driver.py').write_text(
        'import datetime\n'
        'class Still(datetime.datetime):\n'
        '    @classmethod\n'
        '    def now(cls, tz=None):\n'
        '        return cls(2025, 6, 1, 12, 0, 0, tzinfo=tz)\n'
        'datetime.datetime = Still\n'
        'from eessi_validate.cli import main\n'
        'main()\n'
    )
    arguments = ['run', '--stack', str(stack), '--checks', str(check)]
    running = [
        subprocess.Popen(
            [sys.executable, str(frozen / 'driver.py'), *arguments], cwd=work,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    outputs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs


def test_repeat_runs_each_case_so_many_times_with_its_own_nonce(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    code, _ = run('--stack', stack, '--checks', check, '--out', out, '--repeat', 3)
    assert (code, outcomes(out)) == (0, {'Tool#0': 'pass', 'Tool#1': 'pass', 'Tool#2': 'pass'})
    tails = {r['stdout_tail'] for r in report_of(out)['run']['results'] if r['case']['module']}
    assert len(tails) == 3


# What is printed


def test_json_is_the_report_and_nothing_else(stack: Path, check: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    done = subprocess.run(
        [*DRIVER, '--stack', stack, '--checks', check, '--out', out, '--json'],
        capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(done.stdout) == report_of(out)
    assert done.returncode == 0


def test_progress_goes_to_standard_error_one_plain_line_per_case(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [*DRIVER, '--stack', stack, '--checks', check, '--out', tmp_path / 'out'],
        capture_output=True, text=True,
    )  # fmt: skip
    assert re.search(r'^\[\d/2\] ok +EESSI_Tool Tool/1\.0@', done.stderr, re.MULTILINE)
    assert '\x1b' not in done.stderr
    assert done.stdout.startswith('ACCEPT')


@pytest.mark.parametrize(
    ('option', 'name', 'answer'),
    [
        ('--module', 'Tol/1.0', 'did you mean Tool/1.0'),
        ('--test', 'EESSI_Tol', 'did you mean EESSI_Tool'),
        ('--scale', 'core_1', 'did you mean cores_1'),
        ('--release', '2023.6', 'did you mean 2023.06'),
        ('--target', 'x86_64/generik', 'did you mean x86_64/generic'),
        ('--repeat', '0', '--repeat must be at least 1'),
        ('--system', 'x', 'give --config too'),
        ('--stack', '/no/such/stack', 'does not exist'),
    ],
)
def test_wrong_request_is_a_usage_error_with_an_answer(
    stack: Path, check: Path, tmp_path: Path, option: str, name: str, answer: str
) -> None:
    out = tmp_path / 'out'
    code, output = run('--stack', stack, '--checks', check, '--out', out, option, name)
    assert code == 2
    assert answer in ' '.join(output.split())
    assert not out.exists()


@pytest.mark.parametrize(
    'extra', [('--module', 'Other'), ('--repeat', '3'), ('--nonce', 'x'), ('--only-failed', 'OUT')]
)
def test_option_that_resume_cannot_follow_is_a_usage_error(
    stack: Path, check: Path, tmp_path: Path, extra: tuple[str, str]
) -> None:
    out = tmp_path / 'out'
    run('--stack', stack, '--checks', check, '--out', out)
    words = [word.replace('OUT', str(out)) for word in extra]
    assert run('--resume', out, *words)[0] == 2


def test_time_limit_that_is_none_is_a_usage_error(stack: Path, check: Path, tmp_path: Path) -> None:
    arguments = ('--stack', stack, '--checks', check, '--out', tmp_path / 'out')
    assert run(*arguments, '--time-limit', 'ten minutes')[0] == 2


def test_reader_that_goes_away_does_not_change_the_verdict(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*DRIVER, '--stack', stack, '--checks', check, '--out', tmp_path / 'out', '--json'],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.close()
    process.wait(timeout=120)
    assert report_of(tmp_path / 'out')['judgement']['verdict'] == 'ACCEPT'
    assert process.returncode == 0


# What must not be accepted


def test_planned_case_that_reframe_runs_as_two_fails_if_either_fails(
    stack: Path, tmp_path: Path
) -> None:
    more = (
        '    from reframe.core.builtins import parameter, run_before\n'
        '    flavour = parameter([0, 1])\n'
        '    @run_before("run")\n'
        '    def fail_the_second(self):\n'
        '        self.postrun_cmds += ["sleep 1; exit 5"] if self.flavour else []\n'
    )
    check = write_check(tmp_path / 'tool.py', more=more)
    out = tmp_path / 'out'
    code, output = run('--stack', stack, '--checks', check, '--out', out)
    assert code != 0, output


def test_program_of_the_host_is_not_taken_for_the_stacks(stack: Path, tmp_path: Path) -> None:
    binaries = tmp_path / 'host' / 'bin'
    binaries.mkdir(parents=True)
    (binaries / 'tool').write_text('#!/bin/sh\necho "$@"\n')
    (binaries / 'tool').chmod(0o755)
    check = write_check(tmp_path / 'tool.py', before_run='self.executable = "tool"')
    code, output = run(
        '--stack', stack, '--checks', check, '--out', tmp_path / 'out',
        PATH=f'{binaries}:{os.environ["PATH"]}',
    )  # fmt: skip
    assert code != 0, output


def test_program_of_a_stack_that_is_named_through_a_link_is_the_stacks(
    stack: Path, tmp_path: Path
) -> None:
    binaries = next(stack.rglob('software/Tool/1.0')) / 'bin'
    binaries.mkdir()
    (binaries / 'tool').write_text('#!/bin/sh\necho "$@"\n')
    (binaries / 'tool').chmod(0o755)
    init = stack / 'versions/2023.06/init/bash'
    init.write_text(init.read_text() + f'export PATH={binaries}:$PATH\n')
    link = tmp_path / 'link.eessi.io'
    link.symlink_to(stack)
    check = write_check(tmp_path / 'tool.py', before_run='self.executable = "tool"')
    code, output = run('--stack', link, '--checks', check, '--out', tmp_path / 'out')
    assert code == 0, output


def test_pass_without_any_metric_is_not_accepted(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py')
    check.write_text(check.read_text().replace("{'answer': 'truth'}", '{}'))
    text = check.read_text()
    begin, end = text.index("    @performance_function('1')"), text.index('@rfm.simple_test')
    check.write_text(text[:begin] + '\n' + text[end:])
    code, output = run('--stack', stack, '--checks', check, '--out', tmp_path / 'out')
    assert code != 0, output


def test_fixture_of_a_check_is_not_called_unplanned(stack: Path, tmp_path: Path) -> None:
    more = (
        '    from reframe.core.builtins import fixture\n'
        '    prepared = fixture(Preparation, scope="session")\n'
    )
    check = write_check(tmp_path / 'tool.py', more=more)
    text = check.read_text()
    preparation = (
        'class Preparation(rfm.RunOnlyRegressionTest):\n'
        '    executable = "true"\n'
        '    local = True\n'
        '    @sanity_function\n'
        '    def fine(self):\n'
        '        return True\n\n\n'
    )
    check.write_text(text.replace('@rfm.simple_test', preparation + '@rfm.simple_test'))
    out = tmp_path / 'out'
    code, output = run('--stack', stack, '--checks', check, '--out', out)
    assert code == 0, output
    assert report_of(out)['run']['unplanned'] == []
