"""What every rank must hold after the collectives of a worker program, in closed form. Pure.

The data of the senders are those of :mod:`eessi_library.mpi.pattern`: bytes that depend on nonce,
operation and rank, and integers whose weighted sum k n (n + 1) / 2 float64 still holds exactly.
"""

from __future__ import annotations

from array import array

from eessi_library.mpi import pattern
from eessi_library.mpi.expected import Received


def allreduce(nonce: str, name: str, ranks: int, elements: int, kind: str = 'd') -> Received:
    """Sum of ``(r + 1) k`` over the ranks r, for every k."""
    factor = pattern.triangle(ranks)
    values = pattern.numbers(nonce, name, elements, ranks)
    return Received(array(kind, [factor * value for value in values]).tobytes(), kind)


def broadcast(nonce: str, name: str, ranks: int, size: int) -> Received:
    """The bytes of the root, which the nonce chooses."""
    return Received(pattern.payload(nonce, name, pattern.drawn(nonce, name, ranks), size))


def allgather(nonce: str, name: str, counts: list[int]) -> Received:
    """The bytes of all ranks, one after the other."""
    return Received(b''.join(pattern.payload(nonce, name, r, n) for r, n in enumerate(counts)))


def alltoall(nonce: str, name: str, rank: int, ranks: int, size: int) -> Received:
    """Part number `rank`, of `size` bytes, of what each rank sends to all."""
    sent = (pattern.payload(nonce, name, r, size * ranks) for r in range(ranks))
    return Received(b''.join(s[rank * size : (rank + 1) * size] for s in sent))
