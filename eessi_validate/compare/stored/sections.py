"""A comparison as titled tables of text, which every presenter shows in its own form."""

from __future__ import annotations

import math
from dataclasses import dataclass

from eessi_validate.compare.stored.model import Drift, Effect, SpeedRow, StoredComparison

#: Whether rows of a section are the reader's first concern.
_HEADINGS = {
    Effect.WORSE: 'Worse',
    Effect.UNKNOWN: 'Not known',
    Effect.BETTER: 'Better',
    Effect.SAME: 'As before, and not passing',
}

_ANSWERS = {0: 'nothing is worse', 1: 'something is worse', 75: 'not known'}


@dataclass(frozen=True)
class Section:
    """One table, or lines of text where there are no columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ''


def headline(report: StoredComparison) -> str:
    """Return the answer in one line."""
    counted = ', '.join(f'{n} {name}' for name, n in sorted(report.counts.items()))
    answer = _ANSWERS[report.exit_code]
    return f'{report.before} -> {report.after}: {answer}. Cases: {counted or "none"}.'


def sections(report: StoredComparison) -> list[Section]:
    """Return the tables that have rows, the most important first."""
    found = [Section('Problems', (), tuple((p,) for p in report.problems))]
    for effect, title in _HEADINGS.items():
        found.append(
            Section(
                title,
                ('transition', 'case', 'system', 'before', 'after', 'detail'),
                tuple(
                    (c.transition.value, c.case, c.system, c.before, c.after, c.detail)
                    for c in report.changes
                    if c.effect is effect
                ),
            )
        )
    found.append(
        Section(
            'Whose fault',
            ('fault', 'case', 'evidence'),
            tuple((b.fault.value, b.case, b.evidence) for b in report.blames),
            'By the results after alone.',
        )
    )
    found.append(
        Section(
            'Truths that moved',
            ('case', 'metric', 'before', 'after', 'may move', 'judgement'),
            tuple(_drift(d) for d in report.drifts),
        )
    )
    screened = sum(report.speed_counts.values())
    counted = ', '.join(f'{n} {name}' for name, n in sorted(report.speed_counts.items()))
    found.append(
        Section(
            'Performance (screening)',
            ('suspicion', 'case', 'system', 'metric', 'after / before', 'sessions', 'reason'),
            tuple(_speed(r) for r in report.speed),
            f'{screened} metrics: {counted}. Stored runs of different times can only be suspect; '
            'eessi-validate ab measures.'
            if screened
            else '',
        )
    )
    found.append(
        Section(
            'Missing after',
            ('what', 'CPU target', 'reason', 'explained'),
            tuple((m.subject, m.cpu_target, m.reason, m.explained) for m in report.parity),
        )
    )
    found.append(Section('Notes', (), tuple((n,) for n in report.notes)))
    found.append(
        Section(
            'Rows',
            ('row', 'count'),
            tuple(
                (name, str(count))
                for whole in report.accounting.values()
                for name, count in [
                    *((n, c) for n, c in whole.parts.items() if c),
                    ('read', whole.rows),
                ]
            ),
            '' if all(a.complete for a in report.accounting.values()) else 'ROWS ARE MISSING',
        )
    )
    return [section for section in found if section.rows or section.note]


def _drift(drift: Drift) -> tuple[str, ...]:
    may = f'{drift.tolerance:.4g} ({drift.basis})' if drift.beyond else f'not known: {drift.basis}'
    unit = f' {drift.unit}' if drift.unit else ''
    judgement = 'beyond' if drift.beyond else 'differs'
    before, after = f'{drift.before:.10g}{unit}', f'{drift.after:.10g}{unit}'
    return drift.case, drift.metric, before, after, may, judgement


def _speed(row: SpeedRow) -> tuple[str, ...]:
    ratio = '' if math.isnan(row.ratio) else f'{row.ratio:.3f}'
    if not math.isnan(row.lower):
        ratio += f' ({row.lower:.3f} to {row.upper:.3f})'
    metric = f'{row.metric} ({row.unit})' if row.unit else row.metric
    sessions = f'{row.sessions[0]}, {row.sessions[1]}'
    return row.suspicion, row.case, row.system, metric, ratio, sessions, row.reason
