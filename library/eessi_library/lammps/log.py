"""Reads the log of LAMMPS 2020 to 2025. Pure functions: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


class LogError(ValueError):
    """The log lacks something that a finished run prints."""


_VERSION = re.compile(r'^LAMMPS \((?P<version>[^)]+)\)', re.MULTILINE)
_LOOP = re.compile(
    r'^Loop time of (?P<seconds>\S+) on (?P<procs>\d+) procs for (?P<steps>\d+) steps'
    r' with (?P<atoms>\d+) atoms',
    re.MULTILINE,
)
_LAYOUT = re.compile(
    r'^\S+% CPU use with (?P<ranks>\d+) MPI tasks x (?P<threads>\d+|no) OpenMP threads',
    re.MULTILINE,
)
#: What KOKKOS says at the start, and the list of neighbours of a pair style that it computes.
_GPUS = re.compile(
    r'^KOKKOS mode (?:with Kokkos version \S+ )?is enabled.*\n\s+will use up to (?P<gpus>\d+) GPU',
    re.MULTILINE,
)
_ON_DEVICE = re.compile(
    r'^ *\(\d+\) pair lj/cut/kk, .*\n +attributes: .*kokkos_device.*\n'
    r' +pair build: \S+/kk/device *$',
    re.MULTILINE,
)
_ROWS = re.compile(
    r'^\s*(?P<names>Step(?: +\S+)+) *\n(?P<rows>(?:.*\n)*?)(?=Loop time of|\Z)', re.MULTILINE
)
_FINISHED = re.compile(r'^Total wall time: \d+:\d+:\d+', re.MULTILINE)
_NONCE = re.compile(r'^nonce (?P<nonce>[0-9A-Za-z_-]+)$', re.MULTILINE)
_ERROR = re.compile(r'^ERROR(?: on proc \d+)?: .+$', re.MULTILINE)


@dataclass(frozen=True)
class Log:
    """What a run with one ``run`` command printed."""

    version: str
    #: ``Total wall time`` is LAMMPS's last word.
    finished: bool
    nonce: str
    #: As reported by LAMMPS; 0 if it reported nothing.
    atoms: int
    ranks: int
    threads: int
    steps: int
    loop_seconds: float | None
    #: GPUs per node that KOKKOS says it uses; 0 without KOKKOS.
    gpus: int
    #: Whether KOKKOS computes the pair style lj/cut on its device.
    on_device: bool
    #: Thermodynamic output: column name -> values, one for each row.
    columns: dict[str, tuple[float, ...]] = field(hash=False)

    def column(self, name: str) -> tuple[float, ...]:
        """Values of a column.

        :raises LogError: if the log has no such column or no rows.
        """
        if not self.columns.get(name):
            raise LogError(f'the log has no thermodynamic output {name!r}')
        return self.columns[name]

    def mean(self, name: str, from_step: int = 0) -> float:
        """Mean of a column over the rows at ``from_step`` and later.

        :raises LogError: if there are none.
        """
        values = [
            value
            for step, value in zip(self.column('Step'), self.column(name), strict=True)
            if step >= from_step
        ]
        if not values:
            raise LogError(f'the log has no {name!r} from step {from_step} on')
        return sum(values) / len(values)


def error_message(text: str) -> str | None:
    """Return LAMMPS's own error message, if it printed one."""
    found = _ERROR.search(text)
    return found[0] if found else None


def parse_log(text: str) -> Log:
    """Parse the text of a log file.

    :raises LogError: if a row of the thermodynamic output is cut short or not numeric.
    """
    version, loop, layout = _VERSION.search(text), _LOOP.search(text), _LAYOUT.search(text)
    nonce, gpus = _NONCE.search(text), _GPUS.search(text)
    threads = layout['threads'] if layout else '0'
    return Log(
        version=version['version'] if version else '',
        finished=bool(_FINISHED.search(text)),
        nonce=nonce['nonce'] if nonce else '',
        atoms=int(loop['atoms']) if loop else 0,
        ranks=int(layout['ranks']) if layout else 0,
        threads=1 if threads == 'no' else int(threads),
        steps=int(loop['steps']) if loop else 0,
        loop_seconds=float(loop['seconds']) if loop else None,
        gpus=int(gpus['gpus']) if gpus else 0,
        on_device=bool(_ON_DEVICE.search(text)),
        columns=_columns(text),
    )


def _columns(text: str) -> dict[str, tuple[float, ...]]:
    found = _ROWS.search(text)
    if not found:
        return {}
    names = found['names'].split()
    rows = [
        _row(line, len(names))
        for line in found['rows'].splitlines()
        if line.strip() and not line.startswith('WARNING')
    ]
    return {name: tuple(row[i] for row in rows) for i, name in enumerate(names)}


def _row(line: str, width: int) -> list[float]:
    try:
        row = [float(cell) for cell in line.split()]
    except ValueError as error:
        raise LogError(f'not a row of numbers in the thermodynamic output: {line!r}') from error
    if len(row) != width:
        raise LogError(f'a row of the thermodynamic output has {len(row)} of {width} values')
    return row
