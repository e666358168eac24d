"""``bundle.md``: for the analysis slot of a staging pull request; always below 60,000 bytes.

An overview of differences, against the base and between targets: what is the same everywhere is
one line. What does not fit is left out whole and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from eessi_validate.report.bundle_wording import (
    TARBALL_HEADS,
    absent_targets,
    base_words,
    concern_reasons,
    counted_words,
    tarball_cells,
)
from eessi_validate.report.markdown_text import code, fits, prose
from eessi_validate.report.wording import VERDICT_MARKS, plural
from eessi_validate.results.bundle import AgainstBase, BundleReport, Concern

#: Bytes that the whole report may take, and shares of its sections (their sum is below it).
LIMIT = 60_000
_TABLE, _ACTION, _BASE, _NOTES, _WAIVERS, _ENTRY = 12_000, 20_000, 12_000, 6_000, 3_000, 3_000
_ROWS = 500


def render_bundle_markdown(report: BundleReport) -> str:
    """The report as GitHub-flavoured Markdown."""
    action = [each for each in report.concerns if each.effect != 'note']
    notes = [each for each in report.concerns if each.effect == 'note']
    sections = [
        _head(report),
        _concerns('Needs action', action, report, _ACTION),
        _table(report),
        _against_base(report),
        _folded('Notes', _blocks(notes, report), _NOTES),
        _folded('Waivers that did nothing', [f'- {prose(w)}' for w in report.unused_waivers],
                _WAIVERS),
        _foot(report),
    ]  # fmt: skip
    return '\n\n'.join(section for section in sections if section) + '\n'


def _head(report: BundleReport) -> str:
    lines = [
        f'## {VERDICT_MARKS[report.verdict]} {report.verdict.value}',
        prose(report.summary, 1000),
        f'**Bundle** {code(report.repository)} {code(report.release)} · {counted_words(report)}',
    ]
    return '\n\n'.join(lines)


def _blocks(concerns: Sequence[Concern], report: BundleReport) -> list[str]:
    # No more than a few hundred can fit, however many there are.
    return [_concern(each, len(report.verdicts)) for each in islice(concerns, _ROWS)]


def _concern(concern: Concern, total: int) -> str:
    subject = f' {code(concern.subject)}' if concern.subject else ''
    reasons = [f'  - {prose(reason)}' for reason in concern_reasons(concern, total)]
    shown = fits(reasons, _ENTRY)
    if shown < len(reasons):
        reasons[shown:] = [f'  - … {len(reasons) - shown:,} more']
    release = f' Release: {prose(concern.release)}' if concern.release else ''
    head = f'- **{concern.effect}** {code(concern.check)}{subject}.{release}'
    return '\n'.join([head, *reasons])


def _concerns(title: str, concerns: Sequence[Concern], report: BundleReport, budget: int) -> str:
    if not concerns:
        return ''
    blocks = _blocks(concerns, report)
    shown = fits(blocks, budget)
    parts = [f'### {title}', '', *blocks[:shown]]
    if shown < len(concerns):
        parts.append(f'- … {len(concerns) - shown:,} more are in `bundle.json`.')
    return '\n'.join(parts)


def _table(report: BundleReport) -> str:
    rows = [
        _row([code(cells[0], 80), *cells[1:-1], prose(cells[-1], 80)])
        for cells in (tarball_cells(report, each) for each in islice(report.tarballs, _ROWS))
    ]
    rows += [
        _row([code(target, 80), '**no tarball**', '', '', '', '', ''])
        for target in islice(absent_targets(report), _ROWS)
    ]
    shown = fits(rows, _TABLE)
    head = [_row(list(TARBALL_HEADS)), _row(['---'] * 2 + ['--:'] * 4 + ['---'])]
    table = '\n'.join(['### Targets', '', *head, *rows[:shown]])
    left = len(report.tarballs) + len(absent_targets(report)) - shown
    return table + (f'\n\n… {left:,} more are in `bundle.json`.' if left else '')


def _against_base(report: BundleReport) -> str:
    if not report.against_base:
        return ''
    total = len({each.target for each in report.tarballs})
    ordered = sorted(report.against_base, key=lambda each: -len(each.targets))
    blocks = [_change(each, total) for each in islice(ordered, _ROWS)]
    shown = fits(blocks, _BASE)
    parts = ['### Against the base', '', *blocks[:shown]]
    if shown < len(ordered):
        parts.append(f'- … {len(ordered) - shown:,} more are in `bundle.json`.')
    return '\n'.join(parts)


def _change(change: AgainstBase, total: int) -> str:
    names = [code(name, 120) for name in islice(change.modules, 200)]
    shown = fits(names, _ENTRY)
    more = f' and {len(change.modules) - shown:,} more' if shown < len(change.modules) else ''
    words = prose(base_words(change, total))
    return f'- {words}: {plural(len(change.modules), "module")}: {", ".join(names[:shown])}{more}'


def _folded(title: str, blocks: Sequence[str], budget: int) -> str:
    if not blocks:
        return ''
    shown = fits(blocks, budget)
    body = list(blocks[:shown])
    if shown < len(blocks):
        body.append(f'- … {len(blocks) - shown:,} more are in `bundle.json`.')
    inner = '\n'.join(body)
    return f'<details><summary>{title}: {len(blocks):,}</summary>\n\n{inner}\n\n</details>'


def _foot(report: BundleReport) -> str:
    versions = ', '.join(f'{name} {version}' for name, version in sorted(report.versions.items()))
    facts = [
        f'Decided on {report.decided} for {code(report.context)}',
        f'policy {code(report.policy)}',
        f'bundle digest {code(report.digest)}',
        prose(versions, 300),
        'nothing was extracted or run here',
    ]
    return f'---\n{" · ".join(fact for fact in facts if fact)}'


def _row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'
