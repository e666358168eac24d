"""A training whose steps are known: gradient descent of one unit, in plain Python. Pure.

The model is ``tanh(w . x)``, the loss half the mean squared error over the global batch. The mean
over a global batch is the mean of the workers' means if all have equally many samples: that is
what data-parallel training rests on, and what the gradients of one process are compared with.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eessi_library.nonce import integer

#: Inputs of each sample, and learning rate.
INPUTS = 8
RATE = 0.5

#: Weights are of order one, and some hundred terms of order one are added: a few 1e-15 were
#: measured. Single precision anywhere is off by 1e-8 and more.
TOLERANCE = 1e-12

Vector = list[float]


@dataclass(frozen=True)
class Training:
    """Samples of all steps (steps x samples x inputs), targets, and weights at the start."""

    x: list[list[Vector]]
    y: list[Vector]
    start: Vector

    @property
    def steps(self) -> int:
        return len(self.x)

    def as_task(self) -> dict[str, Any]:
        """What the program is given."""
        return {'x': self.x, 'y': self.y, 'start': self.start, 'rate': RATE}

    def share(self, rank: int, ranks: int) -> tuple[list[Vector], Vector]:
        """Samples and targets of one worker in the first step."""
        size = len(self.y[0]) // ranks
        own = slice(rank * size, (rank + 1) * size)
        return self.x[0][own], self.y[0][own]

    def local_gradient(self, rank: int, ranks: int) -> Vector:
        """What one worker must find in the first step, from its own samples."""
        return gradient(self.start, *self.share(rank, ranks))

    def first_gradient(self) -> Vector:
        """What one process finds in the first step, from the samples of all."""
        return gradient(self.start, self.x[0], self.y[0])

    def weights(self) -> Vector:
        """What one process has after the last step."""
        w = list(self.start)
        for x, y in zip(self.x, self.y, strict=True):
            w = [a - RATE * g for a, g in zip(w, gradient(w, x, y), strict=True)]
        return w

    def losses(self) -> tuple[float, float]:
        """Loss on the samples of all steps before the first and after the last."""
        x, y = [row for step in self.x for row in step], [v for step in self.y for v in step]
        return loss(self.start, x, y), loss(self.weights(), x, y)


def draw(nonce: str, ranks: int, samples: int, steps: int) -> Training:
    """Draw a training for `ranks` workers with `samples` each, in each step, from the nonce.

    Inputs are multiples of 1/1024 in (-2, 2); what is learned is the same function with other
    weights.
    """
    generator = random.Random(integer(nonce, 'data-parallel training', 0, 2**40))

    def vector(scale: int) -> Vector:
        return [generator.randint(-2047, 2047) / 1024 / scale for _ in range(INPUTS)]

    target, start = vector(4), vector(4)
    x = [[vector(1) for _ in range(ranks * samples)] for _ in range(steps)]
    return Training(x, [[math.tanh(_dot(target, row)) for row in step] for step in x], start)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(u * v for u, v in zip(a, b, strict=True))


def loss(w: Sequence[float], x: Sequence[Vector], y: Sequence[float]) -> float:
    """Half the mean squared error."""
    pairs = zip(x, y, strict=True)
    return math.fsum((math.tanh(_dot(w, row)) - t) ** 2 for row, t in pairs) / (2 * len(y))


def gradient(w: Sequence[float], x: Sequence[Vector], y: Sequence[float]) -> Vector:
    """Derivative of :func:`loss`: the mean of ``(p - t) (1 - p^2) x`` with ``p = tanh(w . x)``."""
    outputs = [math.tanh(_dot(w, row)) for row in x]
    slopes = [(p - t) * (1 - p * p) for p, t in zip(outputs, y, strict=True)]
    return [
        math.fsum(s * row[i] for s, row in zip(slopes, x, strict=True)) / len(y)
        for i in range(len(w))
    ]


def largest_difference(found: Sequence[float], expected: Sequence[float]) -> float:
    """Largest difference of two vectors; infinite if the lengths differ or one is not finite."""
    if len(found) != len(expected) or not all(map(math.isfinite, found)):
        return math.inf
    return max(abs(f - e) for f, e in zip(found, expected, strict=True))
