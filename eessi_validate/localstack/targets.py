"""Further CPU targets of a release: the generic installations once more, as hard links.

Debian has one build per architecture. A further target therefore carries identical binaries,
and its provenance documents say so; what it gives is the directories, modules and target
selection of a stack with several targets. Search paths inside of the files lead to generic.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from eessi_validate.errors import UsageError, unknown_name
from eessi_validate.localstack import inventory, modules, provenance
from eessi_validate.localstack.catalogue import Architecture, Catalogue, Software
from eessi_validate.localstack.extensions import extensions_of


def check_targets(catalogue: Catalogue, arch: Architecture, targets: Sequence[str]) -> None:
    """UsageError for a target that is not in the table, or of another architecture."""
    for target in targets:
        if target not in catalogue.cpu_targets:
            raise unknown_name('CPU target', target, catalogue.cpu_targets)
        if not target.startswith(f'{arch.name}/'):
            raise UsageError(f'{target} is no CPU target of {arch.name}: give it with its --arch')


def missing_in_target(root: Path, release: str, arch: str, target: str) -> list[str]:
    """Modules that generic has and `target` does not, dependencies included."""
    generic = {i.module for i in inventory.installations(root, release, f'{arch}/generic')}
    return sorted(generic - {i.module for i in inventory.installations(root, release, target)})


def stage_target(
    root: Path, release: str, arch: str, target: str, table: Mapping[str, Software], stage: Path
) -> list[str]:
    """Stage what `target` lacks, below `stage`; returns the modules that were added."""
    wanted = missing_in_target(root, release, arch, target)
    every = inventory.installations(root, release, f'{arch}/generic')
    versions = {i.name: i.version for i in every}
    top = inventory.target_of(root, release, target)
    compat = str(root / 'versions' / release / 'compat' / 'linux' / arch)
    for generic in (i for i in every if i.module in wanted):
        final = top / 'software' / generic.name / generic.version
        staged = stage / final.relative_to(root)
        shutil.copytree(generic.path, staged, symlinks=True, copy_function=_link)
        document = staged / provenance.INSTALLATION
        document.unlink()
        record = {**generic.record, 'cpu_target': target, 'identical_to': generic.cpu_target}
        provenance.write(document, record)
        has = [d for d in ('bin', 'share/man') if (staged / d).is_dir()]
        text = modules.module_text(
            table[generic.name],
            generic.version,
            str(final),
            versions,
            has,
            compat,
            extensions_of(record, staged),
        )
        name = Path('modules', 'all', generic.name, f'{generic.version}.lua')
        module = stage / top.relative_to(root) / name
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(text, encoding='utf-8')
    if wanted:
        lmod = top / '.lmod'
        settings = stage / lmod.relative_to(root) / 'lmodrc.lua'
        settings.parent.mkdir(parents=True, exist_ok=True)
        settings.write_text(modules.lmodrc_text(str(lmod)), encoding='utf-8')
    return wanted


def _link(source: str, target: str) -> None:
    os.link(source, target, follow_symlinks=False)
