"""The verdict on a tarball: judged as strictly as can be, then released by rules and waivers.

Pure: the same findings, results, policy, waivers and day give the same report. Nothing that no
rule and no waiver names is ever released, so a mistake in either holds a tarball back.
"""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass

from eessi_validate.gate.decision.baseline import classify
from eessi_validate.gate.decision.policy_file import LoadedPolicy
from eessi_validate.gate.decision.waivers import covering, why_void
from eessi_validate.gate.inspection.findings import finding_kinds
from eessi_validate.gate.judge import judge
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
    Report,
    Run,
    Standing,
    Subject,
    VerdictCode,
    Waiver,
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
class _Objection:
    """An excuse before rules and waivers, and what they need to know of it."""

    excuse: Excuse
    software: str = ''
    version: str = ''
    #: Name of the check for rules and waivers; '' if neither may release it.
    check: str = ''
    by_rule: bool = False
    by_waiver: bool = False
    failure: FailureClass | None = None


def decide(
    subject: Subject, plan: Plan, run: Run, gate: GateRecord, policy: LoadedPolicy
) -> Report:
    """Return the report on a tarball with its verdict."""
    gate = gate.model_copy(
        update={
            'classes': classify(run.results, gate.baselines),
            'policy_digest': policy.digest,
        }
    )
    strict = judge(subject, plan, run)
    decision = _Decision(gate, policy, subject.digest)
    objections = [
        *_of_findings(gate),
        *_of_gate(gate),
        *_of_coverage(plan, gate),
        *_of_cases(strict.judgement.excuses, run, gate),
    ]
    excuses = [decision.settle(objection) for objection in objections]
    excuses += decision.without_evidence(plan, run)
    excuses += decision.about_waivers()
    verdict = _verdict(excuses, waived=bool(decision.used))
    standings = decision.standings(strict.judgement.standings)
    counted = Counter(standings.values())
    counters = strict.counters.model_copy(
        update={
            'passed': counted[Standing.PASSED],
            'new_failures': counted[Standing.NEW_FAILURE],
            'known': counted[Standing.KNOWN],
            'lost_coverage': counted[Standing.LOST_COVERAGE],
            'held': counted[Standing.HELD],
        }
    )
    judgement = strict.judgement.model_copy(
        update={
            'verdict': verdict,
            'summary': _summary(verdict, excuses, len(plan.cases), decision),
            'policy': policy.policy.name,
            'excuses': tuple(excuses),
            'standings': standings,
        }
    )
    return strict.model_copy(
        update={'judgement': judgement, 'counters': counters, 'gate': gate},
    )


def release_findings(gate: GateRecord, policy: LoadedPolicy, digest: str) -> list[Excuse]:
    """Return the excuses of the findings alone, after rules and waivers.

    :arg digest: of the tarball, ``sha256:...``.
    """
    decision = _Decision(gate, policy, digest)
    return [decision.settle(objection) for objection in _of_findings(gate)]


def _of_findings(gate: GateRecord) -> list[_Objection]:
    kinds = finding_kinds()
    found = []
    for finding in gate.findings:
        kind = kinds.get(finding.id)
        software, version = _installation_of(finding.member, gate)
        # What may be waived is a property of the finding's kind, never of a record of it.
        may = kind is not None and kind.waivable
        effect = finding.severity if kind is None else _graver(finding.severity, kind.severity)
        found.append(
            _Objection(
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


def _of_gate(gate: GateRecord) -> list[_Objection]:
    if not gate.hold:
        return []
    if gate.hold == INSPECTED_ONLY and gate.kind == 'scripts':
        return [
            _Objection(
                Excuse(
                    subject=gate.tarball, check=STATIC_ONLY, cpu_target='', effect='hold',
                    reason=gate.hold, release='review it, and waive this by its digest',
                ),
                check=STATIC_ONLY, by_rule=True, by_waiver=True,
            )
        ]  # fmt: skip
    return [
        _Objection(
            Excuse(
                subject='run', check='gate', cpu_target='', effect='hold', reason=gate.hold,
                release='see "eessi-validate doctor", then gate again',
            )
        )
    ]  # fmt: skip


def _of_coverage(plan: Plan, gate: GateRecord) -> list[_Objection]:
    """Nothing to run for what is new is never a pass."""
    if gate.method == 'none':
        return []
    covered = {case.module for case in plan.cases if _runs_software(case)}
    found = []
    for name in gate.modules:
        if name in covered:
            continue
        module = parse_module(name.partition(' in ')[0])
        found.append(
            _Objection(
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


def _runs_software(case: PlannedCase) -> bool:
    return case.partition != 'driver' or case.evidence is not Evidence.STATIC


def _of_cases(excuses: tuple[Excuse, ...], run: Run, gate: GateRecord) -> list[_Objection]:
    results: dict[str, list[CaseResult]] = {}
    for result in run.results:
        results.setdefault(result.case.full_key, []).append(result)
    found = []
    for excuse in excuses:
        if not excuse.cases:
            # Of several reasons why nothing was run, the gate's own says most.
            if gate.hold and gate.method == 'none':
                continue
            found.append(_Objection(excuse))
            continue
        (key,) = excuse.cases
        (case, *_) = results[key]
        failure = gate.classes.get(key)
        # One case with two results is not known well enough to be released.
        known = len(results[key]) == 1 and case.outcome in _WAIVABLE_OUTCOMES
        found.append(
            _Objection(
                excuse.model_copy(
                    update={
                        'reason': f'{failure.value}: {excuse.reason}' if failure else excuse.reason
                    }
                ),
                software=case.case.id.software,
                version=case.case.id.version,
                check=case.case.id.test,
                by_rule=True,
                by_waiver=known,
                failure=failure,
            )
        )
    return found


class _Decision:
    """Applies rules and waivers, and remembers what they did."""

    def __init__(self, gate: GateRecord, policy: LoadedPolicy, digest: str) -> None:
        self._gate = gate
        self._policy = policy.policy
        self._digest = digest
        self._day = datetime.date.fromisoformat(gate.decided)
        self._void = {waiver.id: why_void(waiver, self._day) for waiver in gate.waivers}
        self._valid = [waiver for waiver in gate.waivers if not self._void[waiver.id]]
        self._released: set[str] = set()
        self.used: dict[str, Waiver] = {}

    def settle(self, objection: _Objection) -> Excuse:
        excuse = objection.excuse
        if excuse.effect == 'note':
            return excuse
        why = self._by_rule(objection) if objection.by_rule else ''
        if not why and objection.by_waiver:
            why = self._by_waiver(objection)
        if not why:
            return excuse
        self._released.update(excuse.cases)
        return excuse.model_copy(
            update={'effect': 'note', 'reason': f'{why}: {excuse.reason}', 'release': ''}
        )

    def _by_rule(self, objection: _Objection) -> str:
        target = objection.excuse.cpu_target
        rule = self._policy.rule(self._gate.context, target, objection.check, self._day)
        if rule.mode != 'enforce':
            return f'{rule.mode} only (rule {rule.id})'
        if rule.require == 'advisory':
            return f'advisory (rule {rule.id})'
        if rule.require == 'no-regression' and objection.failure is FailureClass.ALWAYS_FAIL:
            return f'no regression (rule {rule.id})'
        return ''

    def _by_waiver(self, objection: _Objection) -> str:
        waiver = covering(
            self._valid,
            objection.check,
            objection.excuse.cpu_target,
            objection.software,
            objection.version,
            self._digest,
        )
        if waiver is None:
            return ''
        self.used[waiver.id] = waiver
        return f'waived by {waiver.id} until {waiver.expires} ({waiver.owner}, {waiver.issue})'

    def without_evidence(self, plan: Plan, run: Run) -> list[Excuse]:
        """Hold what would be accepted although nothing that had to pass did."""
        if self._gate.method == 'none':
            return []
        asked = [case for case in plan.cases if _runs_software(case) and self._must_pass(case)]
        passed = any(r.outcome is Outcome.PASS and _runs_software(r.case) for r in run.results)
        if passed or not asked:
            return []
        return [
            Excuse(
                subject='run', check='plan', cpu_target='', effect='hold',
                reason='not one case that runs software has passed', release='run again',
            )
        ]  # fmt: skip

    def _must_pass(self, case: PlannedCase) -> bool:
        rule = self._policy.rule(self._gate.context, case.id.cpu_target, case.id.test, self._day)
        return rule.mode == 'enforce' and rule.require != 'advisory'

    def about_waivers(self) -> list[Excuse]:
        """Report the waivers that did nothing."""
        found = []
        for waiver in self._gate.waivers:
            void = self._void[waiver.id]
            reason = f'it does not count: {void}' if void else 'it is not used by this tarball'
            if waiver.id in self.used:
                continue
            found.append(
                Excuse(
                    subject=f'waiver {waiver.id}', check=waiver.check, cpu_target=waiver.target,
                    effect='note', reason=reason, release='',
                )
            )  # fmt: skip
        return found

    def standings(self, strict: dict[str, Standing]) -> dict[str, Standing]:
        return {
            key: Standing.KNOWN
            if key in self._released and standing is not Standing.PASSED
            else standing
            for key, standing in strict.items()
        }


def _verdict(excuses: list[Excuse], *, waived: bool) -> VerdictCode:
    effects = {excuse.effect for excuse in excuses}
    if 'reject' in effects:
        return VerdictCode.REJECT
    if 'hold' in effects:
        return VerdictCode.HOLD
    return VerdictCode.ACCEPT_WAIVED if waived else VerdictCode.ACCEPT


def _summary(verdict: VerdictCode, excuses: list[Excuse], planned: int, decision: _Decision) -> str:
    if verdict in (VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED):
        notes = sum(1 for e in excuses if e.effect == 'note' and e.cases)
        passed = f'{planned - notes} of {planned} planned cases passed' if notes else (
            f'all {planned} planned cases passed'
        )  # fmt: skip
        if decision.used:
            return f'{passed}; waived: {", ".join(sorted(decision.used))}'
        return passed
    decisive = 'reject' if verdict is VerdictCode.REJECT else 'hold'
    first, *more = [excuse for excuse in excuses if excuse.effect == decisive]
    where = f'{first.subject} {first.check}' if first.subject != 'run' else first.check
    return f'{where}: {first.reason}' + (f' (and {len(more)} more)' if more else '')
