"""Matrices whose products, eigenvalues, singular values and factors are known beforehand.

Everything is plain Python on integers and float64, a function of numbers drawn from the nonce.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from eessi_library.nonce import integer

#: Unit round-off of float64 and float32, times two (LAPACK's "precision").
EPSILON = sys.float_info.epsilon
EPSILON_SINGLE = 2.0**-23

#: Bound on a scaled residual: HPL's criterion (A. Petitet et al., HPL 2.3, "Results": a run is
#: numerically correct if ||Ax-b|| / (eps (||A|| ||x|| + ||b||) n) < 16, infinity norms).
SCALED_RESIDUAL_LIMIT = 16.0

Vector = Sequence[float]
Matrix = Sequence[Sequence[float]]


#: A prime above every dimension, so that neither rows nor columns repeat.
PRIME = 100_003


@dataclass(frozen=True)
class IntegerMatrix:
    """Entries ``((p i + q j + r i j + s) mod 100003) mod m - m // 2``, i and j from 1.

    Entries are small integers: products stay under 2^53 (2^24 in single precision), so that
    floating-point arithmetic is exact and results can be asked for digit by digit.
    """

    p: int
    q: int
    r: int
    s: int
    m: int

    def row(self, i: int, columns: int) -> list[int]:
        """Return row ``i`` (from 1)."""
        start, step, half = self.p * i + self.s, self.q + self.r * i, self.m // 2
        return [(start + step * j) % PRIME % self.m - half for j in range(1, columns + 1)]

    def rows(self, rows: int, columns: int) -> list[list[int]]:
        """Return the matrix, row by row."""
        return [self.row(i, columns) for i in range(1, rows + 1)]

    def as_numbers(self) -> dict[str, int]:
        """Return the five numbers for a program that builds the same matrix."""
        return asdict(self)


def integer_matrix(nonce: str, purpose: str, modulus: int = 199) -> IntegerMatrix:
    """Draw a matrix with entries up to ``modulus / 2`` from the nonce."""
    p, q, r, s = (integer(nonce, f'{purpose} {name}', 1, PRIME - 1) for name in 'pqrs')
    return IntegerMatrix(p, q, r, s, modulus)


def integer_vector(nonce: str, purpose: str, length: int, limit: int = 99) -> list[int]:
    """Draw a vector of integers in [1, limit] without zeros."""
    matrix = integer_matrix(nonce, purpose, 499)
    return [1 + (entry + 249) % limit for entry in matrix.row(7, length)]


def times(matrix: Matrix, vector: Vector) -> list[float]:
    """Return the product; exact if all entries are integers."""
    return [sum(a * x for a, x in zip(row, vector, strict=True)) for row in matrix]


def right_hand_side(matrix: IntegerMatrix, solution: Sequence[int]) -> list[int]:
    """Return ``b = A x``, so that b is as large as A and x make it.

    A small b beside ``||A|| ||x||`` would let a solution that is uniformly off pass HPL's
    criterion, which measures the backward error.
    """
    rows = matrix.rows(len(solution), len(solution))
    return [sum(a * x for a, x in zip(row, solution, strict=True)) for row in rows]


def transposed(matrix: Matrix) -> list[list[float]]:
    """Return the transposed matrix."""
    return [list(column) for column in zip(*matrix, strict=True)]


def norm(vector: Vector) -> float:
    """Return the infinity norm; NaN if an entry is NaN."""
    return math.nan if any(x != x for x in vector) else max((abs(x) for x in vector), default=0.0)


def matrix_norm(matrix: Matrix) -> float:
    """Return the infinity norm: the largest row sum."""
    return max(sum(abs(a) for a in row) for row in matrix)


def thirds(numbers: Sequence[int]) -> list[float]:
    """Return a third of each, so that a solution needs all digits of float64.

    Integers would be the same after a detour through float32, and a solver that takes one passes.
    """
    return [number / 3 for number in numbers]


def scaled_residual(
    matrix: Matrix, x: Vector, b: Vector, epsilon: float = EPSILON, order: int | None = None
) -> float:
    """Return HPL's scaled residual of ``A x = b``; sums are exact up to one rounding (fsum)."""
    found = [math.fsum(a * v for a, v in zip(row, x, strict=True)) for row in matrix]
    residual = norm([f - e for f, e in zip(found, b, strict=True)])
    scale = epsilon * (matrix_norm(matrix) * norm(x) + norm(b)) * (order or len(matrix))
    return residual / scale if scale else math.nan


def scaled_difference(found: Vector, expected: Vector, size: float, order: int) -> float:
    """Return ``||found - expected|| / (eps size order)``; infinite if the lengths differ."""
    if len(found) != len(expected):
        return math.inf
    return norm([f - e for f, e in zip(found, expected, strict=True)]) / (EPSILON * size * order)


def known_eigenvalues(order: int, scale: int) -> list[float]:
    """Return ``order`` eigenvalues of both signs, ascending, evenly spaced within ``scale``.

    Relative gaps stay above 1e-3 up to order 1000: below, LAPACK's dsyevr takes eigenvalues for a
    cluster and its eigenvectors lose two digits of orthogonality
    (scaled errors of 17 instead of 2.7 were measured).
    """
    return [scale * (2 * k + 0.5 - order) / order for k in range(order)]


def symmetric(eigenvalues: Vector, v: Vector) -> list[list[float]]:
    """Return ``H D H`` with the reflection ``H = I - 2 v v' / v'v``: dense, same eigenvalues."""
    dv = [d * x for d, x in zip(eigenvalues, v, strict=True)]
    square = sum(x * x for x in v)
    inner = sum(x * y for x, y in zip(v, dv, strict=True))
    rows = []
    for i, (vi, dvi) in enumerate(zip(v, dv, strict=True)):
        row = [
            -2 * (vi * y + dvi * x) / square + 4 * inner * vi * x / square**2
            for x, y in zip(v, dv, strict=True)
        ]
        row[i] += eigenvalues[i]
        rows.append(row)
    return rows


def known_singular_values(count: int, scale: int) -> list[float]:
    """Return ``count`` distinct positive singular values, descending from ``scale``."""
    return [scale * (1 - k / (count + 1)) for k in range(count)]


def rectangular(values: Vector, u: Vector, v: Vector) -> list[list[float]]:
    """Return ``H_u S H_v`` (len(u) x len(v)) with these singular values on the diagonal of S."""
    uu, vv = sum(x * x for x in u), sum(x * x for x in v)
    su = [s * x for s, x in zip(values, u, strict=False)]
    sv = [s * x for s, x in zip(values, v, strict=True)] + [0.0] * (len(u) - len(v))
    inner = sum(x * y for x, y in zip(su, v, strict=True))
    rows = []
    for i, (ui, svi) in enumerate(zip(u, sv, strict=True)):
        row = [
            -2 * ui * y / uu - 2 * svi * x / vv + 4 * inner * ui * x / (uu * vv)
            for x, y in zip(v, su, strict=True)
        ]
        if i < len(v):
            row[i] += values[i]
        rows.append(row)
    return rows


def cholesky_row_sums(order: int, scale: int, w: Vector) -> list[float]:
    """Return ``R w`` for the Cholesky factor R of ``scale^2 min(i, j)``: R is ``scale`` above.

    ``min(i, j) = sum_k [k <= i][k <= j]``, hence R'R with R upper triangular and all ones, exact
    in floating point because every intermediate value is a small integer times scale^2.
    """
    sums, total = [0.0] * order, 0.0
    for i in reversed(range(order)):
        total += scale * w[i]
        sums[i] = total
    return sums
