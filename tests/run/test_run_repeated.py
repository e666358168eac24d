"""The driver asked twice: the same nonce, two at once, repeated cases.

All on the fixture tree of ``mini_stack``, with real ReFrame and real jobs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from driver_process import outcomes, report_of, run, start, two_softwares

pytestmark = pytest.mark.slow


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
