"""The model pseudopotential, its energies by the other program, and the form that pw.x reads."""

from __future__ import annotations

import math
import re
from pathlib import Path

import plane_waves
import pytest

from eessi_library.quantum_espresso import model_reference, silicon_reference
from eessi_library.quantum_espresso.model_potential import unified_pseudopotential_format


@pytest.fixture
def model(tmp_path: Path) -> plane_waves.Pseudopotential:
    path = tmp_path / 'model.UPF'
    path.write_text(unified_pseudopotential_format())
    return plane_waves.read_upf(path)


def test_projectors_and_starting_density_are_normalised(
    model: plane_waves.Pseudopotential,
) -> None:
    for beta in model.betas:
        assert (beta**2 * model.r).sum() * model.step == pytest.approx(1, abs=1e-8)
    text = unified_pseudopotential_format()
    density = re.search(r'<PP_RHOATOM>(.*?)</PP_RHOATOM>', text, re.DOTALL)
    assert density
    electrons = sum(
        float(value) * r * model.step for value, r in zip(density[1].split(), model.r, strict=True)
    )
    assert electrons == pytest.approx(4, abs=1e-7)


def test_far_away_it_is_the_potential_of_the_ion(model: plane_waves.Pseudopotential) -> None:
    """pw.x leaves out what lies beyond 10 bohr."""
    far = model.r > 9
    assert far.sum() > 10
    assert abs(model.r * model.local + 8)[far].max() < 1e-12
    assert math.fsum(beta[far].sum() for beta in model.betas) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ('step', 'lattice'),
    [(0, 10.0), (0, 10.2137), (1, 10.3618), pytest.param(2, 10.2137, marks=pytest.mark.slow)],
)
def test_the_energies_are_what_the_program_gives(
    model: plane_waves.Pseudopotential, step: int, lattice: float
) -> None:
    basis = model_reference.SIZES['small'][step]
    points = plane_waves.k_points(basis.k_grid)
    crystal = plane_waves.Silicon(model, lattice, basis.size, points, basis.fourier_grid)
    # Between the nodes this is also the error of the interpolation.
    assert crystal.total_energy() == pytest.approx(basis.energy(lattice), abs=3e-9)


def test_the_calculations_are_those_of_silicon() -> None:
    assert model_reference.SIZES.keys() == silicon_reference.SIZES.keys()
    for size, bases in model_reference.SIZES.items():
        for basis, other in zip(bases, silicon_reference.SIZES[size], strict=True):
            assert (basis.k_grid, basis.size) == (other.k_grid, other.size)
            assert len(basis.energies) == len(silicon_reference.NODES)


def test_energies_fall_with_the_basis_at_every_node() -> None:
    for smaller, larger in zip(
        model_reference.SIZES['small'], model_reference.SIZES['small'][1:], strict=False
    ):
        assert all(a > b for a, b in zip(smaller.energies, larger.energies, strict=True))


@pytest.mark.parametrize('size', ['medium', 'large'])
def test_more_k_points_and_waves_change_the_energies_smoothly(size: str) -> None:
    """A number mistyped in the table would bend the curve: the polynomial through it is smooth."""
    basis, ladder = model_reference.SIZES[size][-1], model_reference.SIZES['small'][-1]
    excess = [a - b for a, b in zip(basis.energies, ladder.energies, strict=True)]
    assert max(excess) - min(excess) < 5e-3
