"""The static part for one tarball of a bundle; of what it reads, little is kept."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass, replace
from pathlib import Path

from eessi_validate.errors import EessiValidateError
from eessi_validate.gate.attestation.verify import (
    attested_verdict,
    objections_to,
    read_attestation,
)
from eessi_validate.gate.bundle.collect import BundleFile
from eessi_validate.gate.decision.policy_file import LoadedPolicy
from eessi_validate.gate.flow import facts_are_complete, stored_findings
from eessi_validate.gate.inspection import DEFAULT_LIMITS, Inspection
from eessi_validate.gate.signed_inspection import FirstLook, Upload, look_at
from eessi_validate.results.bundle import BundleInstallation, BundleTarball
from eessi_validate.results.model import Excuse, VerdictCode
from eessi_validate.stack.layout import Stack, open_stack
from eessi_validate.stack.targets import find_target

#: Fewer findings are kept for each tarball, because there are many tarballs.
_LIMITS = replace(DEFAULT_LIMITS, listed=100)


@dataclass(frozen=True)
class Setting:
    """What is the same for all tarballs of a bundle."""

    stack: Path
    policy: LoadedPolicy
    allowed_signers: Path | None
    context: str
    now: datetime.datetime


def examine(file: BundleFile, setting: Setting) -> BundleTarball:
    """Inspect a tarball; whatever goes wrong ends in a problem of this one alone."""
    try:
        return _examine(file, setting)
    except (EessiValidateError, OSError) as error:
        name = os.fsencode(file.tarball.name).decode('utf-8', 'backslashreplace')
        return BundleTarball(
            tarball=name, digest='', size=0, target=f'unknown ({name})', problem=str(error)
        )


def _examine(file: BundleFile, setting: Setting) -> BundleTarball:
    stack = open_stack(setting.stack)
    upload = Upload(file.tarball, metadata=file.metadata)
    if setting.allowed_signers:
        upload = replace(
            upload,
            signature=file.signature,
            metadata_signature=file.metadata_signature if file.metadata else None,
            allowed_signers=setting.allowed_signers,
        )
    look = look_at(upload, base=stack.root, rules=setting.policy.policy.signature, limits=_LIMITS)
    made = _described(look, stack, file.metadata)
    if file.attestation is None or setting.allowed_signers is None or look.unread:
        return made
    return made.model_copy(update=_attested(file.attestation, setting, look.inspection, stack))


def _attested(
    path: Path, setting: Setting, inspection: Inspection, stack: Stack
) -> dict[str, object]:
    assert setting.allowed_signers is not None
    try:
        principal, statement = read_attestation(path, None, setting.allowed_signers, setting.policy)
    except EessiValidateError as error:
        refusal = Excuse(
            subject='attestation', check='attestation', cpu_target='', effect='hold',
            reason=str(error), release='gate it again, and sign the verdict',
        )  # fmt: skip
        return {'attested': VerdictCode.HOLD, 'objections': (refusal,)}
    objections = objections_to(
        statement, inspection, stack, setting.policy, setting.context, setting.now
    )
    return {
        'attested_by': principal,
        'attested': attested_verdict(statement, objections),
        'objections': tuple(objections),
    }


def _described(look: FirstLook, stack: Stack, metadata: Path | None) -> BundleTarball:
    inspection, facts, totals = look.inspection, look.inspection.facts, look.inspection.totals
    release = facts.release + facts.suffix
    root = stack.releases_path / release / 'software' / (facts.os or 'linux')
    modules = tuple((_accel(m.subdir, facts.cpu_target), m.name) for m in inspection.modules)
    there = tuple(
        (_accel(m.subdir, facts.cpu_target), m.name)
        for m in inspection.modules
        if has_module(root / m.subdir, m.name)
    )
    why = ''
    if not look.unread and not facts_are_complete(inspection):
        why = 'it was not read to its end'
    return BundleTarball(
        tarball=inspection.subject.name,
        digest=f'sha256:{inspection.subject.sha256}',
        size=inspection.subject.size,
        target=_target(inspection),
        cpu_target=facts.cpu_target or facts.family,
        kind=facts.kind,
        os=facts.os,
        release=release,
        top=release if facts.release_in_paths else '',
        repositories=facts.repositories,
        change=facts.change,
        files=totals.files + totals.symlinks + totals.hardlinks,
        content=totals.content,
        new=totals.new,
        identical=totals.identical,
        replaced=totals.replaced,
        installations=tuple(
            BundleInstallation(
                name=each.name,
                accel=_accel(each.subdir, facts.cpu_target),
                files=each.files,
                extensions=each.extensions,
            )
            for each in inspection.installations
        ),
        modules=modules,
        rebuilt=there,
        findings=stored_findings(inspection),
        signature=look.signature,
        with_metadata=metadata is not None,
        metadata_signature=look.metadata_signature,
        problem=why,
    )


def has_module(directory: Path, name: str) -> bool:
    """Say whether a directory of a software layer has a module."""
    path = directory / 'modules' / 'all' / name
    return os.path.lexists(path) or os.path.lexists(f'{path}.lua')


def _accel(subdir: str, cpu_target: str) -> str:
    return subdir.removeprefix(cpu_target).lstrip('/')


def _target(inspection: Inspection) -> str:
    facts = inspection.facts
    if not facts.kind:
        return f'unknown ({inspection.subject.name})'
    if not facts.cpu_target:
        return facts.family or facts.kind
    return '/'.join((find_target(facts.cpu_target).name, *facts.accel))
