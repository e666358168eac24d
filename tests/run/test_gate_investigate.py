"""``gate --investigate`` with real reruns: each thing that can be at fault is made to be."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from gated_tool import (
    DRIVER,
    GATES_FOR_REAL,
    RUNS_THE_TOOL,
    SOUND,
    check,
    packed,
    put,
    stack,
    start,
    target,
)
from mini_stack import write_check

import eessi_implementations
import eessi_library
from eessi_validate.errors import UsageError
from eessi_validate.gate.packing import pack_installation
from eessi_validate.run.previous_tests import find_previous_tests

__all__ = ['check', 'stack']

pytestmark = GATES_FOR_REAL

BROKEN = '#!/bin/sh\nexit 3\n'


def another_check(root: Path, path: Path, *, wrong: bool = False, head: str = '') -> Path:
    """Write a check of the tool; a wrong one gives it an option that spoils its answer."""
    tool = target(root) / 'software/Tool/1.0/bin/tool'
    before = "self.executable_opts.insert(1, 'spoilt')" if wrong else 'pass'
    write_check(path, before_run=before, more=RUNS_THE_TOOL.format(tool=tool))
    path.write_text(f'{head}from reframe.core.builtins import run_before\n' + path.read_text())
    return path


def rebuilt(root: Path, out: Path, program: str, base: str = SOUND) -> Path:
    """Pack the tool with one program, and leave another one in the base."""
    put(root, program)
    out.mkdir()
    tarball = pack_installation(
        root, '2023.06', target(root).relative_to(root / 'versions/2023.06/software/linux')
        .as_posix(), 'Tool/1.0', out,
    )  # fmt: skip
    put(root, base)
    return tarball


def investigated(tarball: Path, root: Path, check: Path, out: Path, *more: str) -> Any:
    process = start(tarball, root, check, out, '--investigate', *more)
    stdout, stderr = process.communicate(timeout=240)
    assert stdout, stderr
    report = json.loads(stdout)
    assert process.returncode == 1, stdout[-2000:]
    assert report['judgement']['verdict'] == 'REJECT'
    (found,) = report['gate']['investigations']
    return found


def cells(found: Any) -> tuple[str, ...]:
    return tuple(found[name] for name in ('again', 'base', 'previous', 'both'))


def test_a_broken_build_is_told_from_the_test(stack, check, tmp_path):
    tarball = rebuilt(stack, tmp_path / 'in', BROKEN)
    previous = another_check(stack, tmp_path / 'previous.py')
    found = investigated(tarball, stack, check, tmp_path / 'out', '--previous-tests', str(previous))
    assert cells(found) == ('fail', 'pass', 'fail', 'pass'), found
    assert found['causes'] == ['build']
    assert not (tmp_path / 'out/extracted').exists()


def test_a_wrong_test_is_told_from_the_build(stack, tmp_path):
    tarball = rebuilt(stack, tmp_path / 'in', SOUND + ': # rebuilt\n')
    wrong = another_check(stack, tmp_path / 'wrong.py', wrong=True)
    previous = another_check(stack, tmp_path / 'previous.py')
    found = investigated(tarball, stack, wrong, tmp_path / 'out', '--previous-tests', str(previous))
    assert cells(found) == ('fail', 'fail', 'pass', 'pass'), found
    assert found['causes'] == ['test']


def test_a_broken_base_is_told_from_both(stack, check, tmp_path):
    tarball = rebuilt(stack, tmp_path / 'in', BROKEN, base=BROKEN + '# before\n')
    previous = another_check(stack, tmp_path / 'previous.py')
    found = investigated(tarball, stack, check, tmp_path / 'out', '--previous-tests', str(previous))
    assert cells(found) == ('fail', 'fail', 'fail', 'fail'), found
    assert found['causes'] == ['base']


def test_what_fails_twice_and_then_passes_is_luck(stack, check, tmp_path):
    counter = tmp_path / 'counter'
    fickle = (
        f'#!/bin/sh\necho x >> {counter}\n[ $(wc -l < {counter}) -gt 2 ] || exit 3\necho "$@"\n'
    )
    tarball = packed(stack, fickle, tmp_path / 'in')
    found = investigated(tarball, stack, check, tmp_path / 'out')
    assert cells(found) == ('pass', 'none', 'none', 'none'), found
    assert found['causes'] == ['luck']


def test_new_software_that_both_tests_fail_is_the_build(stack, check, tmp_path):
    tarball = packed(stack, BROKEN, tmp_path / 'in')
    previous = another_check(stack, tmp_path / 'previous.py')
    found = investigated(tarball, stack, check, tmp_path / 'out', '--previous-tests', str(previous))
    assert cells(found) == ('fail', 'none', 'fail', 'none'), found
    assert found['causes'] == ['build']


def installed_before(directory: Path, root: Path) -> Path:
    """Make what an earlier release of library and implementations left in a directory."""
    for package in (eessi_library, eessi_implementations):
        source = Path(package.__file__).parent
        shutil.copytree(source, directory / source.name)
    for path in find_previous_tests(directory).check_files:
        path.unlink()
    (directory / 'eessi_library/of_before.py').write_text('MARK = 1\n')
    head = 'from eessi_library.of_before import MARK\n'
    another_check(root, directory / 'eessi_implementations/tool.py', head=head)
    return directory


def test_the_library_of_before_is_used_with_its_tests(stack, tmp_path):
    tarball = rebuilt(stack, tmp_path / 'in', SOUND + ': # rebuilt\n')
    wrong = another_check(stack, tmp_path / 'wrong.py', wrong=True)
    before = installed_before(tmp_path / 'before', stack)
    found = investigated(tarball, stack, wrong, tmp_path / 'out', '--previous-tests', str(before))
    assert (cells(found), found['reasons']) == (('fail', 'fail', 'pass', 'pass'), [])
    assert found['causes'] == ['test']


def test_previous_tests_that_cannot_be_loaded_leave_it_open(stack, check, tmp_path):
    tarball = rebuilt(stack, tmp_path / 'in', BROKEN)
    unusable = another_check(stack, tmp_path / 'previous.py', head='import nonesuch\n')
    found = investigated(tarball, stack, check, tmp_path / 'out', '--previous-tests', str(unusable))
    assert cells(found) == ('fail', 'pass', 'not known', 'not known')
    assert found['causes'] == []
    assert 'nonesuch' in found['reasons'][0]


@pytest.mark.parametrize(
    'more',
    [
        ['--previous-tests', 'x.py'],
        ['--investigate', '--static-only'],
        ['--investigate', '--in-place'],
        ['--investigate', '--previous-tests', 'nowhere'],
    ],
)
def test_what_cannot_be_investigated_is_a_wrong_command(more, stack, tmp_path):
    tarball = packed(stack, SOUND, tmp_path / 'in')
    command = [*DRIVER, str(tarball), '--stack', str(stack), '--out', str(tmp_path / 'out'), *more]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 2
    assert not (tmp_path / 'out').exists()


def test_what_previous_tests_are(tmp_path):
    checkout = Path(eessi_library.__file__).parents[2]
    found = find_previous_tests(checkout)
    assert set(found.packages) == {'eessi_library', 'eessi_implementations'}
    assert 'gromacs.py' in {path.name for path in found.check_files}
    assert found.may_have('EESSI_GROMACS_WaterBox')
    (tmp_path / 'checks').mkdir()
    with pytest.raises(UsageError, match='no check files'):
        find_previous_tests(tmp_path / 'checks')
    (tmp_path / 'checks/own.py').write_text('class EESSI_Own: ...\n')
    found = find_previous_tests(tmp_path / 'checks')
    assert (found.packages, found.lay_out(tmp_path / 'laid')) == ({}, None)
    assert found.may_have('EESSI_Own')
    assert not found.may_have('EESSI_GROMACS_WaterBox')
