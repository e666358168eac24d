"""The columns of a stored run. Raise ``STORE_VERSION`` when one changes its meaning or goes.

One row per metric of a case; a case without metrics has one row, with an empty ``metric``. The
first row of each case is marked, so that ``first`` counts cases. What is not known is ''
(text) or null (numbers, times).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

STORE_VERSION = '1'

#: Key of the file's metadata that holds ``STORE_VERSION``.
VERSION_KEY = b'eessi_validate.results'

_TEXT, _REAL, _COUNT, _FLAG = pa.string(), pa.float64(), pa.int32(), pa.bool_()
_TIME = pa.timestamp('us', tz='UTC')

#: Column -> (type, meaning).
COLUMNS: dict[str, tuple[Any, str]] = {
    'run_id': (_TEXT, 'run (or ReFrame session, or day of a performance log) it belongs to'),
    'recorded': (_TIME, 'when it was stored; of two recordings of a run the later one counts'),
    'time': (_TIME, 'when the case ended, or the run began'),
    'source': (_TEXT, 'eessi-validate, reframe or perflog'),
    'first': (_FLAG, 'first row of its case: the sum of this column counts cases'),
    'repository': (_TEXT, 'stack, e.g. software.eessi.io'),
    'release': (_TEXT, 'release of the stack, e.g. 2025.06'),
    'digest': (_TEXT, 'identity of what was tested: of the release tree or the tarball'),
    'test': (_TEXT, 'class of the test'),
    'software': (_TEXT, 'software'),
    'version': (_TEXT, 'its version'),
    'toolchain': (_TEXT, 'its toolchain and suffix'),
    'cpu_target': (_TEXT, 'CPU target of the software that was tested'),
    'scale': (_TEXT, 'scale, e.g. 1_node'),
    'repetition': (_COUNT, '0 for the first run of a case within its run'),
    'kind': (_TEXT, 'functional or performance'),
    'outcome': (_TEXT, 'pass, fail, error, skip, missing or aborted'),
    'reason': (_TEXT, 'why it is no pass'),
    'signature': (_TEXT, 'the reason without numbers, paths and hosts: equal faults are equal'),
    'phase': (_TEXT, "ReFrame's phase that failed"),
    'attempts': (_TEXT, 'outcomes of all attempts, joined by commas'),
    'evidence': (_TEXT, 'native, emulated, static or stand-in'),
    'exit_code': (_COUNT, "the job's"),
    'seconds': (_REAL, 'from submission to end; holds waiting, so it is no measurement'),
    'metric': (_TEXT, 'metric'),
    'value': (_REAL, 'its value'),
    'unit': (_TEXT, 'its unit'),
    'direction': (_TEXT, 'higher or lower is better, truth, or "" where nobody said'),
    'reference': (_REAL, 'reference that the test states'),
    'lower': (_REAL, 'lower end of the accepted interval'),
    'upper': (_REAL, 'upper end of the accepted interval'),
    'system': (_TEXT, "ReFrame's system"),
    'partition': (_TEXT, "ReFrame's partition of it"),
    'environ': (_TEXT, "ReFrame's environment"),
    'nodes': (_TEXT, 'nodes of the job, joined by commas'),
    'job_id': (_TEXT, "the scheduler's"),
    'tasks': (_COUNT, 'tasks of the job'),
    'tasks_per_node': (_COUNT, 'tasks per node'),
    'cpus_per_task': (_COUNT, 'CPUs per task'),
    'user': (_TEXT, 'who ran it'),
    'hostname': (_TEXT, 'where the driver ran'),
    'cpu_model': (_TEXT, 'CPU model there'),
    'host_target': (_TEXT, 'microarchitecture there (archspec)'),
    'kernel': (_TEXT, 'kernel there'),
    'microcode': (_TEXT, 'microcode there'),
    'governor': (_TEXT, 'frequency governor there'),
    'os': (_TEXT, 'operating system there'),
    'load_before': (_REAL, 'load average there before the run'),
    'tool_version': (_TEXT, 'version of the driver'),
    'library_version': (_TEXT, 'version of the library of tests'),
    'reframe_version': (_TEXT, 'version of ReFrame'),
    'nonce': (_TEXT, 'what the inputs of the run were drawn from'),
    'verdict': (_TEXT, 'verdict of the whole run'),
    'policy': (_TEXT, 'policy that was applied'),
    'standing': (_TEXT, 'counter that the case fell in; "known" is waived'),
    'waivers': (_TEXT, 'what the judgement said of this case'),
}

SCHEMA: Any = pa.schema(
    [(name, kind) for name, (kind, _) in COLUMNS.items()],
    metadata={VERSION_KEY: STORE_VERSION.encode()},
)


def table_of(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Return the rows as a table of the schema; unnamed columns are '' or null.

    :raises ValueError: for a column that the schema does not have.
    """
    listed = list(rows)
    unknown = sorted({name for row in listed for name in row} - set(COLUMNS))
    if unknown:
        raise ValueError(f'no such column: {", ".join(unknown)}')
    columns = []
    for name, (kind, _) in COLUMNS.items():
        empty = '' if kind == _TEXT else False if kind == _FLAG else None
        values = [row.get(name, empty) for row in listed]
        if kind == _TEXT:
            values = ['' if value is None else str(value) for value in values]
        columns.append(pa.array(values, type=kind))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def check_version(metadata: Mapping[bytes, bytes] | None) -> None:
    """Refuse a file of another version of the store.

    :raises pyarrow.ArrowInvalid: naming the version that was found.
    """
    version = (metadata or {}).get(VERSION_KEY, b'none').decode(errors='replace')
    if version != STORE_VERSION:
        raise pa.ArrowInvalid(f'store version {version!r}, expected {STORE_VERSION!r}')
