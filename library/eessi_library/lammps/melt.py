"""A melting Lennard-Jones crystal, judged by mechanics and by a published equation of state."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect
from eessi_library.lammps import lennard_jones, melt_truths
from eessi_library.lammps.log import Log, LogError, error_message, parse_log
from eessi_library.library_test import LibraryTest
from eessi_library.nonce import integer, real

#: Length and time step of the trajectory that the test computes itself.
_EXACT_STEPS = 10
_EXACT_TIME_STEP = 0.004

#: Threads of a rank in the run by the package OPENMP: the fewest that can disagree.
_THREADS = 2

#: The suffix of the package KOKKOS.
_KOKKOS = 'kk'

#: What ``lmp -h`` prints before and after the packages that it was built with.
_PACKAGES, _STYLES = 'Installed packages:', 'List of individual style options'


class LennardJonesMelt(LibraryTest, pin_prefix=True):
    """A face-centred cubic Lennard-Jones crystal melts at constant energy (NVE).

    Two runs: a disordered box of 256 atoms for ten steps, which the test integrates itself in
    plain Python, and the melt. Truths, with the source of each in :attr:`truths`: that exact
    trajectory, the lattice sum of the starting crystal, conservation of energy and momentum,
    and the equation of state of the liquid. They do not depend on ranks and threads: where LAMMPS
    lists the package OPENMP, the disordered box is run by its styles with two threads as well.
    """

    #: Cells of four atoms along each edge: 8 gives 2,048 atoms, 20 gives 32,000.
    cells = variable(int, value=8, loggable=True)

    #: Steps of the melt; the first third is not averaged.
    steps = variable(int, value=2000, loggable=True)

    #: Time step of the melt in reduced units (0.004 is about 9 fs for argon).
    time_step = variable(float, value=0.004, loggable=True)

    #: LAMMPS executable.
    lmp = variable(str, value='lmp', loggable=True)

    #: Accelerator suffix: ``omp`` where LAMMPS has the OPENMP package, ``kk`` for KOKKOS on the
    #: GPUs of the node, one rank for each; '' for none.
    suffix = variable(str, value='', loggable=True)

    varies = 'density, temperature and velocities of the melt; positions of the exact trajectory'

    truths: ClassVar[dict[str, str]] = {
        'exact trajectory': 'velocity Verlet in plain Python, eessi_library.lammps.lennard_jones',
        'lattice energy': 'direct lattice sum, eessi_library.lammps.lennard_jones',
        'initial temperature': 'equipartition over 3 N - 3 degrees of freedom, as asked for',
        'total energy': 'conservation law',
        'momentum': 'conservation law',
        'energy and pressure of the liquid': 'Johnson, Zollweg and Gubbins, Mol. Phys. 78 (1993)'
        ' 591, eessi_library.lammps.equation_of_state',
        'layout': 'ranks, threads and GPUs asked for; with threads the same exact trajectory',
    }

    directions: ClassVar[dict[str, str]] = {
        'speed': 'higher',
        'wall_time': 'lower',
        'temperature': 'truth',
        'potential_energy': 'truth',
        'pressure': 'truth',
        'energy_deviation': 'truth',
    }

    @property
    def atoms(self) -> int:
        """Number of atoms of the melt."""
        return 4 * self.cells**3

    @property
    def density(self) -> float:
        """Number density of this run in 1/sigma^3, drawn from the nonce: a dense liquid."""
        return real(self.nonce, 'lammps density', 0.79, 0.83, digits=5)

    @property
    def start_temperature(self) -> float:
        """Temperature of the crystal in epsilon/k, drawn from the nonce; about half remains."""
        return real(self.nonce, 'lammps temperature', 2.0, 2.6, digits=5)

    @property
    def seed(self) -> int:
        """Seed of velocities and positions, drawn from the nonce."""
        return integer(self.nonce, 'lammps seed', 1, 9_999_999)

    @property
    def threads(self) -> int:
        """OpenMP threads per rank that the run must report."""
        return (self.num_cpus_per_task or 1) if self.suffix not in ('', _KOKKOS) else 1

    @property
    def gpus(self) -> int:
        """GPUs per node that the run must report."""
        return (self.num_gpus_per_node or 1) if self.suffix == _KOKKOS else 0

    @run_before('run')
    def write_input(self) -> None:
        """Write both inputs and the disordered box; nothing is downloaded."""
        self.write('exact.data', self._exact_data())
        self.write('exact.in', self._exact_input())
        self.write('melt.in', self._melt_input())

    @run_before('run')
    def compose_commands(self) -> None:
        """Run the exact trajectory, then the melt as the measured command."""
        options = ['-screen', 'none', *self._accelerated()]
        self.env_vars['OMP_NUM_THREADS'] = self.threads
        exact = f'{self.lmp} -in exact.in -log exact.log {" ".join(options)}'
        self.prerun_cmds += [f'logged exact.out {self.on_all_tasks(exact)}']
        if not self.suffix:
            self.prerun_cmds += self._threaded_commands()
        self.executable = self.lmp
        self.executable_opts = ['-in', 'melt.in', '-log', 'melt.log', *options]

    def _accelerated(self) -> list[str]:
        if self.suffix == _KOKKOS:
            return ['-kokkos', 'on', 'g', str(self.gpus), 't', '1', '-suffix', _KOKKOS]
        if self.suffix:
            return ['-suffix', self.suffix, '-package', self.suffix, str(self.threads)]
        return []

    def _threaded_commands(self) -> list[str]:
        styles = f'-suffix omp -package omp {_THREADS} -screen none'
        threaded = f'{self.lmp} -in exact.in -log threaded.log {styles}'
        return [
            f'logged packages.out {self.on_all_tasks(f"{self.lmp} -h")}',
            # no more than the list, to see that it is whole
            f"sed -n '/{_PACKAGES}/,/{_STYLES}/p' packages.out >packages.txt",
            'if grep -qw OPENMP packages.txt; then',
            f'logged threaded.out {self.on_all_tasks(threaded)}',
            'fi',
        ]

    def _exact_data(self) -> str:
        box = lennard_jones.disordered(self.seed)
        atoms = [f'{i} 1 {x!r} {y!r} {z!r}' for i, (x, y, z) in enumerate(box.positions, 1)]
        moving = [f'{i} {x!r} {y!r} {z!r}' for i, (x, y, z) in enumerate(box.velocities, 1)]
        faces = '\n'.join(f'0.0 {box.edge!r} {axis}lo {axis}hi' for axis in 'xyz')
        head = f'disordered box\n\n{len(atoms)} atoms\n1 atom types\n\n{faces}\n\n'
        return '\n'.join(
            [f'{head}Masses\n\n1 1.0\n\nAtoms\n', *atoms, '\nVelocities\n', *moving, '']
        )

    def _exact_input(self) -> str:
        return (
            f'units lj\natom_style atomic\nread_data exact.data\n{self._model()}'
            f'timestep {_EXACT_TIME_STEP}\nthermo 1\n'
            f'thermo_style custom step temp pe ke press\n{self._print()}run {_EXACT_STEPS}\n'
        )

    def _melt_input(self) -> str:
        n = self.cells
        return f"""\
units lj
atom_style atomic
lattice fcc {self.density:.5f}
region box block 0 {n} 0 {n} 0 {n}
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create {self.start_temperature:.5f} {self.seed} mom yes dist gaussian loop geom
{self._model()}timestep {self.time_step}
compute near all coord/atom cutoff {lennard_jones.CUT_OFF}
compute neighbours all reduce sum c_near
variable px equal vcm(all,x)
variable py equal vcm(all,y)
variable pz equal vcm(all,z)
thermo {self._every()}
thermo_style custom step temp pe ke etotal press density c_neighbours v_px v_py v_pz
{self._print()}run {self.steps}
"""

    def _model(self) -> str:
        return (
            f'pair_style lj/cut {lennard_jones.CUT_OFF}\npair_coeff 1 1 1.0 1.0\n'
            'pair_modify shift yes\nneighbor 0.3 bin\nneigh_modify every 2 delay 0 check yes\n'
            'fix 1 all nve\n'
        )

    def _print(self) -> str:
        return f'thermo_modify norm no format float %.15g\nprint "nonce {self.nonce}"\n'

    def _every(self) -> int:
        return max(self.steps // 50, 1)

    @sanity_function
    def melt_behaves(self) -> bool:
        """Judge the run by its end, its layout, its nonce and its physics, in that order."""
        self._expect_clean_end_or_error()
        try:
            exact, melt = self._log('exact.log'), self._log('melt.log')
            self._expect_run('exact.log', exact, _EXACT_STEPS, 1, self.threads)
            self._expect_run('melt.log', melt, self.steps, self._every(), self.threads)
            states = lennard_jones.trajectory(
                lennard_jones.disordered(self.seed), _EXACT_STEPS, _EXACT_TIME_STEP
            )
            melt_truths.expect_trajectory(exact, states)
            self._expect_threaded(states)
            melt_truths.expect_start(melt, self._start())
            melt_truths.expect_conservation(melt, self.time_step)
            melt_truths.expect_liquid(self._liquid(melt))
        except LogError as error:
            raise SanityError(str(error)) from None
        return True

    def _expect_clean_end_or_error(self) -> None:
        """Keep LAMMPS's own error message, which it writes to the log file."""
        try:
            self.expect_clean_end()
        except SanityError as unclean:
            for name in ('exact.log', 'threaded.log', 'melt.log'):
                if message := error_message(self.read_output(name)):
                    raise SanityError(f'{unclean}; {name}: {message}') from None
            raise

    def _log(self, name: str) -> Log:
        return parse_log(self.require_output(name))

    def _expect_threaded(self, states: Sequence[lennard_jones.State]) -> None:
        """Judge the run by the package OPENMP, where LAMMPS lists that."""
        if self.suffix:
            return
        packages = self.require_output('packages.txt')
        expect(
            _PACKAGES in packages and _STYLES in packages,
            f'{self.lmp} -h does not list the installed packages to the end',
        )
        if not re.search(r'\bOPENMP\b', packages):
            return
        threaded = self._log('threaded.log')
        self._expect_run('threaded.log', threaded, _EXACT_STEPS, 1, _THREADS)
        expect(
            'lj/cut/omp' in self.require_output('threaded.log'),
            'threaded.log does not say that lj/cut/omp, the style of the package OPENMP, was used',
        )
        try:
            melt_truths.expect_trajectory(threaded, states)
        except SanityError as error:
            raise SanityError(f'threaded.log: {error}') from None

    def _expect_run(self, name: str, log: Log, steps: int, every: int, threads: int) -> None:
        self.expect_nonce(name, log.nonce)
        expect(log.finished, f'{name} is cut short: "Total wall time" is missing')
        expect(
            (log.ranks, log.threads) == (self.num_tasks, threads),
            f'{name} reports {log.ranks} rank(s) x {log.threads} thread(s), '
            f'asked for {self.num_tasks} x {threads}',
        )
        self._expect_gpus(name, log)
        wanted = {*range(0, steps, every), steps}
        expect(
            set(log.column('Step')) == wanted,
            f'{name} does not have the {len(wanted)} rows that were asked for',
        )

    def _expect_gpus(self, name: str, log: Log) -> None:
        expect(
            log.gpus == self.gpus,
            f'{name} reports {log.gpus} GPU(s) per node, asked for {self.gpus}',
        )
        expect(
            log.on_device == bool(self.gpus),
            f'{name}: the pair style lj/cut/kk on the GPU asked for: {bool(self.gpus)}, '
            f'reported: {log.on_device}',
        )

    def _start(self) -> melt_truths.Start:
        return melt_truths.Start(self.atoms, self.density, self.start_temperature)

    @performance_function('steps/s')
    def speed(self) -> float:
        """Time steps per second of the melt."""
        return self.steps / self._loop_time(self._log('melt.log'))

    @performance_function('s')
    def wall_time(self) -> float:
        """Wall time of the time-step loop of the melt."""
        return self._loop_time(self._log('melt.log'))

    def _loop_time(self, log: Log) -> float:
        """Wall time of the loop in s."""
        if not log.loop_seconds:
            raise SanityError('melt.log prints no loop time')
        return log.loop_seconds

    def _liquid(self, log: Log) -> melt_truths.Liquid:
        return melt_truths.liquid(log, self.density, self.steps // 3)

    @performance_function('epsilon/k')
    def temperature(self) -> float:
        """Mean temperature of the liquid."""
        return self._liquid(self._log('melt.log')).temperature

    @performance_function('epsilon')
    def potential_energy(self) -> float:
        """Mean potential energy per atom of the liquid, full potential."""
        return self._liquid(self._log('melt.log')).potential_energy

    @performance_function('epsilon/sigma^3')
    def pressure(self) -> float:
        """Mean pressure of the liquid, full potential."""
        return self._liquid(self._log('melt.log')).pressure

    @performance_function('epsilon')
    def energy_deviation(self) -> float:
        """Largest deviation of the total energy per atom from its initial value."""
        return melt_truths.energy_deviation(self._log('melt.log'))
