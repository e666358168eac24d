"""What is checked just before ingestion: in seconds, without executing anything of the tarball."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.attestation.signature import verify_signature
from eessi_validate.gate.attestation.statement import Statement, read_statement
from eessi_validate.gate.decision.decide import release_findings
from eessi_validate.gate.decision.policy_file import LoadedPolicy, load_policy
from eessi_validate.gate.flow import base_digest_of, facts_are_complete, stored_findings
from eessi_validate.gate.inspection import Inspection, inspect_tarball
from eessi_validate.gate.versions import why_trial
from eessi_validate.results.model import Excuse, GateRecord, VerdictCode
from eessi_validate.stack.layout import Stack, open_stack

_ACCEPTED = (VerdictCode.ACCEPT, VerdictCode.ACCEPT_WAIVED)


@dataclass(frozen=True)
class VerifyRequest:
    """What the command line asks of a verification."""

    tarball: Path
    attestation: Path
    allowed_signers: Path
    policy: Path
    signature: Path | None = None
    #: Base stack to ingest into; None: the one that the attestation names.
    stack: Path | None = None
    metadata: Path | None = None
    context: str = 'ingest'
    now: datetime.datetime | None = None


@dataclass(frozen=True)
class Verification:
    """The verdict of a verification; all that speaks against it, not the first only."""

    verdict: VerdictCode
    sha256: str
    principal: str
    objections: tuple[Excuse, ...]


def verify_tarball(request: VerifyRequest) -> Verification:
    """Check that a tarball is what an official gate accepted, and still can be ingested.

    :raises UsageError: for a file that is not there.
    :raises HoldError: if signature or statement are not valid, so that nothing is known.
    """
    policy = load_policy(request.policy)
    principal, statement = read_attestation(
        request.attestation, request.signature, request.allowed_signers, policy
    )
    known = statement.predicate.eessi_validate
    stack = open_stack(request.stack or known.root)
    inspection = inspect_tarball(request.tarball, base=stack.root, metadata=request.metadata)
    now = request.now or datetime.datetime.now(datetime.timezone.utc)
    objections = objections_to(statement, inspection, stack, policy, request.context, now)
    objections += _of_findings(statement, inspection, policy, request.context, now)
    verdict = attested_verdict(statement, objections)
    return Verification(verdict, inspection.subject.sha256, principal, tuple(objections))


def read_attestation(
    attestation: Path, signature: Path | None, allowed_signers: Path, policy: LoadedPolicy
) -> tuple[str, Statement]:
    """Return the principal whose valid signature a statement carries, and the statement.

    :arg signature: the attestation's name with ``.sig``, if not given.
    :raises UsageError: for a file that is not there.
    :raises HoldError: if signature or statement are not valid.
    """
    data = _read(attestation)
    signature = signature or attestation.with_name(f'{attestation.name}.sig')
    wanted = policy.policy.attestation.principals
    principal = verify_signature(data, _read(signature), allowed_signers, wanted)
    return principal, read_statement(data)


def attested_verdict(statement: Statement, objections: Sequence[Excuse]) -> VerdictCode:
    """Return what is left of an attested verdict after all that speaks against it."""
    known = statement.predicate.eessi_validate
    effects = {objection.effect for objection in objections}
    if 'reject' in effects or known.verdict not in _ACCEPTED:
        return VerdictCode.REJECT
    return VerdictCode.HOLD if 'hold' in effects else known.verdict


def objections_to(
    statement: Statement,
    inspection: Inspection,
    stack: Stack,
    policy: LoadedPolicy,
    context: str,
    now: datetime.datetime,
) -> list[Excuse]:
    """Return what speaks against a signed statement about a file, its findings left aside."""
    known = statement.predicate.eessi_validate
    objections = [
        *_of_subject(statement, inspection),
        *_of_policy(statement, policy, context),
        *_of_age(known.started, policy, now),
    ]
    if stack.repository != known.repository:
        objections.append(
            _objection('repository', 'reject', f'it was gated for {known.repository}')
        )
    elif base_digest_of(stack, known.release) != known.base_digest:
        effect = policy.policy.attestation.drift
        objections.append(
            Excuse(
                subject='base', check='drift', cpu_target=known.cpu_target, effect=effect,
                reason='the base stack is not the one that the tarball was tested on',
                release='gate it again on the base as it is now',
            )
        )  # fmt: skip
    if not facts_are_complete(inspection):
        objections.append(_objection('inspection', 'hold', 'the tarball was not read to its end'))
    return objections


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f'no file at {path}') from error
    except OSError as error:
        raise HoldError(f'cannot read {path}: {error.strerror}') from error


def _objection(check: str, effect: str, reason: str) -> Excuse:
    return Excuse(
        subject='attestation',
        check=check,
        cpu_target='',
        effect=effect,  # type: ignore[arg-type]
        reason=reason,
        release='gate this very file, under this policy and for this context',
    )


def _of_subject(statement: Statement, inspection: Inspection) -> list[Excuse]:
    (subject,) = statement.subject
    found = []
    if subject.digest.sha256 != inspection.subject.sha256:
        reason = f'it is about sha256:{subject.digest.sha256}, not about this file'
        found.append(_objection('subject', 'reject', reason))
    if subject.name != inspection.subject.name:
        found.append(_objection('subject', 'reject', f'it is about a file called {subject.name}'))
    known = statement.predicate.eessi_validate
    if known.verdict not in _ACCEPTED or statement.predicate.result not in ('PASSED', 'WARNED'):
        found.append(_objection('verdict', 'reject', f'its verdict is {known.verdict.value}'))
    return found


def _of_policy(statement: Statement, policy: LoadedPolicy, context: str) -> list[Excuse]:
    known = statement.predicate.eessi_validate
    used = {f'sha256:{each.digest.sha256}' for each in statement.predicate.configuration}
    found = []
    if used != {policy.digest}:
        found.append(_objection('policy', 'hold', 'it was decided under another policy'))
    if known.context != context:
        found.append(_objection('context', 'hold', f'it was decided for {known.context}'))
    if why := why_trial(policy.policy, known.versions):
        found.append(_objection('versions', 'hold', f'it is of no official run: {why}'))
    return found


def _of_age(started: str, policy: LoadedPolicy, now: datetime.datetime) -> list[Excuse]:
    try:
        age = now - datetime.datetime.fromisoformat(started)
    except (ValueError, TypeError):
        return [_objection('age', 'hold', f'it is of {started}, which is no time')]
    limit = policy.policy.attestation.max_age_days
    if age > datetime.timedelta(days=limit):
        return [_objection('age', 'hold', f'it is {age.days} days old; {limit} are allowed')]
    if age < -datetime.timedelta(minutes=5):
        return [_objection('age', 'hold', f'it is of the future: {started}')]
    return []


def _of_findings(
    statement: Statement,
    inspection: Inspection,
    policy: LoadedPolicy,
    context: str,
    now: datetime.datetime,
) -> list[Excuse]:
    """Decide on the findings of this inspection, as they are now, and by the day's waivers."""
    facts, known = inspection.facts, statement.predicate.eessi_validate
    target = facts.cpu_target or facts.family
    record = GateRecord(
        tarball=inspection.subject.name,
        size=inspection.subject.size,
        kind=facts.kind,
        os=facts.os,
        cpu_target=target,
        top=facts.release + facts.suffix if facts.release_in_paths else '',
        findings=stored_findings(inspection),
        base_digest='',
        method='none',
        context=context,
        decided=now.date().isoformat(),
        waivers=known.waivers,
        trial='',
    )
    return release_findings(record, policy, f'sha256:{inspection.subject.sha256}')
