"""Software without an application test is listed, and a new build selects what it touches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.plan.affected import affected_modules
from eessi_validate.plan.coverage import coverage_lines, declared_support, examine_coverage
from eessi_validate.rfm.catalogue import TestInfo, load_catalogue
from eessi_validate.stack.modules import Module, discover_modules

SUPPORT = {'foss': 'toolchain', 'Java': 'runtime of Spark'}


def info(covers: str, *, library: bool = False) -> TestInfo:
    return TestInfo(
        f'EESSI_{covers}', covers, 'functional', ('cores_1',), (), {'answer': 'truth'}, 'x.py',
        selects_dependents=library,
    )  # fmt: skip


TESTS = (info('FFTW', library=True), info('GROMACS'))


@pytest.fixture
def modules(tmp_path: Path) -> tuple[Module, ...]:
    loads = {
        'FFTW/3.3.10-GCC-12.2.0': '',
        'foss/2022b': 'depends_on("FFTW/3.3.10-GCC-12.2.0")',
        'GROMACS/2022.5-foss-2022b': 'depends_on("foss/2022b")',
        'Java/17': '',
        'zlib/1.2.13': '',
    }
    for name, text in loads.items():
        path = tmp_path / f'{name}.lua'
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + '\n')
    return discover_modules(tmp_path)


def test_software_without_a_test_and_without_a_reason_is_listed(
    modules: tuple[Module, ...],
) -> None:
    found = examine_coverage(modules, TESTS, SUPPORT)
    assert found.uncovered == ('zlib',)
    assert not found.clean
    assert coverage_lines(found)[0] == 'no application test: zlib'


def test_support_is_named_with_its_reason_and_whether_a_case_would_see_it(
    modules: tuple[Module, ...],
) -> None:
    found = examine_coverage(modules, TESTS, SUPPORT | {'zlib': 'compression'})
    assert found.clean
    assert found.support['Java'] == 'runtime of Spark'
    assert found.idle == ('Java', 'zlib')


def test_support_that_has_a_test_is_declared_in_vain(modules: tuple[Module, ...]) -> None:
    found = examine_coverage(modules, TESTS, SUPPORT | {'zlib': 'x', 'GROMACS': 'too hard'})
    assert (found.superfluous, found.clean) == (('GROMACS',), False)


def test_every_declaration_has_a_reason() -> None:
    assert all(len(reason) > 20 for reason in declared_support().values())


def test_new_build_of_an_application_selects_itself(modules: tuple[Module, ...]) -> None:
    assert affected_modules(['GROMACS'], modules, TESTS) == {
        'GROMACS/2022.5-foss-2022b': 'newly built'
    }


@pytest.mark.parametrize('built', ['FFTW', 'foss'], ids=['library', 'support'])
def test_new_build_of_a_library_selects_what_depends_on_it(
    modules: tuple[Module, ...], built: str
) -> None:
    found = affected_modules([built], modules, TESTS, SUPPORT)
    assert 'GROMACS/2022.5-foss-2022b -> foss/2022b' in found['GROMACS/2022.5-foss-2022b']
    assert 'Java/17' not in found


@pytest.mark.parametrize('built', ['OpenBLAS', 'FlexiBLAS'])
def test_new_build_of_a_blas_selects_all_above_it(tmp_path: Path, built: str) -> None:
    """In EasyBuild's foss toolchains since 2021a software depends on FlexiBLAS, not OpenBLAS."""
    loads = {
        'OpenBLAS/0.3.20-GCC-11.3.0': '',
        'FlexiBLAS/3.2.0-GCC-11.3.0': 'depends_on("OpenBLAS/0.3.20-GCC-11.3.0")',
        'foss/2022a': 'depends_on("FlexiBLAS/3.2.0-GCC-11.3.0")',
        'SciPy-bundle/2022.05-foss-2022a': 'depends_on("foss/2022a")',
        'Java/17': '',
    }
    for name, text in loads.items():
        path = tmp_path / f'{name}.lua'
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + '\n')
    found = affected_modules([built], discover_modules(tmp_path), load_catalogue())
    way = 'SciPy-bundle/2022.05-foss-2022a -> foss/2022a -> FlexiBLAS/3.2.0-GCC-11.3.0'
    assert way in found['SciPy-bundle/2022.05-foss-2022a']
    above = [name for name in loads if name != 'Java/17']
    assert set(found) == set(above[above.index(next(n for n in above if n.startswith(built))) :])


def test_unknown_build_is_a_usage_error(modules: tuple[Module, ...]) -> None:
    with pytest.raises(UsageError, match='did you mean FFTW/3'):
        affected_modules(['FFTW/3.3'], modules, TESTS)


@pytest.mark.stack
@pytest.mark.slow
def test_all_software_of_the_full_stack_has_a_test_or_a_reason(full_stack: Path) -> None:
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'plan']
    command += ['--lint', '--stack', str(full_stack)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ' 0 without an application test' in done.stdout
