"""The verdict on a bundle: each target judged as strictly as alone, and all of them together. Pure.

Nothing is accepted without evidence: a target counts as accepted only if somebody whom the allowed
signers name has attested that its cases were run, and the attestation is of this very file.
"""

from __future__ import annotations

import datetime
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eessi_validate.gate.bundle.differences import Module, against_base, differences, shown
from eessi_validate.gate.decision.decide import settle_static
from eessi_validate.gate.decision.policy_file import LoadedPolicy
from eessi_validate.gate.decision.signature_rules import signature_finding
from eessi_validate.gate.decision.waivers import why_void
from eessi_validate.results.bundle import BundleReport, BundleTarball, Concern, Difference
from eessi_validate.results.model import Excuse, GateRecord, TarballFinding, VerdictCode, Waiver

_WITHOUT_RUN = 'no attestation says that its cases were run'
_ACCEPTED = (VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED)
_ORDER = {'reject': 0, 'hold': 1, 'note': 2}


@dataclass(frozen=True)
class BundleFacts:
    """What a decision on a bundle goes by, besides the tarballs."""

    repository: str
    #: Targets that must be there, and what says so; empty if that is not known.
    expected: tuple[str, ...]
    expected_by: str
    #: Modules of the bundle that the base stack has, by target.
    in_base: Mapping[str, frozenset[Module]]
    context: str
    day: datetime.date
    waivers: tuple[Waiver, ...] = ()


def decide_bundle(
    tarballs: Sequence[BundleTarball], facts: BundleFacts, policy: LoadedPolicy
) -> BundleReport:
    """Return the report on a bundle with its verdict."""
    # In whatever order they were read.
    tarballs = sorted(tarballs, key=lambda each: (each.target, each.tarball))
    found = differences(
        tarballs, facts.expected, facts.in_base, facts.repository, policy.policy.bundle
    )
    by_target: dict[str, list[BundleTarball]] = defaultdict(list)
    for each in tarballs:
        by_target[each.target].append(each)
    used: set[str] = set()
    excuses: dict[str, list[Excuse]] = {}
    for target in dict.fromkeys((*by_target, *facts.expected)):
        excuses[target], waivers = _of_target(target, by_target[target], found, facts, policy)
        used |= waivers
    general = _general(tarballs, excuses)
    verdicts = {target: _verdict(own, by_target[target]) for target, own in sorted(excuses.items())}
    everything = [*general, *(each for own in excuses.values() for each in own)]
    waived = bool(used) or any(each.attested is VerdictCode.ACCEPT_WAIVED for each in tarballs)
    verdict = _worst(everything, waived=waived)
    concerns = (*_concerns(excuses), *_concerns({'': general}))
    concerns = tuple(sorted(concerns, key=_order))
    return BundleReport(
        verdict=verdict,
        summary=_summary(verdict, concerns, tarballs, used),
        repository=facts.repository,
        release=next((each.release for each in tarballs if each.release), ''),
        digest=_digest(tarballs),
        expected=facts.expected,
        expected_by=facts.expected_by,
        tarballs=tuple(tarballs),
        verdicts=verdicts,
        against_base=against_base(tarballs, facts.in_base),
        differences=found,
        concerns=concerns,
        context=facts.context,
        decided=facts.day.isoformat(),
        policy=policy.policy.name,
        policy_digest=policy.digest,
        waivers=facts.waivers,
        unused_waivers=tuple(_unused(facts, used)),
    )


def _of_target(
    target: str,
    tarballs: Sequence[BundleTarball],
    found: Sequence[Difference],
    facts: BundleFacts,
    policy: LoadedPolicy,
) -> tuple[list[Excuse], set[str]]:
    """Return all excuses of a target, with modules for their subjects, and the waivers used."""
    here = [each for each in found if target in each.targets]
    excuses: list[Excuse] = []
    used: set[str] = set()
    for each in tarballs or (BundleTarball(tarball='', digest='', size=0, target=target),):
        gate = _record(each, here, facts)
        without = _WITHOUT_RUN if each.tarball and each.attested is None else ''
        settled, waivers = settle_static(gate, policy, each.digest, without_run=without)
        used |= waivers
        excuses += _with_modules(settled, gate, here)
        excuses += each.objections
        if each.problem:
            excuses.append(_held(each.tarball, 'inspection', each.problem, 'gate it anew'))
    return excuses, used


def _record(each: BundleTarball, here: Sequence[Difference], facts: BundleFacts) -> GateRecord:
    cpu_target = each.cpu_target or each.target.partition('/accel/')[0]
    of_bundle = tuple(_finding(one, one.targets[each.target], each, cpu_target) for one in here)
    return GateRecord(
        tarball=each.tarball,
        size=each.size,
        kind=each.kind,
        os=each.os or 'linux',
        cpu_target=cpu_target,
        top=each.top,
        findings=(*of_bundle, *each.findings),
        signature=each.signature,
        with_metadata=each.with_metadata,
        metadata_signature=each.metadata_signature,
        base_digest='',
        method='none',
        context=facts.context,
        decided=facts.day.isoformat(),
        waivers=facts.waivers,
        trial='',
    )


def _finding(
    difference: Difference, reason: str, each: BundleTarball, cpu_target: str
) -> TarballFinding:
    """Return a difference as a finding at the place of the module, which waivers go by."""
    found = signature_finding(difference.check, reason)
    if not difference.module:
        return found
    accel = f'{difference.accel}/any/' if difference.accel else ''
    prefix = f'{each.top}/software/{each.os or "linux"}/{cpu_target}/{accel}'
    return found.model_copy(update={'member': f'{prefix}modules/all/{difference.module}'})


def _with_modules(
    excuses: Sequence[Excuse], gate: GateRecord, here: Sequence[Difference]
) -> list[Excuse]:
    """Name the module where an excuse is about a difference, and no tarball: the target does."""
    # Differences are the first findings, in this order.
    names = [shown((one.accel, one.module)) for one in here]
    return [
        excuse.model_copy(update={'subject': names[place]})
        if place < len(names)
        else excuse.model_copy(update={'subject': ''})
        if excuse.subject == gate.tarball
        else excuse
        for place, excuse in enumerate(excuses)
    ]


def _general(
    tarballs: Sequence[BundleTarball], excuses: Mapping[str, Sequence[Excuse]]
) -> list[Excuse]:
    if not tarballs:
        finding = signature_finding('bundle-empty', 'there is no tarball')
        return [
            Excuse(
                subject='', check=finding.id, cpu_target='', effect=finding.severity,
                reason=finding.sentence, release='put the tarballs of the change there',
            )
        ]  # fmt: skip
    stopped = any(each.effect != 'note' for own in excuses.values() for each in own)
    if not stopped and not any(each.attested in _ACCEPTED for each in tarballs):
        # Rules may release single targets from being run, but never all of them.
        reason = 'not one target has an attestation that its cases passed'
        return [_held('', 'evidence', reason, 'gate each tarball where its cases can run')]
    return []


def _held(subject: str, check: str, reason: str, release: str) -> Excuse:
    return Excuse(
        subject=subject, check=check, cpu_target='', effect='hold', reason=reason, release=release
    )


def _verdict(excuses: Sequence[Excuse], tarballs: Sequence[BundleTarball]) -> VerdictCode:
    waived = any(each.attested is VerdictCode.ACCEPT_WAIVED for each in tarballs) or any(
        each.effect == 'note' and each.reason.startswith('waived by ') for each in excuses
    )
    return _worst(excuses, waived=waived)


def _worst(excuses: Iterable[Excuse], *, waived: bool) -> VerdictCode:
    effects = {each.effect for each in excuses}
    if 'reject' in effects:
        return VerdictCode.REJECT
    if 'hold' in effects:
        return VerdictCode.HOLD
    return VerdictCode.ACCEPT_WAIVED if waived else VerdictCode.ACCEPT


def _concerns(excuses: Mapping[str, Sequence[Excuse]]) -> list[Concern]:
    """Put what is said of several targets together: of members of tarballs, the first alone."""
    reasons: dict[tuple[str, str, str, str], dict[str, str]] = {}
    counts: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for target, own in excuses.items():
        for each in own:
            # A target without a tarball lacks every module: one concern, not hundreds.
            is_module = each.check.startswith('bundle-') and each.check != 'bundle-target-missing'
            subject = each.subject if is_module else ''
            key = (each.effect, each.check, subject, each.release)
            reason = each.reason if is_module or not each.subject else (
                f'{each.subject}: {each.reason}'
            )  # fmt: skip
            reasons.setdefault(key, {}).setdefault(target, reason)
            counted = counts.setdefault(key, {})
            counted[target] = counted.get(target, 0) + 1
    return [
        Concern(
            effect=key[0],  # type: ignore[arg-type]
            check=key[1],
            subject=key[2],
            release=key[3],
            reasons=found,
            counts=counts[key],
        )
        for key, found in reasons.items()
    ]


def _order(concern: Concern) -> tuple[int, bool, bool]:
    """Return a key: the gravest first, then whole tarballs; that nothing was run comes last."""
    return _ORDER[concern.effect], concern.check == 'evidence', bool(concern.subject)


def _summary(
    verdict: VerdictCode,
    concerns: Iterable[Concern],
    tarballs: Sequence[BundleTarball],
    used: set[str],
) -> str:
    if verdict in _ACCEPTED:
        told = f'{len(tarballs)} tarballs agree, and their cases passed'
        return told + (f'; waived: {", ".join(sorted(used))}' if used else '')
    decisive = 'reject' if verdict is VerdictCode.REJECT else 'hold'
    first, *more = [each for each in concerns if each.effect == decisive]
    target, reason = next(iter(first.reasons.items()))
    where = ' '.join(part for part in (target, first.subject, first.check) if part)
    others = len(first.reasons) - 1
    also = f', on {others} more targets' if others else ''
    return f'{where}: {reason}{also}' + (f' (and {len(more)} more)' if more else '')


def _unused(facts: BundleFacts, used: set[str]) -> Iterable[str]:
    for waiver in facts.waivers:
        if waiver.id not in used:
            yield f'{waiver.id}: {why_void(waiver, facts.day) or "not used"}'


def _digest(tarballs: Sequence[BundleTarball]) -> str:
    digest = hashlib.sha256()
    for line in sorted(f'{each.tarball}\0{each.digest}\n' for each in tarballs):
        digest.update(line.encode('utf-8', 'backslashreplace'))
    return f'sha256:{digest.hexdigest()}'
