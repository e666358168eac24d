"""The same arithmetic in plain Python, double precision: what TensorFlow's answers are held to.

Error bounds: a sum of n products in a precision with unit round-off u is within
n u / (1 - n u) times the sum of the absolute products, in any order of summation (N. J. Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., SIAM 2002, eq. 3.5).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

#: Unit round-off of IEEE 754 binary32 and binary64, rounding to nearest.
UNIT = {'float32': 2.0**-24, 'float64': 2.0**-53}

Matrix = list[list[float]]


@dataclass(frozen=True)
class Expected:
    """A value and how far a correct answer may be from it."""

    value: float
    bound: float


def grid(generator: random.Random) -> float:
    """A number in (-2, 2) with 11 significant bits: exact in every precision that is tested."""
    return generator.randint(-2047, 2047) / 1024


def matrix(generator: random.Random, rows: int, columns: int) -> Matrix:
    """Random numbers of :func:`grid`."""
    return [[grid(generator) for _ in range(columns)] for _ in range(rows)]


def _sum(products: Sequence[float], unit: float) -> Expected:
    n = len(products)
    return Expected(math.fsum(products), n * unit / (1 - n * unit) * math.fsum(map(abs, products)))


def matmul(left: Matrix, right: Matrix, unit: float) -> Iterator[Expected]:
    """Elements of the product, row by row."""
    columns = list(zip(*right, strict=True))
    for row in left:
        for column in columns:
            yield _sum([a * b for a, b in zip(row, column, strict=True)], unit)


def convolution(image: list[Matrix], kernel: list[list[Matrix]], unit: float) -> Iterator[Expected]:
    """Elements of a convolution without padding, as TensorFlow defines it (a correlation).

    `image` is rows x columns x channels, `kernel` rows x columns x channels x filters; the order
    of the elements is rows x columns x filters. Twice the bound: fast algorithms (Winograd) form
    sums of the inputs first.
    """
    height, width = len(kernel), len(kernel[0])
    channels, filters = len(kernel[0][0]), len(kernel[0][0][0])
    taps = [(i, j, c) for i in range(height) for j in range(width) for c in range(channels)]
    for row in range(len(image) - height + 1):
        for column in range(len(image[0]) - width + 1):
            for f in range(filters):
                products = [image[row + i][column + j][c] * kernel[i][j][c][f] for i, j, c in taps]
                exact = _sum(products, unit)
                yield Expected(exact.value, 2 * exact.bound)


def softmax(logits: Matrix, unit: float) -> Iterator[Expected]:
    """Elements of the row-wise softmax.

    exp has a relative error of a few units (16 allowed: vector libraries state up to 4 ulp, and
    the quotient has two of them), the sum of n positive terms n units.
    """
    for row in logits:
        largest = max(row)
        powers = [math.exp(v - largest) for v in row]
        total = math.fsum(powers)
        for power in powers:
            yield Expected(power / total, (16 + len(row)) * unit * power / total)


@dataclass(frozen=True)
class Network:
    """A convolution with tanh, then a dense layer with softmax cross-entropy; one sample."""

    image: Matrix
    kernel: list[list[Matrix]]
    weights: Matrix
    bias: list[float]
    label: int

    def parameters(self) -> dict[str, list[float]]:
        """Kernel, weights and bias, each flattened in row-major order."""
        kernel = [f for row in self.kernel for tap in row for channel in tap for f in channel]
        return {
            'kernel': kernel,
            'weights': [w for row in self.weights for w in row],
            'bias': list(self.bias),
        }

    def loss(self, parameters: dict[str, list[float]]) -> float:
        """Cross-entropy for the label with other parameters of the same shapes."""
        height, width = len(self.kernel), len(self.kernel[0])
        filters, classes = len(self.kernel[0][0][0]), len(self.bias)
        kernel, weights = parameters['kernel'], parameters['weights']
        logits = list(parameters['bias'])
        unit = 0
        for row in range(len(self.image) - height + 1):
            for column in range(len(self.image[0]) - width + 1):
                for f in range(filters):
                    activation = math.tanh(
                        math.fsum(
                            self.image[row + i][column + j] * kernel[(i * width + j) * filters + f]
                            for i in range(height)
                            for j in range(width)
                        )
                    )
                    for k in range(classes):
                        logits[k] += activation * weights[unit * classes + k]
                    unit += 1
        largest = max(logits)
        total = math.fsum(math.exp(v - largest) for v in logits)
        return math.log(total) + largest - logits[self.label]


def random_network(generator: random.Random) -> Network:
    """6 x 6 pixels, two filters of 3 x 3, five classes."""
    weights = [[grid(generator) / 8 for _ in range(5)] for _ in range(4 * 4 * 2)]
    return Network(
        image=matrix(generator, 6, 6),
        kernel=[[[[grid(generator) / 4 for _ in range(2)]] for _ in range(3)] for _ in range(3)],
        weights=weights,
        bias=[grid(generator) for _ in range(5)],
        label=generator.randrange(5),
    )


def finite_differences(
    function: Callable[[dict[str, list[float]]], float],
    parameters: dict[str, list[float]],
    step: float = 1e-5,
) -> dict[str, list[float]]:
    """Central differences; error step^2/6 of the third derivative plus 1e-16/step: below 1e-10."""
    found: dict[str, list[float]] = {}
    for name, values in parameters.items():
        found[name] = []
        for i, value in enumerate(values):
            ends = []
            for moved in (value + step, value - step):
                values[i] = moved
                ends.append(function(parameters))
            values[i] = value
            found[name].append((ends[0] - ends[1]) / (2 * step))
    return found
