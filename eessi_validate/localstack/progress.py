"""Progress of a build on standard error: a bar with rates, or plain lines without a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

Advance = Callable[[float], None]


class Progress(Protocol):
    """What a build tells about itself."""

    def say(self, text: str) -> None:
        """One line."""

    def phase(self, name: str, total: float, unit: str = '') -> Any:
        """A context manager; gives a function that takes how much is done in all."""


class Silent:
    """Says nothing; keeps the seconds of each phase, as all kinds do."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def say(self, text: str) -> None:
        pass

    @contextmanager
    def phase(self, name: str, total: float, unit: str = '') -> Iterator[Advance]:
        start = time.monotonic()
        yield self._advance(name, total)
        spent = time.monotonic() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 2)
        self._done(name, total, unit, spent)

    def _advance(self, name: str, total: float) -> Advance:
        return lambda done: None

    def _done(self, name: str, total: float, unit: str, spent: float) -> None:
        pass


class Plain(Silent):
    """One line at the end of each phase, with the rate."""

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def _done(self, name: str, total: float, unit: str, spent: float) -> None:
        self.say(f'{name:<10} {spent:6.1f} s  {_amount(total, unit, spent)}'.rstrip())


class Bars(Plain):
    """A bar for the running phase (rich), then the line that Plain prints."""

    @contextmanager
    def phase(self, name: str, total: float, unit: str = '') -> Iterator[Advance]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TransferSpeedColumn,
        )
        from rich.progress import Progress as RichProgress

        bytes_ = (DownloadColumn(), TransferSpeedColumn())
        amount = bytes_ if unit == 'B' else (MofNCompleteColumn(),)
        columns = (TextColumn('{task.description:<10}'), BarColumn(), *amount, TimeElapsedColumn())
        start = time.monotonic()
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task(name, total=total or None)
            yield lambda done: bars.update(task, completed=done)
        spent = time.monotonic() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 2)
        self._done(name, total, unit, spent)


def _amount(total: float, unit: str, spent: float) -> str:
    if not total:
        return ''
    rate = total / max(spent, 0.001)
    if unit == 'B':
        return f'{total / 1e6:.0f} MB ({rate / 1e6:.0f} MB/s)'
    return f'{total:.0f} {unit} ({rate:.0f}/s)'


def for_terminal() -> Plain:
    """Bars where standard error is a terminal, plain lines elsewhere."""
    return Bars() if sys.stderr.isatty() else Plain()
