"""The learning task: a function that no linear model can fit, and the bound that this gives."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from eessi_library.tensorflow.numerics import Matrix, grid

#: Inputs of each sample.
INPUTS = 4


@dataclass(frozen=True)
class Samples:
    """Inputs (samples x INPUTS) and what is to be learned."""

    x: Matrix
    y: list[float]


def draw(generator: random.Random, count: int, slopes: Sequence[float]) -> Samples:
    """y = |slopes . x| + 0.25 slopes . x: an even part that is invisible to linear models.

    All numbers are exact in single precision up to the rounding of y.
    """
    x = [[grid(generator) for _ in range(INPUTS)] for _ in range(count)]
    projected = [math.fsum(s * v for s, v in zip(slopes, row, strict=True)) for row in x]
    return Samples(x, [abs(p) + 0.25 * p for p in projected])


def draw_slopes(generator: random.Random) -> list[float]:
    """Slopes of either sign between 0.25 and 0.5, in steps of 1/64."""
    return [generator.choice((-1, 1)) * generator.randint(16, 32) / 64 for _ in range(INPUTS)]


def least_squares_loss(samples: Samples) -> float:
    """The smallest mean squared error that any affine function of x reaches on the samples.

    Normal equations, solved by Gaussian elimination with pivoting.
    """
    rows = [[*x, 1.0] for x in samples.x]
    n = INPUTS + 1
    system = [
        [math.fsum(r[i] * r[j] for r in rows) for j in range(n)]
        + [math.fsum(r[i] * y for r, y in zip(rows, samples.y, strict=True))]
        for i in range(n)
    ]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(system[k][i]))
        system[i], system[pivot] = system[pivot], system[i]
        for k in range(n):
            if k != i:
                factor = system[k][i] / system[i][i]
                system[k] = [a - factor * b for a, b in zip(system[k], system[i], strict=True)]
    solution = [system[i][n] / system[i][i] for i in range(n)]
    fitted = [math.fsum(c * v for c, v in zip(solution, r, strict=True)) for r in rows]
    return mean_squared_error(fitted, samples.y)


def mean_squared_error(found: Sequence[float], wanted: Sequence[float]) -> float:
    """Mean of the squared differences."""
    return math.fsum((a - b) ** 2 for a, b in zip(found, wanted, strict=True)) / len(wanted)


def network_output(weights: Sequence[Sequence[float]], x: Matrix) -> list[float]:
    """Output of a trained network of one hidden rectified layer, in double precision.

    `weights` are hidden weights (inputs x hidden, flattened) and biases, output weights and bias.
    """
    inner, inner_bias, outer, outer_bias = weights
    hidden = len(inner_bias)
    found = []
    for row in x:
        total = outer_bias[0]
        for h in range(hidden):
            value = inner_bias[h] + sum(v * inner[i * hidden + h] for i, v in enumerate(row))
            total += max(value, 0.0) * outer[h]
        found.append(total)
    return found
