"""Cases come from the driver's file, or under plain ReFrame from the stack that is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eessi_implementations.cases import Case, planned_cases
from eessi_validate.stack.scales import scales


def cases_of(test: str, covers: str) -> list[Case]:
    found: Any = planned_cases(test, covers)
    return list(found.values)


ROW = {
    'key': 'Tool/1.0@x%cores_1', 'module': 'Tool/1.0', 'software': 'Tool', 'version': '1.0',
    'toolchain': '', 'cpu_target': 'x', 'scale': 'cores_1', 'inputs': {'nonce': 'feed'},
}  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A software layer as a session that sourced the stack's init script sees it."""
    software = tmp_path / 'my.eessi.io/versions/2025.06/software/linux/x86_64/amd/zen2'
    for name in ('Tool/1.0-foss-2023b', 'Tool/2.0-foss-2023b', 'Other/1.0'):
        path = software / 'modules' / 'all' / f'{name}.lua'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('x')
    monkeypatch.delenv('EESSI_VALIDATE_CASES', raising=False)
    monkeypatch.setenv('EESSI_SOFTWARE_PATH', str(software))
    return software


def test_driver_gives_each_test_its_own_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'cases.json'
    rows = [{'test': 'A', 'case': ROW}, {'test': 'B', 'case': {**ROW, 'key': 'other'}}]
    path.write_text(json.dumps({'cases': rows}))
    monkeypatch.setenv('EESSI_VALIDATE_CASES', str(path))
    (case,) = cases_of('A', 'Tool')
    assert case == Case(**ROW)
    assert case.inputs == {'nonce': 'feed'}
    assert cases_of('C', 'Tool') == []


def test_driver_that_asks_which_tests_there_are_gets_one_nameless_case(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('EESSI_VALIDATE_CASES', '/dev/null')
    (case,) = cases_of('A', 'Tool')
    assert (case.key, case.module) == ('none', '')


def test_driver_that_plans_nothing_gives_no_case_whatever_is_loaded(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'cases.json'
    path.write_text('{"cases": []}')
    monkeypatch.setenv('EESSI_VALIDATE_CASES', str(path))
    assert cases_of('A', 'Tool') == []


def test_loaded_stack_gives_every_covered_module_at_every_scale(tree: Path) -> None:
    cases = cases_of('A', 'Tool')
    assert {c.module for c in cases} == {'Tool/1.0-foss-2023b', 'Tool/2.0-foss-2023b'}
    assert len(cases) == 2 * len(scales())
    assert cases[0].key == 'Tool/1.0-foss-2023b@x86_64/amd/zen2%cores_1'
    assert (cases[0].partition, cases[0].environ) == ('', '')


def test_module_path_is_used_where_the_init_script_set_nothing_else(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('EESSI_SOFTWARE_PATH')
    monkeypatch.setenv('MODULEPATH', f'/etc/modules:{tree}/modules/all')
    assert {c.cpu_target for c in cases_of('A', 'Tool')} == {'x86_64/amd/zen2'}


def test_without_a_stack_there_is_no_case(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('EESSI_SOFTWARE_PATH')
    monkeypatch.delenv('MODULEPATH', raising=False)
    monkeypatch.delenv('EESSI_EPREFIX', raising=False)
    assert cases_of('A', 'Tool') == []
    assert cases_of('A', 'compat') == []


def test_compat_layer_of_the_session_is_one_case(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('EESSI_EPREFIX', '/s/versions/2025.06/compat/linux/aarch64')
    monkeypatch.setenv('EESSI_VERSION', '2025.06')
    (case,) = cases_of('A', 'compat')
    assert (case.key, case.cpu_target) == ('compat/2025.06@aarch64', 'aarch64')
    assert case.inputs['compat_path'] == '/s/versions/2025.06/compat/linux/aarch64'


def test_cases_of_the_loaded_stack_know_the_mpi_of_the_site(tree: Path) -> None:
    place = 'host_injections/2025.06/software/linux/x86_64/amd/zen2/rpath_overrides/OpenMPI'
    directory = tree.parents[6] / place / 'system' / 'lib'
    directory.mkdir(parents=True)
    injected = {case.injection['injected_mpi'] for case in cases_of('A', 'Tool')}
    assert injected == {str(directory)}


def test_cases_know_of_no_other_mpi_where_none_is_injected(tree: Path) -> None:
    assert [case.injection for case in cases_of('A', 'Tool') if case.injection] == []
