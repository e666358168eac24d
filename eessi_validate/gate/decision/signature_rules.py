"""What a policy asks of the signatures that a tarball and its metadata come with. Pure."""

from __future__ import annotations

from eessi_validate.gate.decision.policy_file import SignatureRules
from eessi_validate.gate.inspection.findings import finding_kinds
from eessi_validate.results.model import TarballFinding, TarballSignature

#: What stands before the ids of findings where the signature is that of the metadata.
OF_METADATA = 'metadata-'


def judge_signature(
    signature: TarballSignature | None, rules: SignatureRules, of: str = ''
) -> tuple[TarballFinding, ...]:
    """Return why a verified signature, or that there is none, is not what the policy asks for.

    :arg of: :data:`OF_METADATA` for the signature of the metadata.
    """
    what, is_ = ('the metadata', 'are') if of else ('the tarball', 'is')
    if signature is None:
        if rules.required:
            sentence = f'the policy asks for a signature of {what}'
            return (signature_finding(f'{of}signature-missing', sentence),)
        return ()
    if rules.principals and signature.principal not in rules.principals:
        sentence = f'{what} {is_} signed by {signature.principal}, whom the policy does not name'
    elif rules.namespaces and signature.namespace not in rules.namespaces:
        sentence = f'{what} {is_} signed for {signature.namespace}, which the policy does not name'
    else:
        return ()
    return (signature_finding(f'{of}signature-unknown', sentence),)


def signature_finding(name: str, sentence: str) -> TarballFinding:
    """Return a finding on the signature of a tarball."""
    kind = finding_kinds()[name]
    return TarballFinding(
        id=name, severity=kind.severity, member='', sentence=sentence, waivable=kind.waivable
    )
