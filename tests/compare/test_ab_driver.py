"""``eessi-validate ab`` as a user starts it: on a fixture tree, with real ReFrame and real jobs."""

from __future__ import annotations

import datetime
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

DRIVER = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'ab']

INIT = """\
module() { case $1 in load|is-loaded) true;; esac; }
mpirun() { shift 2; "$@"; }
export EESSI_VERSION=2023.06
"""

#: Pretends a time that its variable and the nonce decide: no clock, so that the outcome is fixed.
CHECK = """\
import os
import zlib

import reframe as rfm
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.library_test import LibraryTest
from reframe.core.builtins import performance_function, sanity_function, variable


class ToolTime(LibraryTest, pin_prefix=True):
    kind = 'performance'
    directions = {'time': 'lower'}
    executable = 'echo'
    work = variable(float, value=1.0, loggable=True)

    @sanity_function
    def ended(self):
        self.expect_clean_end()
        return not (os.path.exists(os.environ.get('FAIL_FILE', '')) and self.work > 1)

    @performance_function('s')
    def time(self):
        return self.work * (1 + zlib.crc32(self.nonce.encode()) % 1000 / 5000)


@rfm.simple_test
class EESSI_ToolTime(ToolTime, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    root = tmp_path / 'mini.eessi.io'
    for release in ('2023.06', '2025.06'):
        path = root / 'versions' / release
        target = path / 'software' / 'linux' / platform.machine() / 'generic'
        (target / 'software' / 'Tool' / '1.0').mkdir(parents=True)
        (target / 'modules' / 'all' / 'Tool').mkdir(parents=True)
        (target / 'modules' / 'all' / 'Tool' / '1.0.lua').write_text('-- a module\n')
        (path / 'compat' / 'linux' / platform.machine()).mkdir(parents=True)
        (path / 'init').mkdir()
        (path / 'init' / 'bash').write_text(INIT)
    (tmp_path / 'tool.py').write_text(CHECK)
    return root


def start(stack: Path, *arguments: object) -> Any:
    options = ('--stack', stack, '--checks', stack.parent / 'tool.py', '--module', 'Tool')
    words = arguments if '--resume' in arguments else (*options, *arguments)
    return subprocess.Popen(
        [*DRIVER, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, 'FAIL_FILE': str(stack.parent / 'fail')},
    )  # fmt: skip


def ab(stack: Path, *arguments: object) -> tuple[int, str]:
    process = start(stack, *arguments)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


def rows(out: Path) -> list[dict[str, Any]]:
    path = out / 'runs.jsonl'
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def report_of(out: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((out / 'ab-report.json').read_text())
    return document


def test_a_slowdown_is_found_and_both_sides_draw_the_same_inputs(
    stack: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    code, output = ab(
        stack,
        '--before',
        '2023.06',
        '--after',
        '2025.06',
        '--out',
        out,
        '--pairs',
        6,
        '--self-check',
        0,
        '--after-set',
        'work=1.05',
        '--seed',
        's',
    )
    assert code == 1, output
    (metric,) = report_of(out)['metrics']
    assert (metric['verdict'], metric['n']) == ('slower', 6)
    # Equal inputs make the pretended ratio exact in every pair.
    assert metric['ratio'] == pytest.approx(1.05)
    assert metric['spread'] == pytest.approx(0.0, abs=1e-9)
    assert 'SLOWER' in output
    assert [r['phase'] for r in rows(out)] == ['warm-up'] * 2 + ['pair'] * 12


def test_an_interrupt_keeps_all_pairs_and_resume_completes_them(
    stack: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'out'
    process = start(
        stack,
        '--before',
        '2023.06',
        '--after',
        '2025.06',
        '--out',
        out,
        '--pairs',
        6,
        '--self-check',
        0,
        '--warm-ups',
        0,
    )
    end = time.monotonic() + 120
    while len(rows(out)) < 3 and time.monotonic() < end:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 75, output
    kept = rows(out)
    assert report_of(out)['interrupted']
    assert 'go on with --resume' in output
    code, output = ab(stack, '--resume', out)
    assert code == 0, output
    assert rows(out)[: len(kept)] == kept
    (metric,) = report_of(out)['metrics']
    assert (metric['verdict'], metric['n'], metric['ratio']) == ('equivalent', 6, 1.0)


def test_a_side_that_fails_is_loud(stack: Path, tmp_path: Path) -> None:
    (stack.parent / 'fail').touch()
    out = tmp_path / 'out'
    code, output = ab(
        stack,
        '--before',
        '2023.06',
        '--after',
        '2025.06',
        '--out',
        out,
        '--pairs',
        6,
        '--self-check',
        0,
        '--warm-ups',
        0,
        '--after-set',
        'work=2',
    )
    assert code == 75, output
    assert 'after failed 3 times in a row' in output
    assert '1 of 1 cases had failed runs' in output


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('--before', '2023.06'), '--before X and --after Y are needed'),
        (('--before', '2023.06', '--after', '2031.01'), "'2031.01'"),
        (('--before', '2023.06', '--after', '2025.06', '--pairs', '5'), 'fewer than 6 pairs'),
        (('--before', '2023.06', '--after', '2025.06', '--until', 'soon'), 'no percentage'),
        (('--before', '2023.06', '--after', '2025.06', '--after-set', 'x'), 'NAME=VALUE'),
    ],
)
def test_a_wrong_request_is_a_usage_error(
    stack: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, output = ab(stack, *arguments)
    assert (code, message in output) == (2, True), output


def test_duet_runs_both_sides_at_once_where_the_pilot_allows_it(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eessi_validate.compare.ab import Options, parse_side, session, start_ab
    from eessi_validate.run.host import host_facts
    from eessi_validate.run.prepare import Request

    roomy = host_facts().model_copy(update={'cpus': 64, 'load_before': 0.0})
    monkeypatch.setattr(session, 'host_facts', lambda: roomy)
    checks = (str(stack.parent / 'tool.py'),)
    common = Request(stack=str(stack), release='', modules=('Tool',), checks=checks)
    options = Options(tmp_path / 'out', pairs=6, self_check=2, warm_ups=0, duet=True, seed='s')
    sides = (parse_side('2023.06', common), parse_side('2025.06', common, ['work=1.05']))
    report = start_ab(*sides, options, lambda row, case: None)
    assert report.cases[0].duet.startswith('both sides ran at once: pilot correlation 1.00')
    assert report.metrics[0].verdict == 'slower'
    assert report.rows_by_phase == {'duet': 12, 'pair': 12, 'self-check': 4}
    found = rows(tmp_path / 'out')
    for one, other in zip(found[::2], found[1::2], strict=True):
        assert {one['side'], other['side']} == {'before', 'after'}
        starts = [datetime.datetime.fromisoformat(r['started']).timestamp() for r in (one, other)]
        assert abs(starts[0] - starts[1]) < min(one['seconds'], other['seconds'])
    # Each of two runs at once has a directory of its own.
    assert len({(r['directory'], r['pair'], r['phase'], r['side']) for r in found}) == len(found)
    assert len({r['directory'] for r in found}) == len(found)
