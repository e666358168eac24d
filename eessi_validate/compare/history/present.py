"""A history as terminal text and JSON."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
from typing import Any

from eessi_validate.compare.history.find import History, SeriesHistory

_BARS = '▁▂▃▄▅▆▇█'


def render_terminal(history: History) -> str:
    """Return plain text: each series as a line of bars, its steps and its alarm."""
    lines = [f'problem: {problem}' for problem in history.problems]
    for series in history.series:
        lines += ['', series.name, *_lines(series)]
    for system, event in history.environment:
        first = datetime.datetime.fromtimestamp(event.start * 86400, datetime.timezone.utc)
        lines += [
            '',
            f'environment changed on {system} about {first:%Y-%m-%d}: '
            f'{", ".join(event.stepped)} stepped together '
            f'({len(event.stepped)} of {event.measured} software)',
        ]
    if not history.series:
        lines.append('no series: nothing stored matches')
    rows = ', '.join(f'{count} {what}' for what, count in history.rows.items() if count)
    lines += ['', f'rows: {rows or "none"}']
    return '\n'.join(lines).strip('\n') + '\n'


def render_json(history: History) -> str:
    """Return JSON with sorted keys."""
    content = {
        'exit_code': history.exit_code,
        **_plain(dataclasses.asdict(history)),
    }
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + '\n'


def _lines(series: SeriesHistory) -> list[str]:
    points = series.points
    values = [p.value for p in points]
    span = f'{points[0].time:%Y-%m-%d} to {points[-1].time:%Y-%m-%d}'
    lines = [f'  {_bars(values[-80:])}  {len(points)} sessions, {span}']
    if series.alarm and series.alarm.raised:
        lines.append(f'  ALARM: {series.alarm.reason} (p = {series.alarm.p:.1g})')
    for step in series.steps:
        why = ' (environment changed)' if step.environment else ''
        lines += [
            f'  step at {step.after.time:%Y-%m-%d}: x {step.ratio:.3f}, '
            f'{step.before.release} {step.before.module} -> '
            f'{step.after.release} {step.after.module}{why}',
            f'    a place to look, not proof; confirm: {step.confirm}',
        ]
    return lines


def _bars(values: list[float]) -> str:
    low, high = min(values), max(values)
    if high == low:
        return _BARS[3] * len(values)
    return ''.join(_BARS[round((v - low) / (high - low) * (len(_BARS) - 1))] for v in values)


def _plain(value: Any) -> Any:
    match value:
        case datetime.datetime():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value
