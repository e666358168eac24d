"""Read a file of results, whoever wrote it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eessi_validate.errors import UsageError
from eessi_validate.results.archive.rows import table_from_report
from eessi_validate.results.archive.schema import table_of
from eessi_validate.results.imports.perflog import looks_like_perflog, rows_of_perflog
from eessi_validate.results.imports.reframe_report import rows_of_report


@dataclass(frozen=True)
class Origin:
    """What the user says about results that do not say it themselves."""

    release: str = ''
    cpu_target: str = ''
    repository: str = ''

    def given(self) -> dict[str, str]:
        """Return what was said."""
        said = {
            'release': self.release,
            'cpu_target': self.cpu_target,
            'repository': self.repository,
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True)
class Imported:
    """The runs of one file, and what of it became no row."""

    #: Table and raw content of each run.
    runs: tuple[tuple[Any, Mapping[str, bytes]], ...]
    #: Each left-out line or case, with the reason.
    left_out: tuple[str, ...] = field(default=())


def read_results(path: Path, recorded: datetime.datetime, origin: Origin | None = None) -> Imported:
    """Return the runs in a file: a ReFrame report, a performance log, or a report of our own.

    A directory stands for the ``report.json`` in it.

    :raises UsageError: if the file cannot be read, is of no known kind or of an unknown version.
    """
    path = path / 'report.json' if path.is_dir() else path
    given = (origin or Origin()).given()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f'cannot read {path}: {error.strerror}') from error
    text = data.decode('utf-8', errors='replace')
    if looks_like_perflog(text):
        days, refused = rows_of_perflog(text, path.name, recorded, given)
        runs = tuple((table_of(rows), {path.name: raw}) for rows, raw in days.values())
        return Imported(runs, tuple(refused))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f'{path}: neither a JSON report nor a performance log: {error}') from error
    if isinstance(document, dict) and 'schema_version' in document:
        from eessi_validate.results.report_file import read_json

        return Imported(((table_from_report(read_json(path), recorded), {path.name: data}),))
    if not isinstance(document, dict):
        raise UsageError(f'{path}: no report: expected an object, found {type(document).__name__}')
    rows, left_out = rows_of_report(document, path.name, recorded, given)
    if not rows:
        return Imported((), tuple(left_out))
    return Imported(((table_of(rows), {path.name: data}),), tuple(left_out))
