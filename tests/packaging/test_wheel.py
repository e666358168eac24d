"""The wheel works without the checkout: what a site installs is what was tested here."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from eessi_validate import __version__

CHECKOUT = Path(__file__).resolve().parents[2]

#: Import package -> its folder in the checkout.
PACKAGES = {
    'eessi_validate': CHECKOUT / 'eessi_validate',
    'eessi_library': CHECKOUT / 'library' / 'eessi_library',
    'eessi_implementations': CHECKOUT / 'implementations' / 'eessi_implementations',
    'eessi_configs': CHECKOUT / 'configs' / 'eessi_configs',
}

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own; commands run in a directory of their own."""

    environment: Path
    directory: Path

    def run(self, program: str, *arguments: str) -> str:
        """Return what a program of the environment printed; it must succeed."""
        # PATH has no other environment; HOME and caches stay the caller's.
        variables = {k: v for k, v in os.environ.items() if not k.startswith(('PYTHON', 'COV'))}
        variables['PATH'] = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'
        done = subprocess.run(
            [str(self.environment / 'bin' / program), *arguments],
            cwd=self.directory,
            env=variables,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f'{done.stdout}\n{done.stderr}'
        return done.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp('wheel')
    command = [sys.executable, '-m', 'build', '--wheel', '--no-isolation', '--outdir', str(out)]
    done = subprocess.run([*command, str(CHECKOUT)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob('*.whl')
    return path


@pytest.fixture(scope='module')
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The project from the wheel and its dependencies, in an environment that was empty."""
    place = tmp_path_factory.mktemp('elsewhere')
    _execute([sys.executable, '-m', 'venv', str(place / 'environment')])
    pip = [str(place / 'environment' / 'bin' / 'python'), '-m', 'pip', '--no-input', 'install']
    _execute([*pip, '--disable-pip-version-check', '--progress-bar', 'off', str(wheel)])
    (place / 'work').mkdir()
    return Installed(place / 'environment', place / 'work')


def _execute(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd='/')
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_every_file_of_the_four_packages_and_nothing_else(wheel):
    listed = zipfile.ZipFile(wheel).namelist()
    found = {name for name in listed if '.dist-info/' not in name}
    assert found == set(_files_of_the_packages())
    assert {name.split('/')[0] for name in found} == set(PACKAGES)


def test_files_keep_their_execute_permission(wheel):
    for info in zipfile.ZipFile(wheel).infolist():
        source = _files_of_the_packages().get(info.filename)
        if source:
            in_wheel = bool(info.external_attr >> 16 & 0o100)
            assert in_wheel == os.access(source, os.X_OK), info.filename


def _files_of_the_packages() -> dict[str, Path]:
    """The files of the checkout by their names in a wheel, compiled ones aside."""
    return {
        f'{package}/{path.relative_to(folder)}': path
        for package, folder in PACKAGES.items()
        for path in folder.rglob('*')
        if path.is_file() and '__pycache__' not in path.parts
    }


@pytest.mark.parametrize('package', PACKAGES)
def test_the_packages_come_from_the_wheel(installed, package):
    file = installed.run('python', '-c', f'import {package}; print({package}.__file__)').strip()
    assert Path(file).is_relative_to(installed.environment / 'lib')


def test_it_says_its_version(installed):
    assert installed.run('eessi-validate', '--version') == f'eessi-validate {__version__}\n'


def test_it_examines_this_host(installed):
    assert 'problem' not in installed.run('eessi-validate', 'doctor')


@pytest.mark.stack
def test_it_plans(installed, local_stack):
    text = installed.run('eessi-validate', 'plan', '--stack', str(local_stack))
    assert 'EESSI_GROMACS_WaterBox GROMACS/' in text


@pytest.mark.stack
def test_it_runs_a_library_test_and_accepts(installed, local_stack):
    text = installed.run(
        'eessi-validate', 'run', '--stack', str(local_stack), '--out', 'out',
        '--test', 'EESSI_GROMACS_WaterBox', '--scale', 'cores_1',
    )  # fmt: skip
    assert text.startswith('ACCEPT  stack local.eessi.io 2023.06')
    assert (installed.directory / 'out' / 'report.html').is_file()


def test_scripts_that_others_call_travel_with_the_wheel(wheel: Path, installed: Installed) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    for name in ('test.sh', 'check-test.sh'):
        assert shipped[f'eessi_validate/gate/interfaces/bot/{name}'] & 0o111 == 0o111
    for name in ('eessi-validate-upload', 'eessi-validate-ingest'):
        assert os.access(installed.environment / 'bin' / name, os.X_OK)
