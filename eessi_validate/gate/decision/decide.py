"""The verdict on a tarball: judged as strictly as can be, then released by rules and waivers.

Pure: the same findings, results, policy, waivers and day give the same report. Nothing that no
rule and no waiver names is ever released, so a mistake in either holds a tarball back.
"""

from __future__ import annotations

import datetime
from collections import Counter

from eessi_validate.gate.decision.baseline import classify
from eessi_validate.gate.decision.objections import (
    Objection,
    of_cases,
    of_coverage,
    of_findings,
    of_gate,
    of_signature,
    runs_software,
)
from eessi_validate.gate.decision.policy_file import LoadedPolicy
from eessi_validate.gate.decision.signature_rules import OF_METADATA, judge_signature
from eessi_validate.gate.decision.waivers import covering, why_void
from eessi_validate.gate.judge import judge
from eessi_validate.results.model import (
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
    TarballFinding,
    TarballSignature,
    VerdictCode,
    Waiver,
)


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
        *of_findings(_with_unsigned(gate, policy)),
        *of_signature(gate),
        *of_gate(gate),
        *of_coverage(plan, gate),
        *of_cases(strict.judgement.excuses, run, gate),
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
    return [decision.settle(objection) for objection in of_findings(gate)]


def settle_static(
    gate: GateRecord, policy: LoadedPolicy, digest: str, *, without_run: str = ''
) -> tuple[list[Excuse], frozenset[str]]:
    """Return the excuses of findings and signature after rules and waivers, and the waivers used.

    :arg digest: of the tarball, ``sha256:...``.
    :arg without_run: why no run of its cases is known; a rule may release that, a waiver not.
    """
    decision = _Decision(gate, policy, digest)
    asked = _with_unsigned(gate, policy) if gate.tarball else gate
    excuses = [decision.settle(objection) for objection in of_findings(asked)]
    if without_run:
        excuse = Excuse(
            subject=gate.tarball, check='evidence', cpu_target=gate.cpu_target, effect='hold',
            reason=without_run, release='gate it where its cases can run, and sign the verdict',
        )  # fmt: skip
        excuses.append(decision.settle(Objection(excuse, check='evidence', by_rule=True)))
    return excuses, frozenset(decision.used)


def _with_unsigned(gate: GateRecord, policy: LoadedPolicy) -> GateRecord:
    """Add what the policy asks of the signatures, unless something is known of them already."""
    signed: list[tuple[str, TarballSignature | None]] = [('', gate.signature)]
    if gate.with_metadata:
        signed.append((OF_METADATA, gate.metadata_signature))
    known = {finding.id for finding in gate.findings}
    added: list[TarballFinding] = []
    for of, signature in signed:
        if not any(name.startswith(f'{of}signature-') for name in known):
            added += judge_signature(signature, policy.policy.signature, of)
    return gate.model_copy(update={'findings': (*gate.findings, *added)})


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

    def settle(self, objection: Objection) -> Excuse:
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

    def _by_rule(self, objection: Objection) -> str:
        target = objection.excuse.cpu_target
        rule = self._policy.rule(self._gate.context, target, objection.check, self._day)
        if rule.mode != 'enforce':
            return f'{rule.mode} only (rule {rule.id})'
        if rule.require == 'advisory':
            return f'advisory (rule {rule.id})'
        if rule.require == 'no-regression' and objection.failure is FailureClass.ALWAYS_FAIL:
            return f'no regression (rule {rule.id})'
        return ''

    def _by_waiver(self, objection: Objection) -> str:
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
        asked = [case for case in plan.cases if runs_software(case) and self._must_pass(case)]
        passed = any(r.outcome is Outcome.PASS and runs_software(r.case) for r in run.results)
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
