"""Ways in which NumPy and SciPy can be broken, and what the verdict must say about each."""

from __future__ import annotations

import shutil

import python_programs as broken
from faults import Application, Fault
from tampering import Tampering

NUMPY = ('--test', 'EESSI_SciPyBundle_NumpyAndScipy', '--scale', 'cores_2')
TWICE = (*NUMPY, '--repeat', '2')
_PROGRAM = 'scipy_program'
_RESULT = 'result.json'
_LINALG = 'numpy/linalg/linalg.py'


def _one_thread(stack: Tampering) -> None:
    stack.wrap(
        broken.python(stack),
        call='OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "$real" "$@"',
    )


def _another_numpy(stack: Tampering) -> None:
    """Import a copy of NumPy that lies elsewhere."""
    found = broken.site(stack, 'SciPy-bundle')
    elsewhere = stack.directory('elsewhere')
    shutil.copytree(found, elsewhere, dirs_exist_ok=True)
    stack.wrap(broken.python(stack), before=f'export PYTHONPATH={elsewhere}:$PYTHONPATH')


FAULTS = (
    Fault('stub', broken.stub('Ran 1 test: OK'), r'did not write result\.json', NUMPY),
    Fault('crash after result', broken.crash_after_result(_PROGRAM), r'signal 11|SIGSEGV', NUMPY),
    Fault('status 3', broken.status_after_result(_PROGRAM), r'exit status 3', NUMPY),
    Fault(
        'one product off by one',
        broken.change(_PROGRAM, _RESULT, 'r["dense"]["SciPy"]["sgemm"]["product"][0][5] += 1'),
        r'SciPy: sgemm: 1 of \d+ row sums',
        NUMPY,
    ),
    Fault(
        'eigenvalues off by 1e-9',
        broken.edit(
            'SciPy-bundle',
            _LINALG,
            'w, vt = gufunc(a, signature=signature, extobj=extobj)\n    w = w.astype(_real',
            'w, vt = gufunc(a, signature=signature, extobj=extobj)\n    w = (w * (1 + 1e-9))'
            '.astype(_real',
        ),
        r'NumPy: scaled error of eigenvalue',
        NUMPY,
    ),
    Fault(
        'transforms off by 1e-9',
        broken.edit(
            'SciPy-bundle',
            'scipy/fft/_pocketfft/basic.py',
            'return pfft.c2c(tmp, axes, forward, norm, out, workers)',
            'return pfft.c2c(tmp, axes, forward, norm, out, workers) * (1 + 1e-9)',
        ),
        r'error of the (transform|Parseval|round trip) \(SciPy, double precision',
        NUMPY,
    ),
    Fault(
        'solution off by 1e-9',
        broken.append(
            'SciPy-bundle',
            'numpy/linalg/__init__.py',
            '_solve = solve\nsolve = lambda a, b: _solve(a * (1 + 1e-9), b)',
        ),
        r'NumPy: scaled error of LU',
        NUMPY,
    ),
    Fault(
        'missing BLAS',
        broken.missing('SciPy-bundle', 'numpy.libs/libopenblas*'),
        r'libopenblas.*cannot open',
        NUMPY,
    ),
    Fault('one thread', _one_thread, r'threads that the kernel counts is 1', NUMPY),
    Fault('another NumPy', _another_numpy, r'was imported, not that of', NUMPY),
    Fault(
        'played back',
        broken.played_back(_RESULT, 'task.json'),
        r"does not reflect this run's nonce",
        TWICE,
    ),
    Fault(
        'played back with the right nonce',
        broken.played_back(_RESULT, 'task.json', nonce=True),
        r'NumPy: ',
        TWICE,
    ),
)

APPLICATION = Application(
    'NumPy',
    'python',
    FAULTS,
    sound=(NUMPY,),
    always=0,
)
