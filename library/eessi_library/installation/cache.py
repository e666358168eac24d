"""What was found before, so that it need not be looked for again: one SQLite file.

A key names what was looked at (fingerprint, code digest), by which rules and by which version of
the checks; a value is JSON. Every answer is written at once: a run that was cut off goes on.
"""

from __future__ import annotations

import json
import os
import sqlite3
from types import TracebackType
from typing import Any


class Cache:
    """Answers by key, in a file or (path None) nowhere; one process writes."""

    def __init__(self, path: str | None) -> None:
        self._database = _opened(path)

    def get(self, key: str) -> Any:
        """Return the answer for a key, None when there is none."""
        row = self._database.execute('SELECT value FROM answers WHERE key = ?', (key,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        """Remember an answer."""
        with self._database:
            self._database.execute(
                'INSERT OR REPLACE INTO answers VALUES (?, ?)',
                (key, json.dumps(value, separators=(',', ':'))),
            )

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()


def _opened(path: str | None) -> sqlite3.Connection:
    """Open the file; one that is no database any more (a full disk, a cut) is begun anew."""
    try:
        return _prepared(path)
    except sqlite3.DatabaseError as error:
        if path is None or isinstance(error, sqlite3.OperationalError):
            raise
        os.unlink(path)
        return _prepared(path)


def _prepared(path: str | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or ':memory:', timeout=30)
    # The cache may be lost at a power cut, never wrong: no need to wait for the disk.
    database.execute('PRAGMA synchronous=OFF')
    database.execute('PRAGMA journal_mode=WAL')
    database.execute(
        'CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID'
    )
    return database
