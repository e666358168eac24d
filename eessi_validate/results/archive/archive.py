"""The store: publish a run, read many.

``v1/release=2025.06/month=2026-11/<run>.<recorded>.<digest>.parquet`` holds the rows,
``raw/<the same>.zip`` the reports they came from. Files are written once. ``compact`` merges many
into one, which names those it replaces, so that a crash between writing and removing loses and
doubles nothing. ``joined/`` holds copies that make many small files quick to read (``joined.py``).
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
import re
import urllib.parse
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eessi_validate.errors import UsageError
from eessi_validate.results.archive.files import Files
from eessi_validate.results.archive.joined import join_small, read_instead, remove_copies
from eessi_validate.results.archive.matching import (
    DECIDED_BY_ROW,
    filter_of,
    last_recordings,
    mask_of,
    told_by_names,
)
from eessi_validate.results.archive.query import Query, parse_query
from eessi_validate.results.archive.schema import (
    SCHEMA,
    STORE_VERSION,
    VERSION_KEY,
    check_version,
)
from eessi_validate.results.archive.whole import decoded, read_whole

if TYPE_CHECKING:
    import pandas as pd

_REPLACES = b'eessi_validate.replaces'
_DATA = f'v{STORE_VERSION}'
_NAME = re.compile(
    rf'^{_DATA}/release=(?P<release>[^/]+)/month=(?P<month>\d{{4}}-\d\d|unknown)/'
    r'(?P<run>[^/]+)\.(?P<recorded>\d{8}T\d{12})\.(?P<digest>[0-9a-f]{12})\.parquet$'
)
_MERGED = 'merged'

#: A file that ``compact`` merged away between listing and reading is found in the merged one.
_WENT_AWAY, _ATTEMPTS = 'went away while it was read', 3


@dataclass(frozen=True)
class StoredFile:
    """A file of the store, by what its name says."""

    name: str
    release: str
    month: str
    run: str
    recorded: str


@dataclass(frozen=True)
class Warned:
    """A file that could not be used, and why."""

    name: str
    reason: str


class Archive:
    """A store of results.

    :ivar warnings: files that the last reading skipped; whoever reads must show them.
    """

    def __init__(self, address: str) -> None:
        self.files = Files(address)
        self.warnings: tuple[Warned, ...] = ()

    def publish(self, table: Any, raw: Mapping[str, bytes], recorded: datetime.datetime) -> str:
        """Store the rows of one run with its raw reports; return the file's name.

        The same raw reports stored twice are stored once: the second call returns the first name.

        :raises UsageError: if the rows are none, of several runs or releases, or cannot be written.
        """
        if not table.num_rows:
            raise UsageError('a run without any row is not stored')
        run, release = _only(table, 'run_id'), _only(table, 'release')
        digest = hashlib.sha256()
        for name in sorted(raw):
            digest.update(f'{name}\0{len(raw[name])}\0'.encode())
            digest.update(raw[name])
        mark = digest.hexdigest()[:12]
        started = pc.min(table['time']).as_py()
        directory = _directory(release, f'{started:%Y-%m}' if started else 'unknown')
        stem = f'{_quoted(run)}.'
        others = self.files.find(directory)
        for known in others:
            base = known.rpartition('/')[2]
            if base.startswith(stem) and base.endswith(f'.{mark}.parquet'):
                return known
        name = f'{directory}/{stem}{recorded:%Y%m%dT%H%M%S%f}.{mark}.parquet'
        self.files.publish(f'raw/{name.removesuffix(".parquet")}.zip', _zipped(raw))
        self.files.publish(name, _bytes(table.cast(SCHEMA)))
        singles = [n for n in (*others, name) if _NAME.match(n) and not _is_merged(n)]
        join_small(self.files, directory, singles, _bytes)
        return name

    def stored(self, query: Query | str = '') -> list[StoredFile]:
        """Return the files that can hold what is asked; files of unknown form become warnings."""
        query = parse_query(query) if isinstance(query, str) else query
        warned, found = [], []
        for name in self.files.find(_DATA):
            if not name.endswith('.parquet'):
                continue
            parsed = _NAME.match(name)
            if parsed is None:
                warned.append(Warned(name, 'not a name that this store gives: not read'))
                continue
            file = StoredFile(
                name,
                urllib.parse.unquote(parsed['release']),
                parsed['month'],
                urllib.parse.unquote(parsed['run']),
                parsed['recorded'],
            )
            if _possible(file, query):
                found.append(file)
        warned += [
            Warned(name, f'of another version of the store than {_DATA}: not read')
            for name in self._other_versions()
        ]
        self.warnings = tuple(warned)
        return found

    def table(
        self,
        query: Query | str = '',
        columns: Iterable[str] | None = None,
        *,
        coded: bool = False,
    ) -> Any:
        """Return what is asked as a pyarrow table.

        A file that cannot be read is named in ``warnings`` and skipped. Of several recordings of
        one run only the last counts.

        :arg columns: names of columns; all where left out.
        :arg coded: texts may be dictionaries, which is how files hold them.
        """
        query = parse_query(query) if isinstance(query, str) else query
        names = list(columns) if columns is not None else SCHEMA.names
        needed = dict.fromkeys(
            [*names, 'run_id', 'recorded', *(c for c in DECIDED_BY_ROW if query.wanted(c))]
        )
        for _ in range(_ATTEMPTS):
            files = self.stored(query)
            table, broken = self._read([file.name for file in files], query, list(needed))
            if not any(b.reason == _WENT_AWAY for b in broken):
                break
        self.warnings = (*self.warnings, *broken)
        table = last_recordings(table)
        for column in DECIDED_BY_ROW:
            if query.wanted(column):
                table = table.filter(mask_of(table, column, query))
        table = table.select(names)
        return table if coded else decoded(table)

    def frame(self, query: Query | str = '', columns: Iterable[str] | None = None) -> pd.DataFrame:
        """Return what is asked as a pandas DataFrame, one row per metric of a case."""
        frame: pd.DataFrame = self.table(query, columns).to_pandas()
        return frame

    def raw(self, name: str) -> dict[str, bytes]:
        """Return the raw reports of a stored file, by their names."""
        data = self.files.read(f'raw/{name.removesuffix(".parquet")}.zip')
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            return {part: packed.read(part) for part in packed.namelist()}

    def compact(self, least: int = 2) -> list[str]:
        """Merge the files of each release and month into one; return the new names.

        Safe beside writers and readers. A file that cannot be read stays where it is.
        """
        made = []
        groups: dict[str, list[StoredFile]] = {}
        for file in self.stored():
            groups.setdefault(file.name.rpartition('/')[0], []).append(file)
        warned = list(self.warnings)
        for directory, files in sorted(groups.items()):
            if len(files) < least:
                continue
            names = [file.name for file in files]
            # What is removed afterwards is read itself, not a copy.
            table, broken = self._read(names, Query(), SCHEMA.names, copies=False)
            warned += broken
            good = sorted(set(names) - {b.name for b in broken})
            # Files that vanish meanwhile are being merged by somebody else: leave it to them.
            if len(good) < least or any(b.reason == _WENT_AWAY for b in broken):
                continue
            table = decoded(last_recordings(table)).sort_by(
                [('cpu_target', 'ascending'), ('test', 'ascending'), ('time', 'ascending')]
            )
            replaces = json.dumps([*good, *(n for f in good for n in self._replaced_by(f))])
            mark = hashlib.sha256(replaces.encode()).hexdigest()[:12]
            stamp = max(file.recorded for file in files)
            name = f'{directory}/{_MERGED}.{stamp}.{mark}.parquet'
            self.files.publish(name, _bytes(table, {_REPLACES: replaces.encode()}))
            for old in good:
                if old != name:
                    self.files.remove(old)
            made.append(name)
        remove_copies(self.files)
        self.warnings = tuple(warned)
        return made

    def remove_leftovers(self, older_than: float = 3600.0) -> list[str]:
        """Remove what crashed writers left; a writer is given ``older_than`` seconds."""
        if not self.files.local:
            return []
        left = [name for name in self.files.unpublished() if self.files.age(name) > older_than]
        for name in left:
            self.files.remove(name)
        return left

    def remove(self, query: Query) -> list[str]:
        """Remove whole runs that ended before ``query.until``; return the names."""
        gone = []
        for file in self.stored(query):
            table, broken = self._read([file.name], Query(), ['time'])
            if broken or query.until is None:
                continue
            if pc.max(table['time']).as_py() < query.until:
                self.files.remove(file.name)
                self.files.remove(f'raw/{file.name.removesuffix(".parquet")}.zip')
                gone.append(file.name)
        return gone

    def _other_versions(self) -> list[str]:
        return [n for n in self.files.top() if re.fullmatch(r'v\d+', n) and n != _DATA]

    def _replaced_by(self, name: str) -> list[str]:
        metadata = pq.read_schema(self.files.path(name), filesystem=self.files.system).metadata
        return list(json.loads((metadata or {}).get(_REPLACES, b'[]')))

    def _read(
        self, names: list[str], query: Query, columns: list[str], *, copies: bool = True
    ) -> tuple[Any, list[Warned]]:
        """Read all files at once; those that cannot be read so one by one, to name what is broken.

        Copies are read first; if one goes away meanwhile, what they are copies of.
        """
        names = self._unreplaced(names)
        instead = read_instead(self.files, names) if copies else names
        table, broken = self._read_these(instead, query, columns)
        if {warned.name for warned in broken}.difference(names):
            return self._read_these(names, query, columns)
        return table, broken

    def _read_these(
        self, names: list[str], query: Query, columns: list[str]
    ) -> tuple[Any, list[Warned]]:
        parts = []
        if (told := told_by_names(query)) is not None:
            table, names = read_whole(self.files, names, list(dict.fromkeys([*columns, *told])))
            for column in told:
                table = table.filter(mask_of(table, column, query))
            if not names:
                return table.select(columns), []
            parts.append(decoded(table.select(columns)))
        else:
            try:
                table = self._scan(names, query, list(dict.fromkeys([*columns, 'run_id'])))
                # A Parquet file of somebody else's columns reads as nulls, which ours never hold.
                if not table['run_id'].null_count:
                    return table.select(columns), []
            except (OSError, pa.ArrowException):
                pass
        broken: list[Warned] = []
        for name in names:
            try:
                parts.append(self._scan([name], query, columns, check=True))
            except FileNotFoundError:
                broken.append(Warned(name, _WENT_AWAY))
            except (OSError, pa.ArrowException) as error:
                broken.append(Warned(name, f'cannot be read: {" ".join(str(error).split())}'))
        return pa.concat_tables(parts) if parts else _empty(columns), broken

    def _unreplaced(self, names: list[str]) -> list[str]:
        """Return the names without those that a merged file replaces."""
        replaced: set[str] = set()
        for name in filter(_is_merged, names):
            try:
                replaced.update(set(self._replaced_by(name)) - {name})
            except (OSError, pa.ArrowException, ValueError):
                continue  # named when it is read
        return [name for name in names if name not in replaced]

    def _scan(self, names: list[str], query: Query, columns: list[str], check: bool = False) -> Any:
        import pyarrow.dataset as ds  # imports pandas, which takes longer than most queries

        if not names:
            return _empty(columns)
        options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        dataset = ds.dataset(
            [self.files.path(name) for name in names],
            schema=SCHEMA,
            format=ds.ParquetFileFormat(default_fragment_scan_options=options),
            filesystem=self.files.system,
        )
        if check:
            for fragment in dataset.get_fragments():
                check_version(fragment.physical_schema.metadata)
        with self.files.plain_errors():
            return dataset.to_table(columns=columns, filter=filter_of(query))


def open_archive(address: str) -> Archive:
    """Open the store at a directory or an fsspec address such as ``s3://bucket/results``."""
    return Archive(address)


def _only(table: Any, column: str) -> str:
    values = pc.unique(table[column]).to_pylist()
    if len(values) != 1:
        raise UsageError(f'one run has one {column}; found {", ".join(map(repr, values))}')
    return str(values[0])


def _directory(release: str, month: str) -> str:
    return f'{_DATA}/release={_quoted(release or "unknown")}/month={month}'


def _is_merged(name: str) -> bool:
    return name.rpartition('/')[2].startswith(f'{_MERGED}.')


def _quoted(text: str) -> str:
    """Return text for a name of a file: of a known alphabet, not too long, never hidden."""
    quoted = (
        urllib.parse.quote(text, safe='').replace('.', '%2E')
        if text[:1] == '.'
        else (urllib.parse.quote(text, safe=''))
    )
    return quoted if len(quoted) <= 120 else hashlib.sha256(text.encode()).hexdigest()


def _zipped(raw: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(raw):
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), raw[name])
    return buffer.getvalue()


def _bytes(table: Any, metadata: Mapping[bytes, bytes] | None = None) -> bytes:
    keep = {VERSION_KEY: STORE_VERSION.encode(), **(metadata or {})}
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(keep),
        buffer,
        compression='zstd',
        write_page_checksum=True,
        row_group_size=131_072,
    )
    return buffer.getvalue()


def _possible(file: StoredFile, query: Query) -> bool:
    # A run may begin in one month and end in the next.
    earliest = query.since - datetime.timedelta(days=31) if query.since else None
    after = earliest is None or file.month == 'unknown' or file.month >= f'{earliest:%Y-%m}'
    before = query.until is None or file.month == 'unknown' or file.month <= f'{query.until:%Y-%m}'
    release = '' if file.release == 'unknown' else file.release
    run = file.run == _MERGED or query.matches('run_id', file.run) or len(file.run) == 64
    return after and before and run and query.matches('release', release)


def _empty(columns: list[str]) -> Any:
    return SCHEMA.empty_table().select(columns)
