"""Whatever makes ReFrame end with status 0 without a result is never a pass."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from mini_stack import make_mini_stack, write_check

from eessi_validate.rfm.invoke import Invocation, run_reframe
from eessi_validate.rfm.partitions import shipped_config

pytestmark = pytest.mark.slow


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return make_mini_stack(tmp_path / 'mini.eessi.io', family=platform.machine())


def validate(stack: Path, out: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    command += ['--stack', str(stack), '--out', str(out), '--quiet', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    report = out / 'report.json'
    document = json.loads(report.read_text()) if report.exists() else {}
    return done.returncode, document, done.stdout + done.stderr


def results(document: dict[str, Any], test: str = 'EESSI_Tool') -> list[tuple[str, str]]:
    found = document['run']['results']
    return [(r['outcome'], r['reason']) for r in found if r['case']['id']['test'] == test]


def test_sound_check_is_accepted(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py')
    code, document, output = validate(stack, tmp_path / 'out', '--checks', str(check))
    assert code == 0, output
    assert results(document) == [('pass', '')]


def test_missing_metric_is_not_a_pass(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py', metric='another_answer')
    code, document, _ = validate(stack, tmp_path / 'out', '--checks', str(check))
    assert code == 1
    assert results(document) == [('fail', 'passed without its metric(s) answer')]


def test_skip_without_a_reason_is_lost_coverage(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py', before_run='self.skip()')
    code, document, _ = validate(stack, tmp_path / 'out', '--checks', str(check))
    ((outcome, _),) = results(document)
    assert (code, outcome) == (75, 'skip')
    assert document['counters']['lost_coverage'] == 1


def test_skip_keeps_its_reason(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py', before_run='self.skip("needs a licence")')
    code, document, _ = validate(stack, tmp_path / 'out', '--checks', str(check))
    assert (code, results(document)) == (75, [('skip', 'needs a licence')])


def test_failed_module_load_is_rejected(tmp_path: Path) -> None:
    stack = make_mini_stack(tmp_path / 'mini.eessi.io', 'Tool', family=platform.machine())
    init = stack / 'versions/2023.06/init/bash'
    init.write_text(init.read_text().replace('Broken/1.0', 'Tool/1.0'))
    check = write_check(tmp_path / 'tool.py')
    code, document, _ = validate(stack, tmp_path / 'out', '--checks', str(check))
    ((outcome, reason),) = results(document)
    assert (code, outcome) == (1, 'fail')
    assert 'module load Tool/1.0' in reason


def test_class_that_raises_while_it_is_made_is_missing(stack: Path, tmp_path: Path) -> None:
    more = (
        '    from reframe.core.builtins import run_after\n'
        '    @run_after("init")\n'
        '    def explode(self):\n'
        '        raise ValueError("exploded")\n'
    )
    check = write_check(tmp_path / 'tool.py', more=more)
    code, document, _ = validate(stack, tmp_path / 'out', '--checks', str(check))
    ((outcome, reason),) = results(document)
    assert (code, outcome) == (75, 'missing')
    assert 'exploded' in reason or 'skipping' in reason


def test_check_file_that_cannot_be_imported_is_hold(stack: Path, tmp_path: Path) -> None:
    check = tmp_path / 'tool.py'
    check.write_text('import reframe as rfm\nimport no_such_module\n')
    code, document, output = validate(stack, tmp_path / 'out', '--checks', str(check))
    assert (code, document) == (75, {})
    assert 'no_such_module' in output


def test_missing_check_file_is_a_usage_error(stack: Path, tmp_path: Path) -> None:
    code, _, output = validate(stack, tmp_path / 'out', '--checks', str(tmp_path / 'no.py'))
    assert code == 2
    assert 'no check file at' in output


def test_two_tests_of_one_name_are_hold(stack: Path, tmp_path: Path) -> None:
    first, second = write_check(tmp_path / 'a.py'), write_check(tmp_path / 'b.py')
    code, _, output = validate(
        stack, tmp_path / 'out', '--checks', str(first), '--checks', str(second)
    )
    assert code == 75
    assert 'two tests are called EESSI_Tool' in output


def test_nothing_to_run_is_hold(tmp_path: Path) -> None:
    stack = make_mini_stack(tmp_path / 'mini.eessi.io', 'Other', family=platform.machine())
    check = write_check(tmp_path / 'tool.py')
    code, document, _ = validate(stack, tmp_path / 'out', '--checks', str(check))
    assert (code, document['judgement']['verdict']) == (75, 'HOLD')
    assert 'no case runs any software' in document['judgement']['summary']


def test_results_of_another_run_are_never_read(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py')
    assert validate(stack, tmp_path / 'out', '--checks', str(check))[0] == 0
    code, _, output = validate(stack, tmp_path / 'out', '--checks', str(check))
    assert code == 2
    assert 'already holds a run' in output


def invocation(directory: Path, stack: Path, check: Path, **changes: Any) -> Invocation:
    case = {
        'key': 'Tool/1.0@x%cores_1', 'module': 'Tool/1.0', 'software': 'Tool', 'version': '1.0',
        'toolchain': '', 'cpu_target': 'x', 'scale': 'cores_1', 'inputs': changes.pop('inputs', {}),
    }  # fmt: skip
    values: dict[str, Any] = {
        'directory': directory,
        'check_files': (str(check),),
        'tests': ('EESSI_Tool',),
        'cases': ({'test': 'EESSI_Tool', 'case': case},),
        'configs': (shipped_config('generic_host'),),
        'system': 'host',
        'environment': {'EESSI_VALIDATE_RELEASE_PATH': str(stack / 'versions/2023.06')},
        'serial': False,
    }
    return Invocation(**{**values, **changes})


def run(wanted: Invocation) -> Any:
    return run_reframe(
        wanted, on_start=lambda *_: None, on_record=lambda _: None, stop=threading.Event()
    )


def test_reframe_without_a_match_gives_no_record(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py')
    done = run(invocation(tmp_path / 'r', stack, check, tests=('NoSuchTest',)))
    assert (done.return_code, done.records) == (0, ())


def test_reframe_with_a_missing_path_gives_no_record(stack: Path, tmp_path: Path) -> None:
    done = run(invocation(tmp_path / 'r', stack, tmp_path / 'gone.py'))
    assert done.records == ()


def test_unknown_variable_gives_no_record_and_names_it(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py')
    done = run(invocation(tmp_path / 'r', stack, check, inputs={'no_such_variable': '1'}))
    assert done.records == ()
    assert any('no_such_variable' in problem for problem in done.problems), done.problems


def test_stale_directory_is_refused(stack: Path, tmp_path: Path) -> None:
    check = write_check(tmp_path / 'tool.py')
    (tmp_path / 'r').mkdir()
    (tmp_path / 'r' / 'report.json').write_text('{"runs": []}')
    with pytest.raises(FileExistsError):
        run(invocation(tmp_path / 'r', stack, check))
