"""The program that each rank runs: communicates through mpi4py, and writes down what it received.

It judges nothing. Operations and file are those of ``probe.py``; ``binding`` and ``pattern`` lie
beside it. Python 3.6 and later.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from array import array

import binding
import pattern
from mpi4py import MPI

#: Round trips of a batch, and batches: the median batch is reported.
_LATENCY_BATCH, _LATENCY_BATCHES = 50, 11
_BANDWIDTH_BATCHES = 7
_BANDWIDTH_BYTES = 4 * 1024 * 1024
WORLD = MPI.COMM_WORLD


def zeros(count, kind='q'):
    return array(kind, bytes(8 * count))


class Probe:
    """The operations; each leaves a record of what this rank received."""

    def __init__(self, nonce, elements):
        self.nonce, self.elements = nonce, elements
        self.rank, self.ranks = WORLD.Get_rank(), WORLD.Get_size()
        self.right, self.left = (self.rank + 1) % self.ranks, (self.rank - 1) % self.ranks
        self.records = {}

    def record(self, operation, received):
        """Note digest and some elements of what was received."""
        values = memoryview(received)
        shown = sorted({0, len(values) - 1, pattern.drawn(self.nonce, operation, len(values))})
        self.records[operation] = {
            'bytes': values.nbytes,
            'sha256': hashlib.sha256(values.tobytes()).hexdigest(),
            'elements': {str(index): values[index] for index in shown},
        }

    def outgoing(self, operation, size):
        """Return what this rank sends in an operation."""
        return bytearray(pattern.payload(self.nonce, operation, self.rank, size))

    def weighted(self, operation, kind, count=None):
        """Return (send buffer, empty receive buffer) of a reduction."""
        values = pattern.numbers(self.nonce, operation, count or self.elements, self.ranks)
        send = array(kind, [value * (self.rank + 1) for value in values])
        return send, zeros(len(values), kind)

    def point_to_point(self):
        """Pass messages round the ring, blocking and not."""
        for size in pattern.MESSAGES:
            name = f'sendrecv of {size} bytes'
            received = bytearray(size)
            WORLD.Sendrecv(self.outgoing(name, size), self.right, 7, received, self.left, 7)
            self.record(name, received)
        # Received in the opposite order: only the tags tell the messages apart.
        name, total = 'isend and irecv', sum(pattern.MESSAGES)
        whole, received = memoryview(self.outgoing(name, total)), bytearray(total)
        into, requests = memoryview(received), []
        parts = [
            slice(sum(pattern.MESSAGES[:tag]), sum(pattern.MESSAGES[: tag + 1]))
            for tag in range(len(pattern.MESSAGES))
        ]
        for tag in reversed(range(len(parts))):
            requests.append(WORLD.Irecv(into[parts[tag]], self.left, tag))
        for tag, part in enumerate(parts):
            requests.append(WORLD.Isend(whole[part], self.right, tag))
        MPI.Request.Waitall(requests)
        self.record(name, received)

    def moving_collectives(self):
        """Collectives that move data: bcast, allgather, alltoall."""
        root = pattern.drawn(self.nonce, 'bcast', self.ranks)
        size = 8 * self.elements
        data = self.outgoing('bcast', size) if self.rank == root else bytearray(size)
        WORLD.Bcast(data, root)
        self.record('bcast', data)
        part = 8 * pattern.portion(self.elements, self.ranks)
        received = bytearray(part * self.ranks)
        WORLD.Allgather(self.outgoing('allgather', part), received)
        self.record('allgather', received)
        received = bytearray(part * self.ranks)
        WORLD.Alltoall(self.outgoing('alltoall', part * self.ranks), received)
        self.record('alltoall', received)

    def reducing_collectives(self):
        """Collectives that compute: allreduce, reduce_scatter, scan."""
        send, received = self.weighted('allreduce sum', 'd')
        WORLD.Allreduce(send, received, MPI.SUM)
        self.record('allreduce sum', received)
        send, received = self.weighted('allreduce max', 'q')
        WORLD.Allreduce(send, received, MPI.MAX)
        self.record('allreduce max', received)
        send, received = self.weighted('scan', 'q')
        WORLD.Scan(send, received, MPI.SUM)
        self.record('scan', received)
        counts = pattern.unequal_counts(self.elements, self.ranks)
        send, _ = self.weighted('reduce_scatter', 'd', sum(counts))
        received = zeros(counts[self.rank], 'd')
        WORLD.Reduce_scatter(send, received, counts, MPI.SUM)
        self.record('reduce_scatter', received)

    def one_sided(self):
        """Put, get and accumulate between fences; fetch-and-add under a shared lock."""
        size = 8 * self.elements
        for name in ('put', 'get'):
            own, other = self.outgoing(name, size), bytearray(size)
            window = MPI.Win.Create(other if name == 'put' else own, comm=WORLD)
            window.Fence()
            if name == 'put':
                window.Put(own, self.right)
            else:
                window.Get(other, self.right)
            window.Fence()
            self.record(name, other)
            window.Free()
        send, memory = self.weighted('accumulate', 'q')
        root = pattern.drawn(self.nonce, 'accumulate', self.ranks)
        window = MPI.Win.Create(memory, 8, comm=WORLD)
        window.Fence()
        window.Accumulate(send, root, op=MPI.SUM)
        window.Fence()
        self.record('accumulate', memory)
        window.Free()
        counter, one, before = zeros(1), array('q', [self.rank + 1]), zeros(1)
        window = MPI.Win.Create(counter, 8, comm=WORLD)
        for _ in range(20):
            window.Lock(root, MPI.LOCK_SHARED)
            window.Fetch_and_op(one, before, root, 0, MPI.SUM)
            window.Unlock(root)
        WORLD.Barrier()
        window.Lock(self.rank, MPI.LOCK_SHARED)
        window.Unlock(self.rank)
        self.record('fetch_and_op', counter)
        window.Free()

    def timings(self):
        """Return latency in us and bandwidth in MB/s between the first and the last rank."""
        small = self._batches('latency', 8, _LATENCY_BATCH, _LATENCY_BATCHES)
        large = self._batches('bandwidth', _BANDWIDTH_BYTES, 2, _BANDWIDTH_BATCHES)
        send, received = array('d', [1.0]), zeros(1, 'd')
        allreduce = self._median(
            lambda: WORLD.Allreduce(send, received, MPI.SUM), _LATENCY_BATCH, _LATENCY_BATCHES
        )
        return {
            'latency_us': small / 2 * 1e6,
            'allreduce_us': allreduce * 1e6,
            'bandwidth_mb_per_s': 2 * _BANDWIDTH_BYTES / large / 1e6,
        }

    def _batches(self, name, size, batch, batches):
        """Seconds of a round trip; what came back is recorded like any other operation."""
        last = self.ranks - 1
        filled = self.outgoing(name, size) if self.rank == 0 else bytearray(size)
        spare = bytearray(size)

        def round_trip():
            if self.ranks == 1:
                WORLD.Sendrecv(filled, 0, 9, spare, 0, 9)
            elif self.rank == 0:
                WORLD.Send(filled, last, 9)
                WORLD.Recv(filled, last, 9)
            elif self.rank == last:
                WORLD.Recv(filled, 0, 9)
                WORLD.Send(filled, 0, 9)

        seconds = self._median(round_trip, batch, batches)
        if self.rank in (0, last):
            self.record(name, spare if self.ranks == 1 else filled)
        return seconds

    def _median(self, action, batch, batches):
        times = []
        action()
        for _ in range(batches):
            WORLD.Barrier()
            start = time.perf_counter()
            for _ in range(batch):
                action()
            times.append((time.perf_counter() - start) / batch)
        return max(sorted(times)[len(times) // 2], 1e-9)


def main():
    """Communicate, then write this rank's records."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--prefix', default='')
    parser.add_argument('--nonce', required=True)
    parser.add_argument('--elements', type=int, required=True)
    parser.add_argument('--injected', default='')
    options = parser.parse_args()
    probe = Probe(options.nonce, options.elements)
    probe.point_to_point()
    probe.moving_collectives()
    probe.reducing_collectives()
    probe.one_sided()
    timings = probe.timings()
    document = {
        'nonce': options.nonce,
        'rank': probe.rank,
        'ranks': probe.ranks,
        # Only whether two ranks share a node matters, not its name.
        'node': hashlib.sha256(MPI.Get_processor_name().encode()).hexdigest()[:12],
        'library_version': MPI.Get_library_version(),
        'library': binding.loaded_library(),
        'libraries': binding.loaded_libraries(),
        'offered': binding.offered_libraries(options.injected),
        'prefix': os.path.realpath(options.prefix) if options.prefix else '',
        'operations': probe.records,
        'timings': timings,
    }
    with open(os.path.join('ranks', f'{probe.rank}.json'), 'w') as file:
        json.dump(document, file, indent=1)


if __name__ == '__main__':
    try:
        main()
    except (OSError, RuntimeError, AttributeError, ValueError) as error:
        sys.exit(f'mpi-probe: {type(error).__name__}: {error}')
