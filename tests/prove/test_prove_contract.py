"""Every test that ships kills every mutant of its software; those that fit CI are asked here.

All of them: ``eessi-validate prove --all --stack ROOT``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PROVE = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'prove']

#: At the smallest scale; MPI needs two ranks. Together two to three minutes on two cores.
ASKED = {
    'EESSI_FFTW_FourierTransforms': 'cores_1',
    'EESSI_OpenBLAS_DenseLinearAlgebra': 'cores_1',
    'EESSI_GROMACS_WaterBox': 'cores_1',
    'EESSI_MPI_Communication': 'cores_2',
}

#: What cannot be made of some software, and why; anything else must be made.
INAPPLICABLE = {
    ('fewer ranks', 'no launcher of the stack starts anything in this case'),
    ('fewer ranks', 'the case has one rank: choose a larger --scale'),
    ('missing program', 'without it the test takes another way: its job script does not name it'),
    ('missing data files', 'the run opened none in the installation under test'),
    ('missing library', 'the run opened none in the installation under test'),
    ('perturbed numbers', 'nothing that the programs write is a number or digest'),
}


@pytest.mark.parametrize(('test', 'scale'), ASKED.items())
def test_shipped_test_kills_every_mutant(
    test: str, scale: str, local_stack: Path, tmp_path: Path
) -> None:
    command = [*PROVE, test, '--stack', str(local_stack), '--scale', scale]
    command += ['--out', str(tmp_path / 'out'), '--json', '--quiet']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith('{'), done.stderr
    proof = json.loads(done.stdout)
    missed = [
        (r['name'], r['fate'], r['reason'])
        for r in proof['results']
        if r['fate'] != 'killed' and not r['advisory']
    ]
    assert (missed, done.returncode, proof['score']) == ([], 0, 1.0)
    assert {(m['name'], m['reason']) for m in proof['inapplicable']} <= INAPPLICABLE
    assert len(proof['results']) >= 10
    for result in proof['results']:
        print(f'{test} | {result["name"]} | {result["reason"]}')
