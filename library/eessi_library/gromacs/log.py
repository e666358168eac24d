"""Reads ``md.log`` of GROMACS 2019 to 2026. Pure functions: text in, numbers out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field


class LogError(ValueError):
    """The log lacks something that a finished run prints."""


#: mdrun prints energies in columns of this width, the names right above the values.
_COLUMN = 15

_STEP = re.compile(r'^ +Step +Time\n +(?P<step>\d+) +(?P<time>[\d.]+)$', re.MULTILINE)
_ENERGIES = re.compile(r'^   Energies \(kJ/mol\)\n(?P<rows>(?:.+\n)+)', re.MULTILINE)
_AVERAGES = re.compile(r'A V E R A G E S')
_BOX = re.compile(r'^ +Box-X +Box-Y +Box-Z\n +(\S+) +(\S+) +(\S+)$', re.MULTILINE)
_PERFORMANCE = re.compile(r'^Performance: +(?P<speed>[\d.]+)', re.MULTILINE)
_WALL = re.compile(r'^ +Time: +[\d.]+ +(?P<wall>[\d.]+)', re.MULTILINE)
_DRIFT = re.compile(r'Conserved energy drift: (?P<drift>\S+) kJ/mol/ps per atom')
_RANKS = re.compile(r'^Using (?P<ranks>\d+) MPI (?:process|thread)', re.MULTILINE)
_THREADS = re.compile(r'^Using (?P<threads>\d+) OpenMP thread', re.MULTILINE)
_GPUS = re.compile(r'^(?:\d+) GPU.*selected for this run', re.MULTILINE)
_VERSION = re.compile(r'GROMACS version: +(?P<version>\S+)')
_FINISHED = re.compile(r'^Finished mdrun on rank 0', re.MULTILINE)
_ATOMS = re.compile(r'^ *There are: (?P<atoms>\d+) Atoms', re.MULTILINE)


@dataclass(frozen=True)
class Frame:
    """Energies of one step in kJ/mol, with temperature in K and pressure in bar."""

    step: int
    time_ps: float
    values: dict[str, float] = field(hash=False)


@dataclass(frozen=True)
class MdLog:
    """What a finished run printed."""

    version: str
    finished: bool
    #: As reported by mdrun; 0 if it reported nothing.
    ranks: int
    threads_per_rank: int
    uses_gpu: bool
    atoms: int
    frames: tuple[Frame, ...]
    #: Average box edges in nm; empty when the pressure is not coupled.
    average_box: tuple[float, ...]
    speed_ns_per_day: float | None
    wall_seconds: float | None
    drift: float | None
    parameters: dict[str, str] = field(hash=False)

    def mean(self, name: str, from_step: int = 0) -> float:
        """Mean of an energy over the frames at ``from_step`` and later.

        :raises LogError: if the log has no such energy.
        """
        values = [f.values[name] for f in self.frames if f.step >= from_step and name in f.values]
        if not values:
            raise LogError(f'the log has no energy {name!r} from step {from_step} on')
        return sum(values) / len(values)

    def last_step(self) -> int:
        """Step of the last frame; -1 if there is none."""
        return self.frames[-1].step if self.frames else -1


def _columns(rows: str) -> dict[str, float]:
    lines = rows.splitlines()
    values: dict[str, float] = {}
    for names, numbers in zip(lines[::2], lines[1::2], strict=False):
        for start in range(0, len(numbers.rstrip()), _COLUMN):
            cell = numbers[start : start + _COLUMN].strip()
            try:
                values[names[start : start + _COLUMN].strip()] = float(cell)
            except ValueError as error:
                raise LogError(f'not a number in the energies: {cell!r}') from error
    return values


def _frames(text: str) -> tuple[Frame, ...]:
    averages = _AVERAGES.search(text)
    body = text[: averages.start()] if averages else text
    frames: dict[int, Frame] = {}
    for found in _STEP.finditer(body):
        following = _STEP.search(body, found.end())
        end = following.start() if following else len(body)
        if energies := _ENERGIES.search(body, found.end(), end):
            step = int(_float(found['step']))
            frames[step] = Frame(step, _float(found['time']), _columns(energies['rows']))
    return tuple(frames[step] for step in sorted(frames))


def _parameters(text: str) -> dict[str, str]:
    """Return the input parameters that mdrun echoes as ``name = value`` or ``name: value``."""
    pairs = re.findall(r'^ +([\w-]+) += (\S.*)$', text, re.MULTILINE)
    pairs += re.findall(r'^ +(ref-t): +(\S+)', text, re.MULTILINE)
    return {name: value.strip() for name, value in pairs}


def _number(pattern: re.Pattern[str], text: str, group: str) -> float | None:
    found = pattern.search(text)
    return _float(found[group]) if found else None


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise LogError(f'not a number: {text[:40]!r}') from error
    if not math.isfinite(value):
        raise LogError(f'not a finite number: {text[:40]!r}')
    return value


def parse_log(text: str) -> MdLog:
    """Parse the text of ``md.log``.

    :raises LogError: if the energies hold something that is not a number.
    """
    version = _VERSION.search(text)
    box = _BOX.search(text, match.start() if (match := _AVERAGES.search(text)) else len(text))
    return MdLog(
        version=version['version'] if version else '',
        finished=bool(_FINISHED.search(text)),
        ranks=int(_number(_RANKS, text, 'ranks') or 0),
        threads_per_rank=int(_number(_THREADS, text, 'threads') or 0),
        uses_gpu=bool(_GPUS.search(text)),
        atoms=int(_number(_ATOMS, text, 'atoms') or 0),
        frames=_frames(text),
        average_box=tuple(_float(edge) for edge in box.groups()) if box else (),
        speed_ns_per_day=_number(_PERFORMANCE, text, 'speed'),
        wall_seconds=_number(_WALL, text, 'wall'),
        drift=_number(_DRIFT, text, 'drift'),
        parameters=_parameters(text),
    )
