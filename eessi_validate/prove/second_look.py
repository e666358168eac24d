"""What a test is asked that overlooked perturbed numbers: those that repeat, without measurements.

No test can be asked to see that a time is off by 1 %, as times are. It is asked for the numbers
that sound runs of one nonce agree on. Where there is none, it must at least refuse what can never
be: every number has the other sign. So no test is excused that looks at no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eessi_validate.prove.agreement import AGREEMENT, disagreements
from eessi_validate.prove.mutants import Mutant, echoes_of, edited
from eessi_validate.prove.numbers import OTHER_SIGN, is_echo, spoil, tokens
from eessi_validate.prove.observation import Observation
from eessi_validate.prove.recording import outputs, pieces

#: Further sound runs of the same nonce that are compared with the watched one.
REPETITIONS = 2

REPEATING, IMPOSSIBLE = 'perturbed numbers that repeat', 'impossible numbers'


@dataclass(frozen=True)
class SecondLook:
    """The mutants in the place of perturbed numbers, and what the author must know."""

    mutants: tuple[Mutant, ...]
    note: str


def second_look(observation: Observation, again: Sequence[Observation]) -> SecondLook | None:
    """Return what is asked instead, or None if the sound runs agree on every number.

    :arg observation: the watched run, whose recording is spoiled.
    :arg again: watched runs of the same nonce.
    """
    echoes, measured = echoes_of(observation), _measurements(observation, again)
    written = [text for name in observation.written for text in outputs(observation, name)]

    def repeating(text: bytes) -> bytes:
        return spoil(text, echoes, whole=True, kept=measured.get(text, frozenset()))[0]

    def impossible(text: bytes) -> bytes:
        places = measured.get(text, frozenset())
        kept = {token.start for token in tokens(text)} - places
        return spoil(text, echoes, OTHER_SIGN, whole=True, kept=kept)[0]

    vary = sum(
        token.start in measured.get(text, ()) and not is_echo(token, echoes)
        for text in written
        for token in tokens(text)
    )
    if not vary:
        return None
    repeat = sum(
        spoil(text, echoes, whole=True, kept=measured.get(text, frozenset()))[1] for text in written
    )
    first = edited(
        REPEATING,
        f'all that the programs write: {repeat} results that sound runs agree on are off by 1 %, '
        f'or altered; {vary} numbers that they do not agree on stay',
        observation.written, repeating,
    )  # fmt: skip
    second = edited(
        IMPOSSIBLE,
        f'all that the programs write: {vary} numbers that sound runs do not agree on have the '
        'other sign',
        observation.written, impossible,
    )  # fmt: skip
    note = (
        f'this test does not see that every number is off by 1 %. {1 + len(again)} sound runs of '
        f'one nonce differ by more than {100 * AGREEMENT:g} % in {vary} numbers, such as times and '
        'rates, which no test can judge so'
    )
    if repeat:
        note += f'; it is asked for the {repeat} others instead'
        return SecondLook((first, replace(second, advisory=True)), note)
    note += '. There are no others: IT PROVES NOTHING OF ANY NUMBER but that impossible ones fail'
    return SecondLook((second,), note)


def _measurements(
    observation: Observation, again: Sequence[Observation]
) -> dict[bytes, frozenset[int]]:
    """Return where the numbers stand that the runs do not agree on, by text."""
    stage = observation.calls[0].stage
    others = [pieces(other, stage) for other in again]
    found: dict[bytes, frozenset[int]] = {}
    for key, text in pieces(observation, stage).items():
        if all(key in other for other in others):
            places = disagreements(text, [other[key] for other in others])
            found[text] = found.get(text, places) & places
    return found
