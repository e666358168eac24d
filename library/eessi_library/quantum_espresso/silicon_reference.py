"""Silicon in the diamond structure: energies computed by another program, and its symmetry.

The energies below come from ``tests/library/quantum_espresso/plane_waves.py``, a plane-wave code
of 200 lines of numpy that shares nothing with Quantum ESPRESSO but the pseudopotential file
``Si.pz-vbc.UPF`` (von Barth and Car; local density approximation of Perdew and Zunger, Phys. Rev.
B 23 (1981) 5048). It reproduces what others published for the same crystal: example01 of Quantum
ESPRESSO 6.0 (10 special points, 18 Ry, 10.2 bohr) has -15.84452726 Ry, it gives -15.84452716; the
benchmark ``pw_scf/scf.in`` of 6.1 (2 points, 12 Ry) has -15.79449593 Ry, it gives -15.7944959.

The plane waves are ``|k + G|^2 <= basis (2 pi / a)^2``: the cut-off follows the lattice parameter,
the set stays the same, and the energy is a smooth function of ``a``. Its values at Chebyshev nodes
therefore give it everywhere between them, to 1e-9 Ry, together with the pressure -dE/dV.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

#: Range of the lattice parameter in bohr; 10.2 is close to equilibrium.
LOWEST, HIGHEST = 10.0, 10.4

#: Chebyshev nodes of second kind on that range, in bohr.
NODES = (10.0, 10.0382, 10.1382, 10.2618, 10.3618, 10.4)

#: Energy of the ions times the lattice parameter, in Ry bohr: an Ewald sum scales as 1/a.
EWALD = -172.377537413

#: Reciprocal lattice vectors of the face-centred cubic crystal in 2 pi / a.
_RECIPROCAL = ((-1, -1, 1), (1, 1, 1), (-1, 1, -1))


@dataclass(frozen=True)
class Basis:
    """A Gamma-centred grid of k-points, a set of plane waves, and the energies they give."""

    #: k-points along each reciprocal lattice vector (even).
    k_grid: int
    #: Largest ``|k + G|^2`` in (2 pi / a)^2; no vector lies near it.
    size: float
    #: Points of the Fourier grid along each edge: a multiple of four holds both atoms.
    fourier_grid: int
    #: Total energy in Ry at each of :data:`NODES`.
    energies: tuple[float, ...]

    @property
    def k_points(self) -> int:
        """k-points without symmetry but with time reversal: k and -k count once."""
        return (self.k_grid**3 + 8) // 2

    def cut_off(self, lattice: float) -> float:
        """Kinetic-energy cut-off in Ry at a lattice parameter in bohr."""
        return self.size * (2 * math.pi / lattice) ** 2

    def energy(self, lattice: float) -> float:
        """Total energy in Ry at a lattice parameter in bohr (Lagrange's polynomial)."""
        return sum(
            value * math.prod((lattice - m) / (n - m) for m in NODES if m != n)
            for n, value in zip(NODES, self.energies, strict=True)
        )

    def pressure(self, lattice: float) -> float:
        """Pressure -dE/dV in Ry/bohr^3; the volume of the cell is a^3/4."""
        step = 1e-3
        slope = (self.energy(lattice + step) - self.energy(lattice - step)) / (2 * step)
        return -slope / (0.75 * lattice**2)


#: Growing bases for the same k-points: 8, 12 and 18 Ry at 10.2 bohr.
LADDER = (
    Basis(
        4,
        21.08,
        16,
        (
            -15.715647010,
            -15.715779128,
            -15.714876940,
            -15.711440251,
            -15.706945893,
            -15.704854042,
        ),
    ),
    Basis(
        4,
        31.62,
        16,
        (
            -15.793144058,
            -15.793774145,
            -15.794186979,
            -15.792399025,
            -15.789257603,
            -15.787687003,
        ),
    ),
    Basis(
        4,
        47.43,
        20,
        (
            -15.827723484,
            -15.828820220,
            -15.830466544,
            -15.830228272,
            -15.828362302,
            -15.827284306,
        ),
    ),
)

#: Calculations of each size by name; the last one is measured. At 10.2 bohr 63.24 are 24 Ry.
SIZES = {
    'small': LADDER,
    'medium': (
        *LADDER,
        Basis(
            6,
            63.24,
            24,
            (
                -15.846003273,
                -15.847135999,
                -15.848922515,
                -15.848948849,
                -15.847370234,
                -15.846419190,
            ),
        ),
    ),
    'large': (
        *LADDER,
        Basis(
            8,
            63.24,
            24,
            (
                -15.847589333,
                -15.848704035,
                -15.850448209,
                -15.850431530,
                -15.848825365,
                -15.847865464,
            ),
        ),
    ),
}


def star(k: tuple[float, ...], k_grid: int) -> tuple[int, ...]:
    """Name the star of a k-point: equal for k-points that the crystal's symmetry makes equal.

    :arg k: coordinates in 2 pi / a, as printed with four decimals.
    :arg k_grid: points of the Gamma-centred grid along each reciprocal lattice vector.
    """
    whole = [round(k_grid * x) for x in k]
    images = []
    for order in itertools.permutations(whole):
        for signs in itertools.product((1, -1), repeat=3):
            x, y, z = (s * n for s, n in zip(signs, order, strict=True))
            # Components along the reciprocal lattice vectors, folded into the first cell.
            crystal = ((z - x) // 2 % k_grid, (y + z) // 2 % k_grid, (y - x) // 2 % k_grid)
            images.append(crystal)
    return min(images)
