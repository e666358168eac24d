"""Audit a local stack: libraries, interpreters, scripts, links, permissions, digests, modules."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.localstack import (
    audit_elf,
    audit_files,
    audit_modules,
    host,
    inventory,
)
from eessi_validate.localstack.catalogue import load_catalogue
from eessi_validate.localstack.finding import Finding

__all__ = ['Finding', 'VerifyReport', 'verify_stack']


@dataclass(frozen=True)
class VerifyReport:
    """Findings for one architecture of a release, and how much was looked at.

    `grade` is ``native`` when the loader and Lmod were run, ``static`` when files were read only
    (then `modules_loaded` is 0).
    """

    release: str
    arch: str
    grade: str
    findings: tuple[Finding, ...]
    elf_objects: int
    files: int
    digests: int
    modules_loaded: int
    seconds: float


def verify_stack(
    root: Path, release: str, archs: Sequence[str] = (), *, workers: int | None = None
) -> list[VerifyReport]:
    """Audit `archs` (default: all there are) of a release; UsageError if it is not there."""
    root = Path(os.path.abspath(root))
    found = inventory.find_release(root, release)
    return [
        _verify(root, each, workers or 2 * (os.cpu_count() or 1))
        for each in found
        if not archs or each.arch in archs
    ]


def _verify(root: Path, each: inventory.ReleaseArch, workers: int) -> VerifyReport:
    start = time.monotonic()
    catalogue = load_catalogue()
    arch = catalogue.architecture(each.arch)
    prefix = inventory.prefix_of(root, each.release)
    loader = each.compat / arch.loader
    native = host.machine() == each.arch
    targets = inventory.cpu_targets(root, each.release, each.arch)
    tops = [each.compat, prefix / 'software' / 'linux' / each.arch, prefix / 'init']
    paths = audit_files.walk(tops)
    regular = [p for p in paths if p.is_file() and not p.is_symlink()]
    # CPU targets may be hard links of each other
    distinct = {(s.st_dev, s.st_ino): p for p in reversed(regular) for s in (p.stat(),)}
    objects = list(audit_elf.elf_files(distinct.values()))
    if native:
        findings = audit_elf.audit_native(objects, loader, root, workers)
    else:
        findings = audit_elf.audit_static(objects, loader, root)
    findings += audit_files.audit_permissions(paths)
    host_links = [each.compat / name for name in catalogue.compat.host_links]
    findings += audit_files.audit_links(paths, root, host_links)
    findings += audit_files.audit_scripts(regular, root)
    digests, changed = audit_files.audit_digests(each.compat)
    findings += changed
    loaded = 0
    for target in targets:
        top = prefix / 'software' / 'linux' / target
        findings += audit_modules.audit_presence(top)
        if native:
            files = {
                f'{p.parent.name}/{p.name.removesuffix(".lua")}': p
                for p in sorted(top.glob('modules/all/*/*.lua'))
            }
            loaded += len(files)
            init = prefix / 'init' / 'bash'
            findings += audit_modules.audit_loads(init, target, files, workers)
    return VerifyReport(
        release=each.release,
        arch=each.arch,
        grade='native' if native else 'static',
        findings=tuple(sorted(findings)),
        elf_objects=len(objects),
        files=len(regular),
        digests=digests,
        modules_loaded=loaded,
        seconds=round(time.monotonic() - start, 1),
    )
