"""Fourier transforms by the library that the stack's programs call."""

from __future__ import annotations

from typing import Any, ClassVar

from reframe.core.builtins import performance_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_within
from eessi_library.linear_algebra import transforms
from eessi_library.linear_algebra.task_program import TaskProgramTest


class FourierTransforms(TaskProgramTest, pin_prefix=True):
    """Complex, real and two-dimensional transforms of FFTW in both precisions, through ctypes.

    The program only calls the library; every number is judged here, see
    :mod:`eessi_library.linear_algebra.transforms` for the truths and their tolerances. All is done
    with each kind of threads that the installation has, POSIX and OpenMP.
    """

    #: Points of the timed transform.
    length = variable(int, value=2**16, loggable=True)

    #: The timed transform is repeated this many times; the best time counts.
    repeats = variable(int, value=20, loggable=True)

    #: Directory below which the library is found, shell variables allowed; '' asks the loader.
    library_root = variable(str, value='')

    program = 'fft_program.py'

    varies = 'lengths and data of all transforms; the nonce is echoed in the result'
    truths: ClassVar[dict[str, str]] = {
        'transforms': 'definition of the transform, summed in plain Python',
        'round trips': 'the data that went in',
        'Parseval': 'power of the integers that went in, exact',
        'pure tone': 'n at one place, nothing elsewhere',
        'layout': 'threads asked for, as FFTW and as the kernel counts them',
    }
    directions: ClassVar[dict[str, str]] = {
        'double_speed': 'higher',
        'single_speed': 'higher',
        'largest_error': 'truth',
    }

    @property
    def task(self) -> dict[str, Any]:
        """What the program is asked to compute."""
        task = transforms.make_task(self.nonce, self.length, self.repeats, self.threads)
        return {**task, 'root': self.library_root}

    def expect_answers(self, result: dict[str, Any]) -> None:
        """Judge each kind of threads."""
        for kind, found in _by_kind(result).items():
            self._expect_sound(kind, found)

    def _expect_sound(self, kind: str, result: dict[str, Any]) -> None:
        try:
            self._expect_layout(result)
            transforms.judge(self.task, result)
        except SanityError as error:
            raise SanityError(f'libfftw3_{kind}: {error}') from None

    def _expect_layout(self, result: dict[str, Any]) -> None:
        for precision in transforms.PRECISIONS:
            found = result[precision]['threads']
            # FFTW before 3.3.9 cannot be asked.
            expect(
                found in (None, self.threads),
                f'FFTW plans for {found} thread(s) in {precision} precision, '
                f'asked for {self.threads}',
            )
        # Each precision keeps its own workers (threads) or all share them (OpenMP).
        expect_within(
            'number of threads that the kernel counts',
            result['kernel_threads'],
            self.threads,
            1 + 2 * (self.threads - 1),
        )

    @performance_function('GFLOP/s')
    def double_speed(self) -> float:
        """Speed of the long transform in double precision."""
        return transforms.gflops(self.task, self.result(), 'double')

    @performance_function('GFLOP/s')
    def single_speed(self) -> float:
        """Speed of the long transform in single precision."""
        return transforms.gflops(self.task, self.result(), 'single')

    @performance_function('1')
    def largest_error(self) -> float:
        """Largest error of any transform in eps log2 n."""
        kinds = _by_kind(self.result()).values()
        return max(error for one in kinds for error in transforms.errors(self.task, one).values())


def _by_kind(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return kind of threads -> everything computed with it."""
    return {result['kind']: result, **result['others']}
