"""Reads what the OSU Micro-Benchmarks 5.4 to 7.5 print. Pure functions: text in, tables out.

The forms are those of the ``printf`` statements of their sources (``osu_util_mpi.c``,
``osu_latency.c``, ``osu_bw.c``, ``osu_allreduce.c`` of 5.3, 6.2, 7.x and 7.4)::

    # OSU MPI Latency Test v7.5
    # Datatype: MPI_CHAR.
    # Size       Avg Latency(us)        Validation
    1                       3.00              Pass

Before 7.0 there is no line of the datatype; 7.0 to 7.3 print it below the headings of the columns;
``Validation`` stands there only where validation was asked for. With messages on GPUs the title is
that of ``MPI-CUDA`` or ``MPI-ROCM``, and up to 7.4 point to point says on which buffers it works.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

_TITLE = re.compile(
    r'^# OSU MPI(?P<accelerator>-\S+)? (?P<name>.+ Test) v(?P<version>\S+)$', re.MULTILINE
)
_BUFFERS = re.compile(
    r'^# Send Buffer on (?P<send>.+) and Receive Buffer on (?P<receive>.+?)\s*$', re.MULTILINE
)
_ON_DEVICE = 'DEVICE (D)'
_HEADINGS = re.compile(r'^# Size +\S.*$', re.MULTILINE)
_INVALID = re.compile(r'^DATA VALIDATION ERROR: .+$', re.MULTILINE)
_REFUSED = re.compile(
    r'^(?P<message>This test requires (?:exactly two|at least two) processes'
    r'|Invalid [Oo]ption.*|.*[Ii]nvalid argument.*|DATA VALIDATION ERROR: .+)$',
    re.MULTILINE,
)
_GAP = re.compile(r'\s{2,}')
_ROW = re.compile(r'^\d.*$', re.MULTILINE)

#: Heading of the column that validation adds.
VALIDATION = 'Validation'
_LATENCY = ('Latency (us)', 'Avg Latency(us)')
#: Headings of each benchmark's values, all forms of them; the first column is the measurement.
COLUMNS = {
    'Latency Test': (_LATENCY,),
    'Bandwidth Test': (('Bandwidth (MB/s)',),),
    # With -f.
    'Allreduce Latency Test': (
        _LATENCY,
        ('Min Latency(us)',),
        ('Max Latency(us)',),
        ('Iterations',),
    ),
}


class OutputError(ValueError):
    """The output is not that of a benchmark that ran to its end."""


@dataclass(frozen=True)
class Row:
    """One message size."""

    #: Size of the message in bytes.
    size: int
    #: What the columns between size and validation hold: us, MB/s or a number of iterations.
    values: tuple[float, ...]
    #: Whether the received data was right; None if validation was not asked for.
    valid: bool | None


@dataclass(frozen=True)
class Table:
    """What one run of one benchmark printed."""

    version: str
    rows: tuple[Row, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the messages in bytes, in the order of the run."""
        return tuple(row.size for row in self.rows)

    def value(self, size: int) -> float:
        """Return the measurement at one size.

        :raises OutputError: if there is none.
        """
        for row in self.rows:
            if row.size == size:
                return row.values[0]
        raise OutputError(f'there is no line for messages of {size} bytes')


def parse_table(text: str, benchmark: str, device: str = '') -> Table:
    """Parse the standard output of one run of ``benchmark``, a key of :data:`COLUMNS`.

    :arg device: where its messages must lie: ``cuda`` or ``rocm``; '' is the memory of the host.

    Lines that neither begin with ``#`` nor with a digit are the MPI library's own.

    :raises OutputError: if it is not one whole table of that benchmark, or says that data is wrong.
    """
    if said := _INVALID.search(text):
        raise OutputError(said[0])
    titles = list(_TITLE.finditer(text))
    if not titles:
        raise OutputError(f'there is no title "# OSU MPI {benchmark} v..."')
    if len(titles) > 1:
        raise OutputError(f'{len(titles)} titles in one run: ranks that do not see each other')
    (title,) = titles
    accelerator = f'-{device.upper()}' if device else ''
    if (title['accelerator'] or '') != accelerator or title['name'] != benchmark:
        expected = f'OSU MPI{accelerator} {benchmark}'
        raise OutputError(f'it is another benchmark: "{title[0]}", not "{expected}"')
    for buffers in _BUFFERS.finditer(text) if device else ():
        if set(buffers.groups()) != {_ON_DEVICE}:
            raise OutputError(f'not all messages lie on devices: "{buffers[0]}"')
    headings = list(_HEADINGS.finditer(text))
    if len(headings) != 1:
        raise OutputError(f'{len(headings)} headings "# Size ..." in one run, expected 1')
    validated = _validated(headings[0][0], benchmark)
    lines = [found[0] for found in _ROW.finditer(text)]
    if not lines:
        raise OutputError('there is no line for any message size')
    rows = tuple(_row(line, len(COLUMNS[benchmark]), validated) for line in lines)
    return Table(title['version'], rows)


def _validated(heading: str, benchmark: str) -> bool:
    """Return whether there is a column of validation; the others must be those that are known."""
    _, *found = _GAP.split(heading.strip())
    validated = found[-1:] == [VALIDATION]
    names = found[:-1] if validated else found
    known = COLUMNS[benchmark]
    if len(names) != len(known) or any(n not in k for n, k in zip(names, known, strict=True)):
        raise OutputError(f'unknown columns: "{heading}"')
    return validated


def _row(line: str, columns: int, validated: bool) -> Row:
    words: Sequence[str] = line.split()
    expected = 1 + columns + validated
    if len(words) != expected:
        raise OutputError(f'line "{line}" has {len(words)} fields, expected {expected}')
    try:
        size, values = int(words[0]), tuple(float(word) for word in words[1 : columns + 1])
    except ValueError:
        raise OutputError(f'line "{line}" is not one of sizes and numbers') from None
    if not all(math.isfinite(value) and value >= 0 for value in values):
        raise OutputError(f'messages of {size} bytes: not all are numbers from 0 on: "{line}"')
    # Anything but the word itself is no proof.
    return Row(size, values, words[-1] == 'Pass' if validated else None)


def error_message(output: str) -> str | None:
    """Return what a benchmark said when it gave up, or None."""
    found = _REFUSED.search(output)
    return found['message'] if found else None
