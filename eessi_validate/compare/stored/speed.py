"""Performance of stored runs, screened: suspects for ``ab``, nothing more."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.statistics import (
    Comparability,
    Direction,
    Provenance,
    Screening,
    StoredRun,
    Suspicion,
    check_comparable,
    screen,
)
from eessi_validate.compare.statistics.screening import COARSE_DELTA
from eessi_validate.compare.stored.cases import Cases, case_name
from eessi_validate.compare.stored.coded import Rows, group
from eessi_validate.compare.stored.model import SpeedRow
from eessi_validate.compare.stored.series import Series

#: More sessions than this are joined, neighbours in time first. The exact distribution of the
#: rank sum costs more than it tells there, and medians of neighbours depend less on each other
#: than single runs do (batch means: R. W. Conway, Management Science 10 (1963) 47).
MOST_SESSIONS = 40

_PROVENANCE = (
    'cpu_model', 'tasks', 'tasks_per_node', 'cpus_per_task', 'governor', 'cpu_target', 'hostname',
    'kernel', 'microcode', 'evidence', 'partition',
)  # fmt: skip


def screen_speeds(
    cases: Cases,
    series: Sequence[Series],
    ignored: Sequence[str],
    per_system: bool,
    practical_delta: float,
) -> tuple[tuple[SpeedRow, ...], dict[str, int], list[str]]:
    """Return suspects and what cannot be screened, all series by suspicion, and notes."""
    frame = cases.rows
    value = frame.numbers['value']
    run = frame.texts['run_id'].codes
    time = frame.numbers['time']
    unit = frame.texts['unit'].codes
    direction = frame.texts['direction'].codes
    place, described = _places(frame)
    units = frame.texts['unit'].values
    directions = frame.texts['direction'].values
    compare = lru_cache(maxsize=None)(
        lambda a, b: check_comparable([described[i] for i in a], [described[i] for i in b])
    )
    told: dict[str, int] = {}
    rows: list[SpeedRow] = []
    noted: dict[str, int] = {}
    for s in series:
        if not len(s.before) or not len(s.after):
            side = 'before' if len(s.after) else 'after'
            told[f'only {"after" if side == "before" else "before"}'] = (
                told.get(f'only {"after" if side == "before" else "before"}', 0) + 1
            )
            continue
        allowed: Comparability = compare(_different(place[s.before]), _different(place[s.after]))
        both = (direction[s.before], direction[s.after])
        ways = {directions[d] for codes in both for d in _different(codes)}
        ways.discard('')
        way: Direction = 'lower' if ways == {'lower'} else 'higher'
        sides = [_stored(value[r], run[r], time[r], unit[r], units) for r in (s.before, s.after)]
        found = _plainly_equal(sides[0], sides[1], allowed, practical_delta) or screen(
            sides[0], sides[1], way, comparability=allowed, practical_delta=practical_delta
        )
        if len(ways) > 1:
            found = Screening(Suspicion.UNKNOWN, f'directions differ: {", ".join(sorted(ways))}')
        suspicion = found.suspicion.value
        if not ways and found.suspicion in (Suspicion.SUSPECT_FASTER, Suspicion.SUSPECT_SLOWER):
            suspicion = 'suspect: changed'
        told[suspicion] = told.get(suspicion, 0) + 1
        for note in allowed.notes:
            noted[note] = noted.get(note, 0) + 1
        if found.suspicion is not Suspicion.NOT_SUSPECT:
            rows.append(_row(frame, s, found, suspicion, allowed, ignored, per_system))
    rows.sort(key=lambda r: (r.suspicion, -abs(math.log(r.ratio)) if r.ratio > 0 else 0, r.case))
    notes = [f'{note} ({n} metrics)' for note, n in sorted(noted.items())]
    return tuple(rows), told, notes


def _stored(
    value: NDArray[np.float64],
    run: NDArray[np.int64],
    time: NDArray[np.int64],
    unit: NDArray[np.int64],
    units: Sequence[str],
) -> list[StoredRun]:
    """Return one value per session (its median), many sessions joined with their neighbours."""
    if len(_different(unit)) > 1:
        pairs = zip(value, unit, run, strict=True)
        return [StoredRun(float(v), units[u], str(r)) for v, u, r in pairs]
    order = np.lexsort((time, run))
    starts = np.flatnonzero(np.r_[True, np.diff(run[order]) != 0])
    if len(starts) < len(value):
        parts = np.split(value[order], starts[1:])
        medians = np.array([statistics.median(part.tolist()) for part in parts])
    else:
        medians = value[order]
    when = time[order][starts]
    medians = medians[np.argsort(when, kind='stable')]
    if len(medians) > MOST_SESSIONS:
        medians = _neighbours_joined(medians, MOST_SESSIONS)
    name = units[int(unit[0])]
    return [StoredRun(v, name, str(i)) for i, v in enumerate(medians.tolist())]


def _different(codes: NDArray[np.int64]) -> tuple[int, ...]:
    """Return the different codes, of which there is nearly always one."""
    if codes.min() == codes.max():
        return (int(codes[0]),)
    return tuple(np.unique(codes).tolist())


def _neighbours_joined(values: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    """Return the medians of as many parts, the first of which are longer by one."""
    size, longer = divmod(len(values), parts)
    cut = longer * (size + 1)
    halves = (values[:cut].reshape(longer, size + 1), values[cut:].reshape(-1, size))
    return np.concatenate([np.median(half, axis=1) for half in halves if len(half)])


def _plainly_equal(
    before: list[StoredRun], after: list[StoredRun], allowed: Comparability, delta: float
) -> Screening | None:
    """Return the screening of a series whose shift is within the practical delta.

    ``screen`` cannot call such a series suspect, whatever its interval; most series are such,
    and an interval takes fifty times as long.
    """
    units = {run.unit for run in (*before, *after)}
    if not allowed.allowed or len(units) > 1 or delta > COARSE_DELTA:
        return None
    old, new = (np.log([run.value for run in side]) for side in (before, after))
    shift = float(np.median(np.subtract.outer(new, old)))
    if abs(shift) > math.log1p(delta):
        return None
    counts = (len(before), len(after))
    return Screening(Suspicion.NOT_SUSPECT, 'within the practical delta', counts, math.exp(shift))


def _places(frame: Rows) -> tuple[NDArray[np.int64], list[Provenance]]:
    """Return a number for each row's provenance, and what each number stands for."""
    codes = group(frame, _PROVENANCE)
    _, first = np.unique(codes, return_index=True)
    known = {field.name for field in dataclasses.fields(Provenance)}
    described = []
    for row in first:
        values: dict[str, Any] = {}
        for name in _PROVENANCE:
            if name in ('tasks', 'tasks_per_node', 'cpus_per_task'):
                number = float(frame.numbers[name][row])
                values[name] = None if math.isnan(number) else int(number)
            elif name in known:
                values[name] = frame.at(name, row)
        # Emulated and native runs, or partitions, are different kinds of node.
        kind = f'{frame.at("partition", row)} {frame.at("evidence", row)}'.strip()
        described.append(Provenance(**values, node_type=kind))
    return codes, described


def _row(
    frame: Rows,
    s: Series,
    found: Screening,
    suspicion: str,
    allowed: Comparability,
    ignored: Sequence[str],
    per_system: bool,
) -> SpeedRow:
    return SpeedRow(
        case=case_name(frame, s.any, ignored),
        system=frame.at('system', s.any) if per_system else '',
        metric=frame.at('metric', s.any),
        unit=frame.at('unit', s.any),
        suspicion=suspicion,
        reason=found.reason,
        ratio=found.ratio,
        lower=found.lower,
        upper=found.upper,
        sessions=found.sessions,
        notes=allowed.notes,
    )
