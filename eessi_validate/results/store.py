"""The directory of a run: the plan, and every result as it arrives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eessi_validate.errors import UsageError
from eessi_validate.results.model import CaseResult, Plan, Record

_PLAN, _RESULTS = 'plan.json', 'results.jsonl'


class SavedPlan(Record):
    """What a later ``--resume`` needs to go on: the plan and how it was asked for."""

    plan: Plan
    nonce: str
    run_id: str
    #: Options of the run, as the command line gave them.
    request: dict[str, Any]
    #: Identity of the stack when the run began.
    digest: str


class RunStore:
    """Reads and appends to one run directory; a kill loses at most a torn last line."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def create(cls, directory: Path, saved: SavedPlan) -> RunStore:
        """Start a run in a fresh directory.

        :raises UsageError: if the directory already holds a run.
        """
        if any((directory / name).exists() for name in (_PLAN, _RESULTS, 'reframe')):
            raise UsageError(f'{directory} already holds a run: use --resume, or another --out')
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f'cannot make {directory}: {error.strerror}') from error
        try:
            # Exclusive: of two runs that chose one directory, one is told so.
            with (directory / _PLAN).open('x', encoding='utf-8') as stream:
                stream.write(saved.model_dump_json(indent=1))
                stream.flush()
                os.fsync(stream.fileno())
        except FileExistsError:
            raise UsageError(f'{directory} already holds a run: use another --out') from None
        return cls(directory)

    @classmethod
    def open(cls, directory: Path) -> tuple[RunStore, SavedPlan]:
        """Open the run in ``directory``.

        :raises UsageError: if there is none, or its plan cannot be read.
        """
        try:
            saved = SavedPlan.model_validate_json((directory / _PLAN).read_text(encoding='utf-8'))
        except FileNotFoundError:
            raise UsageError(f'{directory} holds no run: it has no {_PLAN}') from None
        except ValueError as error:
            raise UsageError(f'cannot read {directory / _PLAN}: {error}') from error
        return cls(directory), saved

    def append(self, result: CaseResult) -> None:
        """Write one result so that a kill right after this call does not lose it."""
        line = (result.model_dump_json() + '\n').encode()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        descriptor = os.open(self.directory / _RESULTS, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _ends_torn(descriptor):
                line = b'\n' + line
            while line:
                line = line[os.write(descriptor, line) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def results(self) -> Iterator[CaseResult]:
        """Yield the results written so far, oldest first; a torn line is left out."""
        path = self.directory / _RESULTS
        if not path.exists():
            return
        for line in path.read_text(encoding='utf-8', errors='replace').split('\n')[:-1]:
            try:
                yield CaseResult.model_validate_json(line)
            except ValueError:
                continue

    def fresh_directory(self, name: str) -> Path:
        """Return a path below the run directory that does not exist yet."""
        number = 1
        while (path := self.directory / 'reframe' / f'{name}-{number}').exists():
            number += 1
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _ends_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b'\n'
