"""``eessi-validate results``: import, list, show, export and tidy stored results."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eessi_validate.cli.exit_codes import USAGE
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    import datetime

    import pandas as pd

    from eessi_validate.results.archive import Archive

app = typer.Typer(
    name='results', help='Stored results: import, list, show, export, gc.', no_args_is_help=True
)

StorePath = Annotated[
    str, typer.Option('--store', metavar='DIR', envvar='EESSI_VALIDATE_STORE', help='The store.')
]
Words = Annotated[
    list[str] | None,
    typer.Argument(metavar='[QUERY]...', help='release=2023.06 target=x86_64/* since=30d ...'),
]
Json = Annotated[bool, typer.Option('--json', help='Print JSON.')]

#: Columns of ``show`` on a terminal.
SHOWN = (
    'time', 'release', 'cpu_target', 'system', 'test', 'software', 'version', 'scale', 'outcome',
    'metric', 'value', 'unit',
)  # fmt: skip


def opened(store: str) -> Archive:
    """Open the store that the command line or the environment names."""
    from eessi_validate.results.archive import open_archive

    if not store:
        raise UsageError('--store DIR is missing (or EESSI_VALIDATE_STORE)')
    return open_archive(store)


def warn(archive: Archive) -> None:
    """Name on standard error what could not be read."""
    for warned in archive.warnings:
        typer.echo(f'eessi-validate: skipped {warned.name}: {warned.reason}', err=True)


@app.command('import')
def import_results(
    paths: Annotated[list[Path], typer.Argument(help='Reports, performance logs, directories.')],
    store: StorePath = '',
    release: Annotated[str, typer.Option('--release', help='Release that was tested.')] = '',
    target: Annotated[str, typer.Option('--target', help='CPU target that was tested.')] = '',
    repository: Annotated[str, typer.Option('--repository', help='Stack.')] = '',
    as_json: Json = False,
) -> None:
    """Import ReFrame 4.x reports, performance logs of the EESSI test suite, and own reports.

    Exit code 2 if any file was refused; the others are imported all the same.
    """
    import datetime

    from eessi_validate.results.imports import Origin, read_results

    archive, origin = opened(store), Origin(release, target, repository)
    found: list[dict[str, Any]] = []
    for path in _files(paths):
        now = datetime.datetime.now(datetime.timezone.utc)
        entry: dict[str, Any] = {'file': str(path), 'stored': [], 'rows': 0, 'left_out': []}
        try:
            imported = read_results(path, now, origin)
            for table, raw in imported.runs:
                entry['stored'].append(archive.publish(table, raw, now))
                entry['rows'] += table.num_rows
            entry['left_out'] = list(imported.left_out)
        except UsageError as error:
            entry['refused'] = str(error)
        found.append(entry)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    else:
        for entry in found:
            if 'refused' in entry:
                typer.echo(f'refused {entry["refused"]}', err=True)
                continue
            typer.echo(f'{entry["file"]}: {entry["rows"]} rows in {len(entry["stored"])} run(s)')
            for reason in entry['left_out']:
                typer.echo(f'  left out: {reason}')
    if any('refused' in entry for entry in found):
        raise typer.Exit(USAGE)


@app.command('list')
def list_results(query: Words = None, store: StorePath = '', as_json: Json = False) -> None:
    """List the runs: when, what, where, and how many cases passed."""
    archive = opened(store)
    frame = runs_of(archive, ' '.join(query or ()))
    warn(archive)
    if as_json:
        typer.echo(_json(frame), nl=False)
        return
    for row in frame.to_dict('records'):
        typer.echo(
            f'{row["time"]:%Y-%m-%d %H:%M}  {row["release"] or "?":<8} {row["system"]:<12} '
            f'{row["passed"]}/{row["cases"]} passed  {row["run_id"]}'
        )
    typer.echo(f'{len(frame)} run(s)')


@app.command()
def show(
    query: Words = None,
    store: StorePath = '',
    limit: Annotated[int, typer.Option('--limit', help='Most rows; 0 for all.')] = 100,
    as_json: Json = False,
) -> None:
    """Show rows, newest first."""
    import pyarrow.compute as pc

    from eessi_validate.results.archive import decoded

    archive = opened(store)
    table = archive.table(' '.join(query or ()), None if as_json else SHOWN, coded=True)
    warn(archive)
    newest = pc.sort_indices(table, sort_keys=[('time', 'descending')])
    shown = decoded(table.take(newest[:limit] if limit else newest))
    if as_json:
        typer.echo(_json(shown.to_pandas()), nl=False)
        return
    typer.echo(_lines(shown))
    typer.echo(f'{shown.num_rows} of {table.num_rows} rows')


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help='File ending in .parquet, .csv or .jsonl.')],
    query: Words = None,
    store: StorePath = '',
    scrub: Annotated[
        bool, typer.Option('--scrub', help='Number users and hosts, cut out paths.')
    ] = False,
) -> None:
    """Write rows to a file for others."""
    from eessi_validate.results.archive.scrub import scrub as scrubbed

    archive = opened(store)
    frame = archive.frame(' '.join(query or ()))
    warn(archive)
    frame = scrubbed(frame) if scrub else frame
    _write(frame, out)
    typer.echo(f'{out}: {len(frame)} rows')


@app.command()
def gc(
    store: StorePath = '',
    before: Annotated[
        str, typer.Option('--before', help='Remove runs that ended before, e.g. 2025-01-01.')
    ] = '',
    as_json: Json = False,
) -> None:
    """Merge the files of each release and month, remove what crashed writers left.

    Nothing that was stored is lost, unless ``--before`` says so.
    """
    from eessi_validate.results.archive import parse_query

    archive = opened(store)
    removed = archive.remove(parse_query(f'until={before}')) if before else []
    left = archive.remove_leftovers()
    merged = archive.compact()
    warn(archive)
    done = {'merged': merged, 'leftovers': left, 'removed': removed}
    if as_json:
        typer.echo(json.dumps(done, indent=1))
        return
    typer.echo(
        f'merged into {len(merged)} file(s), removed {len(left)} leftover(s) and '
        f'{len(removed)} file(s) of old runs'
    )


def runs_of(archive: Archive, query: str) -> pd.DataFrame:
    """Return one row per run: time, release, system, cases, passed."""
    columns = ['run_id', 'time', 'release', 'system', 'source', 'first', 'outcome']
    frame = archive.frame(query, columns)
    frame = frame[frame['first']]
    frame['passed'] = frame['outcome'] == 'pass'
    grouped: pd.DataFrame = frame.groupby(
        ['run_id', 'release', 'system', 'source'], as_index=False
    ).agg(time=('time', 'min'), cases=('first', 'size'), passed=('passed', 'sum'))
    ordered: pd.DataFrame = grouped.sort_values('time', kind='stable')
    return ordered


def _files(paths: Sequence[Path]) -> list[Path]:
    """Return the files; of a directory its report, or all logs and reports below it."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir() and not (path / 'report.json').exists():
            below = sorted(p for p in path.rglob('*') if p.is_file() and _is_result(p.name))
            if not below:
                raise UsageError(f'{path}: no report and no performance log below it')
            found += below
        else:
            found.append(path)
    return found


def _is_result(name: str) -> bool:
    # ReFrame moves a log whose header has changed to <test>.log.h0.
    return name.endswith(('.json', '.log')) or '.log.h' in name


def _write(frame: pd.DataFrame, out: Path) -> None:
    part = out.with_name(f'.{out.name}.{os.getpid()}.part')
    try:
        if out.suffix == '.parquet':
            import pyarrow as pa
            import pyarrow.parquet as pq

            from eessi_validate.results.archive import SCHEMA

            pq.write_table(pa.Table.from_pandas(frame, SCHEMA, preserve_index=False), part)
        elif out.suffix == '.csv':
            frame.to_csv(part, index=False)
        elif out.suffix == '.jsonl':
            frame.to_json(part, orient='records', lines=True, date_format='iso')
        else:
            raise UsageError(f'{out}: name a file ending in .parquet, .csv or .jsonl')
        part.replace(out)
    except OSError as error:
        raise UsageError(f'cannot write {out}: {error.strerror or error}') from error
    finally:
        part.unlink(missing_ok=True)


def _json(frame: pd.DataFrame) -> str:
    text: str = frame.to_json(orient='records', date_format='iso', indent=1)
    return text + '\n'


def _lines(table: Any) -> str:
    import pyarrow as pa

    if not table.num_rows:
        return 'nothing is stored that matches'
    columns = []
    for name in table.column_names:
        column = table[name]
        if name == 'time':
            # Without its zone, which needs a database that small images lack; it is UTC.
            column = column.cast(pa.timestamp('us'))
        cells = ['' if v is None or v != v else _cell(v) for v in column.to_pylist()]
        width = max(len(name), *map(len, cells))
        columns.append([cell.ljust(width) for cell in (name, *cells)])
    return '\n'.join('  '.join(row).rstrip() for row in zip(*columns, strict=True))


def _cell(value: str | float | datetime.datetime) -> str:
    if isinstance(value, float):
        return f'{value:g}'
    return value if isinstance(value, str) else value.isoformat(' ', 'minutes')
