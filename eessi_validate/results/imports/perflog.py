"""ReFrame's performance logs in the format of the EESSI test suite, as rows of the store.

``<prefix>/<system>/<partition>/<test>.log``: a header, then fields joined by ``|``, the last of
them groups ``<variable>_var|_value|_lower_thres|_upper_thres|_unit``
(https://github.com/EESSI/test-suite, ``eessi/testsuite/common_config.py``). The log says nothing
about passing: a line with values reached the performance stage, so its sanity had passed; a line
without is a failure whose reason is elsewhere.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from eessi_validate.errors import UsageError
from eessi_validate.results.imports.identity import identify
from eessi_validate.results.imports.units import direction_of

_NEEDED = ('job_completion_time', 'info')
_INFO = re.compile(r'^(?P<name>.*?)\s*(?:/[0-9a-f]{8})?\s*(?:@(?P<place>\S+))?$')


def looks_like_perflog(text: str) -> bool:
    """Return whether the first line is the header of such a log."""
    names = text.partition('\n')[0].split('|')
    return all(name in names for name in _NEEDED)


def rows_of_perflog(
    text: str, name: str, recorded: datetime.datetime, given: Mapping[str, str]
) -> tuple[dict[str, tuple[list[dict[str, Any]], bytes]], list[str]]:
    """Return run -> (rows, its lines), and the lines that have no row, with the reason.

    A run is one test on one day: a log that has grown adds days and replaces only the last one.

    :raises UsageError: if the header lacks the time or the test.
    """
    lines = text.split('\n')
    names = lines[0].split('|')
    if not looks_like_perflog(text):
        raise UsageError(f'{name}: no performance log: its header needs {" and ".join(_NEEDED)}')
    variables = [n.removesuffix('_value') for n in names if n.endswith('_value')]
    refused: list[str] = []
    days: dict[str, list[tuple[str, dict[str, str], datetime.datetime]]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        values = line.split('|')
        if len(values) != len(names):
            refused.append(f'line {number}: {len(values)} fields, the header has {len(names)}')
            continue
        fields = dict(zip(names, values, strict=True))
        moment = _moment(fields['job_completion_time'])
        if moment is None:
            refused.append(f'line {number}: no time: {fields["job_completion_time"]!r}')
            continue
        days.setdefault(f'{moment:%Y-%m-%d}', []).append((line, fields, moment))
    return {
        run: (rows, content)
        for day, entries in sorted(days.items())
        for run, rows, content in [_day(day, entries, names, variables, recorded, given, name)]
    }, refused


def _day(
    day: str,
    entries: list[tuple[str, dict[str, str], datetime.datetime]],
    names: list[str],
    variables: list[str],
    recorded: datetime.datetime,
    given: Mapping[str, str],
    file: str,
) -> tuple[str, list[dict[str, Any]], bytes]:
    fields = entries[0][1]
    whose = '/'.join([fields.get('system', ''), fields.get('partition', ''), file])
    run = f'perflog-{day}-{hashlib.sha256(whose.encode()).hexdigest()[:12]}'
    rows: list[dict[str, Any]] = []
    repetitions: dict[tuple[str, ...], int] = {}
    for _, fields, moment in entries:
        parsed = _INFO.match(fields['info'])
        identity = identify(parsed['name'] if parsed else fields['info'], fields)
        place = (fields.get('system', ''), fields.get('partition', ''), fields.get('environ', ''))
        key = (*identity.values(), *place)
        number = repetitions.get(key, 0)
        repetitions[key] = number + 1
        common = {
            'run_id': run,
            'recorded': recorded,
            'time': moment,
            'source': 'perflog',
            'release': given.get('release', ''),
            'cpu_target': given.get('cpu_target', ''),
            'repository': given.get('repository', ''),
            'evidence': 'native',
            **identity,
            'repetition': number,
            'kind': 'performance',
            'user': fields.get('osuser'),
            'reframe_version': fields.get('version'),
            'system': place[0],
            'partition': place[1],
            'environ': place[2],
            'job_id': _said(fields.get('jobid')),
            'tasks': _whole(fields.get('num_tasks')),
            'tasks_per_node': _whole(fields.get('num_tasks_per_node')),
            'cpus_per_task': _whole(fields.get('num_cpus_per_task')),
        }
        rows += _rows(common, fields, variables)
    content = '\n'.join(['|'.join(names), *(line for line, _, _ in entries), '']).encode()
    return run, rows, content


def _rows(
    common: dict[str, Any], fields: Mapping[str, str], variables: list[str]
) -> list[dict[str, Any]]:
    values = {variable: _number(fields[f'{variable}_value']) for variable in variables}
    absent = [variable for variable, value in values.items() if value is None]
    sound = bool(values) and not absent
    why = f'no value of {", ".join(absent)} in the log' if absent else 'no metric in the log'
    case = {
        **common,
        'outcome': 'pass' if sound else 'fail',
        'reason': '' if sound else why,
        'signature': '' if sound else why,
    }
    if not values:
        return [{**case, 'first': True}]
    return [
        {
            **case,
            'first': number == 0,
            'metric': fields.get(f'{variable}_var') or variable,
            'value': value,
            'unit': fields.get(f'{variable}_unit', ''),
            'direction': direction_of(fields.get(f'{variable}_unit', '')),
        }
        for number, (variable, value) in enumerate(values.items())
    ]


def _moment(text: str) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _said(text: str | None) -> str:
    return '' if text in (None, 'null', 'None') else str(text)
