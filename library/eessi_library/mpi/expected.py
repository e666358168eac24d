"""What every rank must hold after each operation, from the definitions of the MPI standard. Pure.

Nothing here communicates: the data of the senders are known (:mod:`eessi_library.mpi.pattern`),
and the standard (MPI 3.1, chapters 3, 5 and 11) says what the receivers get. Sums over ranks have
a closed form: rank r contributes (r + 1) k, hence the sum is k n (n + 1) / 2, exact in float64.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cached_property

from eessi_library.mpi import pattern


@dataclass(frozen=True)
class Received:
    """The bytes that a rank holds, and the type of their elements (as in ``struct``)."""

    data: bytes
    kind: str = 'B'


@dataclass(frozen=True)
class Expected:
    """The operations of a run of ``probe.py``, as every rank must see them."""

    nonce: str
    ranks: int
    elements: int
    #: Size of the message of the bandwidth measurement in bytes.
    bandwidth_bytes: int = 4 * 1024 * 1024

    def of(self, rank: int) -> dict[str, Received]:
        """Return operation -> what the rank holds afterwards."""
        left, right = (rank - 1) % self.ranks, (rank + 1) % self.ranks
        size = 8 * self.elements
        operations = {
            **{
                name: Received(self._payload(name, left, bytes_))
                for bytes_ in pattern.MESSAGES
                for name in (f'sendrecv of {bytes_} bytes',)
            },
            'isend and irecv': Received(
                self._payload('isend and irecv', left, sum(pattern.MESSAGES))
            ),
            'bcast': self._bcast,
            'allgather': self._allgather,
            'alltoall': Received(self._alltoall(rank)),
            'allreduce sum': self._allreduce_sum,
            'allreduce max': self._allreduce_max,
            'scan': self._sums('scan', 'q', pattern.triangle(rank + 1)),
            'reduce_scatter': Received(self._reduce_scatter(rank), 'd'),
            'put': Received(self._payload('put', left, size)),
            'get': Received(self._payload('get', right, size)),
            'accumulate': self._accumulated(rank),
            'fetch_and_op': self._counted(rank),
        }
        if rank in (0, self.ranks - 1):
            operations['latency'] = Received(self._payload('latency', 0, 8))
            operations['bandwidth'] = Received(self._payload('bandwidth', 0, self.bandwidth_bytes))
        return operations

    def _payload(self, operation: str, rank: int, size: int) -> bytes:
        return pattern.payload(self.nonce, operation, rank, size)

    def _numbers(self, operation: str, count: int = 0) -> list[int]:
        return pattern.numbers(self.nonce, operation, count or self.elements, self.ranks)

    def _sums(self, operation: str, kind: str, factor: int) -> Received:
        values = array(kind, [factor * value for value in self._numbers(operation)])
        return Received(values.tobytes(), kind)

    @cached_property
    def _bcast(self) -> Received:
        root = pattern.drawn(self.nonce, 'bcast', self.ranks)
        return Received(self._payload('bcast', root, 8 * self.elements))

    @cached_property
    def _allgather(self) -> Received:
        part = 8 * pattern.portion(self.elements, self.ranks)
        return Received(
            b''.join(self._payload('allgather', rank, part) for rank in range(self.ranks))
        )

    @cached_property
    def _sent_to_all(self) -> list[bytes]:
        size = 8 * pattern.portion(self.elements, self.ranks) * self.ranks
        return [self._payload('alltoall', rank, size) for rank in range(self.ranks)]

    def _alltoall(self, rank: int) -> bytes:
        part = 8 * pattern.portion(self.elements, self.ranks)
        return b''.join(sent[rank * part : (rank + 1) * part] for sent in self._sent_to_all)

    @cached_property
    def _allreduce_sum(self) -> Received:
        return self._sums('allreduce sum', 'd', pattern.triangle(self.ranks))

    @cached_property
    def _allreduce_max(self) -> Received:
        # All numbers are positive: the last rank contributes the largest multiple.
        return self._sums('allreduce max', 'q', self.ranks)

    @cached_property
    def _reduced(self) -> array[float]:
        count = sum(pattern.unequal_counts(self.elements, self.ranks))
        factor = pattern.triangle(self.ranks)
        return array('d', [factor * value for value in self._numbers('reduce_scatter', count)])

    def _reduce_scatter(self, rank: int) -> bytes:
        counts = pattern.unequal_counts(self.elements, self.ranks)
        first = sum(counts[:rank])
        return self._reduced[first : first + counts[rank]].tobytes()

    def _accumulated(self, rank: int) -> Received:
        root = pattern.drawn(self.nonce, 'accumulate', self.ranks)
        factor = pattern.triangle(self.ranks) if rank == root else 0
        return self._sums('accumulate', 'q', factor)

    def _counted(self, rank: int) -> Received:
        """Every rank has added its number plus one, twenty times, to the counter of one."""
        root = pattern.drawn(self.nonce, 'accumulate', self.ranks)
        total = 20 * pattern.triangle(self.ranks) if rank == root else 0
        return Received(array('q', [total]).tobytes(), 'q')
