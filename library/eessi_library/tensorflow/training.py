"""Operations, gradients and a small training under TensorFlow."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable
from reframe.core.exceptions import SanityError

from eessi_library.expect import expect, expect_close
from eessi_library.nonce import integer
from eessi_library.python_program import PythonProgramTest
from eessi_library.tensorflow import numerics, regression
from eessi_library.tensorflow.numerics import UNIT, Expected
from eessi_library.tensorflow.result import Operations, Result, ResultError, parse_result

#: Samples that judge the trained network, and the learning rate of Adam.
_CHECKED = 400
_RATE = 0.01


class Training(PythonProgramTest, pin_prefix=True):
    """TensorFlow computes what plain Python computes, and learns what no linear model can.

    The inputs are drawn from the nonce. Truths, each computed by the test itself: the elements
    of a matrix product, a convolution and a softmax in both precisions, the gradients of a small
    classifier, the loss of the trained network from its weights, and the least-squares bound.
    """

    #: Edge of the square matrices and of the image that is convolved.
    edge = variable(int, value=40, loggable=True)

    #: Samples of the training; 4,000 take about a second per ten epochs on two cores.
    samples = variable(int, value=4000, loggable=True)

    #: Passes over the samples.
    epochs = variable(int, value=12, loggable=True)

    #: Samples per step.
    batch = variable(int, value=32, loggable=True)

    #: Units of the hidden layer.
    hidden = variable(int, value=32, loggable=True)

    #: Where TensorFlow computes: ``CPU`` or ``GPU``.
    device = variable(str, value='CPU', loggable=True)

    #: Python of the modules, which must find TensorFlow.
    executable = 'python3'

    launched = False

    varies = 'all inputs: matrices, image, classifier and samples; the seed of the training'

    truths: ClassVar[dict[str, str]] = {
        'matmul, convolution, softmax': 'plain Python in float64, error bound of Higham 2002,'
        ' eq. 3.5: eessi_library.tensorflow.numerics',
        'gradients': 'central finite differences of the same loss in plain Python',
        'loss of the trained network': 'recomputed from its weights in plain Python',
        'loss bound': 'half of the least-squares optimum of all affine models, same samples',
        'repeatability': 'the second training with the same seed has the same bits',
        'layout': 'threads asked for',
    }

    directions: ClassVar[dict[str, str]] = {
        'speed': 'higher',
        'step_time': 'lower',
        'start_up': 'lower',
        'final_loss': 'truth',
        'gradient_error': 'truth',
    }

    @property
    def threads(self) -> int:
        """Threads of one operation."""
        return self.num_cpus_per_task or 1

    @cached_property
    def task(self) -> dict[str, Any]:
        """What the program is asked to do, drawn from the nonce."""
        generator = random.Random(integer(self.nonce, 'tensorflow data', 0, 2**40))
        edge = self.edge
        slopes = regression.draw_slopes(generator)
        train = regression.draw(generator, self.samples, slopes)
        check = regression.draw(generator, _CHECKED, slopes)
        return {
            'nonce': self.nonce,
            'device': self.device,
            'threads': self.threads,
            'seed': integer(self.nonce, 'tensorflow seed', 1, 2**31 - 1),
            'left': numerics.matrix(generator, edge, edge),
            'right': numerics.matrix(generator, edge, edge),
            'image': [numerics.matrix(generator, edge // 2, 3) for _ in range(edge // 2)],
            'kernel': [[numerics.matrix(generator, 3, 4) for _ in range(3)] for _ in range(3)],
            'logits': numerics.matrix(generator, edge, 10),
            'network': asdict(numerics.random_network(generator)),
            'x': train.x,
            'y': train.y,
            'x_check': check.x,
            'y_check': check.y,
            'epochs': self.epochs,
            'batch': self.batch,
            'hidden': self.hidden,
            'rate': _RATE,
        }

    @run_before('run')
    def write_input(self) -> None:
        """Write the program and its input; nothing is downloaded."""
        self.write('input.json', json.dumps(self.task))
        self.send_program(__file__, 'tensorflow_program.py')

    @run_before('run')
    def compose_commands(self) -> None:
        """Run the program with the Python that the modules bring."""
        self.env_vars['OMP_NUM_THREADS'] = self.threads
        self.env_vars['PYTHONDONTWRITEBYTECODE'] = '1'
        self.executable_opts = ['tensorflow_program.py']

    def _result(self) -> Result:
        try:
            return parse_result(self.require_output('result.json'))
        except ResultError as error:
            raise SanityError(str(error)) from None

    @sanity_function
    def computes_and_learns(self) -> bool:
        """Check the end, the nonce, the layout, and every truth."""
        self.expect_clean_end()
        result = self._result()
        self.expect_nonce('result.json', result.nonce)
        expect(
            result.threads == self.threads and result.cpus >= self.threads,
            f'TensorFlow reports {result.threads} threads on {result.cpus} CPUs, '
            f'asked for {self.threads}',
        )
        expect(
            result.devices == (self.device,),
            f'TensorFlow computed on {" and ".join(result.devices)}, asked for {self.device}',
        )
        self._expect_operations(result.float32, 'float32')
        self._expect_operations(result.float64, 'float64')
        self._expect_gradients(result)
        self._expect_training(result)
        return True

    def _expect_operations(self, found: Operations, precision: str) -> None:
        task, unit = self.task, UNIT[precision]
        _expect_all(
            f'matmul in {precision}',
            found.matmul,
            numerics.matmul(task['left'], task['right'], unit),
        )
        _expect_all(
            f'convolution in {precision}',
            found.convolution,
            numerics.convolution(task['image'], task['kernel'], unit),
        )
        _expect_all(
            f'softmax in {precision}', found.softmax, numerics.softmax(task['logits'], unit)
        )

    def _gradient_errors(self, result: Result) -> dict[str, float]:
        network = numerics.Network(**self.task['network'])
        exact = numerics.finite_differences(network.loss, network.parameters())
        return {
            name: max(
                abs(a - b) for a, b in zip(getattr(result.gradients, name), values, strict=True)
            )
            for name, values in exact.items()
        }

    def _expect_gradients(self, result: Result) -> None:
        network = numerics.Network(**self.task['network'])
        loss = network.loss(network.parameters())
        # Some 200 roundings of numbers of order one; a wrong formula is off by 1e-6 and more.
        expect_close('loss of the classifier', result.gradients.loss, loss, 1e-12)
        for name, values in network.parameters().items():
            count = len(getattr(result.gradients, name))
            expect(
                count == len(values),
                f'gradient of the {name} has {count} elements, expected {len(values)}',
            )
        for name, error in self._gradient_errors(result).items():
            # 100 times the error of the differences, 1e-7 of the largest derivative.
            expect(
                error <= 1e-8,
                f'gradient of the {name} is off by {error:.3g} from finite differences, '
                'allowed is 1e-08',
            )

    def _expect_training(self, result: Result) -> None:
        found, task = result.training, self.task
        expect(
            len(found.loss) == len(found.epoch_seconds) == self.epochs,
            f'the training reports {len(found.loss)} epochs, asked for {self.epochs}',
        )
        expect(
            found.digest == found.digest_again and found.loss == found.loss_again,
            'the training does not repeat: the same seed gave other weights the second time',
        )
        check = regression.Samples(task['x_check'], task['y_check'])
        output = regression.network_output(self._trained(result), check.x)
        loss = regression.mean_squared_error(output, check.y)
        # Single precision: 1e-6 of outputs of order one, in a loss that may be as small as 1e-4.
        expect(
            abs(found.loss_check - loss) <= 1e-3 * loss + 1e-7,
            f'loss of the trained network is reported as {found.loss_check:.6g}, '
            f'its weights give {loss:.6g}',
        )
        bound = regression.least_squares_loss(check) / 2
        expect(
            loss < bound and found.loss[-1] < found.loss[0],
            f'the network did not learn: its loss is {loss:.4g}, '
            f'half of what the best linear model reaches is {bound:.4g}',
        )

    def _trained(self, result: Result) -> Sequence[Sequence[float]]:
        sizes = [len(w) for w in result.training.weights]
        wanted = [regression.INPUTS * self.hidden, self.hidden, self.hidden, 1]
        expect(sizes == wanted, f'the trained network has {sizes} weights, expected {wanted}')
        return result.training.weights

    @performance_function('samples/s')
    def speed(self) -> float:
        """Samples per second of the median epoch, without the first (which compiles)."""
        return self.samples / self._epoch_seconds()

    @performance_function('ms')
    def step_time(self) -> float:
        """Time per step of the median epoch."""
        return 1000 * self._epoch_seconds() / -(-self.samples // self.batch)

    @performance_function('s')
    def start_up(self) -> float:
        """Time until TensorFlow is imported and knows its devices."""
        return self._result().start_up

    @performance_function('1')
    def final_loss(self) -> float:
        """Loss on samples that the training did not see."""
        return self._result().training.loss_check

    @performance_function('1')
    def gradient_error(self) -> float:
        """Largest difference between gradients and finite differences."""
        return max(self._gradient_errors(self._result()).values())

    def _epoch_seconds(self) -> float:
        seconds = sorted(self._result().training.epoch_seconds[1:])
        expect(bool(seconds) and seconds[0] > 0, 'the training reports no time per epoch')
        return seconds[len(seconds) // 2]


def _expect_all(name: str, found: Sequence[float], expected: Iterable[Expected]) -> None:
    """Fail with the worst element unless all lie within their bounds."""
    wanted = list(expected)
    expect(len(found) == len(wanted), f'{name} has {len(found)} elements, expected {len(wanted)}')
    wrong = [
        (abs(value - e.value) / e.bound, i, value, e)
        for i, (value, e) in enumerate(zip(found, wanted, strict=True))
        if not abs(value - e.value) <= e.bound
    ]
    if wrong:
        _, index, value, e = max(wrong, key=lambda w: w[0])
        raise SanityError(
            f'{name} is wrong in {len(wrong)} of {len(wanted)} elements: element {index} is '
            f'{value:.9g}, expected {e.value:.9g} within {e.bound:.2g}'
        )
