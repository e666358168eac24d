"""Series from stored results, their change points and alarms."""

from __future__ import annotations

import datetime
import fnmatch
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eessi_validate.compare.statistics import (
    Alarm,
    DatedChange,
    Direction,
    EnvironmentChange,
    check_last_runs,
    find_changes,
    find_environment_changes,
    pooled_noise,
)

if TYPE_CHECKING:
    import pandas as pd

#: What a history reads.
COLUMNS = (
    'run_id', 'time', 'release', 'test', 'software', 'version', 'toolchain', 'cpu_target', 'scale',
    'system', 'partition', 'outcome', 'metric', 'value', 'unit', 'direction', 'cpu_model',
    'host_target', 'first',
)  # fmt: skip

#: A change in where or how it ran starts another series, or every move would be a step.
_SERIES = (
    'system', 'partition', 'cpu_model', 'test', 'software', 'cpu_target', 'scale', 'metric', 'unit',
)  # fmt: skip

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class Point:
    """One session: the median of its values."""

    time: datetime.datetime
    release: str
    module: str
    value: float


@dataclass(frozen=True)
class Step:
    """A place to look: where the level of a series changed."""

    before: Point
    after: Point
    #: Level after / level before.
    ratio: float
    #: True when unrelated software stepped with it: the machine changed.
    environment: bool
    #: The command that would confirm it, or what to do where no command can.
    confirm: str


@dataclass(frozen=True)
class SeriesHistory:
    """One metric of one test on one target of one system, oldest first."""

    key: dict[str, str]
    direction: str
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    alarm: Alarm | None

    @property
    def name(self) -> str:
        """Printable name."""
        k = self.key
        marked = (('', 'test'), ('', 'software'), ('@', 'cpu_target'), ('%', 'scale'))
        # Reports of others do not always say all of it.
        known = [f'{mark}{k[part]}' for mark, part in marked if k[part]]
        known += [f'on {k["system"]}'] if k['system'] else []
        return f'{" ".join(known)}: {k["metric"]}' + (f' ({k["unit"]})' if k['unit'] else '')


@dataclass(frozen=True)
class History:
    """All series asked for, the machine's own steps, and where the rows went."""

    series: tuple[SeriesHistory, ...]
    environment: tuple[tuple[str, EnvironmentChange], ...]
    #: Rows of the asked tests by what became of them.
    rows: dict[str, int]
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 for an alarm, 75 for no series or unreadable files, else 0; steps are triage."""
        if any(s.alarm and s.alarm.raised for s in self.series):
            return 1
        return 75 if not self.series or self.problems else 0


def find_history(
    frame: pd.DataFrame, test: str, *, stack: str = 'ROOT', problems: Sequence[str] = ()
) -> History:
    """Return the history of the tests that match a pattern.

    :arg frame: rows of all tests of the systems in question; the others tell whether a step is
        the machine's.
    :arg stack: root for the commands that confirm.
    """
    asked = (
        frame['test'].astype(str).map(lambda name: fnmatch.fnmatchcase(name, test)).to_numpy(bool)
    )
    good = (frame['outcome'] == 'pass').to_numpy(bool)
    named = (frame['metric'] != '').to_numpy(bool)
    truth = (frame['direction'] == 'truth').to_numpy(bool)
    value = frame['value'].to_numpy(float)
    usable = (value > 0) & (value < float('inf'))
    used = good & named & ~truth & usable
    rows = {
        'used': int((asked & used).sum()),
        'case without metrics': int((asked & ~named).sum()),
        'case did not pass': int((asked & named & ~good).sum()),
        'truth': int((asked & named & good & truth).sum()),
        'no positive number': int((asked & named & good & ~truth & ~usable).sum()),
    }
    series = [_series(key, part) for key, part in _groups(frame[used])]
    changes = {id(s): find_changes([p.value for p in s.points]) for s in series}
    environment = _environments(series, changes)
    noise = {
        system: pooled_noise([[p.value for p in s.points] for s in series if _on(s, system)])
        for system in {s.key['system'] for s in series}
    }
    found = []
    for s in series:
        if not fnmatch.fnmatchcase(s.key['test'], test):
            continue
        events = [event for system, event in environment if _on(s, system)]
        steps = tuple(
            _step(s, change.index, change.ratio, events, stack) for change in changes[id(s)]
        )
        alarm = None
        if s.direction in ('higher', 'lower'):
            way: Direction = 'lower' if s.direction == 'lower' else 'higher'
            values = [p.value for p in s.points]
            alarm = check_last_runs(values, way, noise=noise[s.key['system']])
        found.append(SeriesHistory(s.key, s.direction, s.points, steps, alarm))
    return History(tuple(found), tuple(environment), rows, tuple(problems))


def _on(series: SeriesHistory, system: str) -> bool:
    return series.key['system'] == system


def _groups(frame: pd.DataFrame) -> list[tuple[tuple[Any, ...], pd.DataFrame]]:
    grouped = frame.groupby(list(_SERIES), sort=True, observed=True)
    return [(tuple(key), part) for key, part in grouped]


def _series(key: tuple[Any, ...], rows: pd.DataFrame) -> SeriesHistory:
    names = dict(zip(_SERIES, map(str, key), strict=True))
    points = []
    for _, session in rows.groupby('run_id', sort=False, observed=True):
        last = session.iloc[-1]
        version = '-'.join(filter(None, (str(last['version']), str(last['toolchain']))))
        points.append(
            Point(
                time=session['time'].min().to_pydatetime(),
                release=str(last['release']),
                module=f'{last["software"]}/{version}' if version else str(last['software']),
                value=float(session['value'].median()),
            )
        )
    points.sort(key=lambda p: p.time)
    ways = sorted(set(rows['direction'].astype(str)) - {''})
    return SeriesHistory(names, ways[0] if len(ways) == 1 else '', tuple(points), (), None)


def _day(moment: datetime.datetime) -> float:
    return (moment - _EPOCH).total_seconds() / 86400


def _environments(
    series: Sequence[SeriesHistory], changes: dict[int, Any]
) -> list[tuple[str, EnvironmentChange]]:
    found = []
    for system in sorted({s.key['system'] for s in series}):
        mine = [s for s in series if _on(s, system)]
        dated = [
            DatedChange(s.name, s.key['software'], _day(s.points[c.index].time), c.ratio)
            for s in mine
            for c in changes[id(s)]
        ]
        measured = {s.name: s.key['software'] for s in mine}
        found += [(system, event) for event in find_environment_changes(dated, measured)]
    return found


def _step(
    series: SeriesHistory,
    index: int,
    ratio: float,
    events: Sequence[EnvironmentChange],
    stack: str,
) -> Step:
    before, after = series.points[index - 1], series.points[index]
    day = _day(after.time)
    environment = any(
        event.start <= day <= event.end and series.name in event.series for event in events
    )
    return Step(before, after, ratio, environment, _confirm(series, before, after, stack))


def _confirm(series: SeriesHistory, before: Point, after: Point, stack: str) -> str:
    key = series.key
    common = ['--tests', key['test'].split(' ')[0]]
    common += ['--target', key['cpu_target']] if key['cpu_target'] else []
    common += ['--scale', key['scale']] if key['scale'] else []
    if before.release != after.release:
        sides = ['--before', before.release, '--after', after.release]
        common += ['--module', key['software']] if key['software'] else []
    elif before.module != after.module:
        sides = ['--release', after.release, '--before', before.module, '--after', after.module]
    else:
        return (
            f'release {after.release or "unknown"} and module are the same on both sides: the '
            'machine or the test changed, which no measurement of the software confirms'
        )
    return shlex.join(['eessi-validate', 'ab', '--stack', stack, *sides, *common])
