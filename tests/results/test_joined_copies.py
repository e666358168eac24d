"""Joined copies of small files: read instead of them while they say the same, never otherwise."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from stored_rows import publish, row

from eessi_validate.results.archive import archive as reading
from eessi_validate.results.archive import open_archive, parse_query
from eessi_validate.results.archive.archive import _bytes
from eessi_validate.results.archive.joined import LEAST, join_small, read_instead

DIRECTORY = 'v1/release=2023.06/month=2026-11'


def copies(store: Path) -> list[Path]:
    return sorted((store / 'joined').rglob('*.parquet'))


@pytest.fixture(autouse=True, scope='module')
def no_waiting_for_the_disk() -> Iterator[None]:
    """What survives a power cut is another matter, and takes most of the time of small files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, 'fsync', lambda descriptor: None)
        yield


@pytest.fixture
def store(stored_once: Path, tmp_path: Path) -> Path:
    """A store of twenty runs of one month."""
    shutil.copytree(stored_once, tmp_path / 'store')
    return tmp_path / 'store'


@pytest.fixture(scope='module')
def stored_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp('stored')
    filled(made, 20)
    return made


def names_in(store: Path) -> list[str]:
    return [stored.name for stored in open_archive(str(store)).stored()]


def filled(store: Path, runs: int) -> list[str]:
    """Store runs of one month; return the names of their files."""
    archive = open_archive(str(store))
    return [
        publish(archive, row(day=day), row(day=day, first=False, metric='energy', value=day - 0.5))
        for day in range(runs)
    ]


def rows_of(store: Path, query: str = '') -> list[tuple[Any, ...]]:
    archive = open_archive(str(store))
    frame = archive.frame(query, ('run_id', 'metric', 'value'))
    assert archive.warnings == ()
    return sorted(frame.itertuples(index=False, name=None))


@pytest.mark.parametrize('runs', [LEAST - 1, LEAST, 28])
def test_few_files_are_read_and_the_rows_are_the_same(runs: int, tmp_path: Path) -> None:
    names = filled(tmp_path, runs)
    read = read_instead(open_archive(str(tmp_path)).files, names)
    assert len(read) <= LEAST + 2
    assert bool(copies(tmp_path)) is (runs >= LEAST)
    expected = rows_of(tmp_path)
    assert len(expected) == 2 * runs
    for copy in copies(tmp_path):
        copy.unlink()
    assert rows_of(tmp_path) == expected


@pytest.mark.parametrize('query', ['', '2023.06', 'target=x86_64/*', 'outcome=pass since=9000d'])
def test_every_way_of_reading_uses_them(
    query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, LEAST)
    opened = []
    path = open_archive(str(tmp_path)).files.path
    whole, scan = reading.read_whole, reading.Archive._scan

    def read_whole(files: Any, names: Any, columns: Any) -> Any:
        opened.extend(names)
        return whole(files, names, columns)

    def _scan(self: Any, names: Any, *rest: Any, **more: Any) -> Any:
        opened.extend(names)
        return scan(self, names, *rest, **more)

    monkeypatch.setattr(reading, 'read_whole', read_whole)
    monkeypatch.setattr(reading.Archive, '_scan', _scan)
    assert len(rows_of(tmp_path, query)) == 2 * LEAST
    assert [path(name) for name in opened] == [str(c) for c in copies(tmp_path)]


def test_a_run_by_its_name_is_read_from_its_own_file(store: Path) -> None:
    assert [run for run, *_ in rows_of(store, 'run=run-3')] == ['run-3', 'run-3']


@pytest.mark.parametrize('damage', ['flipped', 'cut', 'last byte'])
@pytest.mark.parametrize('query', ['', 'target=x86_64/*'])
def test_a_member_damaged_afterwards_is_named_not_hidden_by_its_copy(
    damage: str, query: str, store: Path
) -> None:
    names = names_in(store)
    path = store / names[3]
    data = bytearray(path.read_bytes())
    if damage == 'flipped':
        data[60] ^= 0xFF
    elif damage == 'last byte':
        data[-1] ^= 0xFF
    path.write_bytes(data[: len(data) // 2] if damage == 'cut' else data)
    archive = open_archive(str(store))
    frame = archive.frame(query)
    assert [w.name for w in archive.warnings] == [names[3]]
    assert len(frame) == 38
    assert len(set(frame['run_id'])) == 19


def test_rows_of_a_removed_run_do_not_live_on_in_a_copy(store: Path) -> None:
    archive = open_archive(str(store))
    assert len(archive.remove(parse_query('until=2026-11-08'))) == 7
    assert len(rows_of(store)) == 26


@pytest.mark.parametrize('damage', [b'', b'PAR1 text'])
def test_a_damaged_copy_is_not_read(damage: bytes, store: Path) -> None:
    expected = rows_of(store)
    for copy in copies(store):
        copy.write_bytes(damage)
    assert rows_of(store) == expected


def test_a_copy_whose_bytes_are_not_those_it_is_named_by_is_not_read(store: Path) -> None:
    expected = rows_of(store)
    for copy in copies(store):
        table = pq.read_table(copy)
        pq.write_table(table.slice(0, table.num_rows - 1), copy)
        # Sound as a Parquet file, with the same members.
        assert pq.read_schema(copy).metadata == table.schema.metadata
    assert rows_of(store) == expected


@pytest.mark.parametrize('members', [b'null', b'[]', b'{'])
def test_a_copy_that_names_no_members_is_not_read(members: bytes, store: Path) -> None:
    expected = rows_of(store)
    for copy in copies(store):
        table = pq.read_table(copy).replace_schema_metadata({b'eessi_validate.members': members})
        copy.unlink()
        pq.write_table(table, copy)
        digest = hashlib.sha256(copy.read_bytes()).hexdigest()
        copy.rename(copy.with_name(f'12.{digest}.parquet'))
    assert rows_of(store) == expected


def test_a_copy_that_goes_away_while_it_is_read_loses_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows_of(store)

    def gone_by_then(files: Any, names: Any) -> list[str]:
        chosen = read_instead(files, names)
        for copy in copies(store):
            copy.unlink()
        return chosen

    monkeypatch.setattr(reading, 'read_instead', gone_by_then)
    assert rows_of(store) == expected


def test_two_writers_that_joined_the_same_files_double_nothing(tmp_path: Path) -> None:
    names = filled(tmp_path, LEAST + 1)
    files = open_archive(str(tmp_path)).files
    first = {copy: copy.read_bytes() for copy in copies(tmp_path)}
    for copy in first:
        copy.unlink()
    join_small(files, DIRECTORY, names, _bytes)
    for copy, data in first.items():
        copy.write_bytes(data)
    assert len(copies(tmp_path)) == 2
    assert len(rows_of(tmp_path)) == 2 * (LEAST + 1)


def test_an_unreadable_file_keeps_no_other_from_being_joined(tmp_path: Path) -> None:
    names = filled(tmp_path, LEAST - 1)
    (tmp_path / names[0]).write_bytes(b'')
    archive = open_archive(str(tmp_path))
    publish(archive, row(day=20))
    assert not copies(tmp_path)
    publish(archive, row(day=21))
    assert len(copies(tmp_path)) == 1
    assert len(archive.frame()) == 2 * (LEAST - 2) + 2
    assert [w.name for w in archive.warnings] == [names[0]]


def test_large_files_are_not_copied(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    filled(tmp_path, LEAST)
    assert copies(tmp_path)
    for copy in copies(tmp_path):
        copy.unlink()
    for stored in archive.stored()[1:]:
        path = tmp_path / stored.name
        path.write_bytes(path.read_bytes() + b'\0' * 300_000)
    publish(archive, row(day=20))
    assert not copies(tmp_path)


def test_gc_removes_copies_with_what_they_are_copies_of(store: Path) -> None:
    expected = rows_of(store)
    open_archive(str(store)).compact()
    assert not copies(store)
    assert rows_of(store) == expected
    publish(open_archive(str(store)), row(day=25))
    assert len(rows_of(store)) == len(expected) + 1


def test_a_store_without_room_for_copies_stores_all_the_same(tmp_path: Path) -> None:
    (tmp_path / 'joined').write_text('')
    assert len(filled(tmp_path, LEAST)) == LEAST
    assert len(rows_of(tmp_path)) == 2 * LEAST


def test_stores_behind_an_address_have_none() -> None:
    archive = open_archive('memory://joined-copies')
    for day in range(LEAST + 1):
        publish(archive, row(day=day))
    assert not archive.files.find('joined')
    assert len(archive.frame()) == LEAST + 1
