"""What a comparison of stored results says; presenters only read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Transition(str, Enum):
    """What became of a case."""

    STILL_PASSES = 'still passes'
    NEW_FAILURE = 'new failure'
    FIXED = 'fixed'
    SAME_FAILURE = 'same failure'
    DIFFERENT_FAILURE = 'different failure'
    APPEARED = 'appeared'
    APPEARED_FAILING = 'appeared, and fails'
    APPEARED_UNJUDGED = 'appeared, without being judged'
    VANISHED = 'vanished'
    SKIPPED = 'skipped now'
    STILL_SKIPPED = 'still skipped'
    FLAKY = 'flaky'
    LOST_RESULT = 'no result any more'
    STILL_NO_RESULT = 'still no result'
    RESULT_AGAIN = 'has a result again'


class Effect(str, Enum):
    """What a row means for the exit code."""

    WORSE = 'worse'
    UNKNOWN = 'not known'
    BETTER = 'better'
    SAME = 'same'


#: A vanished test is as loud as a failed one, and so is one that is skipped now.
EFFECTS = {
    Transition.STILL_PASSES: Effect.SAME,
    Transition.NEW_FAILURE: Effect.WORSE,
    Transition.FIXED: Effect.BETTER,
    Transition.SAME_FAILURE: Effect.SAME,
    Transition.DIFFERENT_FAILURE: Effect.WORSE,
    Transition.APPEARED: Effect.BETTER,
    Transition.APPEARED_FAILING: Effect.WORSE,
    Transition.APPEARED_UNJUDGED: Effect.UNKNOWN,
    Transition.VANISHED: Effect.WORSE,
    Transition.SKIPPED: Effect.WORSE,
    Transition.STILL_SKIPPED: Effect.SAME,
    Transition.FLAKY: Effect.UNKNOWN,
    Transition.LOST_RESULT: Effect.UNKNOWN,
    Transition.STILL_NO_RESULT: Effect.UNKNOWN,
    Transition.RESULT_AGAIN: Effect.BETTER,
}


class Fault(str, Enum):
    """Whose fault a failure is."""

    STACK = 'stack defect'
    SITE = 'site defect'
    INFRASTRUCTURE = 'infrastructure'
    FLAKINESS = 'flakiness'
    UNDECIDED = 'cannot be told'


@dataclass(frozen=True)
class Change:
    """One case that does not simply pass on both sides."""

    case: str
    system: str
    transition: Transition
    effect: Effect
    #: Passes and judged runs (passes and failures) of each side; other runs beside them.
    before: str
    after: str
    detail: str = ''


@dataclass(frozen=True)
class Blame:
    """Whose fault the failures of one case are, by side B alone."""

    case: str
    fault: Fault
    evidence: str


@dataclass(frozen=True)
class Drift:
    """A number that is a truth and has moved."""

    case: str
    metric: str
    before: float
    after: float
    unit: str
    tolerance: float
    #: Where the tolerance comes from.
    basis: str
    #: Beyond a tolerance that is known; otherwise it differs, and nobody said how much it may.
    beyond: bool


@dataclass(frozen=True)
class SpeedRow:
    """One metric of performance, screened."""

    case: str
    system: str
    metric: str
    unit: str
    suspicion: str
    reason: str
    ratio: float
    lower: float
    upper: float
    sessions: tuple[int, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Missing:
    """What side A has working and side B has not."""

    subject: str
    cpu_target: str
    reason: str
    explained: str = ''


@dataclass(frozen=True)
class Accounting:
    """Where every row went; the parts add up to the whole."""

    rows: int
    parts: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether no row is unaccounted for."""
        return sum(self.parts.values()) == self.rows


@dataclass(frozen=True)
class StoredComparison:
    """The whole comparison."""

    before: str
    after: str
    #: Cases joined, by transition.
    counts: dict[str, int]
    changes: tuple[Change, ...]
    blames: tuple[Blame, ...]
    drifts: tuple[Drift, ...]
    #: Suspects and what could not be screened.
    speed: tuple[SpeedRow, ...]
    #: Metrics screened, by suspicion.
    speed_counts: dict[str, int]
    parity: tuple[Missing, ...]
    accounting: dict[str, Accounting]
    #: What makes the answer incomplete: unreadable files, conflicting ids, an empty side.
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    label: str = 'screening'

    @property
    def exit_code(self) -> int:
        """1 if anything is worse, 75 if something is not known, else 0."""
        if any(change.effect is Effect.WORSE for change in self.changes):
            return 1
        if any(drift.beyond for drift in self.drifts):
            return 1
        unknown = any(change.effect is Effect.UNKNOWN for change in self.changes)
        suspect = self.settings.get('suspects') != 'allowed' and any(
            row.suspicion.startswith('suspect: slower')
            or row.suspicion in ('suspect: changed', 'cannot be screened')
            for row in self.speed
        )
        return 75 if unknown or suspect or self.problems else 0
