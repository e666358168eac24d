"""A data-parallel training with TensorFlow's own distribution strategy, one process a worker."""

from __future__ import annotations

from typing import ClassVar

from reframe.core.builtins import run_before

from eessi_library.data_parallel import DataParallelTest, collectives
from eessi_library.mpi import pattern
from eessi_library.mpi.expected import Received


class SeveralWorkers(DataParallelTest, pin_prefix=True):
    """TensorFlow's workers add and gather what they should, and train on N ranks as one does.

    ``MultiWorkerMirroredStrategy``: the launcher starts one process for each worker; they find
    each other by files in the stage directory, and talk over gRPC.
    """

    transport = 'gRPC'

    directions: ClassVar[dict[str, str]] = dict(DataParallelTest.directions)

    @run_before('run')
    def write_input(self) -> None:
        """Write the program and its input; nothing is downloaded."""
        self.send_workers(__file__, 'workers_program.py', program='workers_program.py')

    def operations(self, rank: int) -> dict[str, Received]:
        """Return operation -> what the rank must hold afterwards."""
        nonce, ranks, n = self.nonce, self.num_tasks, self.elements
        return {
            'all_reduce': collectives.allreduce(nonce, 'all_reduce', ranks, n),
            'gather': collectives.allgather(nonce, 'gather', [pattern.portion(n, ranks)] * ranks),
        }
