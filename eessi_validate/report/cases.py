"""Rows of a report: one for every planned case, so that none can be absent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from eessi_validate.report.wording import SEVERITY
from eessi_validate.results.model import CaseResult, Outcome, PlannedCase, Report, Standing


@dataclass(frozen=True)
class Row:
    """A result, where policy put it, and the anchor under which a page shows it."""

    result: CaseResult
    standing: Standing | None
    anchor: str
    planned: bool = True

    @property
    def case(self) -> PlannedCase:
        return self.result.case

    @property
    def subject(self) -> str:
        """The module, or the software itself for checks that need no module."""
        return row_subject(self.case)

    @property
    def scale(self) -> str:
        """Scale, and which repetition of the case: ``1_node``, ``1_node #2``."""
        repetition = self.case.repetition
        return f'{self.case.id.scale} #{repetition + 1}' if repetition else self.case.id.scale

    @cached_property
    def needs_action(self) -> bool:
        """True for all but passes and waived cases; an unjudged failure needs action."""
        if not self.planned:
            return True
        if self.standing in (None, Standing.PASSED):
            return self.result.outcome is not Outcome.PASS
        return self.standing is not Standing.KNOWN

    @cached_property
    def state(self) -> str:
        """The outcome, or ``known``, ``held`` or ``unplanned``: key into the marks."""
        if not self.planned:
            return 'unplanned'
        if self.result.outcome is Outcome.PASS:
            return 'held' if self.needs_action else 'pass'
        return self.result.outcome.value if self.needs_action else 'known'


@dataclass(frozen=True)
class Rows:
    """Rows sorted into the sections of a report; each row is in exactly one."""

    action: tuple[Row, ...]
    known: tuple[Row, ...]
    passed: tuple[Row, ...]

    @property
    def all(self) -> tuple[Row, ...]:
        return self.action + self.known + self.passed


def row_subject(case: PlannedCase) -> str:
    return case.module or f'{case.id.software}/{case.id.version}'


def rows_of(report: Report) -> Rows:
    """Join plan and run: planned cases in plan order, then results that nobody planned.

    A planned case without a result becomes a row with outcome ``MISSING``.
    """
    by_key: dict[str, list[CaseResult]] = {}
    for result in report.run.results:
        by_key.setdefault(result.case.full_key, []).append(result)

    standings = report.judgement.standings
    rows: list[Row] = []
    for case in report.plan.cases:
        key = case.full_key
        results = by_key.pop(key, None) or [CaseResult(case=case, outcome=Outcome.MISSING)]
        rows += [
            Row(result, standings.get(key), _anchor(key, turn))
            for turn, result in enumerate(results)
        ]
    for key, results in by_key.items():
        rows += [
            Row(result, standings.get(key), _anchor(key, turn), planned=False)
            for turn, result in enumerate(results)
        ]

    action = [row for row in rows if row.needs_action]
    action.sort(key=lambda row: SEVERITY.index(row.result.outcome))
    return Rows(
        action=tuple(action),
        known=tuple(row for row in rows if row.state == 'known'),
        passed=tuple(
            row for row in rows if not row.needs_action and row.result.outcome is Outcome.PASS
        ),
    )


def _anchor(key: str, turn: int) -> str:
    """Anchor that stays the same from run to run, so that links to it keep working."""
    digest = hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:12]
    return f'case-{digest}-{turn + 1}' if turn else f'case-{digest}'
