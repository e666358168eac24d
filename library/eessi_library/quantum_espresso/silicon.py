"""The ground state of silicon, judged by another program's numbers and by symmetry."""

from __future__ import annotations

from typing import ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_within
from eessi_library.library_test import LibraryTest
from eessi_library.nonce import real
from eessi_library.quantum_espresso import model_reference
from eessi_library.quantum_espresso import silicon_reference as reference
from eessi_library.quantum_espresso import silicon_truths as truths
from eessi_library.quantum_espresso.model_potential import unified_pseudopotential_format
from eessi_library.quantum_espresso.output import Output, OutputError, error_message, parse_output

#: What an installation ships, and what the run calls it or the model that stands in for it.
_PSEUDOPOTENTIAL, _IN_USE = 'Si.pz-vbc.UPF', 'Si.UPF'


class SiliconGroundState(LibraryTest, pin_prefix=True):
    """Self-consistent silicon with a growing basis and a pseudopotential that ships with QE.

    An installation without any pseudopotentials, as EasyBuild makes it, gets that of
    :mod:`~.model_potential`, whose energies stand in :mod:`~.model_reference`.

    Symmetry is switched off (``nosym``), so that zero forces, the isotropic stress and equal bands
    of equivalent k-points are results, not input. Truths, with the source of each in
    :attr:`truths`; tolerances stand in :mod:`silicon_truths`. They do not depend on ranks.
    """

    #: ``small`` (36 k-points, 18 Ry), ``medium`` (112 k-points, 24 Ry), ``large`` (260, 24 Ry).
    size = variable(str, value='medium', loggable=True)

    #: Most ranks that share the plane waves of a k-point in the first calculation.
    ranks_per_pool = variable(int, value=8, loggable=True)

    #: Quantum ESPRESSO's plane-wave executable.
    pw = variable(str, value='pw.x', loggable=True)

    varies = 'lattice parameter (and with it cut-off, energy and pressure) and title'

    truths: ClassVar[dict[str, str]] = {
        'total energy': 'another plane-wave program and published benchmarks, see'
        ' eessi_library.quantum_espresso.silicon_reference',
        'pressure': '-dE/dV of the same energies',
        'monotonic energy': 'variational principle: a larger basis gives a lower energy',
        'ewald energy': 'Ewald sum, proportional to 1/a',
        'forces': 'zero: both atoms sit at centres of tetrahedral symmetry',
        'stress': 'isotropic in a cubic crystal',
        'bands': 'equal in a star of k-points; three-fold top of the valence bands at Gamma',
        'layout': 'ranks and threads asked for',
    }

    directions: ClassVar[dict[str, str]] = {
        'wall_time': 'lower',
        'iteration_time': 'lower',
        'total_energy': 'truth',
        'energy_error': 'truth',
        'total_pressure': 'truth',
    }

    @property
    def bases(self) -> tuple[reference.Basis, ...]:
        """The calculations of this size; the last one is measured."""
        if self.size not in reference.SIZES:
            raise SanityError(f'size is {self.size!r}, must be one of {", ".join(reference.SIZES)}')
        return reference.SIZES[self.size]

    @property
    def expected(self) -> tuple[reference.Basis, ...]:
        """The same calculations with the energies that the pseudopotential of this run gives."""
        if self.read_output(_IN_USE) == unified_pseudopotential_format():
            return model_reference.SIZES[self.size]
        return self.bases

    @property
    def lattice(self) -> float:
        """Lattice parameter of this run in bohr, drawn from the nonce."""
        return real(self.nonce, 'silicon lattice', reference.LOWEST, reference.HIGHEST, digits=5)

    @property
    def title(self) -> str:
        """Title of this run, which pw.x echoes."""
        return f'silicon {self.nonce}'

    @property
    def threads(self) -> int:
        """OpenMP threads per rank that the run must report."""
        return self.num_cpus_per_task or 1

    def pools(self, step: int) -> int:
        """Groups of ranks that share the k-points of a calculation.

        In the first calculation they share the plane waves instead, which exercises the parallel
        Fourier transform; elsewhere so small a grid would measure little but its communication.
        """
        ranks = self.num_tasks
        divisors = [n for n in range(1, ranks + 1) if ranks % n == 0]
        if step == 0:
            return min(n for n in divisors if ranks // n <= self.ranks_per_pool)
        return max(n for n in divisors if n <= self.bases[step].k_points)

    @run_before('run')
    def write_input(self) -> None:
        """Write one input for each calculation, and the model of a pseudopotential."""
        self.write('model.UPF', unified_pseudopotential_format())
        for step, basis in enumerate(self.bases):
            self.write(f'silicon-{step}.in', self._input(basis))

    @run_before('run')
    def compose_commands(self) -> None:
        """Find the pseudopotential, climb the ladder, measure the last calculation."""
        self.env_vars['OMP_NUM_THREADS'] = self.threads
        self.prerun_cmds += self._find_pseudopotential()
        *steps, last = range(len(self.bases))
        for step in steps:
            command = self.on_all_tasks(' '.join([self.pw, *self._options(step)]))
            self.prerun_cmds += [f'logged silicon-{step}.out {command}']
        self.executable = self.pw
        self.executable_opts = [*self._options(last), f'> silicon-{last}.out']

    def _options(self, step: int) -> list[str]:
        return ['-nk', str(self.pools(step)), '-in', f'silicon-{step}.in']

    def _find_pseudopotential(self) -> list[str]:
        name = _PSEUDOPOTENTIAL
        return [
            f'installed="$(dirname "$(command -v {self.pw})")/.."; place="$ESPRESSO_PSEUDO"',
            'for folder in "$installed/share/espresso/pseudo" "$installed/pseudo"; do '
            f'if [ ! -r "$place/{name}" ] && [ -e "$folder" ]; then place="$folder"; fi; done',
            # Where there are pseudopotentials, this one must be among them.
            f'if [ -n "$place" ]; then cp "$place/{name}" {_IN_USE}; '
            f'else cp model.UPF {_IN_USE}; fi',
        ]

    def _input(self, basis: reference.Basis) -> str:
        k, n = basis.k_grid, basis.fourier_grid
        return f"""\
&control
  calculation = 'scf', title = '{self.title}', prefix = 'silicon'
  pseudo_dir = './', outdir = './', disk_io = 'none', verbosity = 'high'
  tprnfor = .true., tstress = .true.
/
&system
  ibrav = 2, celldm(1) = {self.lattice:.5f}, nat = 2, ntyp = 1, nbnd = 4, nosym = .true.
  ecutwfc = {basis.cut_off(self.lattice):.10f}, nr1 = {n}, nr2 = {n}, nr3 = {n}
/
&electrons
  conv_thr = 1.0d-12
/
ATOMIC_SPECIES
  Si 28.0855 {_IN_USE}
ATOMIC_POSITIONS alat
  Si 0.00 0.00 0.00
  Si 0.25 0.25 0.25
K_POINTS automatic
  {k} {k} {k} 0 0 0
"""

    @sanity_function
    def silicon_is_right(self) -> bool:
        """Judge the runs by their end, their layout, their nonce and their physics, in order."""
        self._expect_clean_end_or_error()
        try:
            runs = [self._output(step) for step in range(len(self.bases))]
            for step, (run, basis) in enumerate(zip(runs, self.bases, strict=True)):
                self._expect_this_run(f'silicon-{step}.out', run, basis)
            truths.expect_energies(runs, self.expected, self.lattice)
            truths.expect_symmetry(runs[-1], self.bases[-1].k_grid)
        except OutputError as error:
            raise SanityError(str(error)) from None
        return True

    def _expect_clean_end_or_error(self) -> None:
        """Keep the error message of pw.x, which it writes to its output file."""
        try:
            self.expect_clean_end()
        except SanityError as unclean:
            for step in range(len(self.bases)):
                if message := error_message(self.read_output(f'silicon-{step}.out')):
                    raise SanityError(f'{unclean}; pw.x: {message}') from None
            raise

    def _output(self, step: int) -> Output:
        name = f'silicon-{step}.out'
        try:
            return parse_output(self.require_output(name))
        except OutputError as error:
            raise OutputError(f'{name}: {error}') from error

    def _expect_this_run(self, name: str, run: Output, basis: reference.Basis) -> None:
        expect(
            run.title == self.title and abs(run.lattice - self.lattice) < 1e-6,
            f"{name} does not reflect this run's nonce: title {run.title!r} at {run.lattice} bohr,"
            f' not {self.title!r} at {self.lattice} bohr (a recorded or foreign output)',
        )
        expect(run.finished, f'{name} is cut short: "JOB DONE." is missing')
        expect(
            (run.ranks, run.threads) == (self.num_tasks, self.threads),
            f'{name} reports {run.ranks} rank(s) x {run.threads} thread(s), '
            f'asked for {self.num_tasks} x {self.threads}',
        )
        expect(run.iterations > 0, f'{name} did not reach self-consistency')
        expect(
            run.k_points == basis.k_points == len(run.bands),
            f'{name} has {run.k_points} k-points and bands at {len(run.bands)},'
            f' expected {basis.k_points}',
        )
        cut_off = basis.cut_off(self.lattice)
        expect_within(f'cut-off of {name}', run.cut_off, cut_off - 1e-4, cut_off + 1e-4, 'Ry')

    def _last(self) -> Output:
        return self._output(len(self.bases) - 1)

    @performance_function('s')
    def wall_time(self) -> float:
        """Wall time of the last calculation."""
        return self._wall(self._last())

    @performance_function('s')
    def iteration_time(self) -> float:
        """Wall time per self-consistency iteration of the last calculation."""
        run = self._last()
        return self._wall(run) / run.iterations

    def _wall(self, run: Output) -> float:
        if run.wall_seconds is None:
            raise SanityError('pw.x prints no wall time')
        return run.wall_seconds

    @performance_function('Ry')
    def total_energy(self) -> float:
        """Total energy per cell of the last calculation."""
        return self._last().total_energy

    @performance_function('Ry')
    def energy_error(self) -> float:
        """Difference of the total energy from the reference."""
        return self._last().total_energy - self.expected[-1].energy(self.lattice)

    @performance_function('kbar')
    def total_pressure(self) -> float:
        """Pressure of the last calculation."""
        return truths.pressure(self._last()) * truths.KBAR
