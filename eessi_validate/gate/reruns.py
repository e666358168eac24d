"""Failing cases once more, one thing changed at a time: the build, the test, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from eessi_validate.errors import HoldError
from eessi_validate.gate.decision.investigation import (
    Cell,
    causes_of,
    cell_of,
    cell_of_baseline,
)
from eessi_validate.gate.overlay.candidate import Job, RunOutcome
from eessi_validate.results.model import (
    Baseline,
    CaseResult,
    Investigation,
    Outcome,
    PlannedCase,
)
from eessi_validate.run.prepare import Request
from eessi_validate.run.previous_tests import PreviousTests
from eessi_validate.stack.layout import Stack

#: Directory of the reruns of an investigation, below that of the gate.
INVESTIGATION = 'investigation'


@dataclass(frozen=True)
class Reruns:
    """How cases of a gate are run once more."""

    stack: Stack
    release: str
    #: The job of the gate itself: what is the same for all reruns.
    job: Job
    #: Runs one job; a parameter, because it starts processes.
    run_job: Callable[[Job], RunOutcome] = field(repr=False)

    def baselines(self, results: Iterable[CaseResult]) -> Iterator[Baseline]:
        """Run what failed on the base alone, with the same nonce, and tell what came of it."""
        failed = [r.case for r in results if r.outcome is Outcome.FAIL]
        for name, cases in (
            ('base-modules', [case for case in failed if case.module and self._in_base(case)]),
            ('base-stack', [case for case in failed if not case.module and self._in_base(case)]),
        ):
            if not cases:
                continue
            found, hold = self._run(self.job.directory.with_name(name), cases, on_base=True)
            for case in cases:
                result = found.get(case.full_key)
                yield Baseline(
                    case=case.full_key,
                    outcome=result.outcome if result else None,
                    flaky=bool(result and result.flaky),
                    reason=result.reason if result else hold,
                )

    def investigate(
        self,
        results: Iterable[CaseResult],
        baselines: Iterable[Baseline],
        previous: PreviousTests | None,
    ) -> Iterator[Investigation]:
        """Run what failed again, with the previous test, and with that on the base."""
        by_test: dict[str, list[PlannedCase]] = defaultdict(list)
        for result in results:
            if result.outcome is Outcome.FAIL:
                by_test[result.case.id.test].append(result.case)
        known = {baseline.case: baseline for baseline in baselines}
        place = self.job.directory.with_name(INVESTIGATION)
        packages = previous.lay_out(place / 'packages') if previous and by_test else None
        for number, (test, cases) in enumerate(by_test.items()):
            again = self._cells(place / f'{number}-again', cases)
            there = previous if previous and previous.may_have(test) else None
            with_previous = self._cells(
                place / f'{number}-previous', cases, tests=there, packages=packages, absent=True
            )
            in_base = [case for case in cases if self._in_base(case)]
            both = self._cells(
                place / f'{number}-both', in_base, tests=there, packages=packages, absent=True,
                on_base=True,
            )  # fmt: skip
            for case in cases:
                yield _concluded(
                    case.full_key,
                    (again[case.full_key], (cell_of_baseline(known.get(case.full_key)), '')),
                    (with_previous[case.full_key], both.get(case.full_key, (Cell.ABSENT, ''))),
                )

    def _cells(
        self,
        directory: Path,
        cases: Sequence[PlannedCase],
        *,
        tests: PreviousTests | None = None,
        packages: Path | None = None,
        absent: bool = False,
        on_base: bool = False,
    ) -> dict[str, tuple[Cell, str]]:
        """Return what each case says in a rerun, and why it says nothing.

        :arg absent: there is nothing to run without ``tests``.
        """
        if absent and tests is None:
            return {case.full_key: (Cell.ABSENT, '') for case in cases}
        if not cases:
            return {}
        try:
            found, hold = self._run(
                directory, cases, on_base=on_base, tests=tests, packages=packages, retries=0
            )
        except HoldError as error:
            found, hold = {}, str(error)
        cells = {}
        for case in cases:
            result = found.get(case.full_key)
            cell = cell_of(result)
            why = (result.reason if result else hold) if cell is Cell.UNKNOWN else ''
            cells[case.full_key] = (cell, why)
        return cells

    def _run(
        self,
        directory: Path,
        cases: Sequence[PlannedCase],
        *,
        on_base: bool,
        tests: PreviousTests | None = None,
        packages: Path | None = None,
        retries: int = 1,
    ) -> tuple[Mapping[str, CaseResult], str]:
        modules = tuple(dict.fromkeys(case.module for case in cases if case.module))
        checks = tuple(map(str, tests.check_files)) if tests else self.job.request.checks
        request = Request(
            stack=self.job.request.stack,
            release=self.release,
            targets=self.job.request.targets,
            checks=checks,
            modules=modules,
            tests=tuple(dict.fromkeys(case.id.test for case in cases)),
            scales=tuple(dict.fromkeys(case.id.scale for case in cases)) if modules else (),
        )
        job = replace(
            self.job,
            request=request,
            directory=directory,
            extracted=None if on_base else self.job.extracted,
            expected=() if on_base else self.job.expected,
            packages=packages,
            retries=retries,
        )
        outcome: RunOutcome = self.run_job(job)
        found = outcome.run.results if outcome.run else ()
        return {result.case.full_key: result for result in found}, outcome.hold

    def _in_base(self, case: PlannedCase) -> bool:
        if self.release not in self.stack.release_names:
            return False
        return not case.module or case.module in self._modules_of_base

    @cached_property
    def _modules_of_base(self) -> frozenset[str]:
        release = self.stack.release(self.release)
        return frozenset(
            module.full_name for target in release.cpu_targets for module in release.modules(target)
        )


def _concluded(
    case: str,
    today: tuple[tuple[Cell, str], tuple[Cell, str]],
    before: tuple[tuple[Cell, str], tuple[Cell, str]],
) -> Investigation:
    """Return the conclusion from the cells of today's test and of the previous one."""
    (again, why_again), (base, _) = today
    (previous, why_previous), (both, why_both) = before
    return Investigation(
        case=case,
        again=again.value,
        base=base.value,
        previous=previous.value,
        both=both.value,
        causes=tuple(sorted(causes_of(again, base, previous, both), key=lambda each: each.value)),
        reasons=tuple(dict.fromkeys(why for why in (why_again, why_previous, why_both) if why)),
    )
