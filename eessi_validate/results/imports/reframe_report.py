"""ReFrame's JSON reports, schema versions 4.0 to 4.2, as rows of the store."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from typing import Any

from eessi_validate.errors import UsageError
from eessi_validate.results.archive.signature import signature
from eessi_validate.results.imports.identity import identify
from eessi_validate.results.imports.units import direction_of
from eessi_validate.rfm.records import KNOWN_DATA_VERSIONS

_OUTCOMES = {
    'pass': 'pass',
    'success': 'pass',
    'skip': 'skip',
    'fail_deps': 'skip',
    # An expectation of failure is not a pass.
    'xfail': 'fail',
    'xpass': 'fail',
    'abort': 'aborted',
}
_FAILED = ('fail', 'failure')
_BEFORE_JUDGEMENT = ('startup', 'setup', 'compile', 'compile_complete', 'compile_wait', 'run')


def rows_of_report(
    document: Mapping[str, Any], name: str, recorded: datetime.datetime, given: Mapping[str, str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows of a report, and what of it has no row, with the reason.

    :arg given: ``release``, ``cpu_target`` and ``repository`` where the user said so.
    :raises UsageError: for an unknown schema version, or what is no report.
    """
    session = document.get('session_info')
    if not isinstance(session, Mapping) or not isinstance(document.get('runs'), list):
        raise UsageError(f'{name}: no ReFrame report: it has no session_info or no runs')
    version = str(session.get('data_version'))
    if version not in KNOWN_DATA_VERSIONS:
        known = ', '.join(KNOWN_DATA_VERSIONS)
        raise UsageError(f'{name}: unknown version {version} of ReFrame reports; known are {known}')
    common = _common(session, name, recorded, given)
    left_out: list[str] = []
    rows: list[dict[str, Any]] = []
    repetitions: dict[tuple[Any, ...], int] = {}
    for run in document['runs']:
        for case in run.get('testcases') or ():
            if case.get('fixture'):
                left_out.append(f'{case.get("name")}: a fixture, not a case')
                continue
            identity = identify(str(case.get('name') or ''), case)
            place = (case.get('system'), case.get('partition'), case.get('environ'))
            key = (*identity.values(), *place)
            number = repetitions.get(key, 0)
            repetitions[key] = number + 1
            rows += _rows({**common, **identity, 'repetition': number}, case)
    restored = len(document.get('restored_cases') or ())
    if restored:
        left_out.append(f'{restored} cases restored from another session, which has its own report')
    return rows, left_out


def _common(
    session: Mapping[str, Any], name: str, recorded: datetime.datetime, given: Mapping[str, str]
) -> dict[str, Any]:
    started = session.get('time_start_unix')
    identity = str(session.get('uuid') or '')
    return {
        'run_id': identity or f'reframe-{name}',
        'recorded': recorded,
        'time': _moment(started),
        'source': 'reframe',
        'release': given.get('release') or _extra(session, 'release', 'eessi_release'),
        'cpu_target': given.get('cpu_target') or _extra(session, 'cpu_target', 'eessi_cpu_target'),
        'repository': given.get('repository') or _extra(session, 'repository', 'eessi_repository'),
        'evidence': 'native',
        'user': session.get('user'),
        'hostname': session.get('hostname'),
        'reframe_version': session.get('version'),
        'cpu_model': _extra(session, 'cpu_model', 'eessi_cpu_model'),
    }


def _extra(session: Mapping[str, Any], *names: str) -> str:
    return next((str(session[name]) for name in names if session.get(name)), '')


def _moment(seconds: Any) -> datetime.datetime | None:
    if not isinstance(seconds, int | float):
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _rows(common: dict[str, Any], case: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    result, phase = str(case.get('result')), str(case.get('fail_phase') or '')
    reason = ' '.join(str(case.get('fail_reason') or '').split())
    if result in _FAILED:
        outcome = 'error' if phase in _BEFORE_JUDGEMENT else 'fail'
    else:
        # A result that nobody knows is no pass.
        outcome = _OUTCOMES.get(result, 'error')
        if result not in _OUTCOMES:
            reason = f'unknown result {result!r}; {reason}'
    submitted, ended = case.get('job_submit_time'), case.get('job_completion_time_unix')
    timed = isinstance(submitted, int | float) and isinstance(ended, int | float)
    row = {
        **common,
        'time': _moment(ended) or common['time'],
        'kind': 'performance' if case.get('perfvalues') else 'functional',
        'outcome': outcome,
        'reason': reason,
        'signature': '' if outcome == 'pass' else signature(reason, phase),
        'phase': phase,
        'exit_code': case.get('job_exitcode'),
        'seconds': float(ended - submitted) if timed else None,  # type: ignore[operator]
        'system': case.get('system'),
        'partition': case.get('partition'),
        'environ': case.get('environ'),
        'nodes': ','.join(case.get('job_nodelist') or ()),
        'job_id': case.get('jobid'),
        'tasks': _whole(case.get('num_tasks')),
        'tasks_per_node': _whole(case.get('num_tasks_per_node')),
        'cpus_per_task': _whole(case.get('num_cpus_per_task')),
    }
    values = case.get('perfvalues') or {}
    if not values:
        yield {**row, 'first': True}
    for number, (name, entry) in enumerate(values.items()):
        yield {**row, 'first': number == 0, **_metric(name, list(entry))}


def _metric(name: str, entry: list[Any]) -> dict[str, Any]:
    value, reference, lower, upper, unit = (entry + [None] * 5)[:5]
    number = float(value) if isinstance(value, int | float) else None
    stated = isinstance(reference, int | float) and bool(reference)
    ends = [
        reference + abs(reference) * end if stated and isinstance(end, int | float) else None
        for end in (lower, upper)
    ]
    return {
        'metric': name.rpartition(':')[2],
        'value': number if number is not None and not math.isnan(number) else None,
        'unit': unit,
        'direction': direction_of(str(unit or '')),
        'reference': reference if stated else None,
        'lower': ends[0],
        'upper': ends[1],
    }


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) else None
