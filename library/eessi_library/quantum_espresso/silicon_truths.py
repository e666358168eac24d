"""What the output of a sound silicon run must show; the tolerances, and what was measured."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence

from eessi_library.expect import expect
from eessi_library.quantum_espresso.output import Output
from eessi_library.quantum_espresso.silicon_reference import EWALD, Basis, star

#: One Ry/bohr^3 in kbar (CODATA 2018).
KBAR = 147105.08

#: Total energy in Ry. Measured against the other program: 1.3e-7 at most, of which QE's own Ewald
#: sum is as much; versions 6.0, 6.1 and 6.7 agree as well. A fault of 1e-3 is 1.6e-2 Ry.
_ENERGY = 5e-6

#: Ewald energy in Ry: QE converges its sum to 1.3e-7.
_EWALD = 1e-6

#: Pressure in Ry/bohr^3 (0.015 kbar); QE prints eight decimals. Measured: 9e-9 at most.
_PRESSURE = 1e-7

#: Off-diagonal stress and differences of the diagonal in Ry/bohr^3. Measured: 0.
_ANISOTROPY = 5e-8

#: Forces in Ry/bohr, second to the error of the density. Measured: 5e-8 at most.
_FORCE = 2e-6

#: Eigenvalues in eV, printed with four decimals. Measured: 1e-4 at most, the last digit.
_EIGENVALUE = 3e-4

#: Printed parts of the energy, each rounded to eight decimals, add up to the total.
_SUM = 1e-7


def expect_energies(runs: Sequence[Output], bases: Sequence[Basis], lattice: float) -> None:
    """Fail unless energies and pressures are the reference's, and the energies fall.

    :arg lattice: lattice parameter in bohr.
    """
    for step, (run, basis) in enumerate(zip(runs, bases, strict=True)):
        of = f'of silicon-{step}.out'
        _expect_near(f'total energy {of}', run.total_energy, basis.energy(lattice), _ENERGY, 'Ry')
        expect(len(run.contributions) == 4, f'the parts of the total energy {of} are not printed')
        ewald = run.contributions['ewald']
        _expect_near(f'Ewald energy {of}', ewald, EWALD / lattice, _EWALD, 'Ry')
        parts = sum(run.contributions.values())
        _expect_near(f'sum of the parts of the energy {of}', parts, run.total_energy, _SUM, 'Ry')
        _expect_pressure(of, run, basis, lattice)
    for smaller, larger in itertools.pairwise(zip(runs, bases, strict=True)):
        energies = smaller[0].total_energy, larger[0].total_energy
        expect(
            smaller[1].k_grid != larger[1].k_grid or energies[0] > energies[1],
            f'the energy does not fall with the cut-off: {energies[0]}, {energies[1]} Ry',
        )


def expect_symmetry(run: Output, k_grid: int) -> None:
    """Fail unless forces vanish, the stress is isotropic and equivalent k-points agree."""
    expect(len(run.forces) == 2, f'there are forces on {len(run.forces)} atoms, expected 2')
    for atom, force in enumerate(run.forces, 1):
        for axis, value in zip('xyz', force, strict=True):
            _expect_near(f'force on atom {atom} along {axis}', value, 0.0, _FORCE, 'Ry/bohr')
    for i, row in enumerate(run.stress):
        for j, value in enumerate(row):
            expected = pressure(run) if i == j else 0.0
            _expect_near(f'stress {"xyz"[i]}{"xyz"[j]}', value, expected, _ANISOTROPY, 'Ry/bohr^3')
    _expect_bands(run, k_grid)


def pressure(run: Output) -> float:
    """Return the pressure in Ry/bohr^3: a third of the trace of the stress as pw.x prints it."""
    expect(len(run.stress) == 3, 'the stress tensor is not printed')
    return sum(run.stress[i][i] for i in range(3)) / 3


def _expect_pressure(of: str, run: Output, basis: Basis, lattice: float) -> None:
    _expect_near(f'pressure {of}', pressure(run), basis.pressure(lattice), _PRESSURE, 'Ry/bohr^3')


def _expect_bands(run: Output, k_grid: int) -> None:
    stars: dict[tuple[int, ...], list[tuple[float, ...]]] = defaultdict(list)
    for k, bands in run.bands:
        expect(len(bands) == 4, f'there are {len(bands)} bands at k = {k}, expected 4')
        stars[star(k, k_grid)].append(bands)
    for members in stars.values():
        for band, values in enumerate(zip(*members, strict=True), 1):
            _expect_near(
                f'band {band} of equivalent k-points', max(values), min(values), _EIGENVALUE, 'eV'
            )
    (gamma,) = stars[star((0.0, 0.0, 0.0), k_grid)]
    _expect_near('top of the valence bands at Gamma', gamma[3], gamma[1], _EIGENVALUE, 'eV')


def _expect_near(name: str, value: float, reference: float, tolerance: float, unit: str) -> None:
    expect(
        abs(value - reference) <= tolerance,  # False if it is not a number
        f'{name} is {value:.9g} {unit}, expected {reference:.9g} within {tolerance:g}'
        f' (off by {value - reference:.2g})',
    )
