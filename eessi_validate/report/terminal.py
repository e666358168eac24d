"""Terminal form: verdict, counters, matrix, then only the rows that need action.

Every state is a word; colour only repeats it. Reads well at 80 columns and without a terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eessi_validate.report.cases import Row, Rows, rows_of
from eessi_validate.report.excerpt import last_lines, one_line
from eessi_validate.report.matrix import Cell, Line, Matrix, matrix_of, worst_first
from eessi_validate.report.wording import (
    COUNTERS,
    STANDING_WORDS,
    evidence_words,
    gate_words,
    plural,
    reason_words,
)
from eessi_validate.results.model import Excuse, Report

#: Longer matrices show only the modules that are not a stable pass on every target.
_MATRIX_LINES = 30
_ROWS_SHOWN = 20

#: Columns that a module needs at least, and those that a CPU target takes with its padding.
_MODULE_WIDTH = 26
_TARGET_WIDTH = 18

_STYLES = {
    'ACCEPT': 'bold green',
    'ACCEPT_WAIVED': 'bold yellow',
    'REJECT': 'bold red',
    'HOLD': 'bold magenta',
    'pass': 'green',
    'known': 'yellow',
    'fail': 'bold red',
    'error': 'bold red',
    'aborted': 'bold red',
    'missing': 'bold red',
    'unplanned': 'bold red',
    'skip': 'bold magenta',
    'held': 'bold magenta',
}


def print_report(report: Report, console: Console | None = None) -> None:
    """Print the report; without a console, to standard output."""
    console = console or Console(highlight=False)
    rows = rows_of(report)
    _head(console, report)
    _matrix(console, matrix_of(report, rows))
    excuses = [e for e in report.judgement.excuses if e.effect != 'note']
    # An excuse for one case is told with that case, below.
    _excuses(console, [e for e in excuses if not e.cases])
    _rows(console, rows, {key: e.release for e in excuses for key in e.cases})


def render_terminal(report: Report, width: int = 80) -> str:
    """The terminal form as plain text."""
    stream = StringIO()
    console = Console(
        file=stream, width=width, color_system=None, force_terminal=False, highlight=False
    )
    print_report(report, console)
    return '\n'.join(line.rstrip() for line in stream.getvalue().splitlines()) + '\n'


def _head(console: Console, report: Report) -> None:
    subject, judgement, run = report.subject, report.judgement, report.run
    verdict = judgement.verdict.value
    what = f'{report.gate.tarball} for' if report.gate else subject.kind
    name = one_line(f'{what} {subject.repository} {subject.release}')
    console.print(Text.assemble((verdict, _STYLES[verdict]), f'  {name}'))
    if subject.digest:
        console.print(Text(one_line(subject.digest)), soft_wrap=True)
    console.print(Text(one_line(judgement.summary, 1000)))
    counted = report.counters.model_dump()
    console.print(Text(', '.join(f'{words} {counted[field]}' for field, words, _ in COUNTERS)))
    for label, words in gate_words(report.gate) if report.gate else ():
        _line(console, f'{label}: {one_line(words, 300)}')
    if run.interrupted:
        _line(console, 'The run was interrupted before it ended.', 'bold red')
    for label, entries in (
        ('Problem', run.problems),
        ('Result that nobody planned', run.unplanned),
    ):
        for entry in entries[:10]:
            _line(console, f'{label}: {one_line(entry)}', 'bold red')
        if len(entries) > 10:
            _line(console, f'{label}: {len(entries) - 10} more')


def _matrix(console: Console, matrix: Matrix) -> None:
    console.print()
    if not matrix.lines:
        _line(console, 'No case was planned. Nothing to run is never a pass.', 'bold red')
        console.print()
        return
    lines: Sequence[Line] = matrix.lines
    if len(lines) > _MATRIX_LINES:
        lines = [line for line in lines if not line.quiet]
    quiet = len(matrix.lines) - len(lines)
    shown = worst_first(lines)[:_MATRIX_LINES] if len(lines) > _MATRIX_LINES else lines

    across = max(1, (console.width - _MODULE_WIDTH) // _TARGET_WIDTH)
    for first in range(0, len(matrix.cpu_targets) if shown else 0, across):
        part = slice(first, first + across)
        room = console.width - _TARGET_WIDTH * len(matrix.cpu_targets[part])
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
        table.add_column('module', overflow='fold', min_width=16)
        for target in matrix.cpu_targets[part]:
            table.add_column(_broken_at_slash(target, _TARGET_WIDTH), overflow='fold')
        for line in shown:
            table.add_row(_broken_at_slash(line.subject, room), *map(_cell, line.cells[part]))
        console.print(table)
        console.print()
    if len(shown) < len(lines):
        left_out = plural(len(lines) - len(shown), 'more module')
        _line(console, f'... {left_out} with cases that are not a pass in report.html')
    if quiet:
        _line(console, f'{plural(quiet, "more module")} passed wherever planned.')
    if quiet or len(shown) < len(lines):
        console.print()


def _broken_at_slash(name: str, room: int) -> Text:
    """A name on two lines when it is too long for its column: ``x86_64/``, ``intel/haswell``."""
    name = one_line(name, 100)
    return Text(name if len(name) < room - 2 else name.replace('/', '/\n  ', 1))


def _cell(cell: Cell) -> Text:
    if not cell.rows:
        return Text(cell.words, 'dim')
    evidence = '' if cell.evidence == 'no evidence' else f'\n{cell.evidence}'
    words = cell.words.replace(cell.state, _shout(cell.worst), 1) if cell.worst else cell.words
    return Text.assemble((words, _STYLES[cell.state]), evidence)


def _shout(row: Row | None) -> str:
    """Words that need action are in capitals: seen at once, also without colour."""
    if row is None:
        return ''
    return row.state.upper() if row.needs_action else row.state


def _excuses(console: Console, excuses: Sequence[Excuse]) -> None:
    if not excuses:
        return
    _line(console, f'{plural(len(excuses), "excuse")}: why, and what would release it', 'bold')
    for excuse in excuses[:_ROWS_SHOWN]:
        target = f' @{excuse.cpu_target}' if excuse.cpu_target else ''
        _line(
            console,
            f'{excuse.effect.upper()} ' + one_line(f'{excuse.subject}{target} ({excuse.check})'),
        )
        _line(console, f'  {one_line(excuse.reason)}')
        if excuse.release:
            _line(console, f'  release: {one_line(excuse.release)}')
    if len(excuses) > _ROWS_SHOWN:
        _line(console, f'... {len(excuses) - _ROWS_SHOWN} more in report.html and report.json')
    console.print()


def _rows(console: Console, rows: Rows, releases: Mapping[str, str]) -> None:
    if not rows.action:
        _line(console, 'No case needs action.' if rows.all else 'There is no case.')
        return
    _line(console, f'{plural(len(rows.action), "case")} to look at', 'bold')
    for row in rows.action[:_ROWS_SHOWN]:
        console.print()
        _row(console, row, releases.get(row.case.full_key, ''))
    if len(rows.action) > _ROWS_SHOWN:
        left_out = len(rows.action) - _ROWS_SHOWN
        console.print()
        _line(console, f'... {plural(left_out, "more case")} in report.html and report.json')


def _row(console: Console, row: Row, release: str) -> None:
    result = row.result
    identity = one_line(f'{row.case.id.test} {row.subject} @{row.case.id.cpu_target} %{row.scale}')
    console.print(Text.assemble((_shout(row), _STYLES[row.state]), f' {identity}'))
    _line(console, f'  {STANDING_WORDS[row.standing]}, {evidence_words(result)}')
    _line(console, f'  {one_line(reason_words(result))}')
    for name, text in (('stdout', result.stdout_tail), ('stderr', result.stderr_tail)):
        excerpt = last_lines(text, 8, 1200)
        for line in excerpt.text.splitlines() if excerpt else ():
            console.print(Text(f'    {name} | {line}'), soft_wrap=True)
    if release:
        _line(console, f'  release: {one_line(release)}')
    if result.command:
        console.print(Text(f'  reproduce: {one_line(result.command, 2000)}'), soft_wrap=True)


def _line(console: Console, words: str, style: str = '') -> None:
    """One paragraph; lines that follow the first keep its indent."""
    indent = len(words) - len(words.lstrip())
    wrapped = Text(words[indent:], style).wrap(console, max(20, console.width - indent))
    for line in wrapped:
        console.print(Text(' ' * indent) + line)
