"""The other ways to run GROMACS: thread-MPI, and a prepared input that was fetched beforehand."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.slow]

CHECKS = """\
import reframe as rfm
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import NODE, EESSIImplementation
from eessi_library.gromacs import TprBenchmark, WaterBox


@rfm.simple_test
class ThreadMpi(WaterBox, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)
    compute_unit = NODE
    gmx = 'gmx'
    thread_mpi_ranks = 2


@rfm.simple_test
class Fetched(TprBenchmark, EESSIImplementation):
    covers = 'GROMACS'
    case = planned_cases(__qualname__, covers)
    benchmark = 'water'
    input_file = '{tpr}'
    input_sha256 = '{digest}'
    total_energy = {energy}
    tolerance = {tolerance}
    steps = 300
"""


def validate(stack: Path, out: Path, checks: Path, test: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    command += ['--stack', str(stack), '--out', str(out), '--quiet', '--checks', str(checks)]
    command += ['--test', test, '--scale', 'cores_2']
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert (out / 'report.json').exists(), done.stdout + done.stderr
    document: dict[str, Any] = json.loads((out / 'report.json').read_text())
    return done.returncode, document['run']['results'][0]


def write_checks(path: Path, tpr: Path, energy: float, tolerance: float, digest: str = '') -> Path:
    digest = digest or hashlib.sha256(tpr.read_bytes()).hexdigest()
    path.write_text(CHECKS.format(tpr=tpr, digest=digest, energy=energy, tolerance=tolerance))
    return path


@pytest.fixture(scope='module')
def prepared(local_stack: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """An input file, made by a sound thread-MPI run, and the result of that run."""
    directory = tmp_path_factory.mktemp('prepared')
    empty = directory / 'none.tpr'
    empty.write_bytes(b'')
    checks = write_checks(directory / 'checks.py', empty, 0.0, 0.1)
    code, result = validate(local_stack, directory / 'out', checks, 'ThreadMpi')
    assert code == 0, result['reason']
    return next((directory / 'out').rglob('md.tpr')), result


def test_thread_mpi_reports_the_layout_that_was_asked_for(prepared: tuple[Path, Any]) -> None:
    assert '-ntmpi 2' in prepared[1]['job_script']


def test_fetched_input_is_judged_by_its_published_energy(
    local_stack: Path, tmp_path: Path, prepared: tuple[Path, Any]
) -> None:
    # -39.3 kJ/mol: potential and kinetic energy of 864 molecules, as the water box has them.
    energy = 864 * (-46.7 + 3 * 8.314462618e-3 * 300)
    checks = write_checks(tmp_path / 'checks.py', prepared[0], energy, 0.04)
    code, result = validate(local_stack, tmp_path / 'out', checks, 'Fetched')
    assert code == 0, result['reason']


def test_fetched_input_with_another_energy_is_rejected(
    local_stack: Path, tmp_path: Path, prepared: tuple[Path, Any]
) -> None:
    checks = write_checks(tmp_path / 'checks.py', prepared[0], -50_000.0, 0.04)
    code, result = validate(local_stack, tmp_path / 'out', checks, 'Fetched')
    assert code == 1
    assert 'mean total energy is' in result['reason']


def test_input_that_is_not_the_one_that_was_named_is_refused(
    local_stack: Path, tmp_path: Path, prepared: tuple[Path, Any]
) -> None:
    checks = write_checks(tmp_path / 'checks.py', prepared[0], 0.0, 0.1, digest='0' * 64)
    code, result = validate(local_stack, tmp_path / 'out', checks, 'Fetched')
    assert code != 0
    assert 'SHA-256' in result['reason']
