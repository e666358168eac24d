"""The tests that exist are read from the check files; whatever is wrong with one holds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eessi_validate.errors import HoldError
from eessi_validate.rfm.catalogue import load_catalogue, shipped_check_files

CHECK = """\
import reframe as rfm
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.library_test import LibraryTest


class Base(LibraryTest, pin_prefix=True):
    kind = 'functional'
    directions = {'answer': 'truth'}


@rfm.simple_test
class NAME(Base, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)
    needs = ('gpu',)
"""


def write(path: Path, name: str = 'EESSI_Tool', more: str = '') -> Path:
    path.write_text(CHECK.replace('NAME', name) + more)
    return path


def test_test_is_described_by_its_class(tmp_path: Path) -> None:
    path = write(tmp_path / 'tool.py')
    (test,) = load_catalogue((path,))
    assert (test.name, test.covers, test.kind) == ('EESSI_Tool', 'Tool', 'functional')
    assert (test.default_scales, test.needs) == (('cores_1',), ('gpu',))
    assert (test.directions, test.path) == ({'answer': 'truth'}, str(path))


def test_library_base_in_the_same_file_is_no_test(tmp_path: Path) -> None:
    assert [t.name for t in load_catalogue((write(tmp_path / 'a.py'),))] == ['EESSI_Tool']


def test_tests_of_several_files_are_sorted_by_name(tmp_path: Path) -> None:
    paths = (write(tmp_path / 'a.py', 'EESSI_Z'), write(tmp_path / 'b.py', 'EESSI_A'))
    assert [t.name for t in load_catalogue(paths)] == ['EESSI_A', 'EESSI_Z']


def test_two_tests_of_one_name_hold_and_both_files_are_named(tmp_path: Path) -> None:
    first, second = write(tmp_path / 'a.py'), write(tmp_path / 'b.py')
    with pytest.raises(HoldError, match='two tests are called EESSI_Tool') as caught:
        load_catalogue((first, second))
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('import no_such_module\n', 'no_such_module'),
        ('def broken(:\n', 'invalid syntax'),
        ('1 / 0\n', 'division by zero'),
    ],
)
def test_check_file_that_cannot_be_imported_holds(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / 'broken.py'
    path.write_text(text)
    with pytest.raises(HoldError, match=f'cannot import the check file {path}') as caught:
        load_catalogue((path,))
    assert message in str(caught.value)


def test_check_file_that_exits_holds(tmp_path: Path) -> None:
    path = tmp_path / 'exits.py'
    path.write_text('import sys\nsys.exit(0)\n')
    with pytest.raises(HoldError):
        load_catalogue((path,))


@pytest.mark.slow
def test_check_file_that_exits_is_not_the_exit_code_of_accept(tmp_path: Path) -> None:
    path = tmp_path / 'exits.py'
    path.write_text('import sys\nsys.exit(0)\n')
    tree = tmp_path / 'my.eessi.io/versions/2025.06/software/linux/x86_64/generic/modules/all/a'
    tree.mkdir(parents=True)
    code = (
        'from eessi_validate.cli import main; main()', 'run',
        '--stack', str(tmp_path / 'my.eessi.io'),
        '--out', str(tmp_path / 'out'), '--checks', str(path),
    )  # fmt: skip
    done = subprocess.run([sys.executable, '-c', *code], capture_output=True, cwd=tmp_path)
    assert done.returncode == 75


def test_test_without_a_metric_holds(tmp_path: Path) -> None:
    path = write(tmp_path / 'tool.py')
    path.write_text(path.read_text().replace("{'answer': 'truth'}", '{}'))
    with pytest.raises(HoldError, match='metric'):
        load_catalogue((path,))


def test_class_that_reframe_does_not_know_is_no_test(tmp_path: Path) -> None:
    more = '\n\nclass Unfinished(EESSI_Tool):\n    covers = "Tool"\n'
    path = write(tmp_path / 'tool.py', more=more)
    assert [t.name for t in load_catalogue((path,))] == ['EESSI_Tool']


def test_environment_of_the_caller_is_left_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('EESSI_VALIDATE_CASES', 'before')
    load_catalogue((write(tmp_path / 'tool.py'),))
    assert os.environ['EESSI_VALIDATE_CASES'] == 'before'
    monkeypatch.delenv('EESSI_VALIDATE_CASES')
    load_catalogue((write(tmp_path / 'other.py'),))
    assert 'EESSI_VALIDATE_CASES' not in os.environ


def test_shipped_tests_load_and_each_has_metrics() -> None:
    catalogue = load_catalogue()
    assert 'EESSI_GROMACS_WaterBox' in {test.name for test in catalogue}
    assert all(test.directions and test.default_scales for test in catalogue)
    assert {Path(test.path) for test in catalogue} == set(shipped_check_files())
