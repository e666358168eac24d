"""The base of tests of frameworks that train on several workers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

from reframe.core.builtins import performance_function, run_before, sanity_function, variable

from eessi_library.data_parallel.report import WorkerReport, parse_report
from eessi_library.data_parallel.training import TOLERANCE, Training, draw, largest_difference
from eessi_library.expect import expect
from eessi_library.mpi import pattern
from eessi_library.mpi.expected import Received
from eessi_library.mpi.rank_reports import expect_layout, expect_nonce, read_reports
from eessi_library.mpi.report import difference
from eessi_library.python_program import PythonProgramTest


class DataParallelTest(PythonProgramTest, pin_prefix=True):
    """What these tests share; abstract.

    A subclass sends its program, names its :meth:`operations` and says what carries the data.
    """

    #: Elements of 8 bytes in each collective; bytes where bytes are moved.
    elements = variable(int, value=5_000, loggable=True)

    #: Samples of each worker in each step.
    samples = variable(int, value=16, loggable=True)

    #: Steps of the training.
    steps = variable(int, value=6, loggable=True)

    #: Where the framework computes: ``CPU`` or ``GPU``.
    device = variable(str, value='CPU', loggable=True)

    #: Python of the modules, which must find the framework.
    executable = 'python3'

    varies = 'all samples, weights and data sent, and the roots; each rank repeats the nonce'

    truths: ClassVar[dict[str, str]] = {
        'collectives': 'closed forms, eessi_library.data_parallel.collectives: every byte',
        'gradients': 'those of one process with the samples of all, in plain Python',
        'weights': 'gradient descent of one process, in plain Python; the same on every rank',
        'layout': 'ranks and ranks per node asked for',
    }

    directions: ClassVar[dict[str, str]] = {
        'allreduce_bandwidth': 'higher',
        'step_time': 'lower',
        'start_up': 'lower',
        'weight_error': 'truth',
    }

    #: What must carry the data between the ranks.
    transport: ClassVar[str] = ''

    def operations(self, rank: int) -> dict[str, Received]:
        """Return operation -> what the rank must hold afterwards."""
        raise NotImplementedError

    @property
    def training(self) -> Training:
        """Samples and start of this run."""
        return draw(self.nonce, self.num_tasks, self.samples, self.steps)

    def send_workers(
        self, beside: str, name: str, program: str = 'program.py', **more: Any
    ) -> None:
        """Write `program`, which lies beside the file `beside`, its input and its data pattern."""
        task = {'nonce': self.nonce, 'elements': self.elements, 'device': self.device}
        self.write('input.json', json.dumps({**task, **self.training.as_task(), **more}))
        self.send_program(beside, name, program)
        shutil.copy(pattern.__file__, Path(self.stagedir, 'pattern.py'))
        Path(self.stagedir, 'ranks').mkdir(exist_ok=True)
        self.executable_opts = [name]

    @run_before('run')
    def use_own_cores(self) -> None:
        """As many threads on each rank as it has cores; nothing is written beside the program."""
        self.env_vars['OMP_NUM_THREADS'] = self.num_cpus_per_task or 1
        self.env_vars['TF_NUM_INTRAOP_THREADS'] = self.num_cpus_per_task or 1
        self.env_vars['PYTHONDONTWRITEBYTECODE'] = '1'

    @sanity_function
    def trains_as_one_process_does(self) -> bool:
        """Judge by the end, layout, nonce, every byte of the collectives, and the training."""
        self.expect_clean_end()
        reports = self._reports()
        expect_layout(self, reports)
        expect_nonce(self, reports)
        for report in reports:
            expect(
                report.transport == self.transport,
                f'rank {report.rank}: data are carried by {report.transport or "nothing"}, '
                f'expected {self.transport}',
            )
            expect(
                report.devices == (self.device,),
                f'rank {report.rank} computed on {" and ".join(report.devices)}, '
                f'asked for {self.device}',
            )
        self._expect_collectives(reports)
        self._expect_training(reports)
        return True

    def _reports(self) -> list[WorkerReport]:
        return read_reports(self, parse_report)

    def _expect_collectives(self, reports: list[WorkerReport]) -> None:
        for report in reports:
            wanted = self.operations(report.rank)
            expect(
                set(report.operations) == set(wanted),
                f'rank {report.rank} reports other operations than those it was asked for: '
                f'{sorted(set(report.operations) ^ set(wanted))}',
            )
            for name, received in wanted.items():
                fault = difference(name, report.operations.get(name), received)
                expect(fault is None, f'wrong data on rank {report.rank}: {fault}')

    def _expect_training(self, reports: list[WorkerReport]) -> None:
        training = self.training
        first, weights = training.first_gradient(), training.weights()
        before, after = training.losses()
        expect(after < before, 'the samples of this nonce teach nothing: draw another')
        for report in reports:
            local = training.local_gradient(report.rank, self.num_tasks)
            for name, found, exact in (
                ("gradient of the rank's own samples", report.local_gradient, local),
                ('averaged gradient', report.gradient, first),
                (f'vector of weights after {self.steps} steps', report.weights, weights),
            ):
                error = largest_difference(found, exact)
                expect(
                    error <= TOLERANCE,
                    f'rank {report.rank}: the {name} differs by {error:.3g} from that of one '
                    f'process, allowed is {TOLERANCE:g}',
                )
            expect(
                report.weights == reports[0].weights,
                f'rank {report.rank} has other weights than rank 0 after the same steps',
            )

    @performance_function('MB/s')
    def allreduce_bandwidth(self) -> float:
        """Bytes of the large allreduce per second, on the slowest rank; median of repetitions."""
        return min(report.timings['allreduce_mb_per_s'] for report in self._reports())

    @performance_function('ms')
    def step_time(self) -> float:
        """Median time of a training step on the slowest rank."""
        return max(report.timings['step_ms'] for report in self._reports())

    @performance_function('s')
    def start_up(self) -> float:
        """Time until the framework is imported and the ranks know each other."""
        return max(report.timings['start_up_s'] for report in self._reports())

    @performance_function('1')
    def weight_error(self) -> float:
        """Largest difference between the trained weights and those of one process."""
        weights = self.training.weights()
        return max(largest_difference(report.weights, weights) for report in self._reports())
