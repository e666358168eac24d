"""The reference energies come out of another plane-wave program, which agrees with publications."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import plane_waves
import pytest

from eessi_library.quantum_espresso import silicon_reference as reference


@cache
def _read(path: Path) -> plane_waves.Pseudopotential:
    return plane_waves.read_upf(path)


@pytest.fixture
def silicon(full_stack: Path) -> plane_waves.Pseudopotential:
    (path,) = full_stack.rglob('QuantumESPRESSO/*/share/espresso/pseudo/Si.pz-vbc.UPF')
    return _read(path)


@pytest.mark.stack
def test_the_program_repeats_a_benchmark_of_quantum_espresso_6_1(
    silicon: plane_waves.Pseudopotential,
) -> None:
    """test-suite/pw_scf/benchmark.out.git.inp=scf.in: 12 Ry, two special points, 10.2 bohr."""
    points = plane_waves.k_points(2, shift=(0.5, 0.5, 0.5))
    assert sorted(points.values()) == [0.25, 0.75]
    crystal = plane_waves.Silicon(silicon, 10.2, 31.62, points, 15)
    assert crystal.total_energy() == pytest.approx(-15.79449593, abs=3e-7)


@pytest.mark.stack
@pytest.mark.slow
def test_the_program_repeats_example_01_of_quantum_espresso_6_0(
    silicon: plane_waves.Pseudopotential,
) -> None:
    """PW/examples/example01/reference/si.scf.david.out: 18 Ry, ten special points, 10.2 bohr."""
    points = plane_waves.k_points(4, shift=(0.5, 0.5, 0.5))
    assert len(points) == 10
    crystal = plane_waves.Silicon(silicon, 10.2, 47.43, points, 20)
    assert crystal.total_energy() == pytest.approx(-15.84452726, abs=3e-7)


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize('step', range(3))
@pytest.mark.parametrize('lattice', [10.0, 10.2137])
def test_the_recorded_ladder_is_what_the_program_gives(
    silicon: plane_waves.Pseudopotential, step: int, lattice: float
) -> None:
    basis = reference.LADDER[step]
    points = plane_waves.k_points(basis.k_grid)
    crystal = plane_waves.Silicon(silicon, lattice, basis.size, points, basis.fourier_grid)
    # At 10.2137 this is also the error of the interpolation between the nodes.
    assert crystal.total_energy() == pytest.approx(basis.energy(lattice), abs=3e-9)


def test_the_ewald_energy_is_a_lattice_sum() -> None:
    for lattice in (10.0, 10.3):
        assert plane_waves.ewald(lattice) * lattice == pytest.approx(reference.EWALD, abs=1e-8)


def test_the_interpolation_goes_through_the_nodes() -> None:
    basis = reference.SIZES['medium'][-1]
    for node, energy in zip(reference.NODES, basis.energies, strict=True):
        assert basis.energy(node) == pytest.approx(energy, abs=1e-12)


def test_the_equilibrium_lattice_is_near_the_published_one() -> None:
    """Local density approximation: 10.17 to 10.22 bohr, e.g. Yin and Cohen, PRB 26 (1982) 5668."""
    basis = reference.SIZES['large'][-1]
    assert basis.pressure(10.15) > 0 > basis.pressure(10.25)


def test_no_plane_wave_lies_near_the_edge_of_a_basis() -> None:
    """The rounding of the cut-off in the input, 1e-10 Ry, must not decide about a plane wave."""
    for basis in {basis for size in reference.SIZES.values() for basis in size}:
        steps = basis.size * basis.k_grid**2
        assert 0.05 < steps % 1 < 0.98


@pytest.mark.parametrize('grid', [4, 6, 8])
def test_stars_have_as_many_members_as_the_irreducible_weights_say(grid: int) -> None:
    axis = range(grid)
    vectors = [(i, j, k) for i in axis for j in axis for k in axis]
    members = Counter(
        reference.star(tuple(round(float(x), 4) for x in n @ plane_waves.RECIPROCAL / grid), grid)
        for n in map(plane_waves.np.array, vectors)
    )
    weights = plane_waves.k_points(grid).values()
    assert sorted(members.values()) == sorted(round(w * grid**3) for w in weights)
