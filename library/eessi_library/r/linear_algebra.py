"""Linear algebra, statistics and random numbers in R."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.diagnosis import comes_from
from eessi_library.expect import expect
from eessi_library.interpreter import r_error
from eessi_library.library_test import LibraryTest
from eessi_library.r import algebra_truths as truths
from eessi_library.r.blas_in_use import judge_blas, marks_in_r
from eessi_library.r.output import SAY, OutputError, Said, assignments, parse_output

_FRONT_END_OUTPUT = 'front-end.out'


class LinearAlgebraInR(LibraryTest, pin_prefix=True):
    """solve, qr, chol, eigen, svd, products, distributions and random numbers of one R session.

    Every printed number is judged against plain Python, see
    :mod:`eessi_library.r.algebra_truths` and :mod:`eessi_library.r.statistics` for truths and
    tolerances. The BLAS in use is read from the kernel's list of mapped files, and must be an
    optimised one by what it is, not by its name: :mod:`eessi_library.r.blas_in_use`.
    """

    #: Largest dimension of the products; other systems have half of it.
    order = variable(int, value=400, loggable=True)

    #: Products are repeated this many times; the best time counts.
    repeats = variable(int, value=5, loggable=True)

    #: Environment variables that name the installations whose BLAS R may use; () accepts any
    #: optimised one.
    blas_roots = variable(tuple, value=())

    #: R's front end for scripts, which starts another file than the one that users type.
    executable = 'Rscript'

    #: The program that users type. It runs the same script first.
    front_end = variable(str, value='R')

    launched = False

    varies = 'sizes and entries of all matrices, arguments and seed; the nonce is echoed'
    truths: ClassVar[dict[str, str]] = {
        'products, Cholesky': 'integer arithmetic, closed form of the factor',
        'systems': "HPL's scaled residual < 16, recomputed from the solution",
        'spectra': 'eigenvalues and singular values of reflected diagonal matrices',
        'Hilbert, Vandermonde': 'integer inverse (Choi 1983), product of differences',
        'distributions': 'rational sums and closed forms (Abramowitz and Stegun, chapter 26)',
        'regression, transform': 'normal equations in fractions, definition of the transform',
        'random numbers': 'Mersenne Twister (Matsumoto and Nishimura 1998)',
        'BLAS, layout': "the kernel's list of mapped files and of threads; functions that only "
        'optimised libraries have',
    }
    directions: ClassVar[dict[str, str]] = {
        'session': 'lower',
        'product_time': 'lower',
        'product_speed': 'higher',
        'largest_scaled_error': 'truth',
        'largest_relative_error': 'truth',
    }

    @property
    def threads(self) -> int:
        """Threads that BLAS must use."""
        return self.num_cpus_per_task or 1

    @property
    def task(self) -> dict[str, Any]:
        """The numbers that the script starts from."""
        return truths.make_task(self.nonce, self.order, self.repeats)

    @run_before('run')
    def write_input(self) -> None:
        """Write the script and ask for threads."""
        names = ', '.join(f"'{name}'" for name in self.blas_roots)
        source = Path(__file__).with_name('linear_algebra.R').read_text(encoding='utf-8')
        script = [
            SAY,
            assignments(self.task),
            f'blas_roots <- c({names or "character()"})\n',
            marks_in_r(),
            source,
        ]
        self.write('linear_algebra.R', '\n'.join(script))
        for name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
            self.env_vars[name] = self.threads
        self.executable_opts = ['--vanilla', 'linear_algebra.R']
        if self.program_root:
            self.prerun_cmds.append(comes_from(self.front_end, self.program_root))
        command = f'{self.front_end} --vanilla --no-echo -f linear_algebra.R'
        self.prerun_cmds.append(f'{command} >{_FRONT_END_OUTPUT}')

    def last_words(self, output: str) -> str | None:
        """Return the error that ended R."""
        return r_error(output)

    @sanity_function
    def answers_are_known(self) -> bool:
        """Judge the run by its end, nonce, BLAS, layout and numbers, in that order."""
        self.expect_clean_end()
        self._expect_answers('the output', self._said())
        front_end = parse_output(self.require_output(_FRONT_END_OUTPUT))
        try:
            self._expect_answers(_FRONT_END_OUTPUT, front_end)
        except SanityError as error:
            raise SanityError(f'{self.front_end}: {error}') from None
        return True

    def _expect_answers(self, name: str, said: Said) -> None:
        try:
            self.expect_nonce(name, said.text('nonce'))
            self._expect_blas(said)
            truths.judge(self.task, said)
        except OutputError as error:
            raise SanityError(str(error)) from None

    def _said(self) -> Said:
        return parse_output(self.require_output(str(self.stdout)))

    def _expect_blas(self, said: Said) -> None:
        judge_blas(said, self.blas_roots)
        threads = said.number('kernel threads')
        expect(
            threads == self.threads,
            f'the kernel counts {threads:.0f} thread(s) of R, asked for {self.threads}',
        )

    @performance_function('s')
    def session(self) -> float:
        """Wall time of all computations."""
        return self._said().number('seconds')

    @performance_function('s')
    def product_time(self) -> float:
        """Best wall time of one matrix product; R's clock ticks in ms."""
        return max(self._said().number('gemm seconds'), 0.0005)

    @performance_function('GFLOP/s')
    def product_speed(self) -> float:
        """Speed of the matrix product."""
        task = self.task
        work = 2 * task['product_m'] * task['product_k'] * task['product_n']
        return work / max(self._said().number('gemm seconds'), 0.0005) / 1e9

    @performance_function('1')
    def largest_scaled_error(self) -> float:
        """Largest scaled residual or error of the linear algebra."""
        return max(truths.scaled_errors(self.task, self._said()).values())

    @performance_function('1')
    def largest_relative_error(self) -> float:
        """Largest relative error of the statistics, in units of their tolerance."""
        return max(truths.relative_errors(self.task, self._said()).values())
