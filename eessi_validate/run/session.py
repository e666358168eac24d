"""One run from start to report data: fresh, resumed, only what failed, with retries."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.results.model import CaseResult, Outcome, Plan, PlannedCase, Run, Subject
from eessi_validate.results.store import RunStore, SavedPlan
from eessi_validate.run.engine import Execution, Progress, latest_results
from eessi_validate.run.host import host_facts, tool_versions
from eessi_validate.run.prepare import Prepared, Request, prepare
from eessi_validate.run.reconcile import absent
from eessi_validate.stack.identity import release_digest

#: Outcomes that a resumed run tries again.
_UNFINISHED = (Outcome.MISSING, Outcome.ABORTED)


@dataclass(frozen=True)
class Finished:
    """What a run leaves for judging."""

    subject: Subject
    plan: Plan
    run: Run
    directory: Path


@dataclass(frozen=True)
class Options:
    """How to run, besides what to run."""

    directory: Path
    command: str
    nonce: str = ''
    #: How often a failed case is tried again within this run.
    retries: int = 0
    #: Further environment variables of ReFrame.
    environment: Mapping[str, str] = field(default_factory=dict)


def start_run(request: Request, options: Options, make_progress: ProgressFactory) -> Finished:
    """Plan and run in a fresh directory.

    :raises UsageError: if the directory already holds a run.
    """
    prepared = prepare(request)
    nonce, digest = options.nonce or secrets.token_hex(8), _subject(prepared).digest
    saved = SavedPlan(
        plan=prepared.plan,
        nonce=nonce,
        run_id=hashlib.sha256(f'{nonce}/{digest}'.encode()).hexdigest()[:16],
        request=asdict(request),
        digest=digest,
    )
    store = RunStore.create(options.directory, saved)
    return _run(prepared, store, saved, prepared.plan.cases, options, make_progress)


def resume_run(options: Options, make_progress: ProgressFactory, *, only_failed: bool) -> Finished:
    """Go on with the run in ``options.directory``.

    :arg only_failed: run again what did not pass, instead of what has no result yet.
    :raises UsageError: if there is no run, or the stack no longer gives the same plan.
    """
    store, saved = RunStore.open(options.directory)
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in saved.request.items()
    }
    prepared = prepare(Request(**values))
    if {(c.id.test, c.key) for c in prepared.plan.cases} != _identities(saved.plan):
        raise UsageError(
            f'the stack no longer gives the plan saved in {options.directory}: start a new run'
        )
    if _subject(prepared).digest != saved.digest:
        raise UsageError(f'the stack has changed since {options.directory}: start a new run')
    done = latest_results(list(store.results()))
    cases = [
        case
        for case in saved.plan.cases
        if _wanted(done.get((case.id.test, case.key)), only_failed)
    ]
    return _run(prepared, store, saved, cases, options, make_progress)


def _identities(plan: Plan) -> set[tuple[str, str]]:
    return {(case.id.test, case.key) for case in plan.cases}


def _wanted(result: CaseResult | None, only_failed: bool) -> bool:
    if result is None:
        return True
    return result.outcome is not Outcome.PASS if only_failed else result.outcome in _UNFINISHED


class ProgressFactory(Protocol):
    """Makes the observer of a run once the number of cases is known."""

    def __call__(self, total: int, directory: Path) -> Progress:
        """Return an observer for ``total`` cases."""


def _run(
    prepared: Prepared,
    store: RunStore,
    saved: SavedPlan,
    cases: Sequence[PlannedCase],
    options: Options,
    make_progress: ProgressFactory,
) -> Finished:
    started, clock = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
    host = host_facts()
    execution = Execution(
        prepared=prepared,
        store=store,
        nonce=saved.nonce,
        progress=make_progress(len(cases), store.directory),
        stop=threading.Event(),
        environment=options.environment,
        history={k: r.attempts for k, r in latest_results(list(store.results())).items()},
    )
    with stopping_on_signals(execution.stop), closing(execution.progress):
        execution.execute(cases)
        for _ in range(options.retries):
            failed = _failed_cases(store, cases)
            if not failed or execution.stop.is_set():
                break
            done = latest_results(list(store.results()))
            execution.history = {key: result.attempts for key, result in done.items()}
            execution.execute(failed)
    results = latest_results(list(store.results()))
    return Finished(
        subject=_subject(prepared),
        plan=saved.plan,
        run=Run(
            id=saved.run_id,
            nonce=saved.nonce,
            started=started.isoformat(timespec='seconds'),
            seconds=round(time.monotonic() - clock, 2),
            host=host,
            versions=tool_versions(),
            system=prepared.system,
            command=options.command,
            results=tuple(_complete(saved.plan, results, execution.stop.is_set())),
            interrupted=execution.stop.is_set(),
            unplanned=tuple(execution.unplanned),
            problems=tuple(dict.fromkeys(execution.problems)),
        ),
        directory=store.directory,
    )


def _failed_cases(store: RunStore, cases: Sequence[PlannedCase]) -> list[PlannedCase]:
    done = latest_results(list(store.results()))
    retried = (Outcome.FAIL, Outcome.ERROR)
    return [c for c in cases if (r := done.get((c.id.test, c.key))) and r.outcome in retried]


def _complete(
    plan: Plan, results: dict[tuple[str, str], CaseResult], stopped: bool
) -> Iterator[CaseResult]:
    """Yield a result for every planned case, whatever came back."""
    for case in plan.cases:
        result = results.get((case.id.test, case.key))
        if result is not None:
            yield result
        elif stopped:
            yield absent(case, Outcome.ABORTED, 'stopped before it started')
        else:
            yield absent(case, Outcome.MISSING, 'planned, but no result came back')


def _subject(prepared: Prepared) -> Subject:
    targets = tuple(tree.target.name for tree in prepared.trees)
    return Subject(
        kind='stack',
        repository=prepared.stack.repository,
        release=prepared.release.name,
        root=str(prepared.stack.root),
        cpu_targets=targets,
        digest=release_digest(prepared.release, [tree.directory for tree in prepared.trees]),
    )


@contextmanager
def stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an orderly stop; a second one ends the run at once."""

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            name = signal.Signals(number).name
            raise HoldError(f'stopped at once by a second {name}: go on with --resume')
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
