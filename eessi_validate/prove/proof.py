"""What a proof is made of: the fate of each mutant, and the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eessi_validate.prove.killer import TEST
from eessi_validate.prove.mutants import Inapplicable

Fate = Literal['killed', 'survived', 'undecided']


@dataclass(frozen=True)
class MutantResult:
    """What became of one mutant."""

    name: str
    description: str
    #: ``killed``: the test failed; ``survived``: it passed; ``undecided``: it gave no answer.
    fate: Fate
    #: The reason that the test gave, or why there is no answer.
    reason: str
    seconds: float
    #: No part of the score: the file may hold numbers that are no results.
    advisory: bool = False
    #: Who has seen it, see :mod:`eessi_validate.prove.killer`; '' if nobody has.
    killed_by: str = ''


@dataclass(frozen=True)
class Proof:
    """The mutation score of one test, and all it stands on."""

    test: str
    case: str
    stack: str
    release: str
    #: Nonce of the sound run.
    nonce: str
    #: Programs of the software that were replaced, below the root of the stack.
    programs: tuple[str, ...]
    #: What the programs wrote and the test read.
    evidence: tuple[str, ...]
    results: tuple[MutantResult, ...]
    inapplicable: tuple[Inapplicable, ...]
    directory: str
    seconds: float
    #: What the author must know besides the score.
    notes: tuple[str, ...] = ()

    @property
    def scored(self) -> tuple[MutantResult, ...]:
        """The mutants that count."""
        return tuple(result for result in self.results if not result.advisory)

    @property
    def killed(self) -> int:
        """Number of mutants that count and that the test has seen."""
        return sum(result.fate == 'killed' for result in self.scored)

    @property
    def killed_by_driver(self) -> int:
        """Number of those that the driver has seen for the test."""
        return sum(result.killed_by not in ('', TEST) for result in self.scored)

    @property
    def score(self) -> float:
        """Killed mutants as a fraction of those that could be made."""
        return self.killed / len(self.scored) if self.scored else 0.0

    @property
    def complete(self) -> bool:
        """True if every mutant was killed."""
        return bool(self.scored) and self.killed == len(self.scored)


class Watcher:
    """Is told how it goes; shows nothing."""

    def phase(self, text: str) -> None:
        """Something that is no mutant has begun or ended."""

    def started(self, name: str) -> None:
        """A mutant runs now."""

    def finished(self, result: MutantResult | Inapplicable, done: int, total: int) -> None:
        """A mutant has its fate."""
