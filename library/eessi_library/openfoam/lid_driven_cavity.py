"""A lid-driven cavity at Re = 100, judged by published solutions and by its own equations."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.diagnosis import ERROR_TRAP
from eessi_library.expect import expect, expect_close
from eessi_library.library_test import LibraryTest
from eessi_library.nonce import real
from eessi_library.openfoam import balance, judge
from eessi_library.openfoam.case_files import REYNOLDS, Cavity
from eessi_library.openfoam.fields import FieldError, internal_field, patch_vector
from eessi_library.openfoam.log import (
    LogError,
    SolverLog,
    fatal_error,
    parse_log,
    without_trap_notice,
)

#: Sets up OpenFOAM where its module leaves that to the user (EasyBuild: ``source $FOAM_BASH``).
#: That script is not written for ``set -e``.
_SET_UP = (
    'if [ -n "${FOAM_BASH:-}" ]; then '
    f'trap - ERR; set +e; source "$FOAM_BASH"; set -eo pipefail; {ERROR_TRAP}; fi'
)

#: Simulated time in units of edge / lid speed. The slowest disturbance of the fluid in a square
#: decays as exp(-52.3 t nu / edge^2) (smallest eigenvalue of the clamped square), at Re = 100 as
#: exp(-0.52 t): after 25 units 2e-6 of it is left, and its rate of change is 1e-7 of the forces.
_DURATION = 25.0

#: Time steps in units of the time that the lid takes to pass a cell: only the steady state counts,
#: so they are as long as the start of the flow allows. On 16^2 to 96^2 cells 128 / cells, 4 at
#: most, is stable; 4 on 64^2 cells is not.
_COURANT_LIMITS = (1.0, 4.0)
_COURANT_TIMES_CELLS = 128.0


class LidDrivenCavity(LibraryTest, pin_prefix=True):
    """Steady flow of icoFoam in a square cavity, serial and decomposed.

    Truths, with the source of each in :attr:`truths`. Edge and lid speed are drawn from the
    nonce, the viscosity keeps Re = 100: all that is compared is dimensionless and the same for
    every run (similarity law), while every number that OpenFOAM prints is different.
    """

    #: Cells along an edge, even; 0 takes 32, or more so that each task has at least 64.
    cells = variable(int, value=0, loggable=True)

    #: Largest number of cells along an edge for which the serial run is made and compared.
    serial_limit = variable(int, value=64, loggable=True)

    #: The solver; openfoam.org keeps it among its legacy solvers.
    executable = 'icoFoam'

    varies = 'edge of the cavity and speed of the lid, hence every time and velocity of the output'

    truths: ClassVar[dict[str, str]] = {
        'centre-line velocities': 'Ghia, Ghia, Shin, J. Comput. Phys. 48 (1982) 387, Re = 100',
        'extrema on the centre lines': 'Botella, Peyret, Computers & Fluids 27 (1998) 421',
        'mass conservation': 'conservation law, cell by cell, and the continuity errors of the log',
        'momentum balance': 'discrete Navier-Stokes equations, see eessi_library.openfoam.balance',
        'parallel equals serial': 'the discrete solution does not depend on the decomposition',
        'layout': 'processes asked for',
    }

    directions: ClassVar[dict[str, str]] = {
        'step_time': 'lower',
        'wall_time': 'lower',
        'ghia_u_deviation': 'truth',
        'ghia_v_deviation': 'truth',
        'mass_imbalance': 'truth',
        'momentum_imbalance': 'truth',
    }

    @property
    def cavity(self) -> Cavity:
        """The case of this run, drawn from the nonce."""
        cells = self.cells or max(32, 2 * math.ceil(math.sqrt(64 * self.num_tasks) / 2))
        low, high = _COURANT_LIMITS
        return Cavity(
            cells=cells,
            edge=real(self.nonce, 'cavity edge', 0.05, 0.5, digits=4),
            lid_speed=real(self.nonce, 'cavity lid speed', 0.5, 5.0, digits=4),
            courant=min(max(_COURANT_TIMES_CELLS / cells, low), high),
            duration=_DURATION,
            subdomains=self.num_tasks,
        )

    @property
    def compares_with_serial(self) -> bool:
        """Whether the serial run is made; it takes long on large grids."""
        return self.cavity.cells <= self.serial_limit

    @run_before('run')
    def write_input(self) -> None:
        """Write the case twice: ``run`` is measured, ``serial`` is what it must agree with."""
        for case in ('run', 'serial') if self.compares_with_serial else ('run',):
            for path, text in self.cavity.files().items():
                Path(self.stagedir, case, path).parent.mkdir(parents=True, exist_ok=True)
                self.write(f'{case}/{path}', text)

    @run_before('run')
    def compose_commands(self) -> None:
        """Mesh, decompose and solve serially first; the decomposed run is the measured command."""
        decomposed = self.num_tasks > 1
        self.prerun_cmds += [_SET_UP, 'logged mesh.log blockMesh -case run']
        if decomposed:
            self.prerun_cmds += ['logged decompose.log decomposePar -case run']
        if self.compares_with_serial:
            self.prerun_cmds += [
                'logged mesh.log blockMesh -case serial',
                f'logged serial.log {self.executable} -case serial',
            ]
        self.prerun_cmds += ['date +%s.%N >started']
        self.executable_opts = ['-case', 'run', *(['-parallel'] if decomposed else [])]
        self.postrun_cmds += ['date +%s.%N >ended']
        if decomposed:
            self.postrun_cmds += ['logged decompose.log reconstructPar -case run -latestTime']

    @run_before('performance')
    def report_difference(self) -> None:
        """Report the difference of the two runs where there are two."""
        if self.compares_with_serial:
            self.perf_variables['decomposition_difference'] = self.decomposition_difference()

    @sanity_function
    def flow_is_right(self) -> bool:
        """Judge the run by its end, its layout, its nonce and its physics, in that order."""
        self._expect_clean_end()
        cavity = self.cavity
        names = ['run', 'serial'] if self.compares_with_serial else ['run']
        try:
            for name in names:
                judge.expect_log(
                    name, self._log(name), cavity, self.num_tasks if name == 'run' else 1
                )
            # Both first: a serial run that is wrong is not what the other may be compared with.
            for name in names:
                self._expect_physics(name)
            if self.compares_with_serial:
                judge.expect_same(self._flow('run'), self._flow('serial'))
        except (LogError, FieldError) as error:
            raise SanityError(str(error)) from None
        return True

    def read_output(self, name: str) -> str:
        """Return the text of a file of the stage directory; '' if the run did not write it."""
        return without_trap_notice(super().read_output(name))

    def _expect_clean_end(self) -> None:
        try:
            self.expect_clean_end()
        except SanityError as error:
            output = self.read_output(str(self.stdout))
            log = parse_log(output)
            reasons = [fatal_error(f'{output}\n{self.read_output(str(self.stderr))}')]
            if log.processes not in (0, self.num_tasks):
                reasons += [f'the log reports nProcs {log.processes}, asked for {self.num_tasks}']
            raise SanityError('; '.join([*filter(None, reasons), str(error)])) from None

    def _log(self, name: str) -> SolverLog:
        return parse_log(self.require_output(str(self.stdout) if name == 'run' else 'serial.log'))

    def _flow(self, name: str) -> balance.Flow:
        cavity = self.cavity
        folder = self._end_time_folder(name)
        velocity, pressure, flux = (
            internal_field(self.require_output(f'{folder}/{field}')) for field in ('U', 'p', 'phi')
        )
        try:
            flow = balance.flow_from_fields(
                velocity,
                pressure,
                flux,
                lid_speed=cavity.lid_speed,
                face_area=(cavity.edge / cavity.cells) ** 2,
            )
        except ValueError as error:
            raise FieldError(f'{folder}: {error}') from error
        expect(
            flow.cells == cavity.cells,
            f'{folder} has {flow.cells}^2 cells, not {cavity.cells}^2',
        )
        return flow

    def _end_time_folder(self, name: str) -> str:
        """Return the folder of the last time, which OpenFOAM names by the time it printed."""
        end = self.cavity.end_time
        for entry in sorted(os.listdir(os.path.join(self.stagedir, name))):
            try:
                time = float(entry)
            except ValueError:
                continue
            if math.isclose(time, end, rel_tol=1e-8):
                return f'{name}/{entry}'
        raise SanityError(f'the {name} case has not written the fields at {end:.10g} s')

    def _expect_physics(self, name: str) -> None:
        cavity = self.cavity
        lid = patch_vector(self.require_output(f'{self._end_time_folder(name)}/U'), 'movingWall')
        expect_close(f'velocity of the lid ({name})', lid[0], cavity.lid_speed, 1e-9, 'm/s')
        judge.expect_flow(name, self._flow(name))

    def _difference(self) -> float:
        return balance.largest_difference(self._flow('run'), self._flow('serial'))

    @performance_function('s')
    def step_time(self) -> float:
        """CPU time of the first process per time step, the first step left out."""
        times = self._log('run').execution_times
        return (times[-1] - times[0]) / (len(times) - 1)

    @performance_function('s')
    def wall_time(self) -> float:
        """Wall time of the measured command, start-up of the launcher included."""
        return float(self.require_output('ended')) - float(self.require_output('started'))

    @performance_function('lid speeds')
    def ghia_u_deviation(self) -> float:
        """Largest distance of u on the vertical centre line from Ghia's table."""
        return judge.ghia_deviations(self._flow('run'))['u']

    @performance_function('lid speeds')
    def ghia_v_deviation(self) -> float:
        """Largest distance of v on the horizontal centre line from Ghia's table."""
        return judge.ghia_deviations(self._flow('run'))['v']

    @performance_function('lid fluxes')
    def mass_imbalance(self) -> float:
        """Largest net mass flux of a cell."""
        return balance.mass_imbalance(self._flow('run'))

    @performance_function('largest viscous forces')
    def momentum_imbalance(self) -> float:
        """Largest imbalance of momentum of a cell."""
        return balance.momentum_imbalance(self._flow('run'), REYNOLDS)

    @performance_function('lid speeds', perf_key='decomposition_difference')
    def decomposition_difference(self) -> float:
        """Largest difference of velocity between the run and the serial one."""
        return self._difference()
