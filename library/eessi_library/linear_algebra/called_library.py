"""Products, factorisations and spectra by a library that the stack's programs call."""

from __future__ import annotations

from typing import Any, ClassVar

from reframe.core.builtins import performance_function, variable

from eessi_library.expect import expect
from eessi_library.linear_algebra import dense
from eessi_library.linear_algebra.task_program import TaskProgramTest


class DenseLinearAlgebra(TaskProgramTest, pin_prefix=True):
    """gemm, LU, Cholesky, eigenvalues and SVD of one library, called through ctypes; abstract.

    The program only calls the library; every number is judged here, see
    :mod:`eessi_library.linear_algebra.dense` for the truths and their tolerances. A subclass
    names its :attr:`library`, which the program must know, and judges what is its own.
    """

    #: Name of the library; in lower case the prefix of the functions that tell about it.
    library: ClassVar[str] = ''

    #: Largest dimension of the products; the nonce takes up to 31 off each, so that sizes are odd.
    order = variable(int, value=512, loggable=True)

    #: Products are repeated this many times; the best time counts.
    repeats = variable(int, value=5, loggable=True)

    #: Directory below which the library is found, shell variables allowed; '' asks the loader.
    library_root = variable(str, value='')

    #: File names of the library, the first found counts.
    library_names = variable(tuple)

    #: Kernel of OpenBLAS that must be in use, e.g. ``Haswell``; '' accepts every name that it
    #: knows.
    core_name = variable(str, value='')

    program = 'blas_program.py'
    thread_variables = ('OPENBLAS_NUM_THREADS', 'OMP_NUM_THREADS')

    varies = 'sizes and entries of all matrices; the nonce is echoed in the result'
    truths: ClassVar[dict[str, str]] = {
        'products': 'integer arithmetic, exact',
        'LU': "HPL's scaled residual < 16, recomputed from the solution",
        'Cholesky': 'closed form of the factor of c^2 min(i, j)',
        'spectra': 'eigenvalues and singular values of reflected diagonal matrices',
        'layout': 'threads asked for, as the library and as the kernel counts them',
        'kernel': "name known to OpenBLAS' run-time dispatch",
    }
    directions: ClassVar[dict[str, str]] = {
        'dgemm': 'higher',
        'sgemm': 'higher',
        'zgemm': 'higher',
        'lu': 'higher',
        'lu_residual': 'truth',
        'cholesky_error': 'truth',
        'largest_spectral_error': 'truth',
    }

    @property
    def task(self) -> dict[str, Any]:
        """What the program is asked to compute."""
        task = dense.make_task(self.nonce, self.order, self.repeats)
        return {
            **task,
            'library': self.library.lower(),
            'root': self.library_root,
            'names': self.library_names,
        }

    def expect_answers(self, result: dict[str, Any]) -> None:
        """Judge the library, then its numbers."""
        self.expect_library(result)
        dense.judge(self.task, result)

    def expect_library(self, result: dict[str, Any]) -> None:
        """Fail unless the right library did it, with the threads asked for."""
        raise NotImplementedError

    def expect_threads(self, result: dict[str, Any]) -> None:
        """Fail unless library and kernel count the threads asked for."""
        for who, found in (
            (self.library, result['threads']),
            ('the kernel', result['kernel_threads']),
        ):
            expect(
                found == self.threads, f'{who} counts {found} thread(s), asked for {self.threads}'
            )

    def expect_kernel(self, core: str) -> None:
        """Fail unless OpenBLAS chose a kernel that exists and, if one is asked for, that one."""
        expect(core.lower() in dense.CORE_NAMES, f'OpenBLAS reports an unknown kernel {core!r}')
        expect(
            self.core_name.lower() in ('', core.lower()),
            f'OpenBLAS uses the kernel {core}, expected {self.core_name}',
        )

    @performance_function('GFLOP/s')
    def dgemm(self) -> float:
        """Speed of the double precision product."""
        return dense.gflops(self.task, self.result(), 'dgemm')

    @performance_function('GFLOP/s')
    def sgemm(self) -> float:
        """Speed of the single precision product."""
        return dense.gflops(self.task, self.result(), 'sgemm')

    @performance_function('GFLOP/s')
    def zgemm(self) -> float:
        """Speed of the double precision complex product."""
        return dense.gflops(self.task, self.result(), 'zgemm')

    @performance_function('GFLOP/s')
    def lu(self) -> float:
        """Speed of the linear solver."""
        return dense.gflops(self.task, self.result(), 'solve')

    @performance_function('1')
    def lu_residual(self) -> float:
        """Scaled residual of the linear system."""
        return dense.solve_residual(self.task, self.result())

    @performance_function('1')
    def cholesky_error(self) -> float:
        """Scaled error of the Cholesky factor."""
        return dense.cholesky_error(self.task, self.result())

    @performance_function('1')
    def largest_spectral_error(self) -> float:
        """Largest scaled error of eigenvalues, singular values and decompositions."""
        return max(dense.spectral_errors(self.task, self.result()).values())
