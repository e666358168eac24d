"""A store in an object store: the S3 interface of a moto server, a process on loopback."""

from __future__ import annotations

import multiprocessing
import os
import signal
import uuid
from typing import Any

import boto3
import pytest
from s3_server import CREDENTIALS, client
from stored_rows import publish, row

from eessi_validate.errors import UsageError
from eessi_validate.results.archive import open_archive, parse_query

pytestmark = pytest.mark.slow


@pytest.fixture
def store(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    point_at(s3_address, monkeypatch)
    bucket = f'results-{uuid.uuid4().hex}'
    client(s3_address).create_bucket(Bucket=bucket)
    return f's3://{bucket}/store'


def point_at(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    settings = {**CREDENTIALS, 'AWS_ENDPOINT_URL': address, 'AWS_MAX_ATTEMPTS': '1'}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # File systems are kept by their arguments, which do not name the server.
    s3fs.S3FileSystem.clear_instance_cache()


def test_what_is_stored_is_found_filtered_and_merged(store: str) -> None:
    archive = open_archive(store)
    assert archive.frame().empty
    first = publish(archive, row(), row(test='Other', value=None))
    assert publish(archive, row(), row(test='Other', value=None)) == first
    publish(archive, row(day=1))
    publish(archive, row(day=3, release='2025.06'))
    assert sorted(archive.frame()['run_id']) == ['run-0', 'run-0', 'run-1', 'run-3']
    assert list(archive.frame('2025.06')['run_id']) == ['run-3']
    assert list(archive.frame('since=9000d test=Oth*')['run_id']) == ['run-0']
    assert list(archive.raw(first)) == ['report.json']
    assert len(archive.compact()) == 1
    assert sorted(archive.frame()['run_id']) == ['run-0', 'run-0', 'run-1', 'run-3']
    assert archive.warnings == ()
    gone = archive.remove(parse_query('until=2100-01-01'))
    assert len(gone) == 2
    assert archive.frame().empty


def test_a_reader_sees_what_another_process_stored_meanwhile(store: str) -> None:
    archive = open_archive(store)
    publish(archive, row())
    assert len(archive.frame()) == 1
    in_another_process(_publish_one, store)
    assert sorted(archive.frame()['run_id']) == ['run-0', 'run-9']


def test_a_damaged_object_is_named_and_skipped(store: str) -> None:
    archive = open_archive(store)
    publish(archive, row())
    name = publish(archive, row(day=2))
    bucket, _, prefix = store.removeprefix('s3://').partition('/')
    boto3.client('s3').put_object(Bucket=bucket, Key=f'{prefix}/{name}', Body=b'torn')
    assert list(archive.frame()['run_id']) == ['run-0']
    assert [warned.name for warned in archive.warnings] == [name]
    assert list(archive.frame('since=9000d')['run_id']) == ['run-0']


def test_concurrent_writers_of_whom_one_is_killed_lose_nothing(store: str) -> None:
    spawn = multiprocessing.get_context('spawn')
    done = [spawn.SimpleQueue() for _ in range(4)]
    writers = [spawn.Process(target=_publish_many, args=(store, i, done[i])) for i in range(4)]
    for process in writers:
        process.start()
    told = {done[0].get()}
    assert writers[0].pid is not None
    os.kill(writers[0].pid, signal.SIGKILL)
    for process in writers:
        process.join(timeout=120)
    for queue in done:
        while not queue.empty():
            told.add(queue.get())
    archive = open_archive(store)
    counts = archive.frame(columns=['run_id'])['run_id'].value_counts()
    assert len(told) > 15
    assert told <= set(counts.index)
    assert set(counts) == {20}
    assert archive.warnings == ()


def test_a_store_that_is_not_there_or_not_reached_is_said(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = 's3://no-such-bucket/store'
    for use in (lambda a: publish(a, row()), lambda a: a.frame()):
        with pytest.raises(UsageError, match=r'no-such-bucket/store: .*bucket does not exist'):
            use(open_archive(absent))
    point_at('http://127.0.0.1:9', monkeypatch)
    for use in (lambda a: publish(a, row()), lambda a: a.frame()):
        with pytest.raises(UsageError, match=r'cannot .* the store s3://.*127\.0\.0\.1:9'):
            use(open_archive(store))


def in_another_process(target: Any, *arguments: Any) -> None:
    process = multiprocessing.get_context('spawn').Process(target=target, args=arguments)
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 0


def _publish_one(store: str) -> None:
    publish(open_archive(store), row(day=9))


def _publish_many(store: str, writer: int, done: Any) -> None:
    archive = open_archive(store)
    for run in range(5):
        name = f'run-{writer}-{run}'
        publish(archive, *(row(run_id=name, test=f'T{i}') for i in range(20)))
        done.put(name)
