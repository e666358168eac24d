"""The arithmetic that judges TensorFlow: each function against something simpler still."""

import math
import random

import pytest

from eessi_library.tensorflow import numerics, regression
from eessi_library.tensorflow.numerics import UNIT

GENERATOR = random.Random(1)


def test_inputs_are_exact_in_single_precision():
    import struct

    for _ in range(1000):
        value = numerics.grid(GENERATOR)
        assert struct.unpack('f', struct.pack('f', value))[0] == value
        assert abs(value) < 2


def test_matmul_of_two_by_two():
    found = list(numerics.matmul([[1, 2], [3, 4]], [[5, 6], [7, 8]], UNIT['float64']))
    assert [e.value for e in found] == [19, 22, 43, 50]
    assert found[0].bound == pytest.approx(2 * 2**-53 * 19, rel=1e-12)


def test_convolution_with_one_pixel_is_a_product():
    image = [[[2.0], [3.0]], [[4.0], [5.0]]]
    assert [e.value for e in numerics.convolution(image, [[[[10.0]]]], 1e-16)] == [20, 30, 40, 50]


def test_convolution_with_a_box_adds_up():
    image = [[[1.0] for _ in range(4)] for _ in range(4)]
    kernel = [[[[1.0]] for _ in range(3)] for _ in range(3)]
    assert [e.value for e in numerics.convolution(image, kernel, 1e-16)] == [9.0] * 4


def test_softmax_adds_up_to_one_and_ignores_a_shift():
    row = [0.5, -1.0, 2.0]
    one = [e.value for e in numerics.softmax([row], 1e-16)]
    two = [e.value for e in numerics.softmax([[v + 100 for v in row]], 1e-16)]
    assert math.fsum(one) == pytest.approx(1.0, abs=1e-15)
    assert one == pytest.approx(two, rel=1e-13)


def test_finite_differences_of_a_polynomial():
    found = numerics.finite_differences(lambda p: p['x'][0] ** 3 + p['x'][1], {'x': [2.0, 5.0]})
    assert found['x'] == pytest.approx([12.0, 1.0], abs=1e-9)


def test_loss_of_a_network_without_weights_is_the_logarithm_of_the_classes():
    network = numerics.random_network(GENERATOR)
    flat = {name: [0.0] * len(values) for name, values in network.parameters().items()}
    assert network.loss(flat) == pytest.approx(math.log(5), rel=1e-15)


def test_gradient_of_the_bias_is_probability_minus_label():
    """The derivative of softmax cross-entropy (any textbook), against finite differences."""
    network = numerics.random_network(GENERATOR)
    bias = numerics.finite_differences(network.loss, network.parameters())['bias']
    assert math.fsum(bias) == pytest.approx(0.0, abs=1e-9)
    assert bias[network.label] < 0


def test_least_squares_finds_an_affine_function_exactly():
    samples = regression.draw(GENERATOR, 50, [0.25, 0.5, -0.25, -0.5])
    line = [1 + 2 * x[0] - x[3] for x in samples.x]
    assert regression.least_squares_loss(regression.Samples(samples.x, line)) < 1e-25


def test_no_linear_model_learns_the_task():
    """The bound that training must beat is a fair share of the variance."""
    for seed in range(20):
        generator = random.Random(seed)
        samples = regression.draw(generator, 400, regression.draw_slopes(generator))
        mean = math.fsum(samples.y) / 400
        variance = regression.mean_squared_error(samples.y, [mean] * 400)
        assert 0.3 * variance < regression.least_squares_loss(samples) < variance


def test_a_network_of_two_units_is_the_function_itself():
    slopes = [0.25, 0.5, -0.25, -0.5]
    samples = regression.draw(GENERATOR, 50, slopes)
    inner = [v for s in slopes for v in (s, -s)]
    weights = (inner, [0.0, 0.0], [1.25, 0.75], [0.0])
    output = regression.network_output(weights, samples.x)
    assert regression.mean_squared_error(output, samples.y) < 1e-28
