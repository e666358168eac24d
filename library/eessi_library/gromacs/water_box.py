"""Molecular dynamics of a box of water, judged by the physics of water."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_close, expect_within
from eessi_library.gromacs import fixed_configuration as fixed
from eessi_library.gromacs.log import LogError, MdLog, parse_log
from eessi_library.library_test import LibraryTest
from eessi_library.nonce import integer, real

#: Molecules in ``spc216.gro``, the equilibrated box of edge 1.86206 nm that ships with GROMACS.
_MOLECULES_PER_BOX = 216

#: Molar mass of water in g/mol and Avogadro's constant in 1/mol, CODATA 2018.
_MOLAR_MASS = 18.0154
_AVOGADRO = 6.02214076e23

#: Boltzmann's constant in kJ/(mol K), CODATA 2018.
_BOLTZMANN = 8.314462618e-3

#: Potential energy per molecule of SPC/E at 300 K in kJ/mol, and its slope in kJ/(mol K).
#: Berendsen et al. 1987 give -41.4 with the polarisation correction of 5.22, hence -46.6 at 306 K,
#: for a cut-off; with PME and dispersion correction the field's value is -46.7. The slope is the
#: configurational part of the model's heat capacity, about 80 J/(mol K) less 3 R.
_POTENTIAL_300K = -46.7
_POTENTIAL_SLOPE = 0.055

#: Density of SPC/E in kg/m^3: 998 at 306 K (Berendsen et al. 1987).
_DENSITY = 998.0


class WaterBox(LibraryTest, pin_prefix=True):
    """Molecular dynamics of SPC/E water in the NPT ensemble, from files that ship with GROMACS.

    Truths, with the source of each in :attr:`truths`: the exact energy of a fixed configuration,
    potential energy and density of the water model, temperature of the ensemble, drift of the
    conserved energy, and the layout of ranks and threads that was asked for.
    """

    #: Boxes of 216 molecules along x, y and z: 2x2x1 has 2,592 atoms, 1x1x2 1,296, 4x4x2 20,736.
    boxes = variable(tuple, value=(2, 2, 1), loggable=True)

    #: Molecular dynamics steps of 2 fs; the first third is not averaged.
    steps = variable(int, value=1500, loggable=True)

    #: GROMACS executable: ``gmx_mpi`` (one process per rank) or ``gmx`` (thread-MPI).
    gmx = variable(str, value='gmx_mpi', loggable=True)

    #: Thread-MPI ranks; only with ``gmx``, where the launcher starts one process.
    thread_mpi_ranks = variable(int, value=1, loggable=True)

    #: Where the non-bonded interactions run: ``cpu`` or ``gpu``.
    offload = variable(str, value='cpu', loggable=True)

    varies = 'random seed and target temperature, both echoed in md.log; seed of the zero-step run'

    truths: ClassVar[dict[str, str]] = {
        # Also of the thread-MPI program, where that is installed beside the one with MPI.
        'fixed configuration': 'Ewald sum, see eessi_library.gromacs.fixed_configuration',
        'potential energy': 'SPC/E: Berendsen et al., J. Phys. Chem. 91 (1987) 6269',
        'density': 'SPC/E: Berendsen et al., J. Phys. Chem. 91 (1987) 6269',
        'temperature': 'canonical ensemble at the temperature that was asked for',
        'conserved energy': 'conservation law of the extended system',
        'layout': 'ranks and threads asked for',
    }

    directions: ClassVar[dict[str, str]] = {
        'speed': 'higher',
        'wall_time': 'lower',
        'step_time': 'lower',
        'potential_energy': 'truth',
        'density': 'truth',
        'temperature': 'truth',
        'energy_drift': 'truth',
        'fixed_coulomb': 'truth',
        'fixed_lennard_jones': 'truth',
    }

    @property
    def molecules(self) -> int:
        """Number of water molecules in the box."""
        return _MOLECULES_PER_BOX * math.prod(self.boxes)

    @property
    def seed(self) -> int:
        """Random seed of this run, drawn from the nonce."""
        return integer(self.nonce, 'gromacs seed', 1, 999_999)

    @property
    def target_temperature(self) -> float:
        """Temperature of this run in K, drawn from the nonce."""
        return real(self.nonce, 'gromacs temperature', 297.0, 303.0)

    @property
    def ranks(self) -> int:
        """MPI or thread-MPI ranks that the run must report."""
        return self.thread_mpi_ranks if self.gmx == 'gmx' else self.num_tasks

    @property
    def threads(self) -> int:
        """OpenMP threads per rank that the run must report."""
        return (self.num_cpus_per_task or 1) // (self.thread_mpi_ranks if self.gmx == 'gmx' else 1)

    @run_before('run')
    def write_input(self) -> None:
        """Write topologies, coordinates and parameters; nothing is downloaded."""
        self.write('topol.top', self._topology())
        self.write('md.mdp', self._parameters())
        copies = 1 + math.ceil((self.ranks / 2) ** (1 / 3))
        self.write('fixed.top', fixed.topology(copies))
        self.write('fixed.gro', fixed.coordinates(copies))
        self.write('fixed.mdp', fixed.parameters(self.seed))

    @run_before('run')
    def compose_commands(self) -> None:
        """Prepare both runs, run the zero-step one, then the dynamics as the measured command."""
        threads = ['-ntomp', str(self.threads), '-pin', 'off', '-nb', self.offload]
        if self.gmx == 'gmx':
            threads = ['-ntmpi', str(self.thread_mpi_ranks), *threads]
        options = ' '.join(threads)
        box = ' '.join(str(n) for n in self.boxes)
        shipped = f'"$(dirname "$(command -v {self.gmx})")/../share/gromacs/top/spc216.gro"'
        self.env_vars['OMP_NUM_THREADS'] = self.threads
        zero_steps = self.on_all_tasks(f'{self.gmx} mdrun -deffnm fixed {options}')
        # Preparation is serial and cheap; only the runs go through the launcher.
        self.prerun_cmds += [
            f'logged fixed.out {self.gmx} grompp -f fixed.mdp -c fixed.gro -p fixed.top'
            ' -o fixed.tpr',
            f'logged fixed.out {zero_steps}',
            f'logged prepare.out {self.gmx} genconf -f {shipped} -nbox {box} -o conf.gro',
            f'logged prepare.out {self.gmx} grompp -f md.mdp -c conf.gro -p topol.top -o md.tpr',
        ]
        if self.gmx == 'gmx_mpi' and self.offload == 'cpu':
            self.prerun_cmds += self._thread_mpi_commands()
        self.executable = self.gmx
        self.executable_opts = ['mdrun', '-deffnm', 'md', *threads]

    def _thread_mpi_commands(self) -> list[str]:
        """Run the fixed configuration with ``gmx`` where an installation has it beside ``gmx_mpi``.

        Nothing else of the test would start it. Only its thread-MPI builds know ``-ntmpi``.
        """
        logged = 'logged thread_mpi.out "$beside"'
        threads = f'-ntomp {self.threads} -pin off -nb cpu'
        return [
            'beside="$(dirname "$(command -v gmx_mpi)")/gmx"',
            'if [ -e "$beside" ] && ! [ "$beside" -ef "$(command -v gmx_mpi)" ]; then',
            'echo "$beside" >thread_mpi.path',
            # Not grep -q, which ends early: under pipefail gmx would fail by the broken pipe.
            'ranks=$("$beside" --version 2>&1 | grep "MPI library: *thread_mpi" >/dev/null'
            ' && echo "-ntmpi 1" || true)',
            f'{logged} grompp -f fixed.mdp -c fixed.gro -p fixed.top -o thread_mpi.tpr',
            f'{logged} mdrun -deffnm thread_mpi $ranks {threads}',
            'fi',
        ]

    def _topology(self) -> str:
        return (
            '#include "oplsaa.ff/forcefield.itp"\n#include "oplsaa.ff/spce.itp"\n'
            f'[ system ]\nwater\n[ molecules ]\nSOL {self.molecules}\n'
        )

    def _parameters(self) -> str:
        every = max(self.steps // 30, 1)
        return f"""\
integrator = md
dt = 0.002
nsteps = {self.steps}
nstlog = {every}
nstenergy = {every}
nstcalcenergy = {every}
cutoff-scheme = Verlet
coulombtype = PME
rcoulomb = 0.9
rvdw = 0.9
DispCorr = EnerPres
constraints = h-bonds
tcoupl = v-rescale
tc-grps = System
tau-t = 0.2
ref-t = {self.target_temperature:.2f}
pcoupl = C-rescale
tau-p = 1.0
ref-p = 1.0
compressibility = 4.5e-5
gen-vel = yes
gen-temp = {self.target_temperature:.2f}
gen-seed = {self.seed}
ld-seed = {self.seed}
"""

    @sanity_function
    def water_behaves(self) -> bool:
        """Judge the run by its end, its layout, its nonce and its physics, in that order."""
        self.expect_clean_end()
        try:
            zero, run = self._log('fixed.log'), self._log('md.log')
            for name, log in (('fixed.log', zero), ('md.log', run)):
                self._expect_finished(name, log)
                self._expect_layout(name, log)
            self._expect_nonce(zero, run)
            if Path(self.stagedir, 'thread_mpi.path').exists():
                expect(
                    bool(self.read_output('thread_mpi.log').strip()),
                    'gmx, which is installed beside gmx_mpi, did not write thread_mpi.log',
                )
                beside = self._log('thread_mpi.log')
                self._expect_finished('thread_mpi.log', beside)
                self._expect_seed('thread_mpi.log', beside)
                self._expect_fixed_energies(beside, ' (thread-MPI)')
            expect(
                run.last_step() == self.steps,
                f'md.log ends at step {run.last_step()}, not {self.steps}',
            )
            self._expect_fixed_energies(zero)
            self._expect_physics(run)
        except LogError as error:
            raise SanityError(str(error)) from None
        return True

    def _log(self, name: str) -> MdLog:
        return parse_log(self.require_output(name))

    def _expect_finished(self, name: str, log: MdLog) -> None:
        expect(log.finished, f'{name} is cut short: "Finished mdrun" is missing')
        expect(bool(log.frames), f'{name} has no energies')

    def _expect_layout(self, name: str, log: MdLog) -> None:
        expect(
            (log.ranks, log.threads_per_rank) == (self.ranks, self.threads),
            f'{name} reports {log.ranks} rank(s) x {log.threads_per_rank} thread(s), '
            f'asked for {self.ranks} x {self.threads}',
        )
        asked, found = self.offload == 'gpu', log.uses_gpu
        expect(asked == found, f'{name}: GPU offload asked: {asked}, reported: {found}')

    def _expect_nonce(self, zero: MdLog, run: MdLog) -> None:
        self._expect_seed('fixed.log', zero)
        self._expect_seed('md.log', run)
        reported = float(run.parameters.get('ref-t', 'nan'))
        expect_within(
            "md.log's ref-t",
            reported,
            self.target_temperature - 0.01,
            self.target_temperature + 0.01,
            'K',
        )

    def _expect_seed(self, name: str, log: MdLog) -> None:
        found = log.parameters.get('ld-seed')
        expect(
            found == str(self.seed),
            f"{name} does not reflect this run's nonce: ld-seed is {found}, not {self.seed}"
            ' (a recorded or foreign log)',
        )

    def _expect_fixed_energies(self, zero: MdLog, program: str = '') -> None:
        lennard_jones, coulomb = self._fixed_energies(zero)
        expect_close(
            f'Lennard-Jones energy of the fixed configuration{program}',
            lennard_jones,
            fixed.LENNARD_JONES_PER_MOLECULE,
            fixed.RELATIVE_TOLERANCE,
            'kJ/mol',
        )
        expect_close(
            f'Coulomb energy of the fixed configuration{program}',
            coulomb,
            fixed.COULOMB_PER_MOLECULE,
            fixed.RELATIVE_TOLERANCE,
            'kJ/mol',
        )
        total = zero.mean('Potential') / (zero.atoms / 3)
        expect_close(
            f'potential energy of the fixed configuration{program}',
            total,
            fixed.LENNARD_JONES_PER_MOLECULE + fixed.COULOMB_PER_MOLECULE,
            fixed.RELATIVE_TOLERANCE,
            'kJ/mol',
        )

    def _fixed_energies(self, zero: MdLog) -> tuple[float, float]:
        molecules = zero.atoms / 3
        expect(molecules > 0, 'fixed.log does not say how many atoms there are')
        coulomb = zero.mean('Coulomb (SR)') + zero.mean('Coul. recip.')
        return zero.mean('LJ (SR)') / molecules, coulomb / molecules

    def _expect_physics(self, run: MdLog) -> None:
        expect(
            run.atoms == 3 * self.molecules,
            f'md.log reports {run.atoms} atoms, expected {3 * self.molecules}',
        )
        expected = _POTENTIAL_300K + _POTENTIAL_SLOPE * (self.target_temperature - 300)
        # 2 %: 0.5 % model and cut-off, plus four standard deviations of a short run of 1,296 atoms.
        expect_close(
            'potential energy per molecule', self._potential(run), expected, 0.02, 'kJ/mol'
        )
        # 3 %: 0.3 % model, 0.4 % start at 300 K, and the box fluctuation sqrt(kT kappa / V) < 1 %.
        expect_close('density', self._density(run), _DENSITY, 0.03, 'kg/m^3')
        spread = self._temperature_spread()
        expect_within(
            'mean temperature',
            self._temperature(run),
            self.target_temperature - spread,
            self.target_temperature + spread,
            'K',
        )
        expect(run.drift is not None, 'md.log prints no conserved energy drift')
        # Start-up of a run of a few ps dominates: measured 0.005 to 0.016; a broken integrator or
        # constraint algorithm is above 1.
        expect_within('conserved energy drift', run.drift or 0.0, -0.05, 0.05, 'kJ/mol/ps per atom')

    def _temperature_spread(self) -> float:
        """Five standard deviations of the mean temperature in K.

        The kinetic energy of N_f degrees of freedom fluctuates by T sqrt(2 / N_f) (canonical
        ensemble); the thermostat of 0.2 ps leaves about one independent sample per 0.4 ps.
        """
        degrees = 6 * self.molecules - 3
        samples = max(self.steps * 0.002 * 2 / 3 / 0.4, 1.0)
        # Start-up: equilibration of the rigid SPC geometry heats by up to 1 % before averaging.
        return self.target_temperature * (5 * math.sqrt(2 / degrees / samples) + 0.005)

    def _from_step(self) -> int:
        return self.steps // 3

    def _potential(self, run: MdLog) -> float:
        return run.mean('Potential', self._from_step()) / self.molecules

    def _temperature(self, run: MdLog) -> float:
        return run.mean('Temperature', self._from_step())

    def _density(self, run: MdLog) -> float:
        if len(run.average_box) != 3:
            raise LogError('md.log prints no average box')
        volume = math.prod(run.average_box) * 1e-27
        return self.molecules * _MOLAR_MASS * 1e-3 / _AVOGADRO / volume

    @performance_function('ns/day')
    def speed(self) -> float:
        """Simulated time per day."""
        return self._required('speed_ns_per_day')

    @performance_function('s')
    def wall_time(self) -> float:
        """Wall time of the measured run."""
        return self._required('wall_seconds')

    @performance_function('ms')
    def step_time(self) -> float:
        """Wall time per step."""
        return 1000 * self._required('wall_seconds') / (self.steps + 1)

    @performance_function('kJ/mol')
    def potential_energy(self) -> float:
        """Mean potential energy per molecule."""
        return self._potential(self._log('md.log'))

    @performance_function('kg/m^3')
    def density(self) -> float:
        """Mean density."""
        return self._density(self._log('md.log'))

    @performance_function('K')
    def temperature(self) -> float:
        """Mean temperature."""
        return self._temperature(self._log('md.log'))

    @performance_function('kJ/mol/ps')
    def energy_drift(self) -> float:
        """Drift of the conserved energy per atom."""
        return self._required('drift')

    @performance_function('kJ/mol')
    def fixed_coulomb(self) -> float:
        """Coulomb energy per molecule of the fixed configuration."""
        return self._fixed_energies(self._log('fixed.log'))[1]

    @performance_function('kJ/mol')
    def fixed_lennard_jones(self) -> float:
        """Lennard-Jones energy per molecule of the fixed configuration."""
        return self._fixed_energies(self._log('fixed.log'))[0]

    def _required(self, name: str) -> float:
        value = getattr(self._log('md.log'), name)
        if value is None:
            raise SanityError(f'md.log prints no {name}')
        return float(value)
