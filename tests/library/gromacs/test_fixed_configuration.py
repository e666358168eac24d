"""The exact energies of the fixed configuration are recomputed here by a plain Ewald sum.

P. P. Ewald, Ann. Phys. 369 (1921) 253; formulas as in D. Frenkel, B. Smit, Understanding Molecular
Simulation, 2nd edition, section 12.1. Tin-foil boundary, as GROMACS and every PME code use it.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from eessi_library.gromacs import fixed_configuration as fixed

#: Electric conversion factor 1/(4 pi eps0) in kJ mol^-1 nm e^-2, as GROMACS defines it.
COULOMB_FACTOR = 138.935458

#: Covers all pairs of one cell: less than half the edge, so that the nearest image is the only one.
REAL_CUT_OFF = 0.93


@cache
def _sites() -> tuple[np.ndarray, np.ndarray]:
    """Return positions in nm, shape (3 N, 3), and charges in e, shape (3 N,)."""
    molecules = fixed.molecules()
    positions = np.array([p for m in molecules for p in (m.oxygen, m.hydrogen1, m.hydrogen2)])
    charges = [fixed.OXYGEN_CHARGE, fixed.HYDROGEN_CHARGE, fixed.HYDROGEN_CHARGE]
    return positions, np.tile(charges, len(molecules))


def _erf(values: np.ndarray) -> np.ndarray:
    return np.array([math.erf(value) for value in values])


def _real_part(alpha: float) -> float:
    positions, charges = _sites()
    first, second = np.triu_indices(len(positions), 1)
    other_molecule = first // 3 != second // 3
    first, second = first[other_molecule], second[other_molecule]
    apart = positions[first] - positions[second]
    apart -= fixed.EDGE * np.round(apart / fixed.EDGE)
    distance = np.sqrt((apart**2).sum(axis=1))
    near = distance < REAL_CUT_OFF
    distance, products = distance[near], (charges[first] * charges[second])[near]
    return float(np.sum(products * (1 - _erf(alpha * distance)) / distance))


def _reciprocal_part(alpha: float, largest: int) -> float:
    positions, charges = _sites()
    axis = np.arange(-largest, largest + 1)
    waves = np.stack(np.meshgrid(axis, axis, axis, indexing='ij'), axis=-1).reshape(-1, 3)
    # Opposite waves contribute the same: one of each pair is enough.
    half = waves[len(waves) // 2 + 1 :]
    half = half[(half**2).sum(axis=1) <= largest**2]
    energy = 0.0
    for chunk in np.array_split(half * (2 * math.pi / fixed.EDGE), 20):
        squares = (chunk**2).sum(axis=1)
        structure = np.exp(1j * chunk @ positions.T) @ charges
        energy += 2 * float(
            np.sum(np.exp(-squares / (4 * alpha**2)) / squares * np.abs(structure) ** 2)
        )
    return 2 * math.pi / fixed.EDGE**3 * energy


def _self_part(alpha: float) -> float:
    return -alpha / math.sqrt(math.pi) * float((_sites()[1] ** 2).sum())


def _excluded_part(alpha: float) -> float:
    """Take out what the reciprocal part holds of the pairs within a molecule."""
    positions, charges = _sites()
    energy = 0.0
    for one, other in ((0, 1), (0, 2), (1, 2)):
        distance = np.linalg.norm(positions[one::3] - positions[other::3], axis=1)
        energy -= float(np.sum(charges[one] * charges[other] * _erf(alpha * distance) / distance))
    return energy


@cache
def coulomb_per_molecule(alpha: float, largest: int) -> float:
    """Return the Coulomb energy in kJ/mol for a splitting parameter in 1/nm."""
    parts = (
        _real_part(alpha),
        _reciprocal_part(alpha, largest),
        _self_part(alpha),
        _excluded_part(alpha),
    )
    return COULOMB_FACTOR * sum(parts) / len(fixed.molecules())


def lennard_jones_per_molecule() -> float:
    """Return the plainly truncated Lennard-Jones energy in kJ/mol."""
    oxygens = _sites()[0][::3]
    first, second = np.triu_indices(len(oxygens), 1)
    apart = oxygens[first] - oxygens[second]
    apart -= fixed.EDGE * np.round(apart / fixed.EDGE)
    distance = np.sqrt((apart**2).sum(axis=1))
    sixth = (fixed.SIGMA / distance[distance < fixed.CUT_OFF]) ** 6
    return float(np.sum(4 * fixed.EPSILON * (sixth**2 - sixth))) / len(oxygens)


def test_coulomb_energy_is_the_ewald_sum() -> None:
    assert coulomb_per_molecule(6.0, 20) == pytest.approx(fixed.COULOMB_PER_MOLECULE, rel=1e-6)


def test_lattice_sum_does_not_depend_on_the_splitting() -> None:
    assert coulomb_per_molecule(6.0, 20) == pytest.approx(coulomb_per_molecule(7.0, 23), rel=1e-9)


def test_lennard_jones_energy_is_the_pair_sum() -> None:
    assert lennard_jones_per_molecule() == pytest.approx(fixed.LENNARD_JONES_PER_MOLECULE, rel=1e-6)


def test_no_pair_is_so_near_the_cut_off_that_rounding_decides() -> None:
    oxygens = _sites()[0][::3]
    first, second = np.triu_indices(len(oxygens), 1)
    apart = oxygens[first] - oxygens[second]
    apart -= fixed.EDGE * np.round(apart / fixed.EDGE)
    distance = np.sqrt((apart**2).sum(axis=1))
    pair = 4 * fixed.EPSILON * (fixed.SIGMA / fixed.CUT_OFF) ** 6
    undecided = np.count_nonzero(np.abs(distance - fixed.CUT_OFF) < 1e-6)
    total = abs(fixed.LENNARD_JONES_PER_MOLECULE) * len(oxygens)
    assert undecided * pair / total < fixed.RELATIVE_TOLERANCE / 10


def test_molecules_are_neutral_and_rigid_within_rounding() -> None:
    assert pytest.approx(0, abs=1e-12) == fixed.OXYGEN_CHARGE + 2 * fixed.HYDROGEN_CHARGE
    for molecule in fixed.molecules():
        for hydrogen in (molecule.hydrogen1, molecule.hydrogen2):
            assert math.dist(molecule.oxygen, hydrogen) == pytest.approx(fixed.OH_BOND, abs=0.0015)


def _parsed(copies: int) -> np.ndarray:
    lines = fixed.coordinates(copies).splitlines()
    assert lines[1] == str(3 * 216 * copies**3)
    return np.array(
        [[float(line[20 + 11 * i : 31 + 11 * i]) for i in range(3)] for line in lines[2:-1]]
    )


@pytest.mark.parametrize('copies', [2, 3])
def test_energy_is_extensive_because_copies_are_exact_translations(copies: int) -> None:
    one, many = _parsed(1), _parsed(copies)
    images = many.reshape(copies**3, *one.shape) - one
    steps = images / fixed.EDGE
    assert np.abs(steps - np.round(steps)).max() < 1e-6
    assert np.abs(images - images[:, :1, :]).max() < 1e-9
    assert len({tuple(np.round(step[0]).astype(int)) for step in steps}) == copies**3


def test_box_of_the_copies_is_a_whole_number_of_cells() -> None:
    last = fixed.coordinates(3).splitlines()[-1]
    assert [float(edge) for edge in last.split()] == pytest.approx([3 * fixed.EDGE] * 3)


def test_topology_counts_the_molecules() -> None:
    assert fixed.topology(2).split()[-2:] == ['SOL', str(8 * 216)]


def test_positions_are_the_same_everywhere() -> None:
    first = fixed.molecules()[0]
    assert first == fixed.molecules()[0]
    assert len(fixed.molecules()) == 216


def test_seed_marks_the_run() -> None:
    assert 'ld-seed = 4711\n' in fixed.parameters(4711)
