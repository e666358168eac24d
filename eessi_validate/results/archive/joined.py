"""Joined copies of small files, to read a few files instead of hundreds.

A Parquet file takes 1.6 ms of processor time to read, however few its rows; its bytes can be read
and hashed in a thirtieth of that. So whoever publishes joins the small files of a release and
month, a few at a time, into copies under ``joined/``. A copy is named by the SHA-256 of its bytes
and holds those of its members. It is read instead of them only while all of them are asked for
and still have just these bytes: a member that was damaged is read by itself, and named. Copies
are never the only place of a row, several writers may make them at once, and anybody may delete
them at any time.

Only for stores in directories: behind an address, fetching the members to hash them is what
takes the time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eessi_validate.results.archive.files import Files
from eessi_validate.results.archive.schema import SCHEMA
from eessi_validate.results.archive.whole import decoded, read_whole

_JOINED = 'joined'
_MEMBERS = b'eessi_validate.members'
_NAME = re.compile(r'/(?P<count>\d+)\.(?P<digest>[0-9a-f]{64})\.parquet$')

#: So many files without a copy are joined; fewer are read as they are.
LEAST = 8

#: Most files that one writer joins: an old store is caught up with in small steps.
_MOST = 64

#: Larger files (bytes) are worth their own reading.
_SMALL = 256_000

#: A copy has at most so many rows, one row group.
_ROWS = 131_072

#: Copies up to so many times larger than what is joined are taken in, so that few remain.
_GROWTH = 4

_THREADS = 4


@dataclass(frozen=True)
class Copy:
    """A joined copy: its name, and the SHA-256 of each file that it holds the rows of."""

    name: str
    members: dict[str, str]
    rows: int


def join_small(
    files: Files, directory: str, names: Iterable[str], write: Callable[..., bytes]
) -> None:
    """Join small files of a directory if enough of them have no copy; never fails.

    :arg names: all files of the directory that may have copies.
    :arg write: returns a table with metadata as the bytes of a file.
    """
    if not files.local:
        return
    try:
        _join(files, directory, sorted(names), write)
    except Exception:  # noqa: BLE001 - the rows are stored; the next writer tries again
        return


def read_instead(files: Files, names: Sequence[str]) -> list[str]:
    """Return the names with sound copies in the place of what they are copies of."""
    if not files.local or len(names) < LEAST:
        return list(names)
    wanted = set(names)
    chosen, covered = _disjoint(_copies(files, {n.rpartition('/')[0] for n in names}), wanted)
    if not covered:
        return list(names)
    with ThreadPoolExecutor(_THREADS) as pool:
        found = dict(zip(covered, pool.map(lambda n: _digest(files, n), covered), strict=True))
    sound = [c for c in chosen if all(found[n] == digest for n, digest in c.members.items())]
    held = {name for copy in sound for name in copy.members}
    return [copy.name for copy in sound] + [name for name in names if name not in held]


def remove_copies(files: Files) -> None:
    """Remove all copies: what they were made of has been merged, or will be joined again."""
    if files.local:
        for name in files.find(_JOINED):
            with contextlib.suppress(OSError):
                files.remove(name)


def _join(files: Files, directory: str, names: Sequence[str], write: Callable[..., bytes]) -> None:
    if len(names) < LEAST:
        return
    listed = files.find(f'{_JOINED}/{directory}')
    counts = [int(found['count']) for name in listed if (found := _NAME.search(name))]
    if len(names) - sum(counts) < LEAST:
        return
    small = {n for n in names if os.stat(files.path(n)).st_size <= _SMALL}
    if len(small) - sum(counts) < LEAST:
        return
    kept, covered = _disjoint(_copies(files, {directory}), small)
    members: dict[str, str] = {}
    tables: list[Any] = []
    for name in sorted(small.difference(covered))[:_MOST]:
        # Hashed before and after, so that the rows are those of these bytes.
        digest = _digest(files, name)
        table, failed = read_whole(files, [name], SCHEMA.names)
        if failed or not digest or _digest(files, name) != digest:
            continue  # its readers name it
        members[name] = digest
        tables.append(table)
    if len(members) < LEAST:
        return
    taken = []
    for copy in reversed(kept):
        rows = sum(table.num_rows for table in tables) + copy.rows
        if len(copy.members) >= _GROWTH * len(members) or rows > _ROWS:
            break
        table, failed = read_whole(files, [copy.name], SCHEMA.names)
        if failed:
            continue
        tables.append(table)
        members |= copy.members
        taken.append(copy)
    joined = decoded(pa.concat_tables(tables).unify_dictionaries())
    data = write(joined, {_MEMBERS: json.dumps(members, sort_keys=True).encode()})
    name = f'{_JOINED}/{directory}/{len(members)}.{hashlib.sha256(data).hexdigest()}.parquet'
    # Not waited for: after a power cut its name tells whether it is whole.
    files.publish(name, data, durable=False)
    still = {copy.name for copy in kept} - {copy.name for copy in taken}
    for old in listed:
        if old not in still and old != name:
            files.remove(old)


def _copies(files: Files, directories: Iterable[str]) -> list[Copy]:
    """Return the copies of some directories that are what their names say, largest first."""
    found = []
    for directory in sorted(directories):
        for name in files.find(f'{_JOINED}/{directory}'):
            parsed = _NAME.search(name)
            try:
                data = files.read(name)
                if parsed is None or hashlib.sha256(data).hexdigest() != parsed['digest']:
                    continue
                described = pq.read_metadata(pa.BufferReader(data))
                members = json.loads(described.metadata[_MEMBERS])
                if not isinstance(members, dict):
                    continue
            except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
                continue  # somebody removed it, or it is none of ours
            found.append(Copy(name, members, described.num_rows))
    return sorted(found, key=lambda copy: (-len(copy.members), copy.name))


def _disjoint(copies: Sequence[Copy], wanted: set[str]) -> tuple[list[Copy], list[str]]:
    """Return copies of nothing but what is wanted, none of anything twice; and what they hold."""
    chosen: list[Copy] = []
    covered: set[str] = set()
    for copy in copies:
        mine = copy.members.keys()
        if mine <= wanted and covered.isdisjoint(mine):
            chosen.append(copy)
            covered |= mine
    return chosen, sorted(covered)


def _digest(files: Files, name: str) -> str:
    """Return the SHA-256 of a file; '' if it cannot be read."""
    try:
        return hashlib.sha256(files.read(name)).hexdigest()
    except OSError:
        return ''
