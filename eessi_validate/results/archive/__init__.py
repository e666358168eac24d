"""Stored results of many runs: one Parquet file per run, no server, no lock.

``open_archive(path).frame('release=2025.06 target=x86_64/*')`` gives a pandas DataFrame; its
columns are described in ``schema.COLUMNS`` and in ``docs/results.md``.
"""

from __future__ import annotations

from eessi_validate.results.archive.archive import Archive, StoredFile, open_archive
from eessi_validate.results.archive.query import Query, parse_query
from eessi_validate.results.archive.schema import COLUMNS, SCHEMA, STORE_VERSION
from eessi_validate.results.archive.whole import decoded

__all__ = [
    'COLUMNS',
    'SCHEMA',
    'STORE_VERSION',
    'Archive',
    'Query',
    'StoredFile',
    'decoded',
    'open_archive',
    'parse_query',
]
