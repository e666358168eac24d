"""The plain-Python atoms obey the laws that they are made to check."""

from __future__ import annotations

import math

import pytest

from eessi_library.lammps import lennard_jones
from eessi_library.lammps.lennard_jones import disordered, lattice_energy, trajectory


def test_the_lattice_energy_is_the_sum_over_the_four_shells_within_the_cut_off() -> None:
    """Neighbours of an atom of a face-centred cubic crystal: 12, 6, 24, 12 at a sqrt(n/2)."""
    edge = lennard_jones.lattice_edge(0.8442)
    total = 0.0
    for shell, neighbours in enumerate((12, 6, 24, 12), 1):
        r = edge * math.sqrt(shell / 2)
        assert r < lennard_jones.CUT_OFF
        total += neighbours / 2 * (4 * (r**-12 - r**-6) - lennard_jones.AT_CUT_OFF)
    assert edge * math.sqrt(5 / 2) > lennard_jones.CUT_OFF
    assert lattice_energy(0.8442) == pytest.approx(total, rel=1e-14)


def test_the_lattice_energy_is_the_published_one_of_the_melt_benchmark() -> None:
    """LAMMPS bench/in.lj (density 0.8442, cut-off 2.5): E_pair at step 0 is -6.7733681."""
    unshifted = lattice_energy(0.8442) + 54 / 2 * lennard_jones.AT_CUT_OFF
    assert unshifted == pytest.approx(-6.7733681, abs=5e-8)


def test_no_shell_crosses_the_cut_off_in_the_range_of_densities() -> None:
    for density in (0.79, 0.83):
        shells = [lennard_jones.lattice_edge(density) * math.sqrt(n / 2) for n in range(1, 9)]
        assert min(abs(r - lennard_jones.CUT_OFF) for r in shells) > 0.05


def test_configurations_differ_with_the_seed_and_have_no_momentum() -> None:
    one, same, other = disordered(1), disordered(1), disordered(2)
    assert one == same
    assert one.positions != other.positions
    assert len(one.positions) == 256
    assert all(0 < x < one.edge for position in one.positions for x in position)
    for axis in range(3):
        assert sum(v[axis] for v in one.velocities) == pytest.approx(0, abs=1e-12)


def test_the_box_holds_the_cut_off_twice() -> None:
    assert disordered(1).edge > 2 * lennard_jones.CUT_OFF


def test_the_trajectory_conserves_energy_to_second_order() -> None:
    """Velocity Verlet: halving the time step divides the error by four."""
    start = disordered(3)
    errors = []
    for steps in (5, 10):
        states = trajectory(start, steps, 0.004 / steps)
        energies = [s.potential + s.kinetic for s in states]
        errors.append(abs(energies[-1] - energies[0]))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_the_pressure_is_minus_the_slope_of_the_free_expansion() -> None:
    """P V = (2 K + W) / 3, and W = -3 V dU/dV: checked by scaling the box."""
    cold = disordered(4)
    still = tuple((0.0, 0.0, 0.0) for _ in cold.positions)
    energies = []
    for scale in (1 - 1e-6, 1 + 1e-6):
        scaled = tuple(tuple(scale * x for x in p) for p in cold.positions)
        box = lennard_jones.Configuration(scale * cold.edge, scaled, still)  # type: ignore[arg-type]
        energies.append(trajectory(box, 0, 0.0)[0].potential)
    volume = cold.edge**3
    slope = (energies[1] - energies[0]) / (6e-6 * volume)
    pressure = trajectory(lennard_jones.Configuration(cold.edge, cold.positions, still), 0, 0.0)[
        0
    ].pressure
    assert pressure == pytest.approx(-slope, rel=1e-3)
