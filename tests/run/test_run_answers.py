"""What the driver prints, what it refuses, and what it does not take for a pass.

All on the fixture tree of ``mini_stack``, with real ReFrame and real jobs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from driver_process import DRIVER, report_of, run
from mini_stack import write_check

pytestmark = pytest.mark.slow


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


def test_nothing_is_left_among_the_temporary_files(
    stack: Path, check: Path, tmp_path: Path
) -> None:
    temporary, out = tmp_path / 'temporary', tmp_path / 'out'
    temporary.mkdir()
    code, _ = run('--stack', stack, '--checks', check, '--out', out, TMPDIR=str(temporary))
    assert (code, list(temporary.iterdir())) == (0, [])
    assert list(out.rglob('rfm-*.log'))


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
