"""Shows a run while it goes on: a live line on a terminal, one plain line per case elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from eessi_validate.results.model import CaseResult, Outcome, PlannedCase

_MARKS = {
    Outcome.PASS: ('ok', 'green'),
    Outcome.FAIL: ('FAIL', 'bold red'),
    Outcome.ERROR: ('ERROR', 'bold red'),
    Outcome.SKIP: ('skip', 'yellow'),
    Outcome.MISSING: ('MISSING', 'bold red'),
    Outcome.ABORTED: ('stopped', 'yellow'),
}


class ConsoleProgress:
    """Prints each result as it arrives, and under it how the run goes."""

    def __init__(self, total: int, directory: Path, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._total = total
        self._started_at = time.monotonic()
        self._running: dict[str, float] = {}
        self._done = self._failed = 0
        self._live: Live | None = None
        self._console.print(f'{total} case(s) planned; results in {directory}')
        if self._console.is_terminal and total:
            self._live = Live(
                get_renderable=self._line,
                console=self._console,
                refresh_per_second=4,
                transient=True,
            )
            self._live.start()

    def started(self, case: PlannedCase) -> None:
        """Note that a case runs now."""
        self._running[case.full_key] = time.monotonic()

    def finished(self, result: CaseResult) -> None:
        """Print the result of a case."""
        self._running.pop(result.case.full_key, None)
        self._done += 1
        self._total = max(self._total, self._done)
        self._failed += result.outcome is not Outcome.PASS
        mark, style = _MARKS[result.outcome]
        line = Text(f'[{self._done}/{self._total}] ')
        line.append(f'{mark:<7} ', style=style).append(result.case.full_key)
        if result.seconds is not None:
            line.append(f'  {result.seconds:.1f} s', style='dim')
        if result.reason:
            line.append(f'\n        {result.reason}')
        self._console.print(line)

    def close(self) -> None:
        """End the live line."""
        if self._live:
            self._live.stop()
            self._live = None

    def _line(self) -> Text:
        elapsed = time.monotonic() - self._started_at
        text = f'{self._done}/{self._total} done, {len(self._running)} running, '
        text += f'{self._failed} not passed, {elapsed:.0f} s'
        if self._done:
            expected = elapsed / self._done * self._total
            text += f' of about {expected:.0f} s'
        return Text(text, style='dim')


class QuietProgress:
    """Shows nothing."""

    def __init__(self, total: int, directory: Path) -> None:
        del total, directory

    def started(self, case: PlannedCase) -> None:
        """Show nothing."""

    def finished(self, result: CaseResult) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


def progress_for(*, quiet: bool) -> type[ConsoleProgress] | type[QuietProgress]:
    """Return the observer for this run."""
    return QuietProgress if quiet or sys.stderr is None else ConsoleProgress
