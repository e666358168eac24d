"""Products, factorisations, spectra and transforms as Python programs get them."""

from __future__ import annotations

from typing import Any, ClassVar

from reframe.core.builtins import performance_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_within
from eessi_library.linear_algebra import dense, transforms
from eessi_library.linear_algebra import matrices as mx
from eessi_library.linear_algebra.task_program import TaskProgramTest

#: What the program calls, and the precision of each set of transforms.
LIBRARIES = ('NumPy', 'SciPy')
PRECISIONS = {
    'NumPy, double': mx.EPSILON,
    'SciPy, double': mx.EPSILON,
    'SciPy, single': mx.EPSILON_SINGLE,
}


def lu_error(task: dict[str, Any], result: dict[str, Any]) -> float:
    """Scaled error of ``P L U w`` against ``A w`` in integers."""
    n = task['dense']['solve']['n']
    matrix = mx.IntegerMatrix(**task['dense']['solve']['a']).rows(n, n)
    expected = mx.times(matrix, task['lu_w'])
    size = mx.matrix_norm(matrix) * mx.norm(task['lu_w'])
    return mx.scaled_difference(result['lu'], expected, size, n)


def judge(task: dict[str, Any], result: dict[str, Any]) -> None:
    """Fail with a sentence that names the library unless every number is right. Pure."""
    for library in LIBRARIES:
        try:
            dense.judge(task['dense'], result['dense'][library])
        except SanityError as error:
            raise SanityError(f'{library}: {error}') from None
    error = lu_error(task, result)
    expect_within("scaled error of SciPy's P L U", error, 0.0, mx.SCALED_RESIDUAL_LIMIT)
    for name, value in transforms.errors(
        task['transforms'], result['transforms'], PRECISIONS
    ).items():
        expect_within(f'error of the {name}', value, 0.0, transforms.LIMIT, 'eps log2 n')


class NumpyAndScipy(TaskProgramTest, pin_prefix=True):
    """gemm, LU, Cholesky, eigenvalues, SVD and FFT through NumPy and through SciPy.

    The same tasks and truths as for OpenBLAS and FFTW alone: :mod:`~.dense`, :mod:`~.transforms`.
    What differs is what is under test: the BLAS that NumPy and SciPy were built with.
    """

    #: Largest dimension of the products; the nonce takes up to 31 off each, so that sizes are odd.
    order = variable(int, value=512, loggable=True)

    #: Points of the timed transform.
    length = variable(int, value=2**16, loggable=True)

    #: Products and the timed transform are repeated this many times; the best time counts.
    repeats = variable(int, value=5, loggable=True)

    #: Directory below which NumPy and SciPy must lie, shell variables allowed; '' accepts any.
    numpy_root = variable(str, value='')

    program = 'scipy_program.py'
    thread_variables = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS')

    varies = 'sizes and entries of all matrices and signals; the nonce is echoed in the result'
    truths: ClassVar[dict[str, str]] = {
        'products': 'integer arithmetic, exact',
        'LU': "HPL's scaled residual < 16, recomputed from the solution; P L U against A",
        'Cholesky': 'closed form of the factor of c^2 min(i, j)',
        'spectra': 'eigenvalues and singular values of reflected diagonal matrices',
        'transforms': 'definition of the transform, summed in plain Python; Parseval',
        'layout': 'threads asked for, as the kernel counts them; libraries within the stack',
    }
    directions: ClassVar[dict[str, str]] = {
        'dgemm': 'higher',
        'lu': 'higher',
        'transform_speed': 'higher',
        'lu_residual': 'truth',
        'largest_spectral_error': 'truth',
        'largest_transform_error': 'truth',
    }

    @property
    def task(self) -> dict[str, Any]:
        """What the program is asked to compute."""
        task = dense.make_task(self.nonce, self.order, self.repeats)
        return {
            'nonce': self.nonce,
            'root': self.numpy_root,
            'dense': task,
            'lu_w': mx.integer_vector(self.nonce, 'lu w', task['solve']['n']),
            'transforms': transforms.make_task(self.nonce, self.length, self.repeats, 1),
        }

    def expect_answers(self, result: dict[str, Any]) -> None:
        """Judge the libraries, then their numbers."""
        self._expect_layout(result)
        judge(self.task, result)

    def _expect_layout(self, result: dict[str, Any]) -> None:
        # NumPy and SciPy share their BLAS, or each brings one with threads of its own.
        expect_within(
            'number of threads that the kernel counts',
            result['kernel_threads'],
            self.threads,
            1 + len(LIBRARIES) * (self.threads - 1),
        )
        if root := result['root']:
            for place in result['places']:
                expect(place.startswith(f'{root}/'), f'{place} was imported, not that of {root}')
        if self.program_root:
            for path in result['libraries']:
                expect(
                    path.startswith(f'{self.program_root}/'),
                    f'{path} was loaded, which is not in {self.program_root}',
                )

    def _speed(self, library: str, name: str) -> float:
        return dense.gflops(self.task['dense'], self.result()['dense'][library], name)

    @performance_function('GFLOP/s')
    def dgemm(self) -> float:
        """Speed of NumPy's double precision product."""
        return self._speed('NumPy', 'dgemm')

    @performance_function('GFLOP/s')
    def lu(self) -> float:
        """Speed of SciPy's linear solver."""
        return self._speed('SciPy', 'solve')

    @performance_function('GFLOP/s')
    def transform_speed(self) -> float:
        """Speed of SciPy's long transform in double precision."""
        result = self.result()['transforms']
        return transforms.gflops(self.task['transforms'], result, 'SciPy, double')

    @performance_function('1')
    def lu_residual(self) -> float:
        """Larger scaled residual of the two linear systems."""
        task, result = self.task['dense'], self.result()['dense']
        return max(dense.solve_residual(task, result[library]) for library in LIBRARIES)

    @performance_function('1')
    def largest_spectral_error(self) -> float:
        """Largest scaled error of eigenvalues, singular values and decompositions."""
        task, result = self.task['dense'], self.result()['dense']
        return max(max(dense.spectral_errors(task, result[n]).values()) for n in LIBRARIES)

    @performance_function('1')
    def largest_transform_error(self) -> float:
        """Largest error of any transform in eps log2 n."""
        task, result = self.task['transforms'], self.result()['transforms']
        return max(transforms.errors(task, result, PRECISIONS).values())
