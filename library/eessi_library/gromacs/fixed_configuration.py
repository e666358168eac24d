"""One fixed configuration of 216 water molecules and its exact energy.

The positions and all parameters are written out here, so that nothing of the installation's data
enters. The energy of a periodic arrangement of point charges is a mathematical fact; the constants
below were computed with a plain Ewald sum in float64, converged to 1e-9, and are recomputed by
``tests/library/gromacs/test_fixed_configuration.py``. Replicating the box leaves the energy per
molecule unchanged, so that any number of ranks has enough cells to share.

Water model: SPC/E, H. J. C. Berendsen, J. R. Grigera, T. P. Straatsma, J. Phys. Chem. 91 (1987)
6269, table 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: SPC/E: charges in e; Lennard-Jones of oxygen in nm and kJ/mol, from A and B of the paper.
OXYGEN_CHARGE = -0.8476
HYDROGEN_CHARGE = 0.4238
SIGMA = 0.316557
EPSILON = 0.650194
OH_BOND = 0.1
HOH_ANGLE = math.radians(109.47)

#: Edge of the cubic box in nm, molecules along an edge, cut-off in nm.
EDGE = 1.86206
PER_EDGE = 6
CUT_OFF = 0.9

#: Energies per molecule in kJ/mol (derivation above).
LENNARD_JONES_PER_MOLECULE = -1.453902871
COULOMB_PER_MOLECULE = -13.540852769

#: Agreement asked between runs, decompositions and releases. Mixed precision sums reach 1e-6, the
#: mesh below 1e-5; 1e-4 is ten times below the smallest fault that must be seen (1e-3).
RELATIVE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Molecule:
    """Positions in nm of oxygen and hydrogens, rounded to the 0.001 nm of a ``.gro`` file."""

    oxygen: tuple[float, float, float]
    hydrogen1: tuple[float, float, float]
    hydrogen2: tuple[float, float, float]


def _generator(seed: int = 20210601) -> list[float]:
    """Park-Miller minimal standard generator (CACM 31 (1988) 1192): same numbers everywhere."""
    state, numbers = seed, []
    for _ in range(3 * PER_EDGE**3):
        state = state * 16807 % 2147483647
        numbers.append(state / 2147483647)
    return numbers


def _rotation(spin: float, tilt: float) -> tuple[tuple[float, float, float], ...]:
    """Rotation by ``spin`` about the dipole axis y, then by ``tilt`` about x (radians).

    All dipoles point along y within the tilt: their energies add up instead of cancelling, which
    is what makes a relative tolerance on the Coulomb energy meaningful.
    """
    cs, ss, ct, st = math.cos(spin), math.sin(spin), math.cos(tilt), math.sin(tilt)
    return ((cs, 0.0, ss), (st * ss, ct, -st * cs), (-ct * ss, st, ct * cs))


def molecules() -> tuple[Molecule, ...]:
    """Return the 216 molecules: a cubic lattice, jittered and rotated by a fixed generator."""
    numbers = iter(_generator())
    spacing = EDGE / PER_EDGE
    half = HOH_ANGLE / 2
    arms = (
        (OH_BOND * math.sin(half), OH_BOND * math.cos(half), 0.0),
        (-OH_BOND * math.sin(half), OH_BOND * math.cos(half), 0.0),
    )
    result = []
    for site in range(PER_EDGE**3):
        cell = (site // PER_EDGE**2, site // PER_EDGE % PER_EDGE, site % PER_EDGE)
        spin, tilt, jitter = (next(numbers) for _ in range(3))
        shift = 0.02 * (jitter - 0.5)
        oxygen = tuple(round((c + 0.5) * spacing + shift, 3) for c in cell)
        rotation = _rotation(2 * math.pi * spin, 0.6 * (tilt - 0.5))
        hydrogens = [
            tuple(
                round(o + sum(r * a for r, a in zip(row, arm, strict=True)), 3)
                for o, row in zip(oxygen, rotation, strict=True)
            )
            for arm in arms
        ]
        result.append(Molecule(oxygen, *hydrogens))  # type: ignore[arg-type]
    return tuple(result)


def coordinates(copies: int = 1) -> str:
    """Return a ``.gro`` file with the configuration replicated ``copies`` times along each edge."""
    lines = []
    base = molecules()
    for image in range(copies**3):
        offset = [EDGE * n for n in (image // copies**2, image // copies % copies, image % copies)]
        for molecule in base:
            number = len(lines) // 3 + 1
            atoms = (
                ('OW', molecule.oxygen),
                ('HW1', molecule.hydrogen1),
                ('HW2', molecule.hydrogen2),
            )
            for name, position in atoms:
                x, y, z = (p + o for p, o in zip(position, offset, strict=True))
                serial = (len(lines) + 1) % 100000
                # Six decimals keep the images exact; GROMACS reads the precision from the columns.
                lines.append(
                    f'{number % 100000:5d}{"SOL":<5}{name:>5}{serial:5d}{x:11.6f}{y:11.6f}{z:11.6f}'
                )
    box = copies * EDGE
    return '\n'.join(
        ['fixed water', str(len(lines)), *lines, f'{box:11.6f}{box:11.6f}{box:11.6f}', '']
    )


def topology(copies: int = 1) -> str:
    """Return a self-contained topology of ``copies**3 * 216`` rigid SPC/E molecules."""
    hh = 2 * OH_BOND * math.sin(HOH_ANGLE / 2)
    return f"""\
[ defaults ]
1 2 no 1.0 1.0
[ atomtypes ]
OW 8 15.9994 0.0 A {SIGMA} {EPSILON}
HW 1 1.008 0.0 A 0.0 0.0
[ moleculetype ]
SOL 2
[ atoms ]
1 OW 1 SOL OW 1 {OXYGEN_CHARGE} 15.9994
2 HW 1 SOL HW1 1 {HYDROGEN_CHARGE} 1.008
3 HW 1 SOL HW2 1 {HYDROGEN_CHARGE} 1.008
[ settles ]
1 1 {OH_BOND} {hh:.6f}
[ exclusions ]
1 2 3
2 1 3
3 1 2
[ system ]
fixed water
[ molecules ]
SOL {PER_EDGE**3 * copies**3}
"""


def parameters(seed: int) -> str:
    """Return the run parameters of a zero-step run with a fine mesh; ``seed`` marks the run."""
    return f"""\
integrator = md
nsteps = 0
continuation = yes
ld-seed = {seed}
nstlog = 1
nstenergy = 1
nstcalcenergy = 1
cutoff-scheme = Verlet
rvdw = {CUT_OFF}
vdw-modifier = None
coulombtype = PME
rcoulomb = {CUT_OFF}
coulomb-modifier = None
ewald-rtol = 1e-6
pme-order = 6
fourierspacing = 0.06
DispCorr = no
constraints = h-bonds
"""
