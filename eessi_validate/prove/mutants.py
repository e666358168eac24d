"""The catalogue of mutants: what is done to the software, and where it can be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from eessi_validate.prove.numbers import FACTOR_OF_ONE_FILE, spoil, values
from eessi_validate.prove.observation import Observation
from eessi_validate.prove.programs import Program
from eessi_validate.prove.recording import Change, first_half, nothing, outputs

#: Printed by the stub: what programs say when all is well, in the words of many of them.
SUCCESS = (
    'All tests passed\nJOB DONE.\nFinished mdrun on rank 0\nTotal wall time: 0:00:01\n'
    'Performance: 166.731 0.144\nExecutionTime = 0.02 s  ClockTime = 0 s\nPASSED\nSUCCESS\nEnd\n'
)

#: Name of the mutant that is wrong in all numbers at once.
PERTURBED = 'perturbed numbers'

#: At most so many outputs are spoiled one by one, the largest first.
MOST_FILES = 4


@dataclass(frozen=True)
class Mutant:
    """One way in which the software is wrong, and that a test must see."""

    name: str
    description: str
    #: What the stand-ins of the programs do, see ``agent.py``; empty runs the programs themselves.
    orders: dict[str, Any] = field(default_factory=dict, hash=False)
    #: Outputs that are changed when the sound run is played back, and how.
    names: tuple[str, ...] = ()
    change: Change | None = None
    #: Paths below the root of the stack that are not there.
    removed: tuple[str, ...] = ()
    #: Play the sound run back with its own nonce; otherwise every run draws another.
    same_nonce: bool = False
    #: Give the run only a little more time than the sound one took.
    hurry: bool = False
    #: Told to the author, but no part of the score: a file may hold numbers that are no results.
    advisory: bool = False

    @property
    def plays_back(self) -> bool:
        """True if no program of the software runs."""
        return self.orders.get('mode') == 'replay'


@dataclass(frozen=True)
class Inapplicable:
    """A mutant that cannot be made of this software and test."""

    name: str
    description: str
    reason: str


#: Not a mutant: the sound run played back unchanged, with its own nonce, must pass.
CONTROL = Mutant(
    'control', 'the sound run played back with its own nonce', {'mode': 'replay'}, same_nonce=True
)


def catalogue(
    observation: Observation, programs: Sequence[Program], root: Path
) -> tuple[Mutant | Inapplicable, ...]:
    """Return all mutants of the software that a test runs, and those that cannot be made.

    :arg programs: those that the job starts.
    :arg root: root of the stack.
    """
    played_back = 'the programs play an earlier, sound run back'
    return (
        *_stubs(),
        *_faults(observation),
        *_wrong_outputs(observation),
        *_missing_files(observation, programs, root),
        Mutant('recorded output', played_back, {'mode': 'replay'}),
    )


def _stubs() -> Iterator[Mutant]:
    yield Mutant(
        'silent stub', 'every program does nothing and ends with status 0',
        {'mode': 'stub', 'text': ''},
    )  # fmt: skip
    yield Mutant(
        'stub that prints success', 'every program prints words of success and ends with status 0',
        {'mode': 'stub', 'text': SUCCESS},
    )  # fmt: skip


def _faults(observation: Observation) -> Iterator[Mutant | Inapplicable]:
    last = observation.calls[-1]
    for fault, name, what in (
        ('crash', 'crash after the result', 'dies of SIGSEGV when its work is done'),
        ('status', 'non-zero exit after success', 'ends with status 3 when its work is done'),
    ):
        yield Mutant(
            name, f'`{last.command}` {what}',
            {'mode': 'live', 'fault': fault, 'call': last.number},
        )  # fmt: skip
    name, what = 'fewer ranks', 'the launcher starts one rank'
    asked = max((_ranks(call.arguments) for call in observation.calls if _launches(call.program)),
                default=0)  # fmt: skip
    if asked > 1:
        yield Mutant(name, f'{what} instead of {asked}', {'mode': 'live', 'fault': 'fewer_ranks'})
    elif asked:
        yield Inapplicable(name, what, 'the case has one rank: choose a larger --scale')
    else:
        yield Inapplicable(name, what, 'no launcher of the stack starts anything in this case')
    yield Mutant(
        'slowed down', f'`{last.command}` takes longer than its time limit',
        {'mode': 'live', 'fault': 'slow', 'call': last.number}, hurry=True,
    )  # fmt: skip


def _launches(program: str) -> bool:
    return Program(program).launches


def _ranks(arguments: Sequence[str]) -> int:
    for word, following in pairwise(arguments):
        if word in ('-np', '-n', '--np', '-c') and following.isdigit():
            return int(following)
    return 1


def echoes_of(observation: Observation) -> frozenset[str]:
    """Return the numbers and digests that the programs were given: no results."""
    arguments = [word.encode() for call in observation.calls for word in call.arguments]
    return values([*observation.inputs, *arguments])


def _wrong_outputs(observation: Observation) -> Iterator[Mutant | Inapplicable]:
    """Spoil everything at once, then each file that the test reads."""
    echoes = echoes_of(observation)

    def spoiled(content: bytes) -> bytes:
        return spoil(content, echoes, whole=True)[0]

    def spoiled_more(content: bytes) -> bytes:
        return spoil(content, echoes, FACTOR_OF_ONE_FILE, whole=True)[0]

    def results(name: str) -> int:
        return sum(spoil(content, echoes, whole=True)[1] for content in outputs(observation, name))

    # Also what the test does not read: that is what a weak test overlooks.
    everything = observation.written
    for kind, what, change in (
        (PERTURBED, 'every result is off by 1 %, every digest altered', spoiled),
        ('truncated output', 'the second half is missing', first_half),
        ('missing output', 'is not written', nothing),
    ):
        if not everything:
            yield Inapplicable(kind, what, 'the programs write nothing')
            continue
        numbers = {name: results(name) for name in everything} if change is spoiled else {}
        if change is spoiled and not any(numbers.values()):
            yield Inapplicable(kind, what, 'nothing that the programs write is a number or digest')
            continue
        yield edited(kind, f'all that the programs write: {what}', everything, change)
        if len(everything) > 1:
            # A file that was empty is as right when it is cut or not there.
            filled = [n for n in observation.named_evidence if any(outputs(observation, n))]
            named = [n for n in filled if numbers.get(n, 1)]
            for name in named[:MOST_FILES]:
                if change is spoiled:
                    what, change = 'every result is off by 10 %, every digest altered', spoiled_more
                one = edited(f'{kind}: {name}', f'{name}: {what}', (name,), change)
                yield replace(one, advisory=change is spoiled_more)


def edited(name: str, description: str, names: tuple[str, ...], change: Change) -> Mutant:
    """Return the mutant that plays the sound run back with changes in some of its outputs."""
    return Mutant(name, description, {'mode': 'replay'}, names, change, same_nonce=True)


def _missing_files(
    observation: Observation, programs: Sequence[Program], root: Path
) -> Iterator[Mutant | Inapplicable]:
    started = [p.relative for p in programs if not p.launches] or [p.relative for p in programs]
    names = ', '.join(Program(path).name for path in started)
    yield Mutant('missing program', f'{names}: not there', {'mode': 'live'}, removed=tuple(started))
    name, what = 'missing data files', 'data files of the installation are not there'
    data = [str(path.relative_to(root)) for path in observation.data]
    if data:
        shown = ', '.join(path.rpartition('/')[2] for path in data[:3])
        more = f' and {len(data) - 3} more' if len(data) > 3 else ''
        yield Mutant(name, f'{shown}{more}: not there', removed=tuple(data))
    else:
        why = 'the run opened none in the installation under test'
        common = 'the run opened none but those that every session of the compat layer opens'
        yield Inapplicable(name, what, common if observation.common_data else why)
    name, what = 'missing library', 'a shared library of the installation is not there'
    if observation.libraries:
        largest = max(observation.libraries, key=lambda path: path.stat().st_size)
        yield Mutant(name, f'{largest.name}: not there', removed=(str(largest.relative_to(root)),))
    else:
        yield Inapplicable(name, what, 'the run opened none in the installation under test')
