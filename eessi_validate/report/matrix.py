"""The module x CPU-target matrix: rows grouped into cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from eessi_validate.report.cases import Row, Rows
from eessi_validate.report.wording import MARKS, SEVERITY, evidence_words
from eessi_validate.results.model import Outcome, Report


@dataclass(frozen=True)
class Cell:
    """All cases of one module on one CPU target; the worst of them gives the cell its state."""

    rows: tuple[Row, ...]
    #: Why there is no case here, when the plan says so.
    not_planned: str = ''

    @cached_property
    def worst(self) -> Row | None:
        return min(self.rows, key=_attention, default=None)

    @property
    def state(self) -> str:
        if self.worst:
            return self.worst.state
        return 'not-planned' if self.not_planned else 'none'

    @property
    def mark(self) -> str:
        return MARKS.get(self.state, '')

    @property
    def count(self) -> int:
        """Cases in the state that the cell shows."""
        return sum(row.state == self.state for row in self.rows)

    @property
    def flaky(self) -> int:
        return sum(row.result.flaky for row in self.rows)

    @property
    def words(self) -> str:
        """``pass``, ``fail 1 of 3``, ``not planned``, ``no case``."""
        if not self.rows:
            return 'not planned' if self.not_planned else 'no case'
        words = (
            self.state if len(self.rows) == 1 else f'{self.state} {self.count} of {len(self.rows)}'
        )
        return f'{words}, {self.flaky} flaky' if self.flaky else words

    @property
    def evidence(self) -> str:
        """Evidence grades of the cases in the shown state, e.g. ``native, static``."""
        shown = [row.result for row in self.rows if row.state == self.state]
        return ', '.join(dict.fromkeys(evidence_words(result) for result in shown))


@dataclass(frozen=True)
class Line:
    """One row of the matrix."""

    subject: str
    cells: tuple[Cell, ...]
    #: Names of the tests, in plan order.
    tests: tuple[str, ...]

    @property
    def quiet(self) -> bool:
        """True when every case of the module is a stable pass."""
        return all(cell.state == 'pass' and not cell.flaky for cell in self.cells if cell.rows)


@dataclass(frozen=True)
class Matrix:
    """Modules down, CPU targets across."""

    cpu_targets: tuple[str, ...]
    lines: tuple[Line, ...]


def matrix_of(report: Report, rows: Rows) -> Matrix:
    """Group rows by module and CPU target; targets of the subject come first."""
    targets = tuple(
        dict.fromkeys([*report.subject.cpu_targets, *(row.case.id.cpu_target for row in rows.all)])
    )
    in_plan_order = {case.full_key: place for place, case in enumerate(report.plan.cases)}
    ordered = sorted(
        rows.all, key=lambda row: in_plan_order.get(row.case.full_key, len(in_plan_order))
    )
    grouped: dict[str, dict[str, list[Row]]] = {}
    for row in ordered:
        cells = grouped.setdefault(row.subject, {})
        cells.setdefault(row.case.id.cpu_target, []).append(row)
    reasons = {(n.subject, n.cpu_target): n.reason for n in report.plan.not_planned}

    def line(subject: str, cells: dict[str, list[Row]]) -> Line:
        return Line(
            subject,
            tuple(
                Cell(
                    tuple(cells.get(target, ())),
                    reasons.get((subject, target)) or reasons.get((subject, ''), ''),
                )
                for target in targets
            ),
            tuple(dict.fromkeys(row.case.id.test for part in cells.values() for row in part)),
        )

    return Matrix(targets, tuple(line(subject, cells) for subject, cells in grouped.items()))


def worst_first(lines: Sequence[Line]) -> list[Line]:
    """Lines that need action before the others; otherwise the order stays."""
    return sorted(lines, key=lambda line: min(map(_cell_attention, line.cells), default=99))


def _attention(row: Row) -> int:
    if row.needs_action:
        return SEVERITY.index(row.result.outcome)
    return len(SEVERITY) + (row.result.outcome is Outcome.PASS) + (not row.result.flaky)


def _cell_attention(cell: Cell) -> int:
    return _attention(cell.worst) if cell.worst else 99
