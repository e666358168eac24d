"""The run directory: every result is on disk as it arrives, and a kill loses at most one line."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.results.model import CaseId, CaseResult, Outcome, Plan, PlannedCase
from eessi_validate.results.store import RunStore, SavedPlan


def case(number: int = 0) -> PlannedCase:
    identity = CaseId(
        test='T', software=f's{number}', version='1', cpu_target='x86_64/generic', scale='cores_1'
    )
    return PlannedCase(id=identity, partition='p', kind='functional')


def result(number: int = 0, outcome: Outcome = Outcome.PASS) -> CaseResult:
    return CaseResult(case=case(number), outcome=outcome, stdout_tail='line\n' * 50)


def saved(*cases: PlannedCase) -> SavedPlan:
    return SavedPlan(
        plan=Plan(cases=cases), nonce='n', run_id='r', request={'stack': '/s'}, digest='sha256:0'
    )


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore.create(tmp_path / 'run', saved(case()))


def test_created_run_opens_with_its_plan(store: RunStore) -> None:
    _, plan = RunStore.open(store.directory)
    assert plan == saved(case())


def test_results_come_back_in_order(store: RunStore) -> None:
    for number in range(3):
        store.append(result(number))
    assert list(store.results()) == [result(n) for n in range(3)]


def test_run_without_results_has_none(store: RunStore) -> None:
    assert list(store.results()) == []


def test_torn_last_line_is_left_out(store: RunStore) -> None:
    store.append(result(1))
    store.append(result(2))
    path = store.directory / 'results.jsonl'
    path.write_bytes(path.read_bytes()[:-20])
    assert list(store.results()) == [result(1)]


def test_complete_line_without_its_newline_is_torn(store: RunStore) -> None:
    store.append(result(1))
    path = store.directory / 'results.jsonl'
    path.write_bytes(path.read_bytes()[:-1])
    assert list(store.results()) == []


def test_result_after_a_torn_line_is_not_lost(store: RunStore) -> None:
    store.append(result(1))
    path = store.directory / 'results.jsonl'
    path.write_bytes(path.read_bytes()[:-20])
    store.append(result(2))
    assert list(store.results()) == [result(2)]


def test_short_write_is_noticed(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    write, calls = os.write, []

    def short(descriptor: int, data: bytes) -> int:
        calls.append(len(data))
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return write(descriptor, data[:10])

    monkeypatch.setattr(os, 'write', short)
    with pytest.raises(OSError, match='No space left'):
        store.append(result(1))


def _append_many(directory: Path, first: int) -> None:
    store = RunStore(directory)
    for number in range(first, first + 50):
        store.append(result(number))


def test_several_processes_append_without_losing_a_line(store: RunStore) -> None:
    context = multiprocessing.get_context('spawn')
    workers = [
        context.Process(target=_append_many, args=(store.directory, 100 * n)) for n in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = {r.case.id.software for r in store.results()}
    assert found == {f's{100 * n + i}' for n in range(4) for i in range(50)}


def test_directory_that_holds_a_run_is_refused(store: RunStore) -> None:
    with pytest.raises(UsageError, match='already holds a run: use --resume'):
        RunStore.create(store.directory, saved())


def test_directory_that_holds_results_without_a_plan_is_refused(store: RunStore) -> None:
    store.append(result())
    (store.directory / 'plan.json').unlink()
    with pytest.raises(UsageError):
        RunStore.create(store.directory, saved(case()))


def test_directory_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'holds no run: it has no plan\.json'):
        RunStore.open(tmp_path)


@pytest.mark.parametrize('text', ['', '{', '{"plan": 1}', '[]'])
def test_plan_that_cannot_be_read_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / 'plan.json').write_text(text)
    with pytest.raises(UsageError, match='cannot read'):
        RunStore.open(tmp_path)


def test_fresh_directory_is_numbered_and_not_made(store: RunStore) -> None:
    first = store.fresh_directory('x')
    assert (first.name, first.exists(), first.parent.exists()) == ('x-1', False, True)
    first.mkdir()
    assert store.fresh_directory('x').name == 'x-2'


def test_no_temporary_file_stays(store: RunStore) -> None:
    assert sorted(os.listdir(store.directory)) == ['plan.json']
