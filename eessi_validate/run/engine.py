"""Executes planned cases: shards of ReFrame, every result kept as it arrives."""

from __future__ import annotations

import hashlib
import shlex
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from eessi_validate.plan.installation_cases import DRIVER_TESTS, INSTALLATION_TESTS
from eessi_validate.plan.planner import COMPAT_LAYER, DRIVER, NOWHERE, TargetTree
from eessi_validate.results.model import CaseResult, Outcome, PlannedCase
from eessi_validate.results.store import RunStore
from eessi_validate.rfm.invoke import Completion, Invocation, run_reframe
from eessi_validate.rfm.records import CaseRecord
from eessi_validate.run.case_files import read_case_files
from eessi_validate.run.installations import decide_installations, decide_release, injected_mpi
from eessi_validate.run.prepare import Prepared
from eessi_validate.run.reconcile import absent, judge_record, with_history
from eessi_validate.stack.consistency import module_tree_findings


class Progress(Protocol):
    """What an observer of a run is told."""

    def started(self, case: PlannedCase) -> None:
        """A case has started."""

    def finished(self, result: CaseResult) -> None:
        """A case has a result."""

    def close(self) -> None:
        """The run is over."""


@dataclass
class Execution:
    """One pass over a list of cases."""

    prepared: Prepared
    store: RunStore
    nonce: str
    progress: Progress
    stop: threading.Event
    #: Earlier outcomes of the same case: ``(test, key)`` -> attempts.
    history: dict[tuple[str, str], tuple[Outcome, ...]] = field(default_factory=dict)
    #: Values of further variables of the tests, for every case.
    inputs: Mapping[str, Any] = field(default_factory=dict)
    #: One nonce for every case, so that both sides of a pair draw the same inputs; '' derives them.
    shared_nonce: str = ''
    #: Words before ReFrame's own command, such as those of a program that gives it another view.
    prefix: tuple[str, ...] = ()
    #: Further environment variables of ReFrame.
    environment: Mapping[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unplanned: list[str] = field(default_factory=list)
    _injections: dict[str, dict[str, str]] = field(default_factory=dict)

    def execute(self, cases: Sequence[PlannedCase]) -> None:
        """Run ``cases``; afterwards each of them has a result in the store, unless stopped."""
        for case in cases:
            if case.partition == NOWHERE:
                self._keep(absent(case, Outcome.SKIP, self._why_not_here(case)))
        self._decide_here([c for c in cases if c.partition == DRIVER])
        for shard in self._shards([c for c in cases if c.partition not in (DRIVER, NOWHERE)]):
            if self.stop.is_set():
                break
            self._run_shard(shard)

    def _shards(self, cases: Sequence[PlannedCase]) -> list[list[PlannedCase]]:
        """Group cases that share an environment and a way of running; functional ones first."""
        groups: dict[tuple[bool, str], list[PlannedCase]] = {}
        for case in cases:
            serial = case.kind == 'performance'
            groups.setdefault((serial, self._tree(case).directory), []).append(case)
        return [groups[key] for key in sorted(groups)]

    def _tree(self, case: PlannedCase) -> TargetTree:
        """Return the tree whose environment a case needs."""
        if case.id.software == COMPAT_LAYER:
            names = [t for t in self.prepared.trees if t.target.family == case.id.cpu_target]
        else:
            names = [t for t in self.prepared.trees if t.target.name == case.id.cpu_target]
        return names[0]

    def _why_not_here(self, case: PlannedCase) -> str:
        return f'cannot be executed here: {self._tree(case).tier_reason}'

    def _decide_here(self, cases: Sequence[PlannedCase]) -> None:
        """Decide the driver's own cases; installations several at a time."""
        together = {test.name for test in INSTALLATION_TESTS}
        for case in cases:
            if case.id.test not in together and not self.stop.is_set():
                self.progress.started(case)
                self._keep(self._decided(case))
        pairs = [(case, self._tree(case)) for case in cases if case.id.test in together]
        if not pairs or self.stop.is_set():
            return
        with closing(
            decide_installations(self.prepared.release, pairs, self.prepared.request.allow)
        ) as results:
            for case, _ in pairs:
                self.progress.started(case)
                result = next(results)
                if self.stop.is_set():
                    return  # what a signal ended is no fault of the software
                self._keep(result)

    def _decided(self, case: PlannedCase) -> CaseResult:
        tree = self._tree(case)
        if case.id.test in DRIVER_TESTS:
            return decide_release(self.prepared.release, case, tree)
        findings = module_tree_findings(self.prepared.release, tree.directory)
        outcome = Outcome.FAIL if findings else Outcome.PASS
        return absent(case, outcome, '; '.join(findings[:5]))

    def _run_shard(self, shard: Sequence[PlannedCase]) -> None:
        serial = shard[0].kind == 'performance'
        target = self._tree(shard[0]).directory
        kind = 'performance' if serial else 'functional'
        directory = self.store.fresh_directory(f'{target.replace("/", "-")}-{kind}')
        by_identity = {(case.id.test, case.key): case for case in shard}
        settled: dict[tuple[str, str], tuple[str, Outcome]] = {}

        def on_start(test: str, key: str) -> None:
            if case := by_identity.get((test, key)):
                self.progress.started(case)

        def on_record(record: CaseRecord) -> None:
            # Written at once; aborted cases are settled below, when it is known why.
            if record.result != 'abort':
                self._settle(record, by_identity, settled)

        completion = run_reframe(
            self._invocation(shard, directory, target, serial),
            on_start=on_start,
            on_record=on_record,
            stop=self.stop,
        )
        for record in completion.records:
            self._settle(record, by_identity, settled, completion)
        self.problems += completion.problems
        for identity, case in by_identity.items():
            if identity not in settled:
                self._keep(self._without_record(case, identity, completion))

    def _settle(
        self,
        record: CaseRecord,
        planned: dict[tuple[str, str], PlannedCase],
        settled: dict[tuple[str, str], tuple[str, Outcome]],
        completion: Completion | None = None,
    ) -> None:
        identity = (record.test, record.key)
        case = planned.get(identity)
        if case is None:
            self.unplanned.append(f'{record.test} {record.key or "without a case"}')
            return
        first, outcome = settled.get(identity, ('', Outcome.PASS))
        if first == record.hashcode or outcome is not Outcome.PASS:
            return
        result = self._judged(case, record, completion)
        if first and result.outcome is Outcome.PASS:
            reason = 'planned once, but ReFrame ran several tests under this case'
            result = absent(case, Outcome.ERROR, reason)
        settled[identity] = (record.hashcode, result.outcome)
        self._keep(result)

    def _judged(
        self, case: PlannedCase, record: CaseRecord, completion: Completion | None
    ) -> CaseResult:
        if record.result == 'skip' and completion is not None:
            reason = completion.skipped.get((record.test, record.key))
            return absent(case, Outcome.SKIP, reason or 'skipped without a reason')
        files = read_case_files(record.stage, self.store.directory)
        test = next(t for t in self.prepared.catalogue if t.name == case.id.test)
        command = f'cd {shlex.quote(files.directory)} && bash rfm_job.sh' if files.directory else ''
        return judge_record(case, record, files, test, command)

    def _without_record(
        self, case: PlannedCase, identity: tuple[str, str], completion: Completion
    ) -> CaseResult:
        if self.stop.is_set():
            return absent(case, Outcome.ABORTED, 'stopped before it ended')
        if identity in completion.skipped:
            return absent(case, Outcome.SKIP, completion.skipped[identity] or 'no reason given')
        relevant = [p for p in completion.problems if case.id.test in p] or completion.problems
        why = f': {relevant[0]}' if relevant else f' (ReFrame ended with {completion.return_code})'
        return absent(case, Outcome.MISSING, f'planned, but ReFrame ran no such case{why}')

    def _keep(self, result: CaseResult) -> None:
        earlier = self.history.get((result.case.id.test, result.case.key), ())
        result = with_history(result, earlier)
        self.store.append(result)
        self.progress.finished(result)

    def _invocation(
        self, shard: Sequence[PlannedCase], directory: Path, target: str, serial: bool
    ) -> Invocation:
        tests = {case.id.test for case in shard}
        files = {test.path for test in self.prepared.catalogue if test.name in tests}
        return Invocation(
            directory=directory,
            check_files=tuple(sorted(files)),
            tests=tuple(sorted(tests)),
            cases=tuple(self._case_row(case) for case in shard),
            configs=self.prepared.configs,
            system=self.prepared.system,
            environment={
                'EESSI_VALIDATE_RELEASE_PATH': str(self.prepared.release.path),
                'EESSI_VALIDATE_STACK_ROOT': str(self.prepared.stack.root),
                'EESSI_SOFTWARE_SUBDIR_OVERRIDE': target,
                **self.environment,
            },
            serial=serial,
            prefix=self.prefix,
        )

    def _case_row(self, case: PlannedCase) -> dict[str, Any]:
        inputs: dict[str, Any] = {'nonce': self._case_nonce(case), **self.inputs}
        if self.prepared.request.time_limit:
            inputs['time_limit'] = self.prepared.request.time_limit
        if case.id.software == COMPAT_LAYER:
            inputs['compat_path'] = str(self.prepared.release.compat(case.id.cpu_target))
            inputs['release'] = self.prepared.release.name
            inputs['arch'] = case.id.cpu_target
        row = {
            'key': case.key,
            'module': case.module,
            'software': case.id.software,
            'version': case.id.version,
            'toolchain': case.id.toolchain,
            'cpu_target': case.id.cpu_target,
            'scale': case.id.scale,
            'partition': case.partition,
            'environ': case.environ,
            'inputs': inputs,
            'injection': self._injection(case),
        }
        return {'test': case.id.test, 'case': row}

    def _injection(self, case: PlannedCase) -> dict[str, str]:
        asking = {test.name for test in self.prepared.catalogue if test.asks_for_injected_mpi}
        if case.id.test not in asking:
            return {}
        tree = self._tree(case)
        if tree.directory not in self._injections:
            self._injections[tree.directory] = injected_mpi(self.prepared.release, tree)
        return self._injections[tree.directory]

    def _case_nonce(self, case: PlannedCase) -> str:
        """Derive the case's nonce from the run's, so that one number repeats the whole run."""
        if self.shared_nonce:
            return self.shared_nonce
        attempt = len(self.history.get((case.id.test, case.key), ()))
        text = f'{self.nonce}/{case.id.test}/{case.key}/{attempt}'
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def latest_results(results: Sequence[CaseResult]) -> dict[tuple[str, str], CaseResult]:
    """Return the last result of each case."""
    return {(r.case.id.test, r.case.key): r for r in results}
