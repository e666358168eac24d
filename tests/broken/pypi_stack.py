"""Stacks with software from PyPI that tests may break, and recordings of sound runs of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tampering import mend_leftovers


def build(local_stack: Path, name: str, *software: str) -> Path:
    """Build a stack beside the sound one, once per machine and recipe; mend it before use."""
    from eessi_validate.localstack import BuildRequest, build_stack

    root = local_stack.parent / name / 'local.eessi.io'
    if root.is_dir():
        mend_leftovers(root)
    cache = local_stack.parent.parent
    return build_stack(BuildRequest('2023.06', software=software, root=root, cache=cache)).root


def record(root: Path, arguments: tuple[str, ...], name: str, scratch: Path) -> Path:
    """Keep result.json of a sound run in the release, for the fault that plays it back."""
    directory = root / 'versions' / '2023.06' / name
    if not (directory / 'result.json').exists():
        out = scratch / 'out'
        command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
        command += ['--stack', str(root), '--out', str(out), '--quiet', *arguments]
        subprocess.run(command, check=True, capture_output=True)
        (found,) = out.rglob('result.json')
        directory.mkdir(exist_ok=True)
        shutil.copy(found, directory / 'result.json')
    return directory
