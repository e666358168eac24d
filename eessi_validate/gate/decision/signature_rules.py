"""What a policy asks of the signature that a tarball comes with. Pure."""

from __future__ import annotations

from eessi_validate.gate.decision.policy_file import SignatureRules
from eessi_validate.gate.inspection.findings import finding_kinds
from eessi_validate.results.model import TarballFinding, TarballSignature


def judge_signature(
    signature: TarballSignature | None, rules: SignatureRules
) -> tuple[TarballFinding, ...]:
    """Return why a verified signature, or that there is none, is not what the policy asks for."""
    if signature is None:
        if rules.required:
            return (signature_finding('signature-missing', 'the policy asks for a signature'),)
        return ()
    if rules.principals and signature.principal not in rules.principals:
        sentence = f'it is signed by {signature.principal}, whom the policy does not name'
    elif rules.namespaces and signature.namespace not in rules.namespaces:
        sentence = f'it is signed for {signature.namespace}, which the policy does not name'
    else:
        return ()
    return (signature_finding('signature-unknown', sentence),)


def signature_finding(name: str, sentence: str) -> TarballFinding:
    """Return a finding on the signature of a tarball."""
    kind = finding_kinds()[name]
    return TarballFinding(
        id=name, severity=kind.severity, member='', sentence=sentence, waivable=kind.waivable
    )
