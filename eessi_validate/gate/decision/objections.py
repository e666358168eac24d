"""What speaks against a tarball, before rules and waivers, and what those need to know of it. Pure.

Excuses of findings, signature, the gate itself, coverage and cases, each as strict as can be.
"""

from __future__ import annotations

from dataclasses import dataclass

from eessi_validate.gate.decision.investigation import words_for_case
from eessi_validate.gate.inspection.findings import finding_kinds
from eessi_validate.gate.policy import Effect
from eessi_validate.results.model import (
    CaseResult,
    Evidence,
    Excuse,
    FailureClass,
    GateRecord,
    Outcome,
    Plan,
    PlannedCase,
    Run,
)
from eessi_validate.stack.modules import parse_module, split_version

#: Check of an installation that no case runs.
COVERAGE = 'coverage'

#: Check of a tarball that no case can run anything of, and why it is held.
STATIC_ONLY = 'static-only'
INSPECTED_ONLY = 'no case runs anything of a scripts tarball: it was inspected only'

#: Outcomes that a waiver may release: what is known, not what is unknown.
_WAIVABLE_OUTCOMES = (Outcome.PASS, Outcome.FAIL, Outcome.SKIP)


@dataclass(frozen=True)
class Objection:
    """An excuse before rules and waivers, and what they need to know of it."""

    excuse: Excuse
    software: str = ''
    version: str = ''
    #: Name of the check for rules and waivers; '' if neither may release it.
    check: str = ''
    by_rule: bool = False
    by_waiver: bool = False
    failure: FailureClass | None = None


def of_findings(gate: GateRecord) -> list[Objection]:
    """Return what the findings of the inspection say, with the installation each is in."""
    kinds = finding_kinds()
    found = []
    for finding in gate.findings:
        kind = kinds.get(finding.id)
        software, version = _installation_of(finding.member, gate)
        # What may be waived is a property of the finding's kind, never of a record of it.
        may = kind is not None and kind.waivable
        effect = finding.severity if kind is None else _graver(finding.severity, kind.severity)
        found.append(
            Objection(
                Excuse(
                    subject=finding.member or gate.tarball,
                    check=finding.id,
                    cpu_target=gate.cpu_target,
                    effect=effect,
                    reason=finding.sentence,
                    release='' if effect == 'note' else _how_to_release(may),
                ),
                software=software,
                version=version,
                check=finding.id,
                by_rule=may,
                by_waiver=may,
            )
        )
    return found


def _graver(one: Effect, other: Effect) -> Effect:
    order: tuple[Effect, ...] = ('reject', 'hold', 'note')
    return min(one, other, key=order.index)


def _how_to_release(waivable: bool) -> str:
    return 'mend the tarball' + (', or have it waived' if waivable else '; it cannot be waived')


def _installation_of(member: str, gate: GateRecord) -> tuple[str, str]:
    """Return software and version that a member belongs to, by its place alone."""
    prefix = f'{gate.top}/software/{gate.os}/{gate.cpu_target}/'
    if not gate.cpu_target or not member.startswith(prefix):
        return '', ''
    parts = member[len(prefix) :].split('/')
    if parts[:1] == ['accel']:
        parts = parts[3:]
    start = 2 if parts[:1] == ['modules'] else 1
    if parts[:1] not in (['software'], ['reprod'], ['modules']) or len(parts) < start + 2:
        return '', ''
    version, _ = split_version(parts[start + 1].removesuffix('.lua'))
    return parts[start], version


def of_signature(gate: GateRecord) -> list[Objection]:
    """Return whose signatures were verified, if any were."""
    verified = (('signature', '', gate.signature),
                ('metadata-signature', 'its metadata ', gate.metadata_signature))  # fmt: skip
    return [
        Objection(
            Excuse(
                subject=gate.tarball, check=check, cpu_target=gate.cpu_target, effect='note',
                reason=f'{what}signed by {signed.principal} for {signed.namespace}', release='',
            )
        )
        for check, what, signed in verified
        if signed is not None
    ]  # fmt: skip


def of_gate(gate: GateRecord) -> list[Objection]:
    """Return why nothing was run."""
    if not gate.hold:
        return []
    if gate.hold == INSPECTED_ONLY and gate.kind == 'scripts':
        return [
            Objection(
                Excuse(
                    subject=gate.tarball, check=STATIC_ONLY, cpu_target='', effect='hold',
                    reason=gate.hold, release='review it, and waive this by its digest',
                ),
                check=STATIC_ONLY, by_rule=True, by_waiver=True,
            )
        ]  # fmt: skip
    return [
        Objection(
            Excuse(
                subject='run', check='gate', cpu_target='', effect='hold', reason=gate.hold,
                release='see "eessi-validate doctor", then gate again',
            )
        )
    ]  # fmt: skip


def of_coverage(plan: Plan, gate: GateRecord) -> list[Objection]:
    """Nothing to run for what is new is never a pass."""
    if gate.method == 'none':
        return []
    covered = {case.module for case in plan.cases if runs_software(case)}
    found = []
    for name in gate.modules:
        if name in covered:
            continue
        module = parse_module(name.partition(' in ')[0])
        found.append(
            Objection(
                Excuse(
                    subject=name,
                    check=COVERAGE,
                    cpu_target=gate.cpu_target,
                    effect='hold',
                    reason='it is new, and no case runs it',
                    release='add a test that covers it, or have it waived',
                ),
                software=module.software,
                version=module.version,
                check=COVERAGE,
                by_rule=True,
                by_waiver=True,
            )
        )
    return found


def runs_software(case: PlannedCase) -> bool:
    """Say whether a case is more than what the driver only reads."""
    return case.partition != 'driver' or case.evidence is not Evidence.STATIC


def of_cases(excuses: tuple[Excuse, ...], run: Run, gate: GateRecord) -> list[Objection]:
    """Return the excuses of the strict judgement, by what rules and waivers go by."""
    results: dict[str, list[CaseResult]] = {}
    for result in run.results:
        results.setdefault(result.case.full_key, []).append(result)
    investigated = {each.case: each for each in gate.investigations}
    found = []
    for excuse in excuses:
        if not excuse.cases:
            # Of several reasons why nothing was run, the gate's own says most.
            if gate.hold and gate.method == 'none':
                continue
            found.append(Objection(excuse))
            continue
        (key,) = excuse.cases
        (case, *_) = results[key]
        failure = gate.classes.get(key)
        reason = f'{failure.value}: {excuse.reason}' if failure else excuse.reason
        if key in investigated:
            reason = f'{reason} [{words_for_case(investigated[key])}]'
        # One case with two results is not known well enough to be released.
        known = len(results[key]) == 1 and case.outcome in _WAIVABLE_OUTCOMES
        found.append(
            Objection(
                excuse.model_copy(update={'reason': reason}),
                software=case.case.id.software,
                version=case.case.id.version,
                check=case.case.id.test,
                by_rule=True,
                by_waiver=known,
                failure=failure,
            )
        )
    return found
