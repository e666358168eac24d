"""Collectives and a data-parallel training with Horovod's TensorFlow interface over MPI."""

from __future__ import annotations

from typing import ClassVar

from reframe.core.builtins import run_before

from eessi_library.data_parallel import DataParallelTest, collectives
from eessi_library.mpi import pattern
from eessi_library.mpi.expected import Received

#: Tensors of the grouped allreduce, which Horovod fuses into one message.
_GROUP = 3


class DistributedTraining(DataParallelTest, pin_prefix=True):
    """Horovod moves and adds every byte as it should, and trains on N ranks as one process does.

    Allreduce (alone and fused), broadcast, allgather of unequal parts and alltoall on data that
    the nonce decides; then steps of a training with ``DistributedGradientTape``, begun with other
    weights on each rank, which the broadcast of rank 0 must replace.
    """

    transport = 'MPI'

    directions: ClassVar[dict[str, str]] = dict(DataParallelTest.directions)

    @run_before('run')
    def write_input(self) -> None:
        """Write the program and its input; nothing is downloaded."""
        self.send_workers(__file__, 'horovod_program.py', group=_GROUP)
        # Tensors wait for each other at most this many milliseconds before they are reduced.
        self.env_vars['HOROVOD_CYCLE_TIME'] = '1'

    def operations(self, rank: int) -> dict[str, Received]:
        """Return operation -> what the rank must hold afterwards."""
        nonce, ranks, n = self.nonce, self.num_tasks, self.elements
        groups = [f'grouped allreduce {i}' for i in range(_GROUP)]
        return {
            'allreduce of float64': collectives.allreduce(nonce, 'allreduce of float64', ranks, n),
            'allreduce of int64': collectives.allreduce(nonce, 'allreduce of int64', ranks, n, 'q'),
            **{name: collectives.allreduce(nonce, name, ranks, n) for name in groups},
            'broadcast': collectives.broadcast(nonce, 'broadcast', ranks, n),
            'allgather': collectives.allgather(
                nonce, 'allgather', pattern.unequal_counts(n, ranks)
            ),
            'alltoall': collectives.alltoall(
                nonce, 'alltoall', rank, ranks, pattern.portion(n, ranks)
            ),
        }
