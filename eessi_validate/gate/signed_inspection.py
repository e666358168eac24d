"""The first look at an upload: its signatures, and only then what is in the tarball."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from eessi_validate.errors import UsageError
from eessi_validate.gate.attestation.upload_signature import (
    SignatureCheck,
    check_upload_signature,
)
from eessi_validate.gate.decision.policy_file import SignatureRules
from eessi_validate.gate.decision.signature_rules import (
    OF_METADATA,
    judge_signature,
    signature_finding,
)
from eessi_validate.gate.inspection import (
    DEFAULT_LIMITS,
    Facts,
    Finding,
    Inspection,
    Limits,
    Subject,
    Totals,
    inspect_tarball,
)
from eessi_validate.results.model import TarballSignature


@dataclass(frozen=True)
class Upload:
    """A tarball and what came with it."""

    tarball: Path
    #: Signature of the tarball.
    signature: Path | None = None
    metadata: Path | None = None
    metadata_signature: Path | None = None
    #: Who may have made the signatures, in the form of ssh-keygen(1), "ALLOWED SIGNERS".
    allowed_signers: Path | None = None

    def __post_init__(self) -> None:
        if self.metadata_signature and self.metadata is None:
            raise UsageError('a signature of metadata says something only with the metadata')


@dataclass(frozen=True)
class FirstLook:
    """A tarball as far as it was looked at."""

    inspection: Inspection
    #: Whose signature is valid; None if none was asked for, or none is.
    signature: TarballSignature | None = None
    #: The same of its metadata.
    metadata_signature: TarballSignature | None = None
    #: Why nothing but digest and signatures was looked at; '' if all of it was read.
    unread: str = ''


def look_at(
    upload: Upload, *, base: Path, rules: SignatureRules, limits: Limits = DEFAULT_LIMITS
) -> FirstLook:
    """Verify what signatures are given or required; inspect the tarball unless they refuse it.

    :raises UsageError: for what is named and is not there.
    :raises HoldError: if the tarball cannot be read, or a signature not be looked at.
    """
    if not (upload.signature or upload.metadata_signature or rules.required):
        inspection = inspect_tarball(
            upload.tarball, base=base, metadata=upload.metadata, limits=limits
        )
        return FirstLook(inspection)
    with _own_copy(upload.metadata, limits.metadata) as metadata:
        return _look(replace(upload, metadata=metadata), base, rules, limits)


def _look(upload: Upload, base: Path, rules: SignatureRules, limits: Limits) -> FirstLook:
    signers, metadata = upload.allowed_signers, upload.metadata
    check = check_upload_signature(upload.tarball, upload.signature, signers, rules.principals)
    findings, refused = _judged(check, rules)
    signed_by = None
    if metadata is not None and not metadata.exists():
        findings.append(_finding('metadata-unreadable', 'the metadata cannot be read'))
        refused = True
    elif metadata is not None:
        beside = check_upload_signature(
            metadata, upload.metadata_signature, signers, rules.principals
        )
        found, refused_too = _judged(beside, rules, OF_METADATA)
        signed_by, refused = beside.signature, refused or refused_too
        findings += found
    if refused:
        why = 'nothing of it was read, extracted or run, because of a signature'
        return FirstLook(_unread(check.subject, findings), check.signature, signed_by, why)
    inspection = inspect_tarball(upload.tarball, base=base, metadata=metadata, limits=limits)
    if check.subject.sha256 != inspection.subject.sha256:
        changed = _finding('file-changed', 'it changed after its signature was verified')
        findings = [changed, *inspection.findings]
        inspection = inspection.model_copy(update={'findings': tuple(findings)})
    return FirstLook(inspection, check.signature, signed_by)


def _judged(
    check: SignatureCheck, rules: SignatureRules, of: str = ''
) -> tuple[list[Finding], bool]:
    """Return what is wrong with a signature, and whether that or the policy refuses its file.

    What the policy asks for is no finding yet: another policy may ask for something else.
    """
    if check.finding:
        return [_finding(f'{of}{check.finding}', check.sentence)], True
    return [], bool(judge_signature(check.signature, rules, of))


@contextmanager
def _own_copy(metadata: Path | None, largest: int) -> Iterator[Path | None]:
    """Yield a copy that nobody else writes to: what is verified is what is read afterwards.

    Of what is larger than ``largest`` bytes, one more: enough to be refused for it. Where there is
    nothing to copy, nothing is at the path.
    """
    if metadata is None:
        yield None
        return
    content = None
    with contextlib.suppress(OSError), metadata.open('rb') as stream:
        content = stream.read(largest + 1)
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / 'meta.txt'
        if content is not None:
            # A full disk is no fault of the metadata.
            copy.write_bytes(content)
        yield copy


def _unread(subject: Subject, findings: list[Finding]) -> Inspection:
    return Inspection(
        subject=subject,
        facts=Facts(),
        totals=Totals(),
        installations=(),
        modules=(),
        findings=tuple(findings),
        counts={finding.id: 1 for finding in findings},
    )


def _finding(name: str, sentence: str) -> Finding:
    return Finding(**signature_finding(name, sentence).model_dump())
