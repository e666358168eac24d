"""What a sound run of the OSU Micro-Benchmarks cannot contradict. Pure functions.

The sources of each bound stand beside it. None says how fast an installation should be: that is
for comparisons with other runs.
"""

from __future__ import annotations

import re

from eessi_library.mpi.osu_output import Row, Table
from eessi_library.nonce import integer

#: Bytes per us (the same number in MB/s) that no pair of processes moves: all data is written by a
#: core, which stores at most two vectors of 64 bytes in a cycle (768 GB/s at 6 GHz), or by
#: interconnects, slower still (8 x 400 Gbit/s is 400 GB/s).
FASTEST = 1e6

#: The same between GPUs, or within one that two ranks share: no memory of a GPU is faster than
#: 8 TB/s (HBM3E of NVIDIA B200 and AMD MI355X, data sheets of 2025).
FASTEST_ON_DEVICES = 8e6

#: Two orders of magnitude: what other work on the cores may do to the mean of one size, and not to
#: that of the other. 19 was seen on two cores that were fully taken, with 256 messages of 64 KiB.
ORDERS = 100

#: Messages of this many bytes and more take so long that what else runs hardly shows in the mean:
#: between short ones, nothing can be said (160 was seen on such cores with 60 messages of 255 B).
LONG = 1024**2

#: Below this many bytes a bandwidth that is not zero may be printed as 0.00 on busy cores.
_VISIBLE = 1024

#: ``osu_bw`` has this many messages under way (``window_size``, README of the benchmarks).
WINDOW = 64

#: Numbers are printed with two decimals.
_PRINTED = 0.005 + 1e-9

#: First versions with a range of sizes (``-m MIN:MAX``) and with validation (``-c``) of point to
#: point and of all collectives: CHANGES of the benchmarks.
RANGE_SINCE, VALIDATION_SINCE = (5, 4), (5, 9)

#: Numbers of other versions that an archive prints.
_ALSO_PRINTED = {'6.0': ('5.9',)}

#: In the order of the benchmarks: powers of two from ``first`` on.
_BASES = {'latency': (129, 255), 'bw': (129, 255), 'allreduce': (33, 63)}


def fastest(device: str) -> float:
    """Return the bytes per us that no message exceeds in that memory; '' is the host's."""
    return FASTEST_ON_DEVICES if device else FASTEST


def sizes(first: int, largest: int) -> tuple[int, ...]:
    """Return the sizes of ``-m first:largest``: each is twice the one before."""
    found = [first]
    while found[-1] * 2 <= largest:
        found.append(found[-1] * 2)
    return tuple(found)


def fresh_base(nonce: str, program: str) -> int:
    """Return the smallest of the sizes that the nonce chooses for a program, in bytes.

    Never a power of two, so that no fixed run has one of them; whole elements of 4 bytes for
    ``allreduce``.
    """
    low, high = _BASES[program]
    return integer(nonce, f'osu {program}', low, high) * (4 if program == 'allreduce' else 1)


def printed_versions(version: str) -> tuple[str, ...]:
    """Return what the programs of a module's version may print; nothing if it is not known.

    A module's ``7.1-1`` is the archive of 7.1; and 6.0 prints 5.9 (``AC_INIT`` of its
    ``configure.ac``; CHANGES of 6.1: "Correct the version number in the released version").
    """
    if not version:
        return ()
    archive = re.sub(r'-\d+$', '', version)
    return (archive, *_ALSO_PRINTED.get(archive, ()))


def has_validation(version: str) -> bool:
    """Say whether ``-c`` is there; of a version that cannot be read it is asked for."""
    numbers = re.match(r'(\d+)\.(\d+)', version)
    return numbers is None or (int(numbers[1]), int(numbers[2])) >= VALIDATION_SINCE


def difference_in_sizes(table: Table, asked: tuple[int, ...]) -> str | None:
    """Say which sizes are missing, foreign or out of order, or None."""
    if table.sizes == asked:
        return None
    missing = [size for size in asked if size not in table.sizes]
    foreign = [size for size in table.sizes if size not in asked]
    if missing or foreign:
        return f'sizes of messages: missing {missing or "none"}, not asked for {foreign or "none"}'
    return f'sizes of messages come as {list(table.sizes)}, expected {list(asked)}'


def not_validated(table: Table, asked: bool) -> str | None:
    """Say which sizes did not pass validation, or None."""
    for row in table.rows:
        if asked and row.valid is None:
            return 'validation was asked for, but there is no column Validation'
        if row.valid is False:
            return f'validation does not say Pass for messages of {row.size} bytes'
    return None


def impossible_latency(table: Table, fastest: float = FASTEST) -> str | None:
    """Say which latencies cannot be, or None.

    A message of n bytes takes at least ``n / fastest`` us; and a :data:`LONG` one takes all
    steps of the smallest one and more.
    """
    for row in table.rows:
        if row.values[0] <= 0:
            return f'{row.size} bytes in {row.values[0]:g} us'
        if row.values[0] + _PRINTED < row.size / fastest:
            return f'{row.size} bytes in {row.values[0]:g} us: faster than memory can be'
    return _falling(table.rows[0], table.rows[-1])


def _falling(first: Row, last: Row) -> str | None:
    if last.size < LONG or first.values[0] <= ORDERS * last.values[0]:
        return None
    return (
        f'latency falls from {first.values[0]:g} us for {first.size} bytes '
        f'to {last.values[0]:g} us for {last.size} bytes'
    )


def impossible_bandwidth(table: Table, fastest: float = FASTEST) -> str | None:
    """Say which bandwidths cannot be, or None.

    None is above ``fastest`` MB/s; and what a message costs whatever its size is spread over more
    bytes in the largest one than in the smallest one.
    """
    for row in table.rows:
        if row.values[0] <= 0 and row.size >= _VISIBLE:
            return f'{row.values[0]:g} MB/s with {row.size} bytes'
        if row.values[0] > fastest:
            return f'{row.values[0]:g} MB/s with {row.size} bytes: faster than memory can be'
    first, last = table.rows[0], table.rows[-1]
    if last.size >= LONG and last.values[0] + _PRINTED < first.values[0]:
        return (
            f'bandwidth falls from {first.values[0]:g} MB/s with {first.size} bytes '
            f'to {last.values[0]:g} MB/s with {last.size} bytes'
        )
    return None


def inconsistent(latency: Table, bandwidth: Table, size: int) -> str | None:
    """Say how bandwidth and latency of large messages contradict each other, or None.

    From their definitions: ``osu_bw`` times :data:`WINDOW` messages and an answer, no less than
    one message takes; and no more, by orders, than all of them one after the other.
    """
    ratio = bandwidth.value(size) * latency.value(size) / size
    if size < LONG or 1 / ORDERS <= ratio <= WINDOW:
        return None
    return (
        f'{size} bytes take {latency.value(size):g} us, which does not go with '
        f'{bandwidth.value(size):g} MB/s: {ratio:.3g} messages in the time of one, '
        f'expected {1 / ORDERS:g} to {WINDOW}'
    )


def wrong_statistics(table: Table, iterations: int) -> str | None:
    """Say where minimum, mean and maximum over the ranks are out of order, or None.

    Also where the iterations are not those asked for.
    """
    for row in table.rows:
        mean, low, high, counted = row.values
        if not low - 2 * _PRINTED <= mean <= high + 2 * _PRINTED:
            return f'{row.size} bytes: mean {mean:g} us is not between {low:g} and {high:g} us'
        if counted != iterations:
            return f'{row.size} bytes: {counted:g} iterations, asked for {iterations}'
    return None
