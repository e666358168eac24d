"""``report.md``: for a pull request; always below 60,000 bytes, whatever the input.

GitHub cuts a comment at 65,536 characters. What does not fit is left out whole and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from eessi_validate.report.cases import Row, Rows, rows_of
from eessi_validate.report.excerpt import last_lines
from eessi_validate.report.markdown_text import code, fence, fits, prose
from eessi_validate.report.matrix import Cell, Line, matrix_of, worst_first
from eessi_validate.report.wording import (
    COUNTERS,
    MARKS,
    STANDING_WORDS,
    VERDICT_MARKS,
    duration_words,
    evidence_words,
    gate_words,
    metric_words,
    plural,
    reason_words,
)
from eessi_validate.results.model import Excuse, NotPlanned, Report

#: Bytes that the whole report may take, and shares of its sections (their sum is below it).
LIMIT = 60_000
_MATRIX, _EXCUSES, _CASES, _KNOWN, _PASSED, _NOT_PLANNED = (
    12_000,
    9_000,
    20_000,
    4_000,
    5_000,
    3_000,
)
_TARGETS_SHOWN = 12


def render_markdown(report: Report) -> str:
    """The report as GitHub-flavoured Markdown."""
    rows = rows_of(report)
    sections = [
        _head(report),
        _problems(report),
        _matrix(report, rows),
        _excuses('Needs action', [e for e in report.judgement.excuses if e.effect != 'note']),
        _cases(rows.action),
        _excuses('Notes', [e for e in report.judgement.excuses if e.effect == 'note'], _KNOWN),
        _folded('Known failures', 'case', rows.known, _known_line, _KNOWN),
        _folded('Passed', 'case', rows.passed, _passed_line, _PASSED),
        _folded('Not planned', 'entry', report.plan.not_planned, _not_planned_line, _NOT_PLANNED),
        _foot(report),
    ]
    return '\n\n'.join(section for section in sections if section) + '\n'


def _head(report: Report) -> str:
    subject, judgement = report.subject, report.judgement
    verdict = judgement.verdict
    counted = report.counters.model_dump()
    lines = [
        f'## {VERDICT_MARKS[verdict]} {verdict.value}',
        prose(judgement.summary, 1000),
        f'**{subject.kind.capitalize()}** {code(subject.repository)} {code(subject.release)}'
        f' · digest {code(subject.digest)}'
        + (f' · {prose(subject.description)}' if subject.description else ''),
        ' · '.join(f'{label}: {prose(words, 300)}' for label, words in gate_words(report.gate))
        if report.gate
        else '',
        _row([words for _, words, _ in COUNTERS])
        + '\n'
        + _row(['--:'] * len(COUNTERS))
        + '\n'
        + _row([f'{counted[name]:,}' for name, _, _ in COUNTERS]),
    ]
    return '\n\n'.join(line for line in lines if line)


def _problems(report: Report) -> str:
    run = report.run
    lines = ['- The run was interrupted before it ended.'] if run.interrupted else []
    lines += [f'- Problem: {prose(problem)}' for problem in run.problems[:10]]
    lines += [f'- Result that nobody planned: {code(name)}' for name in run.unplanned[:10]]
    hidden = max(0, len(run.problems) - 10) + max(0, len(run.unplanned) - 10)
    if hidden:
        lines.append(f'- … {hidden:,} more left out.')
    return '\n'.join(['**This run cannot be trusted as it is:**', '', *lines]) if lines else ''


def _matrix(report: Report, rows: Rows) -> str:
    matrix = matrix_of(report, rows)
    if not matrix.lines:
        return '### Modules and CPU targets\n\nNo case was planned. Nothing to run is never a pass.'
    targets = matrix.cpu_targets[:_TARGETS_SHOWN]
    head = [
        _row(['module', *(code(target, 60) for target in targets)]),
        _row(['---'] * (len(targets) + 1)),
    ]
    body = [_matrix_line(line, len(targets)) for line in worst_first(matrix.lines)]
    shown = fits(body, _MATRIX)
    notes = []
    if shown < len(body):
        notes.append(f'{plural(len(body) - shown, "module")} left out')
    if len(targets) < len(matrix.cpu_targets):
        notes.append(f'{plural(len(matrix.cpu_targets) - len(targets), "CPU target")} left out')
    table = '\n'.join(['### Modules and CPU targets', '', *head, *body[:shown]])
    return table + (f'\n\n… {", ".join(notes)}; all are in `report.html`.' if notes else '')


def _matrix_line(line: Line, targets: int) -> str:
    return _row([code(line.subject, 100), *map(_cell, line.cells[:targets])])


def _cell(cell: Cell) -> str:
    if not cell.rows:
        return cell.words
    strong = f'**{cell.words}**' if cell.worst and cell.worst.needs_action else cell.words
    return f'{cell.mark} {strong} · {cell.evidence}'


def _excuses(title: str, excuses: Sequence[Excuse], budget: int = _EXCUSES) -> str:
    if not excuses:
        return ''
    blocks = [
        f'- **{excuse.effect}** {code(excuse.subject)}'
        + (f' on {code(excuse.cpu_target)}' if excuse.cpu_target else '')
        + f' ({prose(excuse.check, 100)}): {prose(excuse.reason)}'
        + (f'\n  Release: {prose(excuse.release)}' if excuse.release else '')
        for excuse in excuses
    ]
    shown = fits(blocks, budget)
    if shown < len(blocks):
        blocks[shown:] = [_left_out(len(blocks) - shown, 'entry')]
    return '\n'.join([f'### {title}', '', *blocks])


def _cases(rows: Sequence[Row]) -> str:
    if not rows:
        return ''
    # No more than a few hundred can fit, however many there are.
    blocks = [_case(row) for row in islice(rows, 500)]
    shown = fits(blocks, _CASES)
    parts = [f'### {plural(len(rows), "case")} to look at', *blocks[:shown]]
    if shown < len(rows):
        parts.append(_left_out(len(rows) - shown, 'case'))
    return '\n\n'.join(parts)


def _case(row: Row) -> str:
    result = row.result
    facts = [
        f'**{MARKS[row.state]} {row.state}**',
        code(row.subject),
        f'on {code(row.case.id.cpu_target)}',
        code(f'{row.case.id.test} %{row.scale}'),
        f'({STANDING_WORDS[row.standing]}, {evidence_words(result)})',
    ]
    parts = [' '.join(facts) + '\n' + (prose(reason_words(result)) or MARKS[row.state])]
    details = []
    for name, text in (
        ('standard output', result.stdout_tail),
        ('standard error', result.stderr_tail),
    ):
        if excerpt := last_lines(text, 12, 1500):
            details.append(f'Last lines of {name}:\n\n{fence(excerpt, "text")}')
    if result.command:
        details.append(f'Reproduce:\n\n{fence(last_lines(result.command, 10, 1500), "bash")}')
    if details:
        inner = '\n\n'.join(details)
        parts.append(f'<details><summary>output and command</summary>\n\n{inner}\n\n</details>')
    return '\n\n'.join(parts)


def _known_line(row: Row) -> str:
    return (
        f'- {code(row.subject)} on {code(row.case.id.cpu_target)} {code(row.case.id.test)}: '
        f'{prose(reason_words(row.result))}'
    )


def _passed_line(row: Row) -> str:
    result = row.result
    metrics = '; '.join(prose(f'{m.name} {metric_words(m)}', 150) for m in result.metrics[:4])
    more = f'; {len(result.metrics) - 4} more' if len(result.metrics) > 4 else ''
    flaky = f', flaky: {plural(len(result.attempts), "attempt")}' if result.flaky else ''
    return (
        f'- {code(row.subject)} on {code(row.case.id.cpu_target)} '
        f'{code(f"{row.case.id.test} %{row.scale}")} ({evidence_words(result)}{flaky})'
        + (f': {metrics}{more}' if metrics else '')
    )


def _not_planned_line(entry: NotPlanned) -> str:
    target = f' on {code(entry.cpu_target)}' if entry.cpu_target else ''
    return f'- {code(entry.subject)}{target}: {prose(entry.reason)}'


def _folded(
    title: str, noun: str, entries: Sequence[object], line: Callable[..., str], budget: int
) -> str:
    """A closed section of one line per entry."""
    if not entries:
        return ''
    lines = [line(entry) for entry in islice(entries, 500)]
    shown = fits(lines, budget)
    body = lines[:shown]
    if shown < len(entries):
        body.append(_left_out(len(entries) - shown, noun))
    inner = '\n'.join(body)
    count = f'{len(entries):,}'
    return f'<details><summary>{title}: {count}</summary>\n\n{inner}\n\n</details>'


def _foot(report: Report) -> str:
    run = report.run
    versions = ', '.join(f'{name} {version}' for name, version in sorted(run.versions.items()))
    facts = [
        f'Run {code(run.id)} with nonce {code(run.nonce)}',
        f'started {prose(run.started, 60)}',
        f'took {duration_words(run.seconds)}',
        f'on {code(run.host.hostname)} ({prose(run.host.cpu_model, 100)})',
        f'policy {code(report.judgement.policy)}',
        prose(versions, 300),
    ]
    return f'---\n{" · ".join(fact for fact in facts if fact)}'


def _left_out(count: int, noun: str) -> str:
    many = 'entries' if noun == 'entry' else ''
    return f'- … {plural(count, noun, many)} left out here; see `report.html` and `report.json`.'


def _row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'
