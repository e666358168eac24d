"""Static check of a module tree: nothing half-installed, nothing depended on that is not there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from eessi_validate.stack.dependencies import named_dependencies
from eessi_validate.stack.layout import Release
from eessi_validate.stack.modules import Module, discover_modules

#: Name of the case that this check decides.
MODULE_TREE_TEST = 'EESSI_module_tree'

_ROOT = re.compile(
    r"""^\s*(?:local\s+root\s*=\s*["']([^"']*)["']|set\s+root\s+(\S+))""", re.MULTILINE
)


def module_tree_findings(release: Release, cpu_target: str) -> list[str]:
    """Return one sentence for each fault of the module tree of a CPU target; empty if sound."""
    software = release.software(cpu_target) / 'software'
    modules = discover_modules(release.module_tree(cpu_target), hidden=True)
    if not modules:
        return [f'no module below {release.module_tree(cpu_target)}']
    return [
        *_installations_without_module(software, modules),
        *_module_faults(software, modules),
    ]


def _installations_without_module(software: Path, modules: Sequence[Module]) -> list[str]:
    named = {module.full_name.replace('/.', '/') for module in modules}
    installed = sorted(
        f'{path.parent.name}/{path.name}'
        for path in software.glob('*/*')
        if path.is_dir() and not path.name.startswith('.') and not path.parent.name.startswith('.')
    )
    return [f'installation {name} has no module' for name in installed if name not in named]


def _module_faults(software: Path, modules: Sequence[Module]) -> list[str]:
    named = {module.full_name for module in modules}
    software_names = {module.software for module in modules}
    faults = []
    for module in modules:
        try:
            text = Path(module.path).read_text(encoding='utf-8', errors='replace')
        except OSError as error:
            faults.append(f'module {module.full_name} cannot be read: {error.strerror}')
            continue
        if not text.strip():
            faults.append(f'module {module.full_name} is empty')
        for wanted in named_dependencies(text, is_lua=module.path.endswith('.lua')):
            if wanted not in named and wanted not in software_names:
                faults.append(f'module {module.full_name} depends on {wanted}, which is not there')
        root = _ROOT.search(text)
        directory = (root[1] or root[2] or '') if root else ''
        if directory and not Path(directory).is_dir():
            faults.append(f'module {module.full_name} points to {directory}, which is not there')
    return faults
