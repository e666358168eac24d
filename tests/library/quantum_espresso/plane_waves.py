"""Silicon in plane waves, written from the textbook: the oracle for ``silicon_reference``.

Nothing of Quantum ESPRESSO is used but the pseudopotential file. Dense matrices in numpy, all
k-points without symmetry, linear mixing: slow and simple on purpose. Rydberg units.

Local density approximation: Perdew and Zunger, Phys. Rev. B 23 (1981) 5048. Total energy:
Ihm, Zunger and Cohen, J. Phys. C 12 (1979) 4409. Projectors: Kleinman and Bylander,
Phys. Rev. Lett. 48 (1982) 1425.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VALENCE = 4.0
ELECTRONS = 8
ATOMS = np.array([[0.0, 0.0, 0.0], [0.25, 0.25, 0.25]])
#: Reciprocal lattice of fcc in 2 pi / a.
RECIPROCAL = np.array([[-1.0, -1.0, 1.0], [1.0, 1.0, 1.0], [-1.0, 1.0, -1.0]])
_erf = np.vectorize(math.erf)


@dataclass(frozen=True)
class Pseudopotential:
    """Radial functions on a logarithmic mesh; ``betas`` holds r times the projector of l = 0, 1."""

    r: np.ndarray
    step: float
    local: np.ndarray
    betas: tuple[np.ndarray, ...]
    strengths: np.ndarray


def read_upf(path: Path) -> Pseudopotential:
    """Read a norm-conserving UPF 2 file with one projector for each of l = 0 and 1."""
    text = path.read_text(encoding='utf-8')

    def block(tag: str) -> np.ndarray:
        found = re.search(rf'<{tag}\b[^>]*>(.*?)</{tag}>', text, re.DOTALL)
        assert found, tag
        return np.array(found[1].split(), dtype=float)

    r = block('PP_R')
    betas = tuple(np.resize(block(f'PP_BETA.{i}'), r.size) for i in (1, 2))
    strengths = block('PP_DIJ').reshape(2, 2).diagonal()
    return Pseudopotential(r, math.log(r[1] / r[0]), block('PP_LOCAL'), betas, strengths)


def _simpson(values: np.ndarray, pp: Pseudopotential) -> np.ndarray:
    """Integrate over r along the last axis (odd number of points, logarithmic mesh)."""
    count = pp.r.size - (pp.r.size + 1) % 2
    weights = np.full(count, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return (values[..., :count] * pp.r[:count] * weights).sum(axis=-1) * pp.step / 3


def local_form_factor(pp: Pseudopotential, q: np.ndarray) -> np.ndarray:
    """Integral of the local potential with exp(-i q r), without 1/volume; alpha Z at q = 0."""
    short = pp.r * pp.local + 2 * VALENCE * _erf(pp.r)
    safe = np.where(q > 1e-9, q, 1.0)[:, None]
    values = 4 * math.pi * _simpson(short * np.sin(safe * pp.r) / safe, pp)
    values -= 8 * math.pi * VALENCE * np.exp(-(safe[:, 0] ** 2) / 4) / safe[:, 0] ** 2
    zero = 4 * math.pi * _simpson(pp.r * (pp.r * pp.local + 2 * VALENCE), pp)
    return np.where(q > 1e-9, values, zero)


def projector(pp: Pseudopotential, angular: int, q: np.ndarray) -> np.ndarray:
    """Return 4 pi times the spherical Bessel transform of a projector, without 1/sqrt(volume)."""
    x = np.maximum(q, 1e-9)[:, None] * pp.r
    bessel = np.sinc(x / math.pi)
    if angular == 1:
        bessel = np.where(x > 1e-2, (np.sin(x) / x - np.cos(x)) / x, x / 3 - x**3 / 30)
    return 4 * math.pi * _simpson(pp.betas[angular] * pp.r * bessel, pp)


def exchange_correlation(density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return energy per electron and potential in Ry (Perdew and Zunger 1981, unpolarised)."""
    rs = (3 / (4 * math.pi * density)) ** (1 / 3)
    ex = -0.75 * (9 / (4 * math.pi**2)) ** (1 / 3) / rs
    log, root = np.log(rs), np.sqrt(rs)
    dense = 0.0311 * log - 0.048 + 0.0020 * rs * log - 0.0116 * rs
    v_dense = dense - rs / 3 * (0.0311 / rs + 0.0020 * (log + 1) - 0.0116)
    below = 1 + 1.0529 * root + 0.3334 * rs
    dilute = -0.1423 / below
    v_dilute = dilute * (1 + 7 / 6 * 1.0529 * root + 4 / 3 * 0.3334 * rs) / below
    ec, vc = np.where(rs < 1, dense, dilute), np.where(rs < 1, v_dense, v_dilute)
    return 2 * (ex + ec), 2 * (4 / 3 * ex + vc)


def ewald(a: float) -> float:
    """Energy of the ions in a neutralising background, in Ry."""
    volume, eta = a**3 / 4, 1.6 / a
    direct = np.linalg.inv(RECIPROCAL).T
    cells = np.array(list(itertools.product(range(-7, 8), repeat=3)))
    total = 0.0
    for i, j in itertools.product(range(2), repeat=2):
        r = np.linalg.norm((cells @ direct + ATOMS[i] - ATOMS[j]) * a, axis=1)
        r = r[r > 1e-9]
        total += (np.array([math.erfc(eta * x) for x in r]) / r).sum()
    g = cells[np.any(cells != 0, axis=1)] @ RECIPROCAL
    g2 = (g**2).sum(axis=1) * (2 * math.pi / a) ** 2
    structure = np.exp(-2j * math.pi * g @ ATOMS.T).sum(axis=1)
    total += 4 * math.pi / volume * (np.exp(-g2 / 4 / eta**2) / g2 * abs(structure) ** 2).sum()
    total -= 2 * 2 * eta / math.sqrt(math.pi) + 4 * math.pi / volume * 4 / (4 * eta**2)
    return VALENCE**2 * total


def _tetrahedral_group() -> list[np.ndarray]:
    """The 24 rotations that keep the first atom and the crystal: no fractional translation."""
    operations = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            if np.prod(signs) > 0:
                operations.append(np.diag(signs)[:, order])
    return operations


GROUP = _tetrahedral_group()


def k_points(grid: int, shift: tuple[float, float, float] | None = None) -> dict[tuple, float]:
    """Return k-points in 2 pi / a and their weights, reduced by the group and by time reversal.

    :arg shift: None for the Gamma-centred grid of the primitive cell; else offset of a grid of
        the conventional cell, in grid steps.
    """
    if shift is None:
        points = np.array(list(itertools.product(range(grid), repeat=3))) / grid @ RECIPROCAL
    else:
        axis = (np.arange(2 * grid) - grid) / grid
        points = np.array(list(itertools.product(axis, repeat=3))) + np.array(shift) / grid
        points = points[[_in_zone(p) for p in points]]
    stars: dict[tuple, float] = {}
    for k in points:
        images = {_folded(sign * op @ k) for op in GROUP for sign in (1, -1)}
        star = min(images)
        stars[star] = stars.get(star, 0.0) + 1 / len(points)
    return stars


def _in_zone(k: np.ndarray) -> bool:
    # Truncated octahedron of the bcc reciprocal lattice.
    return bool(max(abs(k)) <= 1 and abs(k).sum() <= 1.5)


def _folded(k: np.ndarray) -> tuple:
    reduced = np.round(np.linalg.solve(RECIPROCAL.T, k), 9) % 1
    return tuple(np.round(np.round(reduced, 9) % 1 @ RECIPROCAL, 9) + 0.0)


class Silicon:
    """Self-consistent silicon with the plane waves ``|k + G|^2 <= basis`` in (2 pi / a)^2."""

    def __init__(
        self, pp: Pseudopotential, a: float, basis: float, points: dict[tuple, float], fft: int
    ) -> None:
        self.pp, self.a, self.fft = pp, a, fft
        self.volume, self.unit = a**3 / 4, 2 * math.pi / a
        index = np.fft.fftfreq(fft, 1 / fft).astype(int)
        miller = np.array(list(itertools.product(index, repeat=3)))
        self.g = miller @ RECIPROCAL
        g2 = (self.g**2).sum(axis=1)
        self.inside = g2 <= 4 * basis
        self.g2 = g2 * self.unit**2
        structure = np.exp(-2j * math.pi * self.g @ ATOMS.T).sum(axis=1)
        shells, back = np.unique(np.round(g2, 6), return_inverse=True)
        form = local_form_factor(pp, np.sqrt(shells) * self.unit)[back]
        self.local = np.where(self.inside, structure * form / self.volume, 0)
        self.blocks = [(w, *self._block(np.array(k), miller, basis)) for k, w in points.items()]
        solve = np.linalg.inv(RECIPROCAL.T)
        self.images = [self._flat(np.rint(self.g @ op.T @ solve.T).astype(int)) for op in GROUP]

    def _flat(self, miller: np.ndarray) -> np.ndarray:
        return np.ravel_multi_index(tuple(np.moveaxis(miller % self.fft, -1, 0)), (self.fft,) * 3)

    def _block(self, k, miller, basis):
        kg = k + self.g
        kept = miller[(kg**2).sum(axis=1) <= basis]
        kg = (k + kept @ RECIPROCAL) * self.unit
        q = np.linalg.norm(kg, axis=1)
        unit = kg / np.maximum(q, 1e-12)[:, None]
        phase = np.exp(-1j * kg * self.a @ ATOMS.T)
        matrix = np.diag(q**2).astype(complex)
        for angular, legendre in ((0, 1.0), (1, unit @ unit.T)):
            f = projector(self.pp, angular, q)
            weight = self.pp.strengths[angular] * (2 * angular + 1) / (4 * math.pi) / self.volume
            matrix += weight * np.outer(f, f) * legendre * (phase @ phase.conj().T)
        return matrix, self._flat(kept[:, None, :] - kept[None, :, :]), self._flat(kept)

    def _to_real(self, values: np.ndarray) -> np.ndarray:
        return np.fft.ifftn(values.reshape((self.fft,) * 3)).ravel() * self.fft**3

    def _to_reciprocal(self, values: np.ndarray) -> np.ndarray:
        return np.fft.fftn(values.reshape((self.fft,) * 3)).ravel() / self.fft**3

    def _symmetrised(self, density: np.ndarray) -> np.ndarray:
        rho = self._to_reciprocal(density)
        rho = sum(np.where(self.inside, rho[image], 0) for image in self.images) / len(GROUP)
        return self._to_real(rho).real

    def total_energy(self, tolerance: float = 1e-11) -> float:
        """Return the self-consistent total energy in Ry per cell."""
        density = np.full(self.fft**3, ELECTRONS / self.volume)
        previous = math.inf
        for _ in range(80):
            energy, output = self._iterate(density)
            if abs(energy - previous) < tolerance:
                return energy
            previous = energy
            density = density + 0.6 * (output - density)
        raise RuntimeError('not converged')

    def _iterate(self, density: np.ndarray) -> tuple[float, np.ndarray]:
        rho = np.where(self.inside, self._to_reciprocal(density), 0)
        coulomb = np.where(self.g2 > 1e-9, 8 * math.pi / np.maximum(self.g2, 1e-9), 0)
        exc, vxc = exchange_correlation(density)
        potential = self.local + coulomb * rho + self._to_reciprocal(vxc)
        bands, output = 0.0, np.zeros(self.fft**3)
        for weight, matrix, flat, place in self.blocks:
            values, vectors = np.linalg.eigh(matrix + potential[flat])
            bands += 2 * weight * values[:4].sum()
            for vector in vectors.T[:4]:
                wave = np.zeros(self.fft**3, dtype=complex)
                wave[place] = vector
                output += 2 * weight * abs(self._to_real(wave)) ** 2 / self.volume
        output = self._symmetrised(output)
        # Harris-Foulkes: second order in the error of the density, hence well converged.
        hartree = 0.5 * self.volume * (coulomb * abs(rho) ** 2).sum()
        xc = ((exc - vxc) * density).mean() * self.volume
        return float(bands - hartree + xc + ewald(self.a)), output
