"""Reads what ``probe.py`` wrote on each rank, and compares it with what is expected. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from eessi_library.mpi.expected import Received

#: What the probe and Open MPI print when they give up.
_ERRORS = re.compile(
    r'^(?:mpi-probe: (?P<probe>.+)|\[.*\] \*\*\* (?P<mpi>MPI_ERR_\w+: .+))$', re.MULTILINE
)
#: The source revision further on in the same line names the release too: only the start counts.
_VERSION = re.compile(r'Open MPI v(?P<version>[^\s,]+)')


class ReportError(ValueError):
    """A rank's file is not what the program writes."""


@dataclass(frozen=True)
class Record:
    """What a rank received in one operation."""

    size: int
    sha256: str
    #: Some elements by index, to say what is wrong; the digest covers all.
    elements: dict[int, float] = field(hash=False)


@dataclass(frozen=True)
class RankReport:
    """The file of one rank."""

    nonce: str
    rank: int
    ranks: int
    #: Same for ranks that share a node.
    node: str
    library_version: str
    #: Path of the MPI library in the rank's memory, and of the installation it was asked from.
    library: str
    prefix: str
    #: All libraries of MPI in the rank's memory, and those that the site's directory offers it.
    libraries: tuple[str, ...]
    offered: tuple[str, ...]
    operations: dict[str, Record] = field(hash=False)
    #: ``latency_us``, ``allreduce_us`` and ``bandwidth_mb_per_s``.
    timings: dict[str, float] = field(hash=False)

    @property
    def version(self) -> str:
        """Version that the library reports, e.g. ``4.1.4``; '' if it is not Open MPI."""
        found = _VERSION.match(self.library_version)
        return found['version'] if found else ''


def parse_report(text: str) -> RankReport:
    """Parse ``ranks/<rank>.json``.

    :raises ReportError: if something is missing or of another type.
    """
    try:
        raw: dict[str, Any] = json.loads(text)
        timings = {name: float(value) for name, value in raw['timings'].items()}
        if not all(math.isfinite(value) and value > 0 for value in timings.values()):
            raise ReportError(f'a timing is not a positive number: {timings}')
        return RankReport(
            nonce=str(raw['nonce']),
            rank=int(raw['rank']),
            ranks=int(raw['ranks']),
            node=str(raw['node']),
            library_version=str(raw['library_version']),
            library=str(raw['library']),
            prefix=str(raw['prefix']),
            libraries=tuple(map(str, raw.get('libraries', [raw['library']]))),
            offered=tuple(map(str, raw.get('offered', ()))),
            operations={
                name: Record(
                    int(record['bytes']),
                    str(record['sha256']),
                    {int(index): value for index, value in record['elements'].items()},
                )
                for name, record in raw['operations'].items()
            },
            timings=timings,
        )
    except ReportError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f'a rank wrote something else than a report: {type(error).__name__}: {error}'
        ) from error


def not_injected(report: RankReport, directory: str) -> str | None:
    """Say which library a rank has in memory in place of the site's MPI, or None if it has that.

    Compared are the files themselves: what the directory offers may be links.
    """
    offered = {_stem(path) for path in report.offered}
    if 'libmpi' not in offered:
        return f'finds no MPI of the site in {directory} on its node'
    for path in report.libraries:
        if _stem(path) in offered and path not in report.offered:
            return f'has loaded {path}, not the MPI of the site in {directory}'
    if 'libmpi' not in map(_stem, report.libraries):
        return f'has loaded no MPI library, not even that of the site in {directory}'
    return None


def _stem(path: str) -> str:
    return path.rpartition('/')[2].partition('.so')[0]


def difference(operation: str, record: Record | None, expected: Received) -> str | None:
    """Say how what was received differs from what must be, or None if it does not."""
    if record is None:
        return f'{operation}: not reported'
    if record.size != len(expected.data):
        return f'{operation}: {record.size} bytes received, {len(expected.data)} expected'
    if record.sha256 == hashlib.sha256(expected.data).hexdigest():
        return None
    values = memoryview(expected.data).cast(expected.kind)  # type: ignore[call-overload]
    for index, found in sorted(record.elements.items()):
        if index < len(values) and found != values[index]:
            return f'{operation}: element {index} is {found}, expected {values[index]}'
    return f'{operation}: SHA-256 of the {record.size} bytes received is not that of those expected'


def error_message(output: str) -> str | None:
    """Return what the probe or Open MPI said when it gave up, or None."""
    found = _ERRORS.search(output)
    return (found['probe'] or found['mpi']).strip() if found else None
