"""The training that judges the workers: its gradient, and what sharing the samples means."""

import math
import random

import pytest

from eessi_library.data_parallel import training
from eessi_library.data_parallel.training import draw, gradient, largest_difference, loss

NONCE = '00112233445566aa'


def test_gradient_is_the_derivative_of_the_loss():
    """Central differences, error below 1e-9."""
    generator = random.Random(7)
    w = [generator.uniform(-0.5, 0.5) for _ in range(3)]
    x = [[generator.uniform(-1, 1) for _ in range(3)] for _ in range(5)]
    y = [generator.uniform(-1, 1) for _ in range(5)]
    for i, exact in enumerate(gradient(w, x, y)):
        ends = [loss([*w[:i], w[i] + step, *w[i + 1 :]], x, y) for step in (1e-6, -1e-6)]
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize('ranks', [1, 2, 3, 7])
def test_mean_of_the_workers_gradients_is_that_of_one_process(ranks):
    one = draw(NONCE, ranks, 16, 2)
    parts = [one.local_gradient(rank, ranks) for rank in range(ranks)]
    mean = [math.fsum(values) / ranks for values in zip(*parts, strict=True)]
    assert largest_difference(mean, one.first_gradient()) < 1e-15


@pytest.mark.parametrize('seed', range(50))
def test_every_nonce_teaches_something_that_single_precision_would_miss(seed):
    one = draw(f'{seed:016x}', 2, 16, 6)
    before, after = one.losses()
    assert after < before / 2
    assert max(map(abs, one.first_gradient())) > 1e-3
    parts = [one.local_gradient(rank, 2) for rank in (0, 1)]
    assert largest_difference(parts[0], one.first_gradient()) > 1e6 * training.TOLERANCE


def test_samples_and_start_depend_on_the_nonce():
    assert draw(NONCE, 2, 16, 6) == draw(NONCE, 2, 16, 6)
    assert draw(NONCE, 2, 16, 6).start != draw('f' * 16, 2, 16, 6).start


def test_vectors_that_cannot_be_compared_are_infinitely_far():
    assert largest_difference([1.0], [1.0, 2.0]) == math.inf
    assert largest_difference([math.nan], [1.0]) == math.inf
