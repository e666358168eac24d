"""A run of a given, checked input: HECBioSim's benchmarks and a site's own."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_close
from eessi_library.gromacs.log import LogError, MdLog, parse_log
from eessi_library.library_test import LibraryTest
from eessi_library.nonce import integer


class TprBenchmark(LibraryTest, pin_prefix=True):
    """Run a prepared ``.tpr`` file that was fetched beforehand and matches its SHA-256.

    HECBioSim's inputs (https://www.hecbiosim.ac.uk/access-hpc/benchmarks) fit, e.g. Crambin with
    a total energy of -204107 kJ/mol within 0.1 % (the value ReFrame's hpctestlib carries).
    """

    #: Name under which the input is known, e.g. ``HECBioSim/Crambin``.
    benchmark = variable(str, loggable=True)

    #: Path of the fetched ``.tpr`` file; nothing is downloaded.
    input_file = variable(str)

    #: SHA-256 of the input file in hexadecimal.
    input_sha256 = variable(str, loggable=True)

    #: Mean total energy in kJ/mol that the input is known for.
    total_energy = variable(float)

    #: Relative difference of the total energy that is accepted.
    tolerance = variable(float, value=0.001)

    #: Steps; the nonce adds up to 9,999, which md.log reflects.
    steps = variable(int, value=10000, loggable=True)

    #: GROMACS executable.
    gmx = variable(str, value='gmx_mpi', loggable=True)

    #: Where the non-bonded interactions run: ``cpu`` or ``gpu``.
    offload = variable(str, value='cpu', loggable=True)

    varies = 'number of steps, echoed in md.log'
    truths: ClassVar[dict[str, str]] = {'total energy': 'published with the input'}
    directions: ClassVar[dict[str, str]] = {'speed': 'higher', 'mean_total_energy': 'truth'}

    @property
    def nonce_steps(self) -> int:
        """Steps of this run."""
        return self.steps + integer(self.nonce, 'steps', 0, 9999)

    @run_before('run')
    def check_input(self) -> None:
        """Refuse an input that is not the one that was named."""
        digest = hashlib.sha256(Path(self.input_file).read_bytes()).hexdigest()
        if digest != self.input_sha256:
            raise SanityError(
                f'{self.input_file} has SHA-256 {digest}, expected {self.input_sha256}: '
                'fetch it again'
            )

    @run_before('run')
    def compose_command(self) -> None:
        """Run the input for this run's number of steps."""
        threads = self.num_cpus_per_task or 1
        self.env_vars['OMP_NUM_THREADS'] = threads
        self.executable = self.gmx
        self.executable_opts = [
            'mdrun', '-s', self.input_file, '-deffnm', 'md', '-nsteps', str(self.nonce_steps),
            '-ntomp', str(threads), '-nb', self.offload,
        ]  # fmt: skip

    @sanity_function
    def energy_is_right(self) -> bool:
        """Judge the run by its end, its nonce and its mean total energy."""
        self.expect_clean_end()
        run = self._log()
        expect(run.finished, 'md.log is cut short: "Finished mdrun" is missing')
        expect(
            run.last_step() == self.nonce_steps,
            f'md.log ends at step {run.last_step()}, not {self.nonce_steps}: '
            'not the log of this run',
        )
        expect_close(
            'mean total energy',
            self.mean_total_energy_of(run),
            self.total_energy,
            self.tolerance,
            'kJ/mol',
        )
        return True

    def _log(self) -> MdLog:
        try:
            return parse_log(self.require_output('md.log'))
        except LogError as error:
            raise SanityError(str(error)) from None

    @staticmethod
    def mean_total_energy_of(run: MdLog) -> float:
        """Mean total energy in kJ/mol; NaN if the log has none."""
        try:
            return run.mean('Total Energy')
        except LogError:
            return math.nan

    @performance_function('ns/day')
    def speed(self) -> float:
        """Simulated time per day."""
        speed = self._log().speed_ns_per_day
        if speed is None:
            raise SanityError('md.log prints no ns/day')
        return speed

    @performance_function('kJ/mol')
    def mean_total_energy(self) -> float:
        """Mean total energy."""
        return self.mean_total_energy_of(self._log())
