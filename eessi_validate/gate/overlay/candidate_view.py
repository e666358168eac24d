"""A tarball over its base, for others than the gate: where it is, and how to look at it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.inspection import inspect_tarball
from eessi_validate.gate.overlay.extraction import extract_tarball
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.overlay.refusal import OverlayUnavailable
from eessi_validate.gate.overlay.replacing import take_the_place
from eessi_validate.stack.layout import open_stack


@dataclass(frozen=True)
class CandidateView:
    """A tarball that was extracted, and the words that lay it over its base."""

    release: str
    #: CPU target of its software; '' for other kinds.
    cpu_target: str
    #: Its new modules.
    modules: tuple[str, ...]
    #: Words before a command, which then sees the tarball over the base at the base's place.
    prefix: tuple[str, ...]
    #: Of the tarball, in hexadecimal.
    sha256: str


def view_candidate(tarball: Path, stack: Path, into: Path) -> CandidateView:
    """Inspect and extract a tarball for runs over a base; nothing of the base changes.

    That it replaces what the base has is no obstacle here, for that is what is compared.

    :arg into: directory that is made, and holds what is extracted.
    :raises UsageError: if the inspection rejects it for anything else.
    :raises HoldError: if it cannot be read to its end, or this host lays nothing over anything.
    """
    base = open_stack(stack)
    method, why_not = overlay_support()
    if not method:
        raise HoldError(f'no overlay on this host: {why_not}')
    inspection = inspect_tarball(tarball, base=base.root)
    facts = inspection.facts
    wrong = [
        finding
        for finding in inspection.findings
        if finding.severity == 'reject' and not finding.id.endswith('-overwritten')
    ]
    if wrong:
        raise UsageError(f'{tarball} is rejected: {wrong[0].sentence} ({wrong[0].id})')
    if not facts.complete:
        raise HoldError(f'{tarball} was not read to its end')
    into.mkdir(parents=True, mode=0o700)
    below = '' if facts.release_in_paths else f'{facts.release}/'
    extract_tarball(tarball, inspection.subject.sha256, into, below=below)
    if facts.kind == 'compat':
        # As at its ingestion: what the new layer lacks is not found in the old one.
        layer = into / f'{facts.release}{facts.suffix}' / 'compat' / facts.os / facts.family
        try:
            take_the_place(layer)
        except OverlayUnavailable as refusal:
            raise HoldError(f'no overlay on this host: {refusal}') from refusal
    program = (sys.executable, '-m', 'eessi_validate.gate.overlay.under')
    return CandidateView(
        release=facts.release + facts.suffix,
        cpu_target=facts.cpu_target,
        modules=tuple(m.name for m in inspection.modules if m.subdir == facts.cpu_target),
        prefix=(*program, str(into), str(base.releases_path)),
        sha256=inspection.subject.sha256,
    )
