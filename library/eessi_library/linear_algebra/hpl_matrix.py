"""The matrix of HPL, made again and solved here: what its norms must be.

HPL 2.0 fills ``[A | b]`` column by column from the 64-bit linear congruential generator
``s <- 6364136223846793005 s + 1`` (D. E. Knuth, The Art of Computer Programming, volume 2, 3.3.4;
``HPL_MULT``, ``HPL_IADD`` in HPL's ``hpl_pmatgen.h``) that starts from ``HPL_ISEED = 100``, with
entries ``0.5 - s / 2^64``. Any number of ranks makes the same matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

_MULTIPLIER = 6364136223846793005
_INCREMENT = 1
_SEED = 100
_MASK = 2**64 - 1


@dataclass(frozen=True)
class Norms:
    """Norms that HPL reports, of A, b and of the solution x (None if not computed here)."""

    matrix_one: float
    matrix_infinity: float
    right_hand_side: float
    solution: float | None


def columns(order: int) -> list[list[float]]:
    """Return the ``order + 1`` columns of ``[A | b]``."""
    state, result = _SEED, []
    for _ in range(order + 1):
        column = []
        for _ in range(order):
            state = (_MULTIPLIER * state + _INCREMENT) & _MASK
            column.append(0.5 - state / 2**64)
        result.append(column)
    return result


def solve(augmented: list[list[float]]) -> list[float]:
    """Solve ``A x = b`` from the rows of ``[A | b]``: elimination with partial pivoting."""
    rows = [list(row) for row in augmented]
    n = len(rows)
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        head, tail = rows[k][k], rows[k][k:]
        for i in range(k + 1, n):
            factor = rows[i][k] / head
            rows[i][k:] = [x - factor * y for x, y in zip(rows[i][k:], tail, strict=True)]
    x = [0.0] * n
    for k in reversed(range(n)):
        known = sum(a * v for a, v in zip(rows[k][k + 1 : n], x[k + 1 :], strict=True))
        x[k] = (rows[k][n] - known) / rows[k][k]
    return x


def norms(order: int, solve_up_to: int) -> Norms:
    """Return the norms for HPL's matrix; the solution's only up to an order of ``solve_up_to``."""
    parts = columns(order)
    rows = list(zip(*parts, strict=True))
    solution = None
    if order <= solve_up_to:
        solution = max(abs(value) for value in solve([list(row) for row in rows]))
    return Norms(
        matrix_one=max(sum(map(abs, column)) for column in parts[:-1]),
        matrix_infinity=max(sum(map(abs, row[:-1])) for row in rows),
        right_hand_side=max(map(abs, parts[-1])),
        solution=solution,
    )
