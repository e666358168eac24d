"""Lennard-Jones atoms in plain Python: exact energies, and an exact short trajectory.

Reduced units: energies in epsilon, lengths in sigma, masses 1. The potential is cut at
:data:`CUT_OFF` and, for dynamics, shifted to zero there, which leaves the forces as they are.
Long-range corrections: D. Frenkel and B. Smit, Understanding Molecular Simulation, 2nd edition
(2002), equations 3.2.5 and 3.2.6 with a radial distribution function of 1 beyond the cut-off.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

CUT_OFF = 2.5

#: Energy of a pair at the cut-off, which the shift takes away.
AT_CUT_OFF = 4 * (CUT_OFF**-12 - CUT_OFF**-6)

Vector = list[float]


@dataclass(frozen=True)
class Configuration:
    """Atoms in a periodic cube."""

    edge: float
    positions: tuple[tuple[float, float, float], ...]
    velocities: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class State:
    """Potential energy (shifted), kinetic energy and pressure of all atoms at one step."""

    potential: float
    kinetic: float
    pressure: float


def lattice_edge(density: float) -> float:
    """Edge of the cubic cell of four atoms of a face-centred cubic crystal."""
    return (4 / density) ** (1 / 3)


def lattice_energy(density: float) -> float:
    """Energy per atom of the perfect crystal, cut and shifted: a direct sum over neighbours."""
    half = lattice_edge(density) / 2
    reach = math.ceil(CUT_OFF / half)
    total = 0.0
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            for k in range(-reach, reach + 1):
                distance2 = half * half * (i * i + j * j + k * k)
                if (i + j + k) % 2 == 0 and 0 < distance2 < CUT_OFF**2:
                    inverse = distance2**-3
                    total += 4 * inverse * (inverse - 1) - AT_CUT_OFF
    return total / 2


def energy_beyond_cut_off(density: float) -> float:
    """Energy per atom of the pairs beyond the cut-off."""
    return 8 / 3 * math.pi * density * (CUT_OFF**-9 / 3 - CUT_OFF**-3)


def pressure_beyond_cut_off(density: float) -> float:
    """Contribution to the pressure of the pairs beyond the cut-off."""
    return 16 / 3 * math.pi * density**2 * (2 / 3 * CUT_OFF**-9 - CUT_OFF**-3)


def disordered(seed: int, cells: int = 4, density: float = 0.8) -> Configuration:
    """Return a crystal of ``4 cells**3`` atoms, jittered, with velocities of zero momentum."""
    numbers = random.Random(seed)
    spacing = lattice_edge(density)
    sites = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))
    positions, velocities = [], []
    for cell in range(cells**3):
        corner = (cell // cells**2, cell // cells % cells, cell % cells)
        for site in sites:
            # 0.25 keeps every atom inside the box, away from its faces.
            positions.append(
                tuple(
                    (c + s + 0.25 + numbers.uniform(-0.1, 0.1)) * spacing
                    for c, s in zip(corner, site, strict=True)
                )
            )
            velocities.append([numbers.uniform(-2.0, 2.0) for _ in range(3)])
    mean = [sum(v[axis] for v in velocities) / len(velocities) for axis in range(3)]
    moving = [tuple(x - m for x, m in zip(v, mean, strict=True)) for v in velocities]
    return Configuration(cells * spacing, tuple(positions), tuple(moving))  # type: ignore[arg-type]


def _forces(positions: list[Vector], edge: float) -> tuple[list[Vector], float, float]:
    """Return forces, potential energy (shifted) and virial, by minimum images of all pairs."""
    forces = [[0.0, 0.0, 0.0] for _ in positions]
    potential = virial = 0.0
    limit, half = CUT_OFF**2, edge / 2
    for i, (xi, yi, zi) in enumerate(positions):
        fi = forces[i]
        for j in range(i):
            xj, yj, zj = positions[j]
            dx = (xi - xj + half) % edge - half
            dy = (yi - yj + half) % edge - half
            dz = (zi - zj + half) % edge - half
            distance2 = dx * dx + dy * dy + dz * dz
            if distance2 < limit:
                inverse = distance2**-3
                potential += 4 * inverse * (inverse - 1) - AT_CUT_OFF
                product = 48 * inverse * (inverse - 0.5)
                virial += product
                scale, fj = product / distance2, forces[j]
                fi[0] += scale * dx
                fi[1] += scale * dy
                fi[2] += scale * dz
                fj[0] -= scale * dx
                fj[1] -= scale * dy
                fj[2] -= scale * dz
    return forces, potential, virial


def trajectory(start: Configuration, steps: int, time_step: float) -> list[State]:
    """Integrate Newton's equations (velocity Verlet); return the state at steps 0 to ``steps``."""
    positions = [list(p) for p in start.positions]
    velocities = [list(v) for v in start.velocities]
    forces, potential, virial = _forces(positions, start.edge)
    states = [_state(velocities, potential, virial, start.edge)]
    for _ in range(steps):
        for x, v, f in zip(positions, velocities, forces, strict=True):
            for axis in range(3):
                v[axis] += 0.5 * time_step * f[axis]
                x[axis] += time_step * v[axis]
        forces, potential, virial = _forces(positions, start.edge)
        for v, f in zip(velocities, forces, strict=True):
            for axis in range(3):
                v[axis] += 0.5 * time_step * f[axis]
        states.append(_state(velocities, potential, virial, start.edge))
    return states


def _state(velocities: list[Vector], potential: float, virial: float, edge: float) -> State:
    kinetic = 0.5 * sum(x * x for v in velocities for x in v)
    return State(potential, kinetic, (2 * kinetic + virial) / (3 * edge**3))
