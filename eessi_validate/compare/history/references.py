"""References for ReFrame from history, in the YAML form of ``reference = {'$ref': 'FILE'}``.

ReFrame 4.10 and later read it (``external references`` in its manual). Each test is indexed by
``$partition``, ``software``, ``cpu_target`` and ``scale``, which all implementations here have.
"""

from __future__ import annotations

import statistics
from typing import Any

from eessi_validate.compare.history.find import History, SeriesHistory

INDEX = ('$partition', 'software', 'cpu_target', 'scale')

#: Sessions since the last step that a reference needs.
MINIMUM = 8

#: Width in robust standard deviations, and the least that is not noise, as a fraction.
WIDTH, LEAST = 4.0, 0.05

_MAD_OF_NORMAL = 0.6745


def references_of(history: History) -> tuple[dict[str, Any], list[str]]:
    """Return the content of the file, and the series that have no reference, with the reason."""
    content: dict[str, Any] = {}
    left_out = []
    owners: set[tuple[str, ...]] = set()
    for series in history.series:
        key = series.key
        start = _last_step(series)
        values = [p.value for p in series.points[start:]]
        if ' ' in key['test']:
            left_out.append(f'{series.name}: its parameters are not part of the index')
            continue
        if len(values) < MINIMUM:
            left_out.append(
                f'{series.name}: {len(values)} sessions since the last step, {MINIMUM} are needed'
            )
            continue
        place = f'{key["system"]}:{key["partition"]}'
        path = (key['test'], place, key['software'], key['cpu_target'], key['scale'])
        leaf = (*path, key['metric'])
        if leaf in owners:
            left_out.append(f'{series.name}: a second CPU model or unit in the same partition')
            continue
        owners.add(leaf)
        test = content.setdefault(key['test'], {'$index': list(INDEX)})
        level = test
        for part in path[1:]:
            level = level.setdefault(part, {})
        level[key['metric']] = _reference(values, series.direction, key['unit'])
    return content, left_out


def _last_step(series: SeriesHistory) -> int:
    if not series.steps:
        return 0
    return series.points.index(series.steps[-1].after)


def _reference(values: list[float], direction: str, unit: str) -> list[Any]:
    """Return value, lower and upper fraction, unit; only the bad direction is limited."""
    middle = statistics.median(values)
    scatter = statistics.median(abs(v - middle) for v in values) / _MAD_OF_NORMAL
    width = round(max(WIDTH * scatter / middle, LEAST), 3)
    lower = None if direction == 'lower' else -min(width, 0.99)
    upper = None if direction == 'higher' else width
    return [float(f'{middle:.6g}'), lower, upper, unit]
