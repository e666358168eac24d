"""HPC Challenge: HPL, DGEMM, PTRANS, FFT, STREAM and RandomAccess over MPI."""

from __future__ import annotations

import math
from functools import cache
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_close, expect_within
from eessi_library.library_test import LibraryTest
from eessi_library.linear_algebra import hpl_matrix
from eessi_library.linear_algebra.hpcc_output import HpccOutput, OutputError, parse_output
from eessi_library.linear_algebra.matrices import EPSILON, SCALED_RESIDUAL_LIMIT
from eessi_library.nonce import integer

#: HPL's solution is compared with one computed here up to this order (time grows with its cube).
_SOLVE_UP_TO = 448

#: The summary prints norms with six digits.
_PRINTED = 1e-5

_known_norms = cache(hpl_matrix.norms)


class HPCChallenge(LibraryTest, pin_prefix=True):
    """One run of ``hpcc`` on all ranks, judged by HPL's own criterion and by HPL's known matrix.

    Truths: norms of HPL's generated matrix and of the solution of its system, made again in
    :mod:`eessi_library.linear_algebra.hpl_matrix` (tolerance: the six printed digits); scaled
    residuals of HPL, DGEMM and PTRANS below 16; the FFT's round trip; no wrong word in
    RandomAccess; validated STREAM arrays; the process grid that was asked for.
    """

    #: Order of HPL's system; the nonce adds up to 63. Above 448 the solution is not made again.
    order = variable(int, value=352, loggable=True)

    #: Blocking factor; the nonce adds up to 31.
    blocking = variable(int, value=24, loggable=True)

    #: HPC Challenge executable.
    executable = 'hpcc'

    varies = "orders of HPL's and PTRANS' matrices and blocking factor, all echoed in hpccoutf.txt"
    truths: ClassVar[dict[str, str]] = {
        'norms': "HPL's generator and an elimination in plain Python",
        'scaled residuals': "HPL's criterion: below 16; recomputed from the printed norms",
        'FFT': 'round trip within 16 eps log2 n',
        'RandomAccess': 'no wrong word',
        'layout': 'process grid asked for',
    }
    directions: ClassVar[dict[str, str]] = {
        'hpl': 'higher',
        'dgemm': 'higher',
        'mpi_fft': 'higher',
        'stream_triad': 'higher',
        'transpose': 'higher',
        'hpl_residual': 'truth',
        'dgemm_residual': 'truth',
        'fft_error': 'truth',
    }

    @property
    def grid(self) -> tuple[int, int]:
        """Process grid P x Q, as square as the number of ranks allows, P <= Q."""
        ranks = self.num_tasks
        rows = next(p for p in range(math.isqrt(ranks), 0, -1) if ranks % p == 0)
        return rows, ranks // rows

    @property
    def nonce_order(self) -> int:
        """Order of HPL's system in this run."""
        return self.order + integer(self.nonce, 'hpl order', 0, 63)

    @property
    def nonce_blocking(self) -> int:
        """Blocking factor of this run."""
        return self.blocking + integer(self.nonce, 'hpl blocking', 0, 31)

    @property
    def transpose_order(self) -> int:
        """Order of an additional matrix for PTRANS."""
        return 201 + integer(self.nonce, 'ptrans order', 0, 255)

    @run_before('run')
    def write_input(self) -> None:
        """Write the input file; the kernels run on one thread each."""
        self.write('hpccinf.txt', self._parameters())
        self.env_vars['OMP_NUM_THREADS'] = self.num_cpus_per_task or 1
        self.env_vars['OPENBLAS_NUM_THREADS'] = self.num_cpus_per_task or 1

    def _parameters(self) -> str:
        rows, columns = self.grid
        return f"""\
HPLinpack benchmark input file
nonce {self.nonce}
HPL.out      output file name (if any)
8            device out (6=stdout,7=stderr,file)
1            # of problems sizes (N)
{self.nonce_order} Ns
1            # of NBs
{self.nonce_blocking} NBs
0            PMAP process mapping (0=Row-,1=Column-major)
1            # of process grids (P x Q)
{rows} Ps
{columns} Qs
{SCALED_RESIDUAL_LIMIT} threshold
1            # of panel fact
2            PFACTs (0=left, 1=Crout, 2=Right)
1            # of recursive stopping criterium
4            NBMINs (>= 1)
1            # of panels in recursion
2            NDIVs
1            # of recursive panel fact.
1            RFACTs (0=left, 1=Crout, 2=Right)
1            # of broadcast
1            BCASTs (0=1rg,1=1rM,2=2rg,3=2rM,4=Lng,5=LnM)
1            # of lookahead depth
1            DEPTHs (>=0)
2            SWAP (0=bin-exch,1=long,2=mix)
64           swapping threshold
0            L1 in (0=transposed,1=no-transposed) form
0            U  in (0=transposed,1=no-transposed) form
1            Equilibration (0=no,1=yes)
8            memory alignment in double (> 0)
##### separator #####
1            Number of additional problem sizes for PTRANS
{self.transpose_order} values of N
0            Number of additional blocking sizes for PTRANS
{self.nonce_blocking} values of NB
"""

    @sanity_function
    def every_part_passes(self) -> bool:
        """Judge the run by its end, nonce, layout and numbers, in that order."""
        self.expect_clean_end()
        try:
            output = self._output()
            expect(output.finished, 'hpccoutf.txt is cut short: "End of HPC Challenge tests."')
            expect(output.summary.get('Success') == '1', 'HPC Challenge reports no success')
            self._expect_nonce(output)
            self._expect_layout(output)
            self._expect_solution(output)
            self._expect_kernels(output)
        except OutputError as error:
            raise SanityError(str(error)) from None
        return True

    def _output(self) -> HpccOutput:
        try:
            return parse_output(self.require_output('hpccoutf.txt'))
        except OutputError as error:
            raise SanityError(str(error)) from None

    def _expect_nonce(self, output: HpccOutput) -> None:
        for name, asked in (('HPL_N', self.nonce_order), ('HPL_NB', self.nonce_blocking)):
            found = output.summary.get(name)
            expect(
                found == str(asked),
                f"hpccoutf.txt does not reflect this run's nonce: {name} is {found}, not {asked}"
                ' (a recorded or foreign output)',
            )
        orders = {line.rows for line in output.transposes}
        expect(
            self.transpose_order in orders,
            f"hpccoutf.txt does not reflect this run's nonce: PTRANS ran orders {sorted(orders)},"
            f' asked for {self.transpose_order}',
        )

    def _expect_layout(self, output: HpccOutput) -> None:
        ranks = output.number('CommWorldProcs')
        expect(
            ranks == self.num_tasks,
            f'hpcc reports {ranks:.0f} rank(s), asked for {self.num_tasks}',
        )
        found = (output.number('HPL_nprow'), output.number('HPL_npcol'))
        expect(found == self.grid, f'HPL ran on a grid of {found}, asked for {self.grid}')
        expect(
            output.number('MPIFFT_Procs') >= 1 and output.number('HPLMaxProcs') == self.num_tasks,
            'parts of HPC Challenge ran on fewer ranks than asked for',
        )

    def _expect_solution(self, output: HpccOutput) -> None:
        known = _known_norms(self.nonce_order, _SOLVE_UP_TO)
        for name, expected in (
            ('HPL_Anorm1', known.matrix_one),
            ('HPL_AnormI', known.matrix_infinity),
            ('HPL_BnormI', known.right_hand_side),
            ('HPL_XnormI', known.solution),
        ):
            if expected is not None:
                expect_close(name, output.number(name), expected, _PRINTED)
        expect(bool(output.hpl_residuals), 'hpccoutf.txt has no scaled residual of HPL')
        computed = self._residual(output)
        for printed, passed in output.hpl_residuals:
            expect(passed, f'HPL itself rejects its scaled residual of {printed:g}')
            expect_within('scaled residual of HPL', printed, 0.0, SCALED_RESIDUAL_LIMIT)
            expect_close('printed scaled residual of HPL', printed, computed, 1e-3)

    def _residual(self, output: HpccOutput) -> float:
        scale = output.number('HPL_AnormI') * output.number('HPL_XnormI')
        scale += output.number('HPL_BnormI')
        # HPL's eps is the unit round-off, half of EPSILON.
        return output.number('HPL_RnormI') / (EPSILON / 2 * scale * self.nonce_order)

    def _expect_kernels(self, output: HpccOutput) -> None:
        for line in output.transposes:
            expect(line.passed, f'PTRANS of order {line.rows} did not pass')
            expect_within('residual of PTRANS', line.residual, 0.0, SCALED_RESIDUAL_LIMIT)
        expect(bool(output.dgemm_residuals), 'hpccoutf.txt has no scaled residual of DGEMM')
        for residual in output.dgemm_residuals:
            expect_within('scaled residual of DGEMM', residual, 0.0, SCALED_RESIDUAL_LIMIT)
        wrong = sum(output.random_access_errors) + sum(output.failed_nodes)
        wrong += int(output.number('MPIRandomAccess_Errors'))
        wrong += int(output.number('MPIRandomAccess_LCG_Errors'))
        expect(wrong == 0, f'RandomAccess, STREAM or DGEMM report {wrong} error(s)')
        expect(
            len(output.random_access_errors) >= 4,
            f'only {len(output.random_access_errors)} of 4 RandomAccess runs verified their table',
        )
        expect(output.validated_streams >= 1, 'STREAM did not validate its arrays')
        limit = 16 * EPSILON * math.log2(output.number('MPIFFT_N'))
        expect_within('error of MPIFFT', output.number('MPIFFT_maxErr'), 0.0, limit)

    @performance_function('GFLOP/s')
    def hpl(self) -> float:
        """Speed of HPL on all ranks."""
        return 1000 * self._output().number('HPL_Tflops')

    @performance_function('GFLOP/s')
    def dgemm(self) -> float:
        """Mean speed of the matrix product of each rank, all ranks at work."""
        return self._output().number('StarDGEMM_Gflops')

    @performance_function('GFLOP/s')
    def mpi_fft(self) -> float:
        """Speed of the Fourier transform over all ranks."""
        return self._output().number('MPIFFT_Gflops')

    @performance_function('GB/s')
    def stream_triad(self) -> float:
        """Mean bandwidth of STREAM's triad of each rank, all ranks at work."""
        return self._output().number('StarSTREAM_Triad')

    @performance_function('GB/s')
    def transpose(self) -> float:
        """Best rate of the matrix transposition over all ranks."""
        return self._output().number('PTRANS_GBs')

    @performance_function('1')
    def hpl_residual(self) -> float:
        """Scaled residual of HPL's system."""
        return self._residual(self._output())

    @performance_function('1')
    def dgemm_residual(self) -> float:
        """Largest scaled residual of the matrix products."""
        return max(self._output().dgemm_residuals, default=math.nan)

    @performance_function('1')
    def fft_error(self) -> float:
        """Largest error of the round trip of MPIFFT."""
        return self._output().number('MPIFFT_maxErr')
