"""What must hold for the first reading of any bytes; shared by the quick and the long run."""

from __future__ import annotations

import tarfile
from collections import Counter
from dataclasses import dataclass, field

from other_readers import (
    comparable,
    have_gnu_tar,
    libarchive,
    read_with_gnu_tar,
    read_with_libarchive,
    read_with_tarfile,
)

from eessi_validate.gate.inspection.agreement import record
from eessi_validate.gate.inspection.faults import ReadingStopped
from eessi_validate.gate.inspection.limits import Limits
from eessi_validate.gate.inspection.reader import TarReader

LIMITS = Limits()


@dataclass
class Tally:
    """What a fuzz run has seen."""

    executions: int = 0
    accepted: int = 0
    #: Taken by the first reading, but not by the gate: the second reading says something else.
    refused_by_second: int = 0
    findings: Counter[str] = field(default_factory=Counter)


def read_first(archive: bytes, chunk: int) -> tuple[list[bytes], list[bytes], list[str]]:
    """Read with the gate's reader: comparable records, exact records, and findings."""
    faults: list[str] = []
    position = 0

    def next_chunk() -> bytes:
        nonlocal position
        position += chunk
        return archive[position - chunk : position]

    reader = TarReader(next_chunk, lambda name, *_: faults.append(name), LIMITS)
    rough, exact = [], []
    try:
        for member in reader:
            size = member.size if member.kind == '-' else 0
            each = (member.kind, member.mode, size, member.name, member.link)
            rough.append(comparable(*each))
            exact.append(record(*each))
            if member.kind == '-' and member.block % 2:
                taken = sum(len(piece) for piece in reader.content())
                assert taken == size
    except ReadingStopped as stop:
        faults.append(stop.finding)
    return rough, exact, faults


def check_reader(archive: bytes, chunk: int, tally: Tally) -> None:
    """Check that what the gate would accept is read alike by every other reader.

    :raises AssertionError: for a disagreement that would be accepted.
    """
    tally.executions += 1
    rough, exact, faults = read_first(archive, chunk)
    tally.findings.update(faults)
    if faults:
        return
    if have_gnu_tar_once():
        code, lines = read_with_gnu_tar(archive)
        if code or lines != exact:
            tally.refused_by_second += 1
            return
    tally.accepted += 1
    assert no_errors(archive) == rough, 'tarfile reads other members'
    if libarchive():
        status, members = read_with_libarchive(archive)
        assert (status, members) == (1, rough), 'libarchive reads other members'


def no_errors(archive: bytes) -> list[bytes]:
    """Read with ``tarfile``; an empty archive is one that it calls unreadable."""
    try:
        return read_with_tarfile(archive)
    except tarfile.TarError as error:
        return [] if 'empty' in str(error) else [str(error).encode()]


_GNU_TAR: list[bool] = []


def have_gnu_tar_once() -> bool:
    """Ask once whether GNU tar is there."""
    if not _GNU_TAR:
        _GNU_TAR.append(have_gnu_tar())
    return _GNU_TAR[0]
