"""Every test that ships kills every mutant of its software.

All that have a case on a stack: ``eessi-validate prove --all --stack ROOT``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eessi_validate.rfm.catalogue import load_catalogue

PROVE = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'prove']

#: The stacks, by their name below the tests' cache, and their module sets. Proving changes
#: nothing, so that the stacks that tests/broken breaks and mends can be used.
STACKS = {
    'local': (),
    'full': ('full',),
    'breakable-python': ('python', 'ml', 'horovod'),
    'breakable-spark': ('spark',),
}

#: Name of the stack with the stand-ins of ``stand_in_stack.py``: small programs of our own where
#: no package archive of the local stack has the software. These proofs are of the tests alone.
STAND_INS = 'stand-ins'

#: Stacks with CPU builds that say they are for GPUs, see ``gpu_stand_ins.py``, and their sets.
GPU_STAND_INS = {
    'gpu-stand-ins': ('minimal', 'LAMMPS'),
    'gpu-python': ('ml', 'horovod'),
}

#: Tests of the compat layer that apply to that of a local stack; the quickest is in ASKED.
COMPAT_GROUPS = (
    'Loader',
    'CompatTools',
    'CLibrary',
    'TrustStore',
    'PackageDatabase',
    'ModuleSystem',
    'LocaleAndTime',
    'Permissions',
)

#: Test, scale, stack. At the smallest scale; MPI needs two ranks.
ASKED = [
    # Two to three minutes together, on two cores; the others in the time that CI has left.
    ('EESSI_FFTW_FourierTransforms', 'cores_1', 'local'),
    ('EESSI_OpenBLAS_DenseLinearAlgebra', 'cores_1', 'local'),
    ('EESSI_GROMACS_WaterBox', 'cores_1', 'local'),
    ('EESSI_MPI_Communication', 'cores_2', 'local'),
    ('EESSI_compat_NameService', 'cores_1', 'local'),
]
FURTHER = [
    *((f'EESSI_compat_{group}', 'cores_1', 'local') for group in COMPAT_GROUPS),
    ('EESSI_HPCC_Challenge', 'cores_2', 'full'),
    ('EESSI_OpenFOAM_LidDrivenCavity', 'cores_1', 'full'),
    ('EESSI_LAMMPS_LennardJonesMelt', 'cores_1', 'full'),
    ('EESSI_QuantumESPRESSO_Silicon', 'cores_1', 'full'),
    ('EESSI_R_LinearAlgebra', 'cores_1', 'full'),
    ('EESSI_Bioconductor_Limma', 'cores_1', 'full'),
    ('EESSI_IPython_ScriptedSession', 'cores_1', 'full'),
    ('EESSI_Mpi4py_Communication', 'cores_2', 'breakable-python'),
    ('EESSI_SciPyBundle_NumpyAndScipy', 'cores_1', 'breakable-python'),
    ('EESSI_Horovod_DistributedTraining', 'cores_2', 'breakable-python'),
    ('EESSI_TensorFlow_Training', 'cores_1', 'breakable-python'),
    ('EESSI_TensorFlow_SeveralWorkers', 'cores_2', 'breakable-python'),
    ('EESSI_FlexiBLAS_DenseLinearAlgebra', 'cores_1', STAND_INS),
    ('EESSI_OSU_Allreduce', 'cores_2', STAND_INS),
    ('EESSI_OSU_PointToPoint', 'cores_2', STAND_INS),
    ('EESSI_compat_Compiler', 'cores_1', STAND_INS),
    ('EESSI_compat_PortageSetup', 'cores_1', STAND_INS),
    ('EESSI_GROMACS_WaterBox_GPU', 'nodes_1', 'gpu-stand-ins'),
    ('EESSI_LAMMPS_LennardJonesMelt_GPU', 'nodes_1', 'gpu-stand-ins'),
    ('EESSI_OSU_PointToPoint_GPU', 'nodes_1', 'gpu-stand-ins'),
    ('EESSI_OSU_Allreduce_GPU', 'nodes_1', 'gpu-stand-ins'),
    ('EESSI_TensorFlow_TrainingOnGPU', 'nodes_1', 'gpu-python'),
    ('EESSI_Horovod_DistributedTraining_GPU', 'nodes_1', 'gpu-python'),
    # The longest, two to four minutes each.
    ('EESSI_Spark_Local', 'cores_1', 'breakable-spark'),
    ('EESSI_Spark_Standalone', 'cores_2', 'breakable-spark'),
]

#: Tests by whose programs hardly a number repeats: the others are asked for instead.
MEASURING = {
    f'{prefix}_OSU_{name}'
    for prefix, suffix in (('EESSI', ''), ('SMALL', '_GPU'))
    for name in (f'Allreduce{suffix}', f'PointToPoint{suffix}')
}

#: What cannot be made of some software, and why; anything else must be made.
INAPPLICABLE = {
    ('fewer ranks', 'no launcher of the stack starts anything in this case'),
    ('fewer ranks', 'the case has one rank: choose a larger --scale'),
    ('missing program', 'without it the test takes another way: its job script does not name it'),
    ('missing data files', 'the run opened none in the installation under test'),
    (
        'missing data files',
        'the run opened none but those that every session of the compat layer opens',
    ),
    ('missing library', 'the run opened none in the installation under test'),
    ('perturbed numbers', 'nothing that the programs write is a number or digest'),
}


def test_every_shipped_test_is_asked() -> None:
    asked = [test for test, _, _ in (*ASKED, *FURTHER)]
    assert sorted(asked) == sorted(test.name for test in load_catalogue())


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.usefixtures('view')
@pytest.mark.parametrize(
    ('test', 'scale', 'stack'),
    [*ASKED, *(pytest.param(*case, marks=pytest.mark.exhaustive) for case in FURTHER)],
    ids=lambda word: word.removeprefix('EESSI_'),
)
def test_shipped_test_kills_every_mutant(
    test: str,
    scale: str,
    stack: str,
    local_stack: Path,
    stack_with: Callable[..., Path],
    stand_in_root: Callable[[], Path],
    gpu_stand_ins: Callable[..., tuple[Path, Path, Path]],
    tmp_path: Path,
) -> None:
    where: list[str] = []
    if stack == STAND_INS:
        root = stand_in_root()
    elif stack in GPU_STAND_INS:
        root, site, small = gpu_stand_ins(stack, *GPU_STAND_INS[stack])
        test = test.replace('EESSI', 'SMALL')
        where = ['--config', str(site), '--system', 'host', '--implementations', str(small)]
    else:
        root = stack_with(stack, *STACKS[stack]) if STACKS[stack] else local_stack
    command = [*PROVE, test, '--stack', str(root), '--scale', scale, *where]
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
    assert bool(proof['notes']) == (test in MEASURING), proof['notes']
    by_driver = {r['name'] for r in proof['results'] if r['killed_by'] not in ('', 'the test')}
    assert by_driver <= {'slowed down'}
    for result in proof['results']:
        print(f'{test} | {result["name"]} | {result["reason"]}')
