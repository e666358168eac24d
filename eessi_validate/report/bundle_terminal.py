"""A bundle's report for a terminal: verdict, what needs action, and in what the targets differ."""

from __future__ import annotations

from collections.abc import Iterator

from eessi_validate.report.bundle_wording import (
    TARBALL_HEADS,
    absent_targets,
    base_words,
    concern_reasons,
    counted_words,
    tarball_cells,
)
from eessi_validate.report.excerpt import one_line
from eessi_validate.report.wording import plural
from eessi_validate.results.bundle import BundleReport, Concern

_SHOWN = 20
_NAMES = 6


def render_bundle_terminal(report: BundleReport) -> str:
    """The terminal form as plain text; every state is a word."""
    return '\n'.join(_lines(report)) + '\n'


def _lines(report: BundleReport) -> Iterator[str]:
    yield one_line(f'{report.verdict.value}  bundle {report.repository} {report.release}')
    yield one_line(report.summary, 1000)
    yield counted_words(report)
    yield ''
    yield from _table(report)
    action = [each for each in report.concerns if each.effect != 'note']
    notes = [each for each in report.concerns if each.effect == 'note']
    if action:
        yield ''
        yield f'{plural(len(action), "concern")}: why, and what would release it'
        for concern in action[:_SHOWN]:
            yield from _concern(concern, len(report.verdicts))
        if len(action) > _SHOWN:
            yield f'... {len(action) - _SHOWN} more in bundle.json'
    if report.against_base:
        yield ''
        yield 'against the base'
    total = len({each.target for each in report.tarballs})
    for change in sorted(report.against_base, key=lambda each: -len(each.targets))[:_SHOWN]:
        names = ', '.join(change.modules[:_NAMES])
        more = f' and {len(change.modules) - _NAMES} more' if len(change.modules) > _NAMES else ''
        yield one_line(f'  {base_words(change, total)}: {names}{more}', 300)
    if notes:
        yield ''
        yield f'{plural(len(notes), "note")} in bundle.json'
    for waiver in report.unused_waivers[:_SHOWN]:
        yield one_line(f'waiver {waiver}')


def _table(report: BundleReport) -> Iterator[str]:
    rows = [TARBALL_HEADS, *(tarball_cells(report, each) for each in report.tarballs)]
    rows += [(target, 'no tarball', *[''] * 5) for target in absent_targets(report)]
    shown = [[one_line(cell, 60) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = [
            cell.rjust(width) if 2 <= place <= 5 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield '  '.join(cells).rstrip()


def _concern(concern: Concern, total: int) -> Iterator[str]:
    yield one_line(f'{concern.effect.upper()} {concern.check} {concern.subject}'.rstrip())
    reasons = list(concern_reasons(concern, total))
    for reason in reasons[:_NAMES]:
        yield f'  {one_line(reason)}'
    if len(reasons) > _NAMES:
        yield f'  ... {len(reasons) - _NAMES} more'
    if concern.release:
        yield f'  release: {one_line(concern.release)}'
