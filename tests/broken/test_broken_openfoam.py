"""Every broken OpenFOAM turns the verdict red for the right reason; the sound one stays green."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Driver
from faults import Fault
from faults_openfoam import FAULTS, PARALLEL, RECORDED, SERIAL
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope='session')
def recorded_openfoam(breakable_full_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Log and fields of a sound run, kept in the release for the fault that plays them back."""
    directory = breakable_full_root / 'versions' / '2023.06' / RECORDED
    out = tmp_path_factory.mktemp('recorded') / 'out'
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    command += ['--stack', str(breakable_full_root), '--out', str(out), '--quiet', *SERIAL]
    subprocess.run(command, check=True, capture_output=True)
    (log,) = out.rglob('stage/**/rfm_job.out')
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    shutil.copy(log, directory / 'log')
    shutil.copytree(log.parent / 'run', directory / 'run')
    return directory


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_broken_openfoam_is_rejected_for_its_fault(
    fault: Fault,
    breakable_full: Tampering,
    breakable_full_root: Path,
    recorded_openfoam: Path,
    validate: Driver,
) -> None:
    fault.apply(breakable_full)
    answer = validate(breakable_full_root, *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons
    print(f'{fault.name}: {reasons[0]}')


@pytest.mark.parametrize('arguments', [SERIAL, PARALLEL], ids=['serial', 'parallel'])
def test_sound_openfoam_is_accepted(
    arguments: tuple[str, ...], breakable_full_root: Path, validate: Driver
) -> None:
    answer = validate(breakable_full_root, *arguments)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
