"""Runs cases in a process of their own: with the tarball over the base, or on the base alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError
from eessi_validate.results.model import Plan, Run, Subject
from eessi_validate.run.prepare import Request


@dataclass(frozen=True)
class Job:
    """What to run, and over what."""

    request: Request
    #: Fresh directory of the run.
    directory: Path
    #: Tree of releases of the base, and the extracted tarball that is laid over it; None: nothing.
    base: Path
    extracted: Path | None
    #: Paths below both that must be seen as they are in the tarball.
    expected: tuple[str, ...] = ()
    #: Directories of the tarball that take the place of the base's.
    replaces: tuple[str, ...] = ()
    command: str = ''
    nonce: str = ''
    retries: int = 1
    #: Directory with packages of library and implementations to use instead of those installed.
    packages: Path | None = None
    quiet: bool = False
    #: Descriptor that the process inherits: it holds the lock on the gate's directory.
    lock: int = -1


@dataclass(frozen=True)
class RunOutcome:
    """A plan and its run, or why there is none."""

    method: str
    subject: Subject | None = None
    plan: Plan = field(default_factory=lambda: Plan(cases=()))
    run: Run | None = None
    #: Why nothing was run; '' if something was.
    hold: str = ''


def run_job(job: Job) -> RunOutcome:
    """Run to the end; whatever happens in the other process ends in an outcome.

    :raises HoldError: if its files cannot be written or read.
    """
    files = job.directory.with_name(f'{job.directory.name}.job')
    try:
        files.mkdir(parents=True)
        description = files / 'job.json'
        description.write_text(json.dumps(_plain(job)), encoding='utf-8')
        code = _run_process(description, job.lock)
        answer_file = files / 'finished.json'
        if not answer_file.exists():
            return RunOutcome('none', hold=f'the process that runs the cases ended with {code}')
        answer = json.loads(answer_file.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise HoldError(f'the cases cannot be run: {error}') from error
    if 'hold' in answer:
        return RunOutcome('none', hold=answer['hold'])
    return RunOutcome(
        method=answer['method'],
        subject=Subject.model_validate(answer['subject']),
        plan=Plan.model_validate(answer['plan']),
        run=Run.model_validate(answer['run']),
    )


def _plain(job: Job) -> dict[str, Any]:
    return {
        **asdict(job),
        'directory': str(job.directory),
        'base': str(job.base),
        'extracted': str(job.extracted) if job.extracted else '',
        'packages': str(job.packages) if job.packages else '',
        'parent': os.getpid(),
    }


def _run_process(description: Path, lock: int) -> int:
    command = [sys.executable, '-m', 'eessi_validate.gate.overlay.inside', str(description)]
    # A session of its own: an interrupt reaches it once, from here, and not twice.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(lock,) if lock >= 0 else (),
    )
    with _passing_signals_to(process):
        return process.wait()


@contextmanager
def _passing_signals_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    def handle(number: int, _frame: object) -> None:
        process.send_signal(number)

    previous = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
