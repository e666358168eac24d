"""The model of a decision on all tarballs of one change together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eessi_validate.results.model import (
    Excuse,
    Record,
    TarballFinding,
    TarballSignature,
    VerdictCode,
    Waiver,
)

BUNDLE_SCHEMA_VERSION = '1.0'


class BundleInstallation(Record):
    """An installation of one tarball."""

    #: ``<name>/<version>-<toolchain><suffix>``.
    name: str
    #: Accelerator directory below the CPU target, e.g. ``accel/nvidia/cc80``; '' without.
    accel: str = ''
    files: int
    #: None: too many to keep.
    extensions: tuple[str, ...] | None = ()


class BundleTarball(Record):
    """One tarball as far as it matters beside the others."""

    tarball: str
    digest: str
    size: int
    #: CPU target with accelerators, architecture, or type, whatever tells it from the others.
    target: str
    #: Its CPU target as a path, for rules and waivers.
    cpu_target: str = ''
    kind: str = ''
    os: str = ''
    release: str = ''
    #: Prefix of its paths: ``<release>[-<suffix>]``; '' in the 2021.06 form.
    top: str = ''
    repositories: tuple[str, ...] = ()
    #: ``<repository>#<number>`` of the pull request that its metadata name.
    change: str = ''
    files: int = 0
    #: Bytes of all files.
    content: int = 0
    new: int = 0
    identical: int = 0
    replaced: int = 0
    installations: tuple[BundleInstallation, ...] = ()
    #: Modules by accelerator directory and name.
    modules: tuple[tuple[str, str], ...] = ()
    #: Of those, the ones that the base stack has on this target.
    rebuilt: tuple[tuple[str, str], ...] = ()
    findings: tuple[TarballFinding, ...] = ()
    signature: TarballSignature | None = None
    #: Whether it came with metadata, and whose signature of those was verified.
    with_metadata: bool = False
    metadata_signature: TarballSignature | None = None
    #: Who signed that it was gated, and with which verdict; '' and None if nobody did.
    attested_by: str = ''
    attested: VerdictCode | None = None
    objections: tuple[Excuse, ...] = ()
    #: Why it could not be looked at; '' if it could.
    problem: str = ''


class Difference(Record):
    """One thing in which targets differ."""

    #: Id of the finding.
    check: str
    #: Accelerator directory and name of the module; both '' for a tarball as a whole.
    accel: str = ''
    module: str = ''
    #: What is different, by target.
    targets: dict[str, str]


class AgainstBase(Record):
    """Modules that are to the base stack the same on every target."""

    modules: tuple[str, ...]
    #: Targets by what the module is there: ``new``, ``rebuilt``, ``in base``, ``missing``.
    targets: dict[Literal['new', 'rebuilt', 'in base', 'missing'], tuple[str, ...]]


class Concern(Record):
    """Why the bundle is held or rejected, or what is worth a look, for all targets alike."""

    effect: Literal['reject', 'hold', 'note']
    check: str
    #: Module, or '' for tarballs as a whole.
    subject: str
    #: First reason by target, and how many there are.
    reasons: dict[str, str]
    counts: dict[str, int]
    release: str = ''


class BundleReport(Record):
    """A decision on a bundle; presenters compute nothing."""

    schema_version: str = Field(default=BUNDLE_SCHEMA_VERSION)
    verdict: VerdictCode
    summary: str
    repository: str
    release: str
    #: Digest over name and digest of all tarballs.
    digest: str
    expected: tuple[str, ...]
    #: What said that they are expected.
    expected_by: str
    tarballs: tuple[BundleTarball, ...]
    #: Verdict of each target, expected or not.
    verdicts: dict[str, VerdictCode]
    against_base: tuple[AgainstBase, ...]
    differences: tuple[Difference, ...]
    concerns: tuple[Concern, ...]
    context: str
    decided: str
    policy: str
    policy_digest: str
    waivers: tuple[Waiver, ...] = ()
    unused_waivers: tuple[str, ...] = ()
    seconds: float = 0.0
    versions: dict[str, str] = Field(default_factory=dict)
