"""Does every module load, with the layer's own Lmod, in a clean shell?"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from eessi_validate.localstack import provenance
from eessi_validate.localstack.finding import Finding

_SCRIPT = """\
source "$1" || exit 90
module load "$2" || exit 91
module is-loaded "$2" || exit 92
"""
_WHY = {90: 'init/bash failed', 91: 'module load failed', 92: 'was not loaded'}
_LIMIT_SECONDS = 120


def audit_presence(target: Path) -> list[Finding]:
    """Every module file has its installation, and every installation its module file."""
    found = []
    for module in sorted(target.glob('modules/all/*/*.lua')):
        name, version = module.parent.name, module.name.removesuffix('.lua')
        if provenance.read(target / 'software' / name / version / provenance.INSTALLATION) is None:
            message = 'has no installation with a provenance document'
            found.append(Finding('module', str(module), message))
    for path in sorted(target.glob('software/*/*')):
        if not (target / 'modules' / 'all' / path.parent.name / f'{path.name}.lua').exists():
            found.append(Finding('module', str(path), 'has no module file'))
    return found


def audit_loads(init: Path, target: str, modules: dict[str, Path], workers: int) -> list[Finding]:
    """Load each module in a shell of its own; `modules` maps a module to its file."""

    def one(module: str, path: Path) -> list[Finding]:
        env = {
            'PATH': '/usr/bin:/bin',
            'HOME': '/nonexistent',
            'EESSI_SILENT': '1',
            'EESSI_SOFTWARE_SUBDIR_OVERRIDE': target,
        }
        command = ['bash', '--noprofile', '--norc', '-c', _SCRIPT, 'verify', str(init), module]
        try:
            done = subprocess.run(
                command,
                env=env,
                capture_output=True,
                text=True,
                timeout=_LIMIT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return [Finding('module', str(path), f'did not load within {_LIMIT_SECONDS} s')]
        if done.returncode == 0:
            return []
        why = _WHY.get(done.returncode, f'exit status {done.returncode}')
        said = ' '.join(done.stderr.split())[:200]
        return [Finding('module', str(path), f'{why}: {said}')]

    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda item: one(*item), modules.items())
        return [finding for each in found for finding in each]
