"""The first look at a tarball: its signature, and only then what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eessi_validate.gate.attestation.tarball_signature import (
    SignatureCheck,
    check_tarball_signature,
)
from eessi_validate.gate.decision.policy_file import SignatureRules
from eessi_validate.gate.decision.signature_rules import judge_signature, signature_finding
from eessi_validate.gate.inspection import (
    DEFAULT_LIMITS,
    Facts,
    Finding,
    Inspection,
    Limits,
    Totals,
    inspect_tarball,
)
from eessi_validate.results.model import TarballSignature


@dataclass(frozen=True)
class FirstLook:
    """A tarball as far as it was looked at."""

    inspection: Inspection
    #: Whose signature is valid; None if none was asked for, or none is.
    signature: TarballSignature | None
    #: Why nothing but its digest and signature was looked at; '' if all of it was read.
    unread: str = ''


def look_at(
    tarball: Path,
    *,
    base: Path,
    metadata: Path | None,
    signature: Path | None,
    allowed_signers: Path | None,
    rules: SignatureRules,
    limits: Limits = DEFAULT_LIMITS,
) -> FirstLook:
    """Verify the signature if one is given or required; inspect the file unless that refuses it.

    :raises UsageError: for what is named and is not there.
    :raises HoldError: if the file cannot be read, or the signature not be looked at.
    """
    if signature is None and not rules.required:
        inspection = inspect_tarball(tarball, base=base, metadata=metadata, limits=limits)
        return FirstLook(inspection, None)
    check = check_tarball_signature(tarball, signature, allowed_signers, rules.principals)
    if check.finding or judge_signature(check.signature, rules):
        why = 'nothing of it was read, extracted or run, because of its signature'
        return FirstLook(_unread(check), check.signature, why)
    inspection = inspect_tarball(tarball, base=base, metadata=metadata, limits=limits)
    if check.subject.sha256 != inspection.subject.sha256:
        changed = _finding('file-changed', 'it changed after its signature was verified')
        findings = (changed, *inspection.findings)
        inspection = inspection.model_copy(update={'findings': findings})
    return FirstLook(inspection, check.signature)


def _unread(check: SignatureCheck) -> Inspection:
    findings = (_finding(check.finding, check.sentence),) if check.finding else ()
    return Inspection(
        subject=check.subject,
        facts=Facts(),
        totals=Totals(),
        installations=(),
        modules=(),
        findings=findings,
        counts={finding.id: 1 for finding in findings},
    )


def _finding(name: str, sentence: str) -> Finding:
    return Finding(**signature_finding(name, sentence).model_dump())
