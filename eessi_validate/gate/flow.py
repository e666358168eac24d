"""The gate: inspect, extract, lay over the base, run what is touched, compare, decide."""

from __future__ import annotations

import datetime
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.base_identity import base_digest
from eessi_validate.gate.decision.decide import decide
from eessi_validate.gate.decision.objections import INSPECTED_ONLY
from eessi_validate.gate.decision.policy_file import LoadedPolicy, load_policy
from eessi_validate.gate.decision.waivers import load_waivers
from eessi_validate.gate.inspection import Inspection
from eessi_validate.gate.overlay.candidate import Job, RunOutcome, run_job
from eessi_validate.gate.overlay.extraction import extract_tarball
from eessi_validate.gate.reruns import Reruns
from eessi_validate.gate.signed_inspection import FirstLook, Upload, look_at
from eessi_validate.gate.versions import gate_versions, why_trial
from eessi_validate.gate.workspace import Workspace
from eessi_validate.plan.installation_cases import INIT_TEST, START_TEST
from eessi_validate.results.model import (
    GateRecord,
    Report,
    Run,
    Subject,
    TarballFinding,
)
from eessi_validate.run.host import host_facts
from eessi_validate.run.prepare import Request
from eessi_validate.run.previous_tests import find_previous_tests
from eessi_validate.stack.dependencies import dependents, read_dependencies
from eessi_validate.stack.layout import Stack, open_stack
from eessi_validate.stack.targets import find_target

#: Files that must be seen in the overlay as they are in the tarball, besides all modules.
_LOOKED_AT = 100


@dataclass(frozen=True)
class GateRequest:
    """What the command line asks of a gate."""

    tarball: Path
    stack: Path
    out: Path
    policy: Path | None = None
    waivers: Path | None = None
    metadata: Path | None = None
    #: Signatures that tarball and metadata come with, and who may have made them.
    signature: Path | None = None
    metadata_signature: Path | None = None
    allowed_signers: Path | None = None
    context: str = 'ingest'
    static_only: bool = False
    in_place: bool = False
    #: Whether the report is to be signed, which only official runs can be.
    sign: bool = False
    quiet: bool = False
    command: str = ''
    #: ReFrame check files of a site, instead of those that ship; such a run is a trial.
    checks: tuple[str, ...] = ()
    #: Run failing cases once more, and say what they failed for; with the previous tests, if any.
    investigate: bool = False
    previous_tests: Path | None = None
    #: Day of the decision.
    day: datetime.date | None = None


def gate_tarball(request: GateRequest) -> Report:
    """Gate a tarball and return the report; the files of the run are in ``request.out``.

    :raises UsageError: for what the request names and is not there.
    :raises HoldError: if nothing can be decided, e.g. because the disk is full.
    """
    gate = _Gate(request)
    try:
        workspace = Workspace(request.out)
        try:
            return gate.decide(workspace)
        finally:
            workspace.close()
    except OSError as error:
        raise HoldError(f'the gate cannot go on: {error}') from error


def replay(report: Report, policy: LoadedPolicy, waivers: Path | None = None) -> Report:
    """Decide anew on stored findings and results; to the byte the same under the same policy.

    Context, day and, where no other are given, waivers are those of the report.

    :raises UsageError: if the report is not that of a gate.
    """
    if report.gate is None:
        raise UsageError('only the report of a gate can be replayed')
    gate = report.gate
    if waivers is not None:
        others, digest = load_waivers(waivers)
        gate = gate.model_copy(update={'waivers': others, 'waivers_digest': digest})
    if policy.digest != gate.policy_digest:
        gate = gate.model_copy(update={'trial': 'replayed with another policy'})
    elif waivers is not None and gate.waivers_digest != report.gate.waivers_digest:
        gate = gate.model_copy(update={'trial': 'replayed with other waivers'})
    return decide(report.subject, report.plan, report.run, gate, policy)


class _Gate:
    def __init__(self, request: GateRequest) -> None:
        self._request = request
        self._policy = load_policy(request.policy)
        self._waivers = load_waivers(request.waivers)
        self._stack = open_stack(request.stack)
        self._upload = Upload(
            tarball=request.tarball,
            signature=request.signature,
            metadata=request.metadata,
            metadata_signature=request.metadata_signature,
            allowed_signers=request.allowed_signers,
        )
        self._versions = gate_versions()
        self._trial = why_trial(self._policy.policy, self._versions)
        if request.static_only:
            self._trial = 'nothing was run'
        elif request.checks:
            self._trial = 'the check files of a site are not pinned'
        elif request.in_place:
            self._trial = 'in place: the stack may hold more than the base and the tarball'
        if request.sign and self._trial:
            raise UsageError(f'a trial cannot be signed: {self._trial}')
        if request.out.resolve().is_relative_to(self._stack.root):
            raise UsageError(f'--out {request.out} is inside the stack')
        previous = request.previous_tests
        self._previous = find_previous_tests(previous) if previous else None
        self._nonce = secrets.token_hex(8)
        self._started = datetime.datetime.now(datetime.timezone.utc)

    def decide(self, workspace: Workspace) -> Report:
        request = self._request
        empty = RunOutcome('none')
        look = look_at(self._upload, base=self._stack.root, rules=self._policy.policy.signature)
        inspection, record = look.inspection, self._record(look)
        if look.unread:
            return self._decide(inspection, record, replace(empty, hold=look.unread))
        preliminary = self._decide(inspection, record, empty)
        if any(excuse.effect == 'reject' for excuse in preliminary.judgement.excuses):
            why = 'nothing of it was extracted or run, because its inspection rejects it'
            return self._decide(inspection, record, replace(empty, hold=why))
        if request.static_only:
            return self._decide(inspection, record, replace(empty, hold='nothing was run'))
        if not facts_are_complete(inspection):
            why = 'the tarball was not read to its end, or not compared with the base'
            return self._decide(inspection, record, replace(empty, hold=why))
        if inspection.facts.kind == 'scripts':
            return self._decide(inspection, record, replace(empty, hold=INSPECTED_ONLY))
        try:
            job = self._job(inspection, workspace)
            outcome = run_job(job)
        except (HoldError, OSError) as error:
            return self._decide(inspection, record, replace(empty, hold=str(error)))
        if outcome.run and not request.in_place and not outcome.run.interrupted:
            again = self._run_again(inspection, job, outcome.run)
            record = record.model_copy(update=again)
        if base_digest_of(self._stack, _release(inspection)) != record.base_digest:
            outcome = RunOutcome('none', hold='the base stack changed while it was tested on')
        return self._decide(inspection, record, outcome)

    def _record(self, look: FirstLook) -> GateRecord:
        inspection = look.inspection
        facts, day = inspection.facts, self._request.day or self._started.date()
        return GateRecord(
            tarball=inspection.subject.name,
            size=inspection.subject.size,
            kind=facts.kind,
            os=facts.os,
            cpu_target=facts.cpu_target or facts.family,
            modules=tuple(dict.fromkeys(_named(inspection))),
            top=_release(inspection) if facts.release_in_paths else '',
            findings=stored_findings(inspection),
            signature=look.signature,
            with_metadata=self._request.metadata is not None,
            metadata_signature=look.metadata_signature,
            base_digest=base_digest_of(self._stack, _release(inspection)),
            method='none',
            context=self._request.context,
            decided=day.isoformat(),
            waivers=self._waivers[0],
            waivers_digest=self._waivers[1],
            trial=self._trial,
        )

    def _decide(self, inspection: Inspection, record: GateRecord, outcome: RunOutcome) -> Report:
        facts = inspection.facts
        target = facts.cpu_target or facts.family
        subject = Subject(
            kind='tarball',
            repository=self._stack.repository,
            release=_release(inspection),
            root=str(self._stack.root),
            cpu_targets=(target,) if target else (),
            digest=f'sha256:{inspection.subject.sha256}',
            description=inspection.subject.name,
        )
        method = 'in-place' if outcome.run and self._request.in_place else outcome.method
        record = record.model_copy(update={'method': method, 'hold': outcome.hold})
        return decide(subject, outcome.plan, self._whole_run(outcome.run), record, self._policy)

    def _whole_run(self, run: Run | None) -> Run:
        if run is not None:
            return run.model_copy(update={'versions': self._versions})
        now = datetime.datetime.now(datetime.timezone.utc)
        return Run(
            id=self._nonce,
            nonce=self._nonce,
            started=self._started.isoformat(timespec='seconds'),
            seconds=round((now - self._started).total_seconds(), 2),
            host=host_facts(),
            versions=self._versions,
            system='none',
            command=self._request.command,
            results=(),
        )

    def _run_again(self, inspection: Inspection, job: Job, run: Run) -> dict[str, object]:
        """Run what failed on the base, and investigate it if that is asked for."""
        reruns = Reruns(self._stack, _release(inspection), job, run_job)
        baselines = tuple(reruns.baselines(run.results))
        if not self._request.investigate:
            return {'baselines': baselines}
        found = tuple(reruns.investigate(run.results, baselines, self._previous))
        return {'baselines': baselines, 'investigations': found}

    def _job(self, inspection: Inspection, workspace: Workspace) -> Job:
        request, facts = self._request, inspection.facts
        extracted: Path | None = None
        expected: tuple[str, ...] = ()
        if request.in_place:
            totals = inspection.totals
            if totals.new or totals.replaced:
                raise HoldError(
                    f'the stack is not the tarball over its base: {totals.new} members are not '
                    f'there, {totals.replaced} are others'
                )
        else:
            extracted = workspace.fresh()
            below = '' if facts.release_in_paths else f'{facts.release}/'
            extract_tarball(request.tarball, inspection.subject.sha256, extracted, below=below)
            expected = tuple(_files_to_look_at(extracted))
        return Job(
            request=self._selection(inspection),
            directory=workspace.directory / 'run',
            base=self._stack.releases_path,
            extracted=extracted,
            expected=expected,
            replaces=_replaced(inspection) if extracted else (),
            command=request.command,
            nonce=self._nonce,
            quiet=request.quiet,
            lock=workspace.lock,
        )

    def _selection(self, inspection: Inspection) -> Request:
        """Return what a tarball touches.

        Software: its modules and their dependents; a compat layer: all that there is of its
        architecture; init, which every user starts with: the choice of a CPU target, and the start
        of all that there is for the one that it chooses here.
        """
        facts = inspection.facts
        asked = Request(
            stack=str(self._stack.root),
            release=_release(inspection),
            checks=self._request.checks,
        )
        if facts.kind != 'software':
            targets = self._release_targets(inspection)
            if facts.kind == 'init':
                return replace(asked, tests=(INIT_TEST.name, START_TEST.name))
            return replace(asked, targets=targets)
        new = [m.name for m in inspection.modules if m.subdir == facts.cpu_target]
        if not new:
            raise HoldError(f'it has no module for {facts.cpu_target} itself: nothing to run')
        touched = dict.fromkeys([*new, *self._dependents(inspection, new)])
        return replace(asked, targets=(facts.cpu_target,), modules=tuple(touched))

    def _dependents(self, inspection: Inspection, names: Sequence[str]) -> list[str]:
        release = _release(inspection)
        if release not in self._stack.release_names:
            return []
        modules = self._stack.release(release).modules(inspection.facts.cpu_target)
        return sorted(dependents(read_dependencies(modules), names))

    def _release_targets(self, inspection: Inspection) -> tuple[str, ...]:
        release, family = _release(inspection), inspection.facts.family
        if release not in self._stack.release_names:
            raise HoldError(f'the base has no release {release}: nothing to run')
        names = self._stack.release(release).cpu_targets
        wanted = [n for n in names if not family or n.split('/')[0] == family]
        if not wanted:
            raise HoldError(f'release {release} has no software for {family or "any target"}')
        return tuple(dict.fromkeys(find_target(name).name for name in wanted))


def stored_findings(inspection: Inspection) -> tuple[TarballFinding, ...]:
    """Return the findings as a report keeps them."""
    return tuple(TarballFinding(**finding.model_dump()) for finding in inspection.findings)


def base_digest_of(stack: Stack, release: str) -> str:
    """Return the identity of a release of the base, or that there is none."""
    if release not in stack.release_names:
        return 'none'
    return base_digest(stack.release(release))


def facts_are_complete(inspection: Inspection) -> bool:
    """Say whether the findings are all that there are."""
    return inspection.facts.complete and inspection.facts.base_checked


def _named(inspection: Inspection) -> Iterator[str]:
    """Iterate over the new modules; those below an accelerator are others of the same name."""
    for module in inspection.modules:
        here = module.subdir == inspection.facts.cpu_target
        yield module.name if here else f'{module.name} in {module.subdir}'


def _release(inspection: Inspection) -> str:
    return inspection.facts.release + inspection.facts.suffix


def _replaced(inspection: Inspection) -> tuple[str, ...]:
    """Return the directories below the releases that the tarball does not merge with the base's."""
    facts = inspection.facts
    if facts.kind != 'compat':
        return ()
    return (f'{_release(inspection)}/compat/{facts.os}/{facts.family}',)


def _files_to_look_at(extracted: Path) -> Iterator[str]:
    others = 0
    for directory, _, names in os.walk(extracted):
        below = os.path.relpath(directory, extracted)
        is_modules = '/modules/' in f'/{below}/'
        for name in sorted(names):
            others += not is_modules
            if is_modules or others <= _LOOKED_AT:
                yield os.path.join(below, name)
