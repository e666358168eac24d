"""What ReFrame says about one case, whatever it says it with: the journal or the report."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError

#: Report schema versions that are understood (``session_info.data_version``).
KNOWN_DATA_VERSIONS = ('4.0', '4.1', '4.2')


@dataclass(frozen=True)
class PerformanceValue:
    """One performance variable of a case."""

    name: str
    value: float
    unit: str
    reference: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class CaseRecord:
    """One finished case."""

    #: Class of the test.
    test: str
    #: ``case_key`` as planned; '' if the test carries none.
    key: str
    #: ``pass``, ``fail``, ``skip``, ``fail_deps``, ``xfail``, ``xpass`` or ``abort``.
    result: str
    phase: str
    reason: str
    performance: tuple[PerformanceValue, ...]
    stage: str
    exit_code: int | None
    nodes: tuple[str, ...]
    seconds: float | None
    #: ReFrame's hash of the case, which selects it with ``-n /hash``.
    hashcode: str


def record_from_mapping(fields: Mapping[str, Any]) -> CaseRecord:
    """Return the record of a case from a line of the journal or an entry of the report."""
    submitted, completed = fields.get('job_submit_time'), fields.get('job_completion_time_unix')
    return CaseRecord(
        # ``name`` is the class and its parameters; unique_name ends in a number of the variant.
        test=str(fields.get('name') or '').partition(' ')[0],
        key=str(fields.get('case_key') or ''),
        result=str(fields.get('result')),
        phase=str(fields.get('fail_phase') or ''),
        reason=' '.join(str(fields.get('fail_reason') or '').split()),
        performance=tuple(_performance(fields.get('perfvalues') or {})),
        stage=str(fields.get('stagedir') or ''),
        exit_code=fields.get('job_exitcode'),
        nodes=tuple(fields.get('job_nodelist') or ()),
        seconds=_elapsed(submitted, completed),
        hashcode=str(fields.get('hashcode') or ''),
    )


def _elapsed(start: Any, end: Any) -> float | None:
    if isinstance(start, int | float) and isinstance(end, int | float):
        return float(end - start)
    return None


def _performance(values: Mapping[str, Any]) -> Iterator[PerformanceValue]:
    for key, row in values.items():
        value, reference, lower, upper, unit = row[:5]
        if not isinstance(value, int | float) or not math.isfinite(value):
            continue
        name = key.rpartition(':')[2]
        if not reference and lower is None and upper is None:
            reference = None
        else:
            lower, upper = _bounds(reference, lower, upper)
        yield PerformanceValue(name, float(value), str(unit or ''), reference, lower, upper)


def _bounds(
    reference: float, lower: float | None, upper: float | None
) -> tuple[float | None, float | None]:
    """Turn ReFrame's fractional thresholds into numbers of the metric's unit, as ReFrame does."""
    from reframe.utility.sanity import reference_bounds

    low, high = reference_bounds(reference, lower, upper)
    return (
        float(low) if lower is not None else None,
        float(high) if upper is not None else None,
    )


def read_journal(path: Path) -> tuple[CaseRecord, ...]:
    """Return the complete lines of a journal; a torn last line is left out."""
    if not path.exists():
        return ()
    records = []
    for line in path.read_text(encoding='utf-8', errors='replace').split('\n')[:-1]:
        try:
            fields = json.loads(line)
        except ValueError:
            continue
        # A fixture's name carries its scope: ``Build ~host:default``.
        if ' ~' not in str(fields.get('name')):
            records.append(record_from_mapping(fields))
    return tuple(records)


def read_report(path: Path) -> tuple[CaseRecord, ...]:
    """Return the cases of ReFrame's JSON report, of all runs in order.

    :raises HoldError: if the report is missing, unreadable or of an unknown version.
    """
    try:
        document = json.loads(path.read_text(encoding='utf-8'))
        version = str(document['session_info']['data_version'])
        cases = [dict(case) for run in document['runs'] for case in run['testcases']]
    except FileNotFoundError:
        raise HoldError(f'ReFrame wrote no report at {path}') from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HoldError(f'cannot read the ReFrame report {path}: {error!r}') from error
    if version not in KNOWN_DATA_VERSIONS:
        known = ', '.join(KNOWN_DATA_VERSIONS)
        raise HoldError(f'{path}: unknown report version {version}; known are {known}')
    return tuple(record_from_mapping(case) for case in cases if not case.get('fixture'))
