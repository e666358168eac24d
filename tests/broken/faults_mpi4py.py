"""Ways in which mpi4py can be broken, and what the verdict must say about each."""

from __future__ import annotations

import shutil

import python_programs as broken
from faults import Application, Fault
from faults_mpi import swap_functions
from tampering import Tampering

MPI4PY = ('--test', 'EESSI_Mpi4py_Communication', '--scale', 'cores_2')
TWICE = (*MPI4PY, '--repeat', '2')
_PROGRAM = 'mpi4py_probe'


def _allreduce_forgets_ranks(stack: Tampering) -> None:
    swap_functions(stack, 'MPI_Allreduce', 'MPI_Scan')


def _ranks_unaware(stack: Tampering) -> None:
    """Each process takes itself for the only one."""
    stack.wrap(
        broken.python(stack),
        before='for v in ${!OMPI_*} ${!PMIX_*} ${!PRTE_*}; do unset "$v"; done',
    )


def _library_from_elsewhere(stack: Tampering) -> None:
    """Load a copy of the library that lies outside the installation."""
    library = next(iter(sorted(stack.installation('OpenMPI').rglob('libmpi.so.40')))).resolve()
    elsewhere = stack.directory('other-mpi') / 'libmpi.so.40'
    shutil.copy(library, elsewhere)
    stack.wrap(broken.python(stack), before=f'export LD_PRELOAD={elsewhere}')


FAULTS = (
    Fault('stub', broken.stub('No errors'), r'no rank wrote its report', MPI4PY),
    Fault(
        'crash of rank 1 after the result',
        broken.crash_after_result(_PROGRAM, 1),
        r'signal 11|SIGSEGV',
        MPI4PY,
    ),
    Fault('status 3', broken.status_after_result(_PROGRAM, 0), r'exit status 3', MPI4PY),
    Fault('allreduce forgets ranks', _allreduce_forgets_ranks, r'wrong data: .*sum', MPI4PY),
    Fault(
        'other bytes',
        broken.change(_PROGRAM, 'ranks/1.json', 'r["operations"]["bcast"]["sha256"] = "0" * 64', 1),
        r'wrong data: bcast: SHA-256',
        MPI4PY,
    ),
    Fault('report lost', broken.drop(_PROGRAM, 'ranks/1.json', 1), r'1 rank\(s\) rep', MPI4PY),
    Fault('one rank', broken.one_rank_only, r'reports 1 rank\(s\), asked for 2', MPI4PY),
    Fault('ranks unaware', _ranks_unaware, r'reports 1 rank\(s\), asked for 2', MPI4PY),
    Fault(
        'missing extension',
        broken.missing('mpi4py', 'mpi4py/MPI.openmpi*.so'),
        r"cannot import name 'MPI' from 'mpi4py'",
        MPI4PY,
    ),
    Fault('library from elsewhere', _library_from_elsewhere, r'has loaded .*other-mpi', MPI4PY),
    Fault(
        'played back',
        broken.played_back('ranks/RANK.json', 'given', nonce=False),
        r"does not reflect this run's nonce",
        TWICE,
    ),
)

APPLICATION = Application(
    'mpi4py',
    'python',
    FAULTS,
    sound=(MPI4PY,),
    always=0,
)
