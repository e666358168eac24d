"""Reading whole files: texts as the codes that the files hold, small files at one go.

A data set of pyarrow opens a file three times and decodes texts; where the names of the files
already answer the query, this takes half of its time.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eessi_validate.results.archive.files import Files
from eessi_validate.results.archive.schema import SCHEMA, check_version

#: Files up to this size are read into memory first: one call of the file system instead of many.
_SMALL = 4_000_000

#: Reading waits for the file system more than for the processor.
_THREADS = 4


def read_whole(files: Files, names: Sequence[str], columns: Sequence[str]) -> tuple[Any, list[str]]:
    """Return the columns of all files, texts as dictionaries that the chunks share.

    And the names of files that cannot be read, are damaged, or of other columns or another
    version; nothing of these is in the table.
    """
    texts = [name for name in columns if pa.types.is_string(SCHEMA.field(name).type)]
    wanted = pa.schema(
        [
            pa.field(name, pa.dictionary(pa.int32(), pa.string()))
            if name in texts
            else SCHEMA.field(name)
            for name in columns
        ]
    )

    def read(name: str) -> Any:
        with _opened(files, name) as source:
            try:
                file = pq.ParquetFile(
                    source, read_dictionary=texts, pre_buffer=False, page_checksum_verification=True
                )
            except KeyError as error:
                raise pa.ArrowInvalid(f'no column {error}') from error
            check_version(file.schema_arrow.metadata)
            table = file.read(columns=list(columns), use_threads=len(names) == 1)
        if sorted(table.column_names) != sorted(columns):
            raise pa.ArrowInvalid('columns are missing')
        table = table.replace_schema_metadata()
        return table if table.schema.equals(wanted) else table.select(list(columns)).cast(wanted)

    def attempt(name: str) -> Any:
        try:
            return read(name)
        except (OSError, pa.ArrowException):
            return None

    with ThreadPoolExecutor(min(_THREADS, max(len(names), 1))) as pool:
        found = list(pool.map(attempt, names))
    tables = [table for table in found if table is not None]
    # An empty table is made of an empty list, which imports pandas to see that it is none.
    joined = pa.concat_tables(tables) if tables else wanted.empty_table()
    failed = [name for name, table in zip(names, found, strict=True) if table is None]
    return joined.unify_dictionaries().combine_chunks(), failed


def decoded(table: Any) -> Any:
    """Return the table with texts as texts."""
    fields = [
        pa.field(f.name, pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema
    ]
    return table.cast(pa.schema(fields))


def _opened(files: Files, name: str) -> Any:
    if not files.local:
        return pa.BufferReader(files.read(name))
    path = files.path(name)
    if os.stat(path).st_size <= _SMALL:
        return pa.BufferReader(Path(path).read_bytes())
    return pa.OSFile(path)
