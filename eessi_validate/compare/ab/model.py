"""What a comparison says, for every presenter."""

from __future__ import annotations

from typing import Literal

from eessi_validate.compare.ab.journal import Asked
from eessi_validate.results.model import Record

#: Exit codes and overall states, worst first.
State = Literal['slower', 'undecided', 'not slower']


class MetricRow(Record):
    """One metric of one case."""

    case: str
    metric: str
    unit: str
    direction: Literal['higher', 'lower']
    verdict: Literal['slower', 'faster', 'equivalent', 'inconclusive']
    reason: str
    #: "needs n = ..." of an inconclusive verdict; '' otherwise.
    needs: str = ''
    #: Usable pairs, and rows that were not used, each with its reason.
    n: int
    rejected: tuple[str, ...] = ()
    #: After / before with its interval; None for fewer than six pairs.
    ratio: float | None = None
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None
    spread: float | None = None
    detectable: float | None = None
    p: float | None = None
    q: float | None = None
    #: A/A pairs before: noise of single runs, spread of their pairs, autocorrelation.
    self_check_pairs: int = 0
    self_noise: float | None = None
    self_spread: float | None = None
    self_autocorrelation: float | None = None
    self_problem: str = ''


class CaseRow(Record):
    """How the measurement of one case went."""

    case: str
    pairs: int
    #: Pairs at which was looked; the last is the most that was planned.
    looks: tuple[int, ...]
    done: bool
    #: Why it ended, or what is left.
    reason: str
    failed: int
    #: Whether both sides ran at once, and why or why not; '' if nobody asked.
    duet: str = ''


class AbReport(Record):
    """A whole comparison."""

    state: State
    summary: str
    asked: Asked
    interrupted: bool
    metrics: tuple[MetricRow, ...]
    cases: tuple[CaseRow, ...]
    #: What is not compared, and why.
    left_out: tuple[str, ...]
    #: Rows in the journal and where they went: the counts add up.
    rows: int
    rows_by_phase: dict[str, int]
