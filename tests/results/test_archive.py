"""The store of results: whole runs or nothing, and nothing skipped in silence."""

from __future__ import annotations

import datetime
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stored_rows import START, publish, row, table

from eessi_validate.errors import UsageError
from eessi_validate.results.archive import decoded, open_archive, parse_query
from eessi_validate.results.archive.signature import signature

NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.timezone.utc)


def test_what_was_stored_is_read_back(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    name = publish(archive, row(), row(first=False, metric='energy', direction='truth'))
    frame = archive.frame()
    assert list(frame['metric']) == ['speed', 'energy']
    assert int(frame['first'].sum()) == 1
    assert frame['value'].iloc[0] == 100.0
    assert archive.warnings == ()
    assert list(archive.raw(name)) == ['report.json']


@pytest.mark.parametrize('address', ['file://{}', 'memory://{}', '{}'])
def test_a_store_is_a_directory_or_an_fsspec_address(address: str, tmp_path: Path) -> None:
    archive = open_archive(address.format(tmp_path))
    publish(archive, row())
    assert len(archive.frame('release=2023.06')) == 1
    assert archive.warnings == ()


def test_an_empty_or_missing_store_has_no_rows(tmp_path: Path) -> None:
    assert open_archive(str(tmp_path / 'nothing')).frame().empty


@pytest.mark.parametrize(
    ('query', 'count'),
    [
        ('', 4),
        ('2023.06', 2),
        ('release=2025.06', 2),
        ('release=2025.06 target=aarch64/*', 1),
        ('target=x86_64/*', 3),
        ('target=x86_64/amd/zen2,aarch64/generic', 4),
        ('outcome=fail', 1),
        ('since=2026-11-05', 2),
        ('since=20d', 2),
        ('until=2026-11-02', 2),
        ('test=EESSI_GRO* metric=speed', 4),
        ('run=run-10', 1),
        ('software=LAMMPS', 0),
    ],
)
def test_queries_select_by_patterns_and_time(query: str, count: int, tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    publish(archive, row())
    publish(archive, row(run_id='other', outcome='fail'))
    publish(archive, row(day=10, release='2025.06'))
    publish(archive, row(day=11, release='2025.06', cpu_target='aarch64/generic'))
    assert len(archive.frame(parse_query(query, NOW))) == count


@pytest.mark.parametrize(
    ('query', 'message'),
    [
        ('relase=2023.06', 'did you mean release'),
        ('release=', 'nothing after'),
        ('since=yesterday', 'no time'),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(query: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_query(query)


def test_a_run_that_began_last_month_is_found_by_its_end(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    early, late = START - datetime.timedelta(days=1), START + datetime.timedelta(days=1)
    publish(archive, row(time=early), row(time=late, test='B'))
    assert list(archive.frame(parse_query('since=2026-11-01'))['test']) == ['B']


def test_the_same_report_twice_is_stored_once(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    later = START + datetime.timedelta(days=3)
    first = publish(archive, row(), raw=b'report')
    again = archive.publish(table(row(recorded=later)), {'report.json': b'report'}, later)
    assert again == first
    assert len(archive.stored()) == 1


def test_a_resumed_run_replaces_its_earlier_recording(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    later = START + datetime.timedelta(days=3)
    publish(archive, row(outcome='missing'), row(test='Other', outcome='missing'))
    publish(archive, row(recorded=later), row(recorded=later, test='Other'))
    assert list(archive.frame()['outcome']) == ['pass', 'pass']
    # The earlier recording does not come back when only its outcome is asked for.
    assert archive.frame('outcome=missing').empty


@pytest.mark.parametrize('damage', ['empty', 'cut', 'flipped', 'foreign', 'text'])
def test_a_corrupt_file_is_named_and_skipped(damage: str, tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    publish(archive, row())
    name = publish(archive, *(row(run_id='bad', test=f'T{i}', value=i * 1.5) for i in range(500)))
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    if damage == 'empty':
        data = bytearray()
    elif damage == 'cut':
        data = data[: len(data) // 2]
    elif damage == 'flipped':
        data[60] ^= 0xFF
    elif damage == 'text':
        data = bytearray(b'not a Parquet file')
    path.write_bytes(data)
    if damage == 'foreign':
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({'a': [1]}), path)
    frame = archive.frame()
    assert list(frame['run_id']) == ['run-0']
    assert [w.name for w in archive.warnings] == [name]


def test_files_of_other_versions_and_names_are_named(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    publish(archive, row())
    (tmp_path / 'v2').mkdir()
    (tmp_path / 'v1' / 'mine.parquet').write_bytes(b'x')
    assert len(archive.frame()) == 1
    assert sorted(w.name for w in archive.warnings) == ['v1/mine.parquet', 'v2']


def test_compaction_keeps_every_row_and_one_file_per_month(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    for day in range(12):
        publish(archive, row(day=day))
    before = archive.frame().sort_values('run_id').reset_index(drop=True)
    assert len(archive.compact()) == 1
    assert len(archive.stored()) == 1
    after = archive.frame().sort_values('run_id').reset_index(drop=True)
    assert before.equals(after)
    publish(archive, row(day=13))
    archive.compact()
    assert len(archive.frame('run=run-13')) == 1
    assert len(archive.frame()) == 13


def test_a_compaction_that_dies_before_removing_doubles_nothing(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    for day in range(3):
        publish(archive, row(day=day))
    archive.files.remove = lambda name: None  # type: ignore[method-assign]
    archive.compact()
    assert len(archive.stored()) == 4
    assert len(open_archive(str(tmp_path)).frame()) == 3


def test_compaction_leaves_a_corrupt_file_alone(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    for day in range(3):
        publish(archive, row(day=day))
    broken = publish(archive, row(day=5))
    (tmp_path / broken).write_bytes(b'')
    archive.compact()
    assert [w.name for w in archive.warnings] == [broken]
    assert (tmp_path / broken).exists()
    assert len(archive.frame()) == 3


def test_gc_removes_what_a_dead_writer_left_and_nobody_saw_it(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    publish(archive, row())
    left = tmp_path / '.incoming' / 'dead.part'
    left.write_bytes(b'PAR1 half')
    assert len(archive.frame()) == 1
    assert archive.warnings == ()
    assert archive.remove_leftovers() == []
    os.utime(left, (0, 0))
    assert archive.remove_leftovers() == ['.incoming/dead.part']
    assert not left.exists()


def test_old_runs_can_be_removed_whole(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    for day in (0, 5, 10):
        publish(archive, row(day=day))
    assert len(archive.remove(parse_query('until=2026-11-08'))) == 2
    assert list(archive.frame()['run_id']) == ['run-10']
    assert not [f for f in archive.files.find('raw') if 'run-0' in f]


def test_names_of_runs_and_releases_cannot_leave_the_store(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path / 'store'))
    publish(archive, row(run_id='../../evil', release='../x'))
    assert archive.frame('release=../x')['run_id'].tolist() == ['../../evil']
    assert [p.name for p in tmp_path.iterdir()] == ['store']


def test_a_run_of_two_releases_or_without_rows_is_refused(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    with pytest.raises(UsageError, match='one release'):
        publish(archive, row(), row(release='2025.06'))
    with pytest.raises(UsageError, match='without any row'):
        archive.publish(table(), {}, START)


def test_an_unwritable_store_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    with pytest.raises(UsageError, match='cannot write'):
        publish(open_archive(str(tmp_path / 'file')), row())


def _write_many(store: str, writer: int) -> None:
    archive = open_archive(store)
    for run in range(10):
        publish(archive, *(row(run_id=f'{writer}-{run}', test=f'T{i}') for i in range(10)))


def test_writers_at_once_lose_nothing_when_one_is_killed(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context('fork')
    writers = [spawn.Process(target=_write_many, args=(str(tmp_path), w)) for w in range(4)]
    for writer in writers:
        writer.start()
    time.sleep(0.05)
    os.kill(writers[0].pid or 0, signal.SIGKILL)
    for writer in writers:
        writer.join()
    archive = open_archive(str(tmp_path))
    sizes = archive.frame(columns=['run_id']).value_counts()
    assert archive.warnings == ()
    assert set(sizes) == {10}
    assert sum(1 for (run,) in sizes.index if not run.startswith('0-')) == 30


@pytest.mark.parametrize(
    ('one', 'other', 'same'),
    [
        ("job 17: '/a/b/libm.so.6' has no symbol", "job 9: '/c/libm.so.6' has no symbol", True),
        ('energy -3.1e4 is off by 12 %', 'energy -2.9e4 is off by 44 %', True),
        ('Segmentation fault', 'Illegal instruction', False),
    ],
)
def test_signatures_tell_faults_apart_not_runs(one: str, other: str, same: bool) -> None:
    assert (signature(one) == signature(other)) is same


def test_texts_as_codes_are_the_same_rows(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    publish(archive, row(), row(test='Other', outcome='fail', metric='', value=None))
    publish(archive, row(day=3, release='2025.06'))
    for query in ('', '2023.06', 'outcome=fail', 'target=x86_64/* since=9000d', 'run=run-0'):
        coded = archive.table(query, coded=True)
        assert decoded(coded).equals(archive.table(query))
    assert archive.table('release=2025*').num_rows == 1


def test_reading_by_release_does_not_import_pandas(tmp_path: Path) -> None:
    publish(open_archive(str(tmp_path)), row(), row(test='Other', value=None))
    program = (
        'import sys\n'
        'from eessi_validate.compare.stored import compare_sides, read_side\n'
        f'side = read_side("2023.06", {str(tmp_path)!r})\n'
        'compare_sides(side, side)\n'
        'sys.exit("pandas" in sys.modules)\n'
    )
    subprocess.run([sys.executable, '-c', program], check=True)
