"""A comparison as terminal text, Markdown, HTML and JSON."""

from __future__ import annotations

import dataclasses
import html
import json
import math
from enum import Enum
from typing import Any

from eessi_validate.compare.stored.model import StoredComparison
from eessi_validate.compare.stored.sections import Section, headline, sections

#: Rows of a table that a terminal and a comment on a pull request get; JSON and HTML have all.
MOST_ROWS = 50

JSON_VERSION = '1'

_STYLE = (
    'body{font:15px/1.4 system-ui,sans-serif;margin:2rem;max-width:90rem}'
    'table{border-collapse:collapse;margin:.5rem 0 1.5rem}'
    'td,th{border:1px solid #bbb;padding:.2rem .5rem;text-align:left;vertical-align:top}'
    '@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}'
)


def render_terminal(report: StoredComparison) -> str:
    """Return plain text."""
    lines = [_clean(headline(report))]
    for section in sections(report):
        lines += ['', section.title]
        if section.note:
            lines.append(f'  {section.note}')
        if not section.columns:
            lines += [f'  {_clean(row[0])}' for row in section.rows[:MOST_ROWS]]
        else:
            lines += _aligned(section)
        lines += _more(section, '  ')
    return '\n'.join(lines) + '\n'


def render_markdown(report: StoredComparison) -> str:
    """Return Markdown for a comment: text of others cannot break out of it."""
    # Brings the whole room of reports and its templates: 0.1 s that a JSON answer need not pay.
    from eessi_validate.report.markdown_text import prose

    lines = [f'**{prose(headline(report))}**', '']
    for section in sections(report):
        lines += [f'### {section.title}', '']
        if section.note:
            lines += [prose(section.note), '']
        if section.columns and section.rows:
            lines += [
                '| ' + ' | '.join(section.columns) + ' |',
                '|' + '---|' * len(section.columns),
                *('| ' + ' | '.join(map(prose, r)) + ' |' for r in section.rows[:MOST_ROWS]),
            ]
        else:
            lines += [f'- {prose(row[0])}' for row in section.rows[:MOST_ROWS]]
        lines += [*_more(section, ''), '']
    return '\n'.join(lines)


def render_html(report: StoredComparison) -> str:
    """Return one self-contained page with every row."""
    parts = [
        '<!doctype html><html lang="en"><meta charset="utf-8">',
        f'<title>{_html(headline(report))}</title><style>{_STYLE}</style>',
        f'<h1>{_html(headline(report))}</h1>',
    ]
    for section in sections(report):
        parts.append(f'<h2>{_html(section.title)}</h2>')
        if section.note:
            parts.append(f'<p>{_html(section.note)}</p>')
        if section.columns and section.rows:
            head = ''.join(f'<th scope="col">{_html(c)}</th>' for c in section.columns)
            parts.append(f'<table><thead><tr>{head}</tr></thead><tbody>')
            for row in section.rows:
                parts.append('<tr>' + ''.join(f'<td>{_html(c)}</td>' for c in row) + '</tr>')
            parts.append('</tbody></table>')
        elif section.rows:
            items = ''.join(f'<li>{_html(row[0])}</li>' for row in section.rows)
            parts.append(f'<ul>{items}</ul>')
    return '\n'.join([*parts, '</html>', ''])


def render_json(report: StoredComparison) -> str:
    """Return JSON with sorted keys; a number that JSON cannot hold is null."""
    content = {
        'schema_version': JSON_VERSION,
        'exit_code': report.exit_code,
        **_plain(dataclasses.asdict(report)),
    }
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + '\n'


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case _:
            return value


def _clean(text: str) -> str:
    return ''.join(c if c.isprintable() else ' ' for c in text)


def _html(text: str) -> str:
    return html.escape(_clean(text))


def _more(section: Section, indent: str) -> list[str]:
    rest = len(section.rows) - MOST_ROWS
    return [f'{indent}... and {rest} more: see --json or --html'] if rest > 0 else []


def _aligned(section: Section) -> list[str]:
    used = [i for i, _ in enumerate(section.columns) if any(row[i] for row in section.rows)]
    rows = [section.columns, *section.rows[:MOST_ROWS]]
    cells = [[_clean(row[i]) for i in used] for row in rows] if used else []
    if not cells:
        return []
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        '  ' + '  '.join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
