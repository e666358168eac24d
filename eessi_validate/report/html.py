"""``report.html``: one self-contained page that opens from disk, without network or JavaScript.

First screen: verdict, subject and digest; counters; the module x CPU-target matrix; then only what
needs action (after britney's excuses and openQA's overview).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from eessi_validate.report import wording
from eessi_validate.report.cases import Row, Rows, rows_of
from eessi_validate.report.excerpt import Excerpt, first_lines, last_lines, one_line, printable
from eessi_validate.report.matrix import Cell, matrix_of
from eessi_validate.results.model import Excuse, Report, Standing

TEMPLATES = Path(__file__).parent / 'templates'

#: Bytes of output and job scripts in one page; the cases that follow are shown in one line each.
_ACTION_BYTES = 1_500_000
_KNOWN_BYTES = 300_000
#: Longer matrices fold away the modules that are a stable pass wherever they were planned.
_MATRIX_LINES = 40
_METRICS_SHOWN = 8
_EXCUSES_SHOWN = 1000


@dataclass(frozen=True)
class Detail:
    """A case that needs a reader: its texts cut to size, and the excuses about it."""

    row: Row
    stdout: Excerpt
    stderr: Excerpt
    job_script: Excerpt
    command: str
    directory: str
    excuses: tuple[Excuse, ...]

    @property
    def size(self) -> int:
        texts = (self.stdout.text, self.stderr.text, self.job_script.text, self.command)
        return sum(len(escape(text).encode('utf-8')) for text in texts)


@dataclass(frozen=True)
class Counter:
    """A number of the second line; ``filter`` is '' where no cases on the page stand for it."""

    field: str
    words: str
    count: int
    filter: str


def render_html(report: Report) -> str:
    """The report as one HTML page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {'line': one_line, 'printable': printable, 'folder': folder_link}
    environment.filters['breakable'] = breakable
    rows = rows_of(report)
    matrix = matrix_of(report, rows)
    fold = len(matrix.lines) > _MATRIX_LINES
    loud = [line for line in matrix.lines if not (fold and line.quiet)]
    quiet = [line for line in matrix.lines if fold and line.quiet]
    style, script = _asset('report.css'), _asset('report.js')
    details, compact = _details(report, rows.action, _ACTION_BYTES)
    known, known_compact = _details(report, rows.known, _KNOWN_BYTES)
    return environment.get_template('report.html.j2').render(
        report=report,
        words=wording,
        verdict_mark=wording.VERDICT_MARKS[report.judgement.verdict],
        counters=_counters(report, rows),
        matrix=matrix,
        loud=loud,
        quiet=quiet,
        rows=rows,
        details=details,
        compact=compact,
        known=known,
        known_compact=known_compact,
        to_release=[e for e in report.judgement.excuses if e.effect != 'note'],
        notes=[e for e in report.judgement.excuses if e.effect == 'note'],
        excuses_shown=_EXCUSES_SHOWN,
        metrics_shown=_METRICS_SHOWN,
        anchors={row.case.full_key: row.anchor for row in reversed(rows.all)},
        states=_states(rows),
        row_tags=_row_tags,
        cell_tags=_cell_tags,
        style=style,
        script=script,
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def folder_link(directory: str) -> str:
    """Relative link to a case's folder; '' unless it stays a path relative to the report."""
    if not directory or directory.startswith('/') or '\\' in directory:
        return ''
    return './' + quote(printable(directory).strip('/')) + '/'


def breakable(name: str) -> Markup:
    """One line that may be broken after each slash and underscore, and stays searchable."""
    return Markup(str(escape(one_line(name))).replace('/', '/<wbr>').replace('_', '_<wbr>'))


def _counters(report: Report, rows: Rows) -> list[Counter]:
    counted = report.counters.model_dump()
    tags = {tag for row in rows.all for tag in _row_tags(row).split()}

    def filter_of(field: str, standing: Standing | None) -> str:
        if field == 'planned':
            return 'all'
        tag = standing.value if standing else field
        return tag if tag in tags else ''

    return [
        Counter(field, words, counted[field], filter_of(field, standing))
        for field, words, standing in wording.COUNTERS
    ]


def _row_tags(row: Row) -> str:
    """What the counters filter by: the standing, and ``flaky``."""
    standing = row.standing.value if row.standing and row.planned else 'not_judged'
    return f'{standing} flaky' if row.result.flaky else standing


def _cell_tags(cell: Cell) -> str:
    return ' '.join(dict.fromkeys(tag for row in cell.rows for tag in _row_tags(row).split()))


def _details(report: Report, rows: Sequence[Row], room: int) -> tuple[list[Detail], list[Row]]:
    """Rows shown in full while there is room, and those that get one line."""
    about: dict[str, list[Excuse]] = {}
    for excuse in report.judgement.excuses:
        for key in excuse.cases:
            about.setdefault(key, []).append(excuse)
    details: list[Detail] = []
    for row in rows:
        detail = _detail(row, about.get(row.case.full_key, ()))
        room -= detail.size + 1000
        if room < 0:
            break
        details.append(detail)
    return details, list(rows[len(details) :])


def _detail(row: Row, excuses: Iterable[Excuse]) -> Detail:
    result = row.result
    return Detail(
        row=row,
        stdout=last_lines(result.stdout_tail),
        stderr=last_lines(result.stderr_tail),
        job_script=first_lines(result.job_script),
        command=printable(result.command)[:4000],
        directory=one_line(result.directory),
        excuses=tuple(excuses)[:5],
    )


def _states(rows: Rows) -> list[str]:
    """States that occur, in the order of the legend."""
    present = {row.state for row in rows.all}
    return [state for state in wording.MARKS if state in present]


def _asset(name: str) -> Markup:
    """Style or script of this package, put into the page as it is."""
    return Markup((TEMPLATES / name).read_text(encoding='utf-8'))


def _digest(text: str) -> str:
    """Source expression of a Content-Security-Policy: only these bytes may act in the page."""
    return 'sha256-' + base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode()
