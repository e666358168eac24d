"""Proves one test: the sound software, a control, then every mutant; a score at the end."""

from __future__ import annotations

import concurrent.futures
import math
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.plan.planner import COMPAT_LAYER, DRIVER, NOWHERE
from eessi_validate.prove.killer import killer
from eessi_validate.prove.mutants import CONTROL, PERTURBED, Inapplicable, Mutant, catalogue
from eessi_validate.prove.observation import Observation, read_observation
from eessi_validate.prove.programs import Program, loaded_installations, programs_of
from eessi_validate.prove.proof import Fate, MutantResult, Proof, Watcher
from eessi_validate.prove.recording import spoiled_copy
from eessi_validate.prove.second_look import REPETITIONS, second_look
from eessi_validate.prove.trial import Stage, Trial, run_session, run_trial
from eessi_validate.results.model import CaseResult, Outcome, PlannedCase
from eessi_validate.run.prepare import Prepared, Request, prepare
from eessi_validate.run.session import stopping_on_signals
from eessi_validate.stack.scales import find_scale

#: Seconds that a run may take at least, and how many times the sound run's time.
_LEAST_SECONDS, _TIMES = 60, 10


class StoppedError(HoldError):
    """The user has stopped the proof."""


def prove(request: Request, directory: Path, watcher: Watcher, jobs: int = 0) -> Proof:
    """Run the test of ``request`` on the sound software and on all its mutants.

    :arg directory: fresh directory for everything that is written.
    :arg jobs: mutants that run at the same time; 0 chooses by the CPUs.
    :raises UsageError: if the request gives no case, or the directory lies in the stack.
    :raises HoldError: if the sound software does not pass, or nothing can be mutated here.
    """
    prepared = prepare(request)
    _expect_jobs_here(prepared)
    _expect_outside(directory, prepared.stack.root)
    case = _choose(prepared)
    stop = threading.Event()
    with stopping_on_signals(stop):
        return _Session(Stage(prepared, case, (), stop), directory, watcher, jobs).prove()


def provable_tests(request: Request) -> tuple[str, ...]:
    """Return the tests that have a case on the stack of ``request`` and can be run here."""
    prepared = prepare(request)
    _expect_jobs_here(prepared)
    cases = prepared.plan.cases
    names = dict.fromkeys(c.id.test for c in cases if c.partition not in (DRIVER, NOWHERE))
    if not names:
        raise UsageError(f'no test has a case on {request.stack}')
    return tuple(names)


def _expect_jobs_here(prepared: Prepared) -> None:
    elsewhere = [p for p in prepared.partitions if p.scheduler != 'local']
    if elsewhere:
        names = ', '.join(f'{p.name} ({p.scheduler})' for p in elsewhere)
        raise UsageError(
            f'a job of {names} does not see the changed software, which is in a view of this '
            'process alone: run prove within a job, with --system SYSTEM:PARTITION of a partition '
            'whose scheduler is local'
        )


def _expect_outside(directory: Path, root: Path) -> None:
    if directory.resolve() == root or root in directory.resolve().parents:
        raise UsageError(f'{directory} lies in the stack {root}: give another --out')
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f'{directory} is not empty: give another --out')


def _choose(prepared: Prepared) -> PlannedCase:
    """Return the last case of the smallest number of nodes: newest module, most ranks."""
    cases = [c for c in prepared.plan.cases if c.partition != DRIVER]
    if not cases:
        reasons = '; '.join(f'{n.subject}: {n.reason}' for n in prepared.plan.not_planned[:3])
        raise UsageError(f'no case of {prepared.request.tests[0]} here: {reasons or "no module"}')
    runnable = [c for c in cases if c.partition != NOWHERE]
    if not runnable:
        raise HoldError(f'{cases[0].full_key} cannot be executed here')
    fewest = min(find_scale(c.id.scale).nodes for c in runnable)
    return [c for c in runnable if find_scale(c.id.scale).nodes == fewest][-1]


class _Session:
    def __init__(self, stage: Stage, directory: Path, watcher: Watcher, jobs: int) -> None:
        self._stage = stage
        self._directory = directory
        self._watcher = watcher
        self._jobs = jobs or min(len(os.sched_getaffinity(0)), 8)
        self._nonce = secrets.token_hex(8)
        self._sound_seconds = 0.0

    def prove(self) -> Proof:
        began = time.monotonic()
        self._run_sound()
        observation = self._observe()
        found = catalogue(observation, self._stage.programs, self._stage.prepared.stack.root)
        mutants = [m for m in found if isinstance(m, Mutant)]
        self._watcher.phase(f'{len(mutants)} mutants, {len(found) - len(mutants)} inapplicable')
        broken = self._control(observation)
        fates = self._run_all(mutants, observation, broken)
        notes: tuple[str, ...] = ()
        if any(f.name == PERTURBED and _survived(f) for f in fates):
            fates, notes = self._look_again(observation, fates)
        inapplicable = [m for m in found if isinstance(m, Inapplicable)]
        inapplicable += [fate for fate in fates if isinstance(fate, Inapplicable)]
        return Proof(
            test=self._stage.case.id.test,
            case=self._stage.case.key,
            stack=str(self._stage.prepared.stack.root),
            release=self._stage.prepared.release.name,
            nonce=self._nonce,
            programs=tuple(p.relative for p in self._stage.programs),
            evidence=observation.evidence,
            results=tuple(fate for fate in fates if isinstance(fate, MutantResult)),
            inapplicable=tuple(inapplicable),
            directory=str(self._directory),
            seconds=round(time.monotonic() - began, 1),
            notes=notes,
        )

    # The sound software

    def _run_sound(self) -> None:
        """Run on the stack itself, and find the programs by the job script of that run."""
        self._watcher.phase(f'sound software: {self._stage.case.full_key}')
        trial = Trial(self._directory / 'sound', self._nonce, plain=True)
        result = self._expect_pass(trial, 'on the sound software')
        self._sound_seconds = result.seconds or 0.0
        programs = self._programs(result)
        if not programs:
            raise HoldError(
                f'the job of {self._stage.case.full_key} names no program of the stack in its '
                'script: there is nothing to mutate'
            )
        self._stage = replace(self._stage, programs=programs)

    @property
    def _compat(self) -> Path:
        family = self._stage.case.id.cpu_target.split('/')[0]
        return self._stage.prepared.release.compat(family)

    def _under_test(self) -> Path | None:
        """Return the directory whose files are those of the software: installation or layer."""
        if self._stage.case.id.software == COMPAT_LAYER:
            return self._compat.resolve()
        return next(iter(self._installations()), None)

    def _programs(self, result: CaseResult) -> tuple[Program, ...]:
        root = self._stage.prepared.stack.root
        return programs_of(result.job_script, root, self._installations(), self._compat)

    def _installations(self) -> list[Path]:
        """Return the installation under test, and those that its module loads."""
        prepared, case = self._stage.prepared, self._stage.case
        if case.id.software == COMPAT_LAYER:
            return []
        tree = next(t for t in prepared.trees if t.target.name == case.id.cpu_target)
        software = prepared.release.software(tree.directory) / 'software'
        return [p.resolve() for p in loaded_installations(software, case.module, tree.modules)]

    def _observe(self) -> Observation:
        """Run again with stand-ins that pass everything through, and see what is called."""
        installation = self._under_test()
        self._watcher.phase('watched: ' + ', '.join(p.relative for p in self._stage.programs))
        trial = Trial(
            self._directory / 'watched', self._nonce, self._limit(), {'mode': 'record'},
            watch=(installation,) if installation else (),
        )  # fmt: skip
        self._expect_pass(trial, 'while its programs are watched')
        observation = read_observation(trial.control, installation, self._common_files())
        if not observation.calls:
            raise HoldError('none of the programs in the job script was called: nothing to mutate')
        return observation

    def _common_files(self) -> frozenset[Path]:
        """Return the files of the compat layer that any session opens, such as those of its locale.

        The tests of its other groups see their loss; one that asks for something else need not.
        """
        start = self._compat / 'startprefix'
        if self._stage.case.id.software != COMPAT_LAYER or not start.exists():
            return frozenset()
        trial = Trial(self._directory / 'session', self._nonce, watch=(self._compat.resolve(),))
        return run_session(self._stage, trial, start)

    def _limit(self) -> int:
        return max(_LEAST_SECONDS, math.ceil(_TIMES * self._sound_seconds))

    def _expect_pass(self, trial: Trial, where: str) -> CaseResult:
        result = run_trial(self._stage, trial)
        self._expect_not_stopped()
        if result.outcome is not Outcome.PASS:
            raise HoldError(
                f'{self._stage.case.full_key} does not pass {where} '
                f'({result.outcome.value}: {result.reason}); see {trial.directory}'
            )
        return result

    def _expect_not_stopped(self) -> None:
        if self._stage.stop.is_set():
            raise StoppedError('stopped; the stack is as it was')

    def _control(self, observation: Observation) -> str:
        """Return why nothing can be learnt from playing back, '' if it can."""
        result = run_trial(self._stage, self._trial('control', CONTROL, observation))
        self._expect_not_stopped()
        if result.outcome is Outcome.PASS:
            return ''
        return f'the sound run, played back with its own nonce, does not pass: {result.reason}'

    # The mutants

    def _run_all(
        self, mutants: Sequence[Mutant], observation: Observation, broken: str
    ) -> tuple[MutantResult | Inapplicable, ...]:
        results: dict[str, MutantResult | Inapplicable] = {}

        def finished(result: MutantResult | Inapplicable) -> None:
            results[result.name] = result
            self._watcher.finished(result, len(results), len(mutants))

        playable = [m for m in mutants if m.plays_back or m.orders.get('mode') == 'stub']
        # Runs of the programs themselves would disturb each other; one that sleeps does not.
        quiet = [*(m for m in mutants if m.hurry), *playable]
        for mutant in mutants:
            if mutant.same_nonce and broken:
                finished(
                    MutantResult(
                        mutant.name, mutant.description, 'undecided', broken, 0.0, mutant.advisory
                    )
                )
        quiet = [m for m in quiet if m.name not in results]
        self._run_some(quiet, observation, finished, self._jobs)
        rest = [m for m in mutants if m not in quiet and m.name not in results]
        self._run_some(rest, observation, finished, 1)
        self._expect_not_stopped()
        return tuple(results[mutant.name] for mutant in mutants)

    def _look_again(
        self, observation: Observation, fates: tuple[MutantResult | Inapplicable, ...]
    ) -> tuple[tuple[MutantResult | Inapplicable, ...], tuple[str, ...]]:
        """Ask a test that overlooked perturbed numbers for those that are no measurements."""
        self._watcher.phase(f'{PERTURBED} survived: which of them does a sound run repeat?')
        again = []
        for number in range(REPETITIONS):
            place = self._directory / f'repeated-{number + 1}'
            trial = Trial(place, self._nonce, self._limit(), {'mode': 'record'})
            self._expect_pass(trial, 'when it is repeated with the same nonce')
            again.append(read_observation(trial.control, None))
        look = second_look(observation, again)
        if look is None:
            return fates, ()
        more = self._run_all(look.mutants, observation, '')
        old = [
            replace(f, advisory=True) if isinstance(f, MutantResult) and f.name == PERTURBED else f
            for f in fates
        ]
        return (*old, *more), (look.note,)

    def _run_some(
        self,
        mutants: Iterable[Mutant],
        observation: Observation,
        finished: Callable[[MutantResult | Inapplicable], None],
        jobs: int,
    ) -> None:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            runs = [pool.submit(self._fate, mutant, observation) for mutant in mutants]
            for run in concurrent.futures.as_completed(runs):
                if result := run.result():
                    finished(result)

    def _fate(self, mutant: Mutant, observation: Observation) -> MutantResult | Inapplicable | None:
        if self._stage.stop.is_set():
            return None
        self._watcher.started(mutant.name)
        began = time.monotonic()
        trial = self._trial(_directory_name(mutant.name), mutant, observation)
        result = run_trial(self._stage, trial)
        if result.outcome is Outcome.PASS and self._does_without(mutant, result):
            why = 'without it the test takes another way: its job script does not name it'
            return Inapplicable(mutant.name, mutant.description, why)
        fate: Fate = {Outcome.PASS: 'survived', Outcome.FAIL: 'killed'}.get(
            result.outcome, 'undecided'
        )  # type: ignore[assignment]
        reason = (
            result.reason if fate != 'undecided' else f'{result.outcome.value}: {result.reason}'
        )
        seconds = round(time.monotonic() - began, 1)
        return MutantResult(
            mutant.name, mutant.description, fate, reason, seconds, mutant.advisory, killer(result)
        )

    def _does_without(self, mutant: Mutant, result: CaseResult) -> bool:
        """Say whether all that was removed are programs that this run did not ask for."""
        programs = {p.relative for p in self._stage.programs}
        asked = {p.relative for p in self._stage.programs if p.name in result.job_script}
        return bool(mutant.removed) and set(mutant.removed) <= programs - asked

    def _trial(self, name: str, mutant: Mutant, observation: Observation) -> Trial:
        directory = self._directory / 'mutants' / name
        orders: dict[str, object] | None = dict(mutant.orders) or None
        if mutant.plays_back:
            source = observation.calls[0].directory.parent
            recording = source
            if mutant.change is not None:
                recording = self._directory / 'spoiled' / name
                spoiled_copy(observation, source, recording, mutant.names, mutant.change)
            orders = {**mutant.orders, 'recording': str(recording)}
        seconds = self._limit()
        if mutant.hurry:
            seconds = max(5, math.ceil(1.2 * self._sound_seconds))
        nonce = self._nonce if mutant.same_nonce else secrets.token_hex(8)
        return Trial(directory, nonce, seconds, orders, removed=mutant.removed)


def _survived(fate: MutantResult | Inapplicable) -> bool:
    return isinstance(fate, MutantResult) and fate.fate == 'survived'


def _directory_name(name: str) -> str:
    return ''.join(c if c.isalnum() or c in '.-' else '_' for c in name)
