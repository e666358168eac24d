"""Reads the standard output of ``pw.x`` 5.x to 7.x. Pure functions: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


class OutputError(ValueError):
    """The output lacks something that a finished run prints."""


_VERSION = re.compile(r'Program PWSCF v\.(?P<version>\S+)')
_TITLE = re.compile(r'^ +Title: *\n +(?P<title>\S.*?) *$', re.MULTILINE)
_MPI = re.compile(r'Parallel version \(MPI\), running on +(?P<ranks>\d+) processors')
_HYBRID = re.compile(r'Parallel version \(MPI & OpenMP\), running on +(?P<cores>\d+) processor')
_RANKS = re.compile(r'Number of MPI processes: +(?P<ranks>\d+)')
_THREADS = re.compile(r'Threads/MPI process: +(?P<threads>\d+)')
_SERIAL = re.compile(r'^ +Serial version', re.MULTILINE)
_SERIAL_THREADS = re.compile(r'Serial multi-threaded version, running on +(?P<threads>\d+)')
_LATTICE = re.compile(r'celldm\(1\)= +(?P<value>\S+)')
_CUT_OFF = re.compile(r'kinetic-energy cutoff += +(?P<value>\S+) +Ry')
_K_POINTS = re.compile(r'number of k points= +(?P<count>\d+)')
_ENERGY = re.compile(r'^! +total energy += +(?P<value>\S+) Ry', re.MULTILINE)
_PART = re.compile(
    r'^ +(?P<name>one-electron|hartree|xc|ewald) contribution += +(?P<value>\S+) Ry', re.MULTILINE
)
_ITERATIONS = re.compile(r'convergence has been achieved in +(?P<count>\d+) iterations')
_FORCE = re.compile(r'^ +atom +\d+ type +\d+ +force = +(\S+) +(\S+) +(\S+)$', re.MULTILINE)
_FIRST_FORCES = re.compile(
    r'Forces acting on atoms.*\n\s*\n(?P<rows>(?: +atom +\d+ type.*\n)+)', re.MULTILINE
)
_STRESS = re.compile(
    r'total +stress +\(Ry/bohr\*\*3\).*\n(?P<rows>(?:(?: +\S+){6} *\n){3})', re.MULTILINE
)
_BANDS = re.compile(
    r'^ +k =(?P<k>(?: ?-?\d+\.\d+){3}) +\( *\d+ PWs\) +bands \(ev\):\n\n(?P<rows>(?: .*\d\n)+)',
    re.MULTILINE,
)
_NUMBER = re.compile(r'-?\d+\.\d+')
_WALL = re.compile(r'^ +PWSCF +: .*CPU +(?P<time>.+?) ?WALL', re.MULTILINE)
_CLOCK = re.compile(r'(?:(?P<h>\d+)h)? *(?:(?P<m>\d+)m)? *(?:(?P<s>[\d.]+)s)?$')
_ERROR = re.compile(r'Error in routine (?P<routine>\S+) \([^)]*\): *\n +(?P<message>.+?) *\n')


@dataclass(frozen=True)
class Output:
    """What one self-consistent calculation printed; energies in Ry unless stated."""

    version: str
    #: "JOB DONE." is the last thing that pw.x prints.
    finished: bool
    title: str
    #: As reported by pw.x; 0 if it reported nothing.
    ranks: int
    threads: int
    #: Lattice parameter in bohr and kinetic-energy cut-off in Ry, as echoed.
    lattice: float
    cut_off: float
    k_points: int
    total_energy: float
    #: ``one-electron``, ``hartree``, ``xc`` and ``ewald``.
    contributions: dict[str, float] = field(hash=False)
    #: Iterations to self-consistency; 0 if it was not reached.
    iterations: int
    #: Forces in Ry/bohr, one vector for each atom.
    forces: tuple[tuple[float, ...], ...]
    #: Stress tensor in Ry/bohr^3, rows; pressure is minus a third of QE's ``-trace``: see stress.
    stress: tuple[tuple[float, ...], ...]
    #: k-point in 2 pi / a -> eigenvalues in eV.
    bands: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    wall_seconds: float | None


def _required(pattern: re.Pattern[str], text: str, what: str) -> str:
    found = pattern.search(text)
    if not found:
        raise OutputError(f'the output has no {what}')
    return found[1]


def _number(cell: str, what: str) -> float:
    try:
        return float(cell)
    except ValueError as error:
        raise OutputError(f'the {what} is not a number: {cell!r}') from error


def _layout(text: str) -> tuple[int, int]:
    """Return MPI ranks and threads of each."""
    if found := _MPI.search(text):
        return int(found['ranks']), 1
    if _HYBRID.search(text):
        ranks, threads = _RANKS.search(text), _THREADS.search(text)
        return int(ranks['ranks']) if ranks else 0, int(threads['threads']) if threads else 0
    if found := _SERIAL_THREADS.search(text):
        return 1, int(found['threads'])
    return (1, 1) if _SERIAL.search(text) else (0, 0)


def _bands(text: str) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]:
    # Numbers touch when they are negative: "0.1250-0.3750".
    return tuple(
        (
            tuple(float(x) for x in _NUMBER.findall(found['k'])),
            tuple(float(x) for x in _NUMBER.findall(found['rows'])),
        )
        for found in _BANDS.finditer(text)
    )


def _vectors(rows: str, width: int) -> tuple[tuple[float, ...], ...]:
    return tuple(
        tuple(_number(cell, 'stress tensor') for cell in row.split()[:width])
        for row in rows.splitlines()
    )


def _wall(text: str) -> float | None:
    found = _WALL.search(text)
    clock = _CLOCK.search(found['time'].strip()) if found else None
    if not clock or not clock[0]:
        return None
    hours, minutes, seconds = (float(clock[unit] or 0) for unit in 'hms')
    return 3600 * hours + 60 * minutes + seconds


def error_message(text: str) -> str | None:
    """Return the error message of ``pw.x`` itself, if it printed one."""
    found = _ERROR.search(text)
    return f'{found["routine"]}: {found["message"]}' if found else None


def parse_output(text: str) -> Output:
    """Parse the standard output of one calculation.

    :raises OutputError: if the total energy is missing, or anything is not a number.
    """
    version, title = _VERSION.search(text), _TITLE.search(text)
    iterations, first = _ITERATIONS.search(text), _FIRST_FORCES.search(text)
    stress = _STRESS.search(text)
    ranks, threads = _layout(text)
    return Output(
        version=version['version'] if version else '',
        finished='JOB DONE.' in text,
        title=title['title'] if title else '',
        ranks=ranks,
        threads=threads,
        lattice=_number(_required(_LATTICE, text, 'lattice parameter'), 'lattice parameter'),
        cut_off=_number(_required(_CUT_OFF, text, 'cut-off'), 'cut-off'),
        k_points=int(_required(_K_POINTS, text, 'number of k-points')),
        total_energy=_number(_required(_ENERGY, text, 'total energy'), 'total energy'),
        contributions={f['name']: _number(f['value'], f['name']) for f in _PART.finditer(text)},
        iterations=int(iterations['count']) if iterations else 0,
        forces=tuple(
            tuple(_number(x, 'force') for x in row)
            for row in (_FORCE.findall(first['rows']) if first else ())
        ),
        stress=_vectors(stress['rows'], 3) if stress else (),
        bands=_bands(text),
        wall_seconds=_wall(text),
    )
