"""The program that each rank runs: communicates, and writes down what it received.

It judges nothing. For every operation ``ranks/<rank>.json`` gets the SHA-256 of all the bytes that
the rank holds afterwards and some of its elements; the test computes independently what they must
be. Standard library only, Python 3.6 and later; ``binding`` and ``pattern`` lie beside it.
"""

import argparse
import ctypes
import hashlib
import json
import os
import sys
import time

import binding
import pattern

#: Round trips of a batch, and batches: the median batch is reported.
_LATENCY_BATCH, _LATENCY_BATCHES = 50, 11
_BANDWIDTH_BATCHES = 7
_BANDWIDTH_BYTES = 4 * 1024 * 1024


class Probe:
    """The operations; each leaves a record of what this rank received."""

    def __init__(self, mpi, nonce, elements):
        self.mpi, self.nonce, self.elements = mpi, nonce, elements
        self.rank, self.ranks = mpi.rank, mpi.ranks
        self.right, self.left = (self.rank + 1) % self.ranks, (self.rank - 1) % self.ranks
        self.records = {}

    def record(self, operation, received, kind='B'):
        """Note digest and some elements of what was received; ``kind`` as in ``struct``."""
        raw = bytes(received)
        values = memoryview(raw).cast(kind)
        shown = sorted({0, len(values) - 1, pattern.drawn(self.nonce, operation, len(values))})
        self.records[operation] = {
            'bytes': len(raw),
            'sha256': hashlib.sha256(raw).hexdigest(),
            'elements': {str(index): values[index] for index in shown},
        }

    def outgoing(self, operation, size):
        """Return what this rank sends in an operation."""
        return ctypes.create_string_buffer(
            pattern.payload(self.nonce, operation, self.rank, size), size
        )

    def weighted(self, operation, kind, count=None):
        """Return (send buffer, empty receive buffer) of a reduction."""
        values = pattern.numbers(self.nonce, operation, count or self.elements, self.ranks)
        send = (kind * len(values))(*[value * (self.rank + 1) for value in values])
        return send, (kind * len(values))()

    def point_to_point(self):
        """Pass messages round the ring, blocking and not."""
        call, world, byte = self.mpi.call, self.mpi.world, self.mpi.byte
        for size in pattern.MESSAGES:
            name = f'sendrecv of {size} bytes'
            send, received = self.outgoing(name, size), (ctypes.c_char * size)()
            ends = (self.right, 7), (self.left, 7)
            call('MPI_Sendrecv', send, size, byte, *ends[0], received, size, byte, *ends[1],
                 world, None)  # fmt: skip
            self.record(name, received)
        # Received in the opposite order: only the tags tell the messages apart.
        name, total = 'isend and irecv', sum(pattern.MESSAGES)
        whole, received = self.outgoing(name, total), (ctypes.c_char * total)()
        requests = (ctypes.c_void_p * (2 * len(pattern.MESSAGES)))()
        offsets = [sum(pattern.MESSAGES[:tag]) for tag in range(len(pattern.MESSAGES))]
        for tag in reversed(range(len(pattern.MESSAGES))):
            call('MPI_Irecv', ctypes.byref(received, offsets[tag]), pattern.MESSAGES[tag], byte,
                 self.left, tag, world, ctypes.byref(requests, 8 * tag))  # fmt: skip
        for tag, size in enumerate(pattern.MESSAGES):
            slot = ctypes.byref(requests, 8 * (len(pattern.MESSAGES) + tag))
            call('MPI_Isend', ctypes.byref(whole, offsets[tag]), size, byte, self.right, tag,
                 world, slot)  # fmt: skip
        call('MPI_Waitall', len(requests), requests, None)
        self.record(name, received)

    def moving_collectives(self):
        """Collectives that move data: bcast, allgather, alltoall."""
        call, world, byte = self.mpi.call, self.mpi.world, self.mpi.byte
        root = pattern.drawn(self.nonce, 'bcast', self.ranks)
        size = 8 * self.elements
        data = self.outgoing('bcast', size) if self.rank == root else (ctypes.c_char * size)()
        call('MPI_Bcast', data, size, byte, root, world)
        self.record('bcast', data)
        part = 8 * pattern.portion(self.elements, self.ranks)
        received = (ctypes.c_char * (part * self.ranks))()
        send = self.outgoing('allgather', part)
        call('MPI_Allgather', send, part, byte, received, part, byte, world)
        self.record('allgather', received)
        send = self.outgoing('alltoall', part * self.ranks)
        call('MPI_Alltoall', send, part, byte, received, part, byte, world)
        self.record('alltoall', received)

    def reducing_collectives(self):
        """Collectives that compute: allreduce, reduce_scatter, scan."""
        mpi, call, world = self.mpi, self.mpi.call, self.mpi.world
        send, received = self.weighted('allreduce sum', ctypes.c_double)
        call('MPI_Allreduce', send, received, len(send), mpi.float64, mpi.sum, world)
        self.record('allreduce sum', received, 'd')
        send, received = self.weighted('allreduce max', ctypes.c_int64)
        call('MPI_Allreduce', send, received, len(send), mpi.int64, mpi.max, world)
        self.record('allreduce max', received, 'q')
        send, received = self.weighted('scan', ctypes.c_int64)
        call('MPI_Scan', send, received, len(send), mpi.int64, mpi.sum, world)
        self.record('scan', received, 'q')
        counts = pattern.unequal_counts(self.elements, self.ranks)
        send, _ = self.weighted('reduce_scatter', ctypes.c_double, sum(counts))
        received = (ctypes.c_double * counts[self.rank])()
        all_counts = (ctypes.c_int * self.ranks)(*counts)
        call('MPI_Reduce_scatter', send, received, all_counts, mpi.float64, mpi.sum, world)
        self.record('reduce_scatter', received, 'd')

    def one_sided(self):
        """Put, get and accumulate between fences; fetch-and-add under a shared lock."""
        mpi, call, byte, size = self.mpi, self.mpi.call, self.mpi.byte, 8 * self.elements
        nowhere = ctypes.c_ssize_t(0)
        for name in ('put', 'get'):
            own, other = self.outgoing(name, size), (ctypes.c_char * size)()
            source, target = (own, other) if name == 'put' else (other, own)
            window = mpi.window(target, 1)
            call('MPI_Win_fence', 0, window)
            call('MPI_' + name.title(), source, size, byte, self.right, nowhere, size, byte,
                 window)  # fmt: skip
            call('MPI_Win_fence', 0, window)
            self.record(name, other)
            mpi.free(window)
        send, memory = self.weighted('accumulate', ctypes.c_int64)
        root = pattern.drawn(self.nonce, 'accumulate', self.ranks)
        window = mpi.window(memory, 8)
        call('MPI_Win_fence', 0, window)
        call('MPI_Accumulate', send, len(send), mpi.int64, root, nowhere, len(send), mpi.int64,
             mpi.sum, window)  # fmt: skip
        call('MPI_Win_fence', 0, window)
        self.record('accumulate', memory, 'q')
        mpi.free(window)
        counter = (ctypes.c_int64 * 1)()
        one, before = (ctypes.c_int64 * 1)(self.rank + 1), (ctypes.c_int64 * 1)()
        window = mpi.window(counter, 8)
        for _ in range(20):
            call('MPI_Win_lock', binding.LOCK_SHARED, root, 0, window)
            call('MPI_Fetch_and_op', one, before, mpi.int64, root, nowhere, mpi.sum, window)
            call('MPI_Win_unlock', root, window)
        mpi.barrier()
        call('MPI_Win_lock', binding.LOCK_SHARED, self.rank, 0, window)
        call('MPI_Win_unlock', self.rank, window)
        self.record('fetch_and_op', counter, 'q')
        mpi.free(window)

    def timings(self):
        """Return latency in us and bandwidth in MB/s between the first and the last rank."""
        small = self._batches('latency', 8, _LATENCY_BATCH, _LATENCY_BATCHES)
        large = self._batches('bandwidth', _BANDWIDTH_BYTES, 2, _BANDWIDTH_BATCHES)
        send, received = (ctypes.c_double * 1)(1.0), (ctypes.c_double * 1)()
        mpi = self.mpi
        arguments = (send, received, 1, mpi.float64, mpi.sum, mpi.world)
        allreduce = self._median(
            lambda: mpi.call('MPI_Allreduce', *arguments), _LATENCY_BATCH, _LATENCY_BATCHES
        )
        return {
            'latency_us': small / 2 * 1e6,
            'allreduce_us': allreduce * 1e6,
            'bandwidth_mb_per_s': 2 * _BANDWIDTH_BYTES / large / 1e6,
        }

    def _batches(self, name, size, batch, batches):
        """Seconds of a round trip; what came back is recorded like any other operation."""
        mpi, last = self.mpi, self.ranks - 1
        filled = self.outgoing(name, size) if self.rank == 0 else (ctypes.c_char * size)()
        send, receive = mpi.function('MPI_Send'), mpi.function('MPI_Recv')
        peer = last if self.rank == 0 else 0
        spare = (ctypes.c_char * size)()
        out = (filled, size, mpi.byte, peer, 9, mpi.world)
        back = (filled, size, mpi.byte, peer, 9, mpi.world, None)

        def round_trip():
            if self.ranks == 1:
                mpi.call('MPI_Sendrecv', *out[:5], spare, size, mpi.byte, 0, 9, mpi.world, None)
            elif self.rank == 0:
                send(*out)
                receive(*back)
            elif self.rank == last:
                receive(*back)
                send(*out)

        seconds = self._median(round_trip, batch, batches)
        if self.rank in (0, last):
            self.record(name, spare if self.ranks == 1 else filled)
        return seconds

    def _median(self, action, batch, batches):
        times = []
        action()
        for _ in range(batches):
            self.mpi.barrier()
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
    parser.add_argument('--linked', default='')
    options = parser.parse_args()
    mpi = binding.Mpi(options.prefix, options.linked)
    probe = Probe(mpi, options.nonce, options.elements)
    probe.point_to_point()
    probe.moving_collectives()
    probe.reducing_collectives()
    probe.one_sided()
    timings = probe.timings()
    document = {
        'nonce': options.nonce,
        'rank': mpi.rank,
        'ranks': mpi.ranks,
        # Only whether two ranks share a node matters, not its name.
        'node': hashlib.sha256(mpi.processor_name().encode()).hexdigest()[:12],
        'library_version': mpi.library_version(),
        'library': binding.loaded_library(),
        'libraries': binding.loaded_libraries(),
        'offered': binding.offered_libraries(options.injected),
        'prefix': os.path.realpath(options.prefix) if options.prefix else '',
        'operations': probe.records,
        'timings': timings,
    }
    with open(os.path.join('ranks', f'{mpi.rank}.json'), 'w') as file:
        json.dump(document, file, indent=1)
    mpi.finalize()


if __name__ == '__main__':
    try:
        main()
    except (OSError, RuntimeError, AttributeError, ValueError) as error:
        sys.exit(f'mpi-probe: {type(error).__name__}: {error}')
