"""Presenters of a comparison; they compute nothing."""

from __future__ import annotations

from collections.abc import Sequence

from eessi_validate.compare.ab.model import AbReport, MetricRow
from eessi_validate.report.markdown_text import code, prose

_HEADER = ('metric', 'after / before', '95 % interval', 'n', 'spread', 'finds', 'p', 'q', 'verdict')


def render_json(report: AbReport) -> str:
    """Return the whole report as JSON."""
    return report.model_dump_json(indent=1) + '\n'


def render_terminal(report: AbReport) -> str:
    """Return the report as plain text."""
    lines = [f'{report.state.upper()}  {report.summary}', *_facts(report)]
    for case in report.cases:
        lines += ['', case.case, f'  {case.reason}', *([f'  {case.duet}'] if case.duet else [])]
        rows = [row for row in report.metrics if row.case == case.case]
        if rows:
            lines += _table([_HEADER, *map(_cells, rows)])
        for row in rows:
            lines.append(f'  {row.metric}: {row.verdict} {row.reason}{_needs(row)}')
            lines += [f'    not used: {text}' for text in row.rejected]
            lines += [f'    {text}' for text in _self_check(row)]
    lines += [f'not compared: {text}' for text in report.left_out]
    return '\n'.join(lines) + '\n'


def render_markdown(report: AbReport) -> str:
    """Return the report as GitHub Markdown."""
    lines = [f'## {report.state}: {prose(report.summary)}', '']
    lines += [f'- {prose(line)}' for line in _facts(report)]
    for case in report.cases:
        lines += ['', f'### {code(case.case)}', '', prose(case.reason)]
        lines += ['', prose(case.duet)] if case.duet else []
        rows = [row for row in report.metrics if row.case == case.case]
        if rows:
            lines += ['', '| ' + ' | '.join(_HEADER) + ' |', '|---' * len(_HEADER) + '|']
            lines += [
                '| ' + ' | '.join([code(row.metric), *map(prose, _cells(row)[1:])]) + ' |'
                for row in rows
            ]
            lines.append('')
        for row in rows:
            lines.append(f'- {code(row.metric)}: {row.verdict} {prose(row.reason + _needs(row))}')
            lines += [f'  - not used: {prose(text)}' for text in row.rejected]
            lines += [f'  - {prose(text)}' for text in _self_check(row)]
    if report.left_out:
        lines += ['', *(f'- not compared: {prose(text)}' for text in report.left_out)]
    return '\n'.join(lines) + '\n'


def _facts(report: AbReport) -> list[str]:
    asked = report.asked
    host = asked.host
    rows = ', '.join(f'{count} {phase}' for phase, count in report.rows_by_phase.items()) or 'none'
    facts = [
        f'before {asked.before["label"]}{_variables(asked.before)},'
        f' after {asked.after["label"]}{_variables(asked.after)}',
        f'interleaved on {host.hostname}, {host.cpu_model}, {host.cpus} CPUs,'
        f' load {host.load_before} before; seed {asked.seed}',
        f'practical delta {asked.practical_delta:.1%}; of all differences claimed, at most'
        f' {asked.alpha:.0%} are expected to be none; {report.rows} runs: {rows}',
    ]
    return [*facts, 'stopped early: go on with --resume'] if report.interrupted else facts


def _variables(side: dict[str, object]) -> str:
    values = side.get('variables')
    if not isinstance(values, dict) or not values:
        return ''
    return ' (' + ', '.join(f'{name} = {value}' for name, value in values.items()) + ')'


def _cells(row: MetricRow) -> tuple[str, ...]:
    name = f'{row.metric} ({row.unit}, {row.direction} is better)'
    if row.ratio is None or row.spread is None or row.detectable is None:
        return (name, '-', '-', str(row.n), '-', '-', '-', '-', row.verdict)
    return (
        name,
        f'{row.ratio:.4f}',
        f'{row.lower:.4f} to {row.upper:.4f}',
        str(row.n),
        f'{row.spread:.2%}',
        f'{row.detectable:.2%}',
        _probability(row.p),
        _probability(row.q),
        row.verdict,
    )


def _probability(value: float | None) -> str:
    if value is None:
        return '-'
    return f'{value:.4f}' if value >= 0.0001 else f'{value:.1e}'


def _needs(row: MetricRow) -> str:
    return f'; {row.needs}' if row.needs else ''


def _self_check(row: MetricRow) -> list[str]:
    if row.self_noise is None or row.self_spread is None:
        return []
    text = (
        f'A/A, {row.self_check_pairs} pairs: single runs vary by {row.self_noise:.2%}, pairs by'
        f' {row.self_spread:.2%}, autocorrelation {row.self_autocorrelation or 0:.2f}'
    )
    return [text, row.self_problem] if row.self_problem else [text]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        '  ' + '  '.join(c.ljust(w) for c, w in zip(r, widths, strict=True)).rstrip() for r in rows
    ]
