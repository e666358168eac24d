"""One side of a comparison: a run, a file, a release or a query."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from eessi_validate.errors import UsageError
from eessi_validate.results.archive import SCHEMA, open_archive

#: What a comparison reads.
COLUMNS = (
    'run_id', 'time', 'first', 'release', 'test', 'software', 'version', 'toolchain',
    'cpu_target', 'scale', 'repetition', 'outcome', 'signature', 'attempts', 'evidence', 'metric',
    'value', 'unit', 'direction', 'lower', 'upper', 'system', 'partition', 'environ', 'nodes',
    'tasks', 'tasks_per_node', 'cpus_per_task', 'hostname', 'cpu_model', 'kernel', 'microcode',
    'governor',
)  # fmt: skip


@dataclass(frozen=True)
class Side:
    """Rows of one side, and what could not be read of it."""

    name: str
    table: Any
    problems: tuple[str, ...] = ()


def read_side(text: str, store: str = '', columns: Sequence[str] = COLUMNS) -> Side:
    """Return a side: an existing path is a file or run directory, all else asks the store.

    :arg text: path, release, run id, or a query such as ``release=2023.06 since=30d``.
    :raises UsageError: if it is neither a readable file nor a query, or needs a store.
    """
    path = Path(text).expanduser()
    if text and path.exists():
        return Side(text, _from_file(path, columns))
    if not store:
        raise UsageError(f'{text!r} is no file here, so it asks a store: give --store DIR')
    archive = open_archive(store)
    table = archive.table(text, columns, coded=True)
    if not table.num_rows and '=' not in text:
        # Neither a path nor a release: perhaps the beginning of a run id.
        table = archive.table(f'run={text}*', columns, coded=True)
    problems = tuple(f'skipped {w.name}: {w.reason}' for w in archive.warnings)
    return Side(text, table, problems)


def _from_file(path: Path, columns: Sequence[str]) -> Any:
    if path.suffix == '.parquet':
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path)
            return table.select(SCHEMA.names).cast(SCHEMA).select(list(columns))
        except (OSError, KeyError, ValueError, pa.ArrowException) as error:
            raise UsageError(f'{path}: no file of stored results: {error}') from error
    from eessi_validate.results.imports import Origin, read_results

    now = datetime.datetime.now(datetime.timezone.utc)
    runs = read_results(path, now, Origin()).runs
    tables = [table for table, _ in runs] or [SCHEMA.empty_table()]
    return pa.concat_tables(tables).select(list(columns))
