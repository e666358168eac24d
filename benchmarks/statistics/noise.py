"""Noise of the kind that machines have: independent, drifting, with interference; from a seed.

Drift is half of the variance in an AR(1) process of coefficient 0.95 from run to run: a neighbour,
a temperature, a page cache. Heavy-tailed noise adds to one run in ten a positive, exponentially
distributed disturbance of four times the noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NoiseModel:
    """One kind of noise on the logarithm of a run's time."""

    name: str
    #: Coefficient of variation of single runs.
    cv: float
    drift: bool = False
    heavy: bool = False
    coefficient: float = 0.95


def runs(model: NoiseModel, repetitions: int, length: int, generator: np.random.Generator) -> Array:
    """Return logarithms of times, one series of ``length`` consecutive runs per repetition."""
    noise = generator.standard_normal((repetitions, length))
    if model.heavy:
        hit = generator.random((repetitions, length)) < 0.1
        noise = noise + hit * generator.exponential(4.0, (repetitions, length))
    if model.drift:
        slow = autoregressive(model.coefficient, repetitions, length, generator)
        noise = np.sqrt(0.5) * (noise + slow)
    return model.cv * noise


def autoregressive(
    coefficient: float, repetitions: int, length: int, generator: np.random.Generator
) -> Array:
    """Return AR(1) series of unit variance, stationary from the first value on."""
    values = generator.standard_normal((repetitions, length))
    for i in range(1, length):
        step = np.sqrt(1 - coefficient**2) * values[:, i]
        values[:, i] = coefficient * values[:, i - 1] + step
    return values


def passing(repetitions: int, length: int, generator: np.random.Generator) -> Array:
    """Return series of unit variance whose disturbances last two runs.

    Neighbours correlate by 0.39, others not at all, as CPU times of GROMACS did on a busy machine
    (``recorded/gromacs-same.csv``).
    """
    kicks = generator.standard_normal((repetitions, length + 1))
    return (kicks[:, 1:] + 0.48 * kicks[:, :-1]) / np.sqrt(1 + 0.48**2)


def interleaved(
    series: Array, shift: Array | float, generator: np.random.Generator, *, abba: bool = False
) -> tuple[Array, Array]:
    """Split consecutive runs into sides, the order in each pair by a coin; shift the second.

    :arg abba: a coin for two pairs, which run ABBA or BAAB.
    """
    repetitions, length = series.shape
    pairs = length // 2
    coins = generator.integers(0, 2, (repetitions, (pairs + 1) // 2 if abba else pairs))
    if abba:
        coins = np.repeat(coins, 2, axis=1)[:, :pairs] + np.arange(pairs) % 2
    swapped = coins % 2 == 1
    first, second = series[:, 0::2], series[:, 1::2]
    before = np.where(swapped, second, first)
    after = np.where(swapped, first, second)
    return before, after + np.asarray(shift).reshape(-1, 1)


def blocks(series: Array, shift: Array | float) -> tuple[Array, Array]:
    """Split consecutive runs into all of one side, then all of the other."""
    half = series.shape[1] // 2
    return series[:, :half], series[:, half:] + np.asarray(shift).reshape(-1, 1)
