"""The directory of a comparison: how it was asked for, and every run as it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from eessi_validate.errors import UsageError
from eessi_validate.results.model import HostFacts, Metric, Outcome, Record

_ASKED, _ROWS = 'ab.json', 'runs.jsonl'

#: ``duet``: pairs of the side before against itself, both at once, to see whether that helps.
Phase = Literal['warm-up', 'duet', 'self-check', 'pair']


class Asked(Record):
    """What a later ``--resume`` needs: the request, and the digests of what was measured."""

    version: Literal[1] = 1
    #: Fixes order and inputs of all runs.
    seed: str
    before: dict[str, Any]
    after: dict[str, Any]
    digests: tuple[str, str]
    #: Most pairs of each case, and the detectable slowdown that ends it; None for a fixed number.
    pairs: int
    until: float | None = None
    practical_delta: float
    alpha: float
    warm_ups: int
    self_check: int
    #: Run both sides of a pair at once where a pilot shows that they share the noise.
    duet: bool = False
    host: HostFacts
    command: str = ''


class Row(Record):
    """One run of one side of one pair."""

    #: ``Match.name``.
    case: str
    phase: Phase
    pair: int
    side: Literal['before', 'after']
    outcome: Outcome
    reason: str = ''
    metrics: tuple[Metric, ...] = ()
    #: UTC, ISO 8601.
    started: str
    seconds: float
    nodes: tuple[str, ...] = ()
    #: Directory of the run, relative to the comparison's.
    directory: str = ''


class Journal:
    """Appends rows; a kill loses at most a torn last line."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def create(cls, directory: Path, asked: Asked) -> Journal:
        """Start a comparison in a fresh directory.

        :raises UsageError: if it already holds one.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with (directory / _ASKED).open('x', encoding='utf-8') as stream:
                stream.write(asked.model_dump_json(indent=1))
                stream.flush()
                os.fsync(stream.fileno())
        except FileExistsError:
            raise UsageError(
                f'{directory} holds a comparison: use --resume or another --out'
            ) from None
        except OSError as error:
            raise UsageError(f'cannot write to {directory}: {error.strerror}') from error
        return cls(directory)

    @classmethod
    def open(cls, directory: Path) -> tuple[Journal, Asked]:
        """Open the comparison in ``directory``.

        :raises UsageError: if there is none that can be read.
        """
        try:
            asked = Asked.model_validate_json((directory / _ASKED).read_text(encoding='utf-8'))
        except OSError:
            raise UsageError(f'{directory} holds no comparison: it has no {_ASKED}') from None
        except ValueError as error:
            raise UsageError(f'cannot read {directory / _ASKED}: {error}') from error
        return cls(directory), asked

    def append(self, row: Row) -> None:
        """Write one row so that a kill right after this call does not lose it."""
        path = self.directory / _ROWS
        torn = path.exists() and path.stat().st_size > 0 and path.read_bytes()[-1:] != b'\n'
        with path.open('ab') as stream:
            stream.write(b'\n' * torn + row.model_dump_json().encode() + b'\n')
            stream.flush()
            os.fsync(stream.fileno())

    def rows(self) -> list[Row]:
        """Return the rows written so far; a torn line is left out."""
        path = self.directory / _ROWS
        if not path.exists():
            return []
        found = []
        for line in path.read_text(encoding='utf-8', errors='replace').split('\n'):
            try:
                found.append(Row.model_validate_json(line))
            except ValueError:
                continue
        return found
