"""A pretended tool in a small stack, packed and gated as a user does it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mini_stack import make_mini_stack, write_check

from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.packing import pack_installation

METHOD, WHY_NOT = overlay_support()
#: Real tarball, overlay, ReFrame and jobs.
GATES_FOR_REAL = [
    pytest.mark.slow,
    pytest.mark.skipif(not METHOD, reason=f'no overlay here: {WHY_NOT}'),
]

FAMILY = platform.machine()
DRIVER = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate']

#: The case runs the program of the installation, as it is seen in the stack.
RUNS_THE_TOOL = """\
    @run_before('run')
    def use_the_tool(self):
        self.executable = '{tool}'
"""
SOUND = '#!/bin/sh\necho "$@"\n'


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    root = make_mini_stack(tmp_path / 'mini.eessi.io', 'Tool', 'Other', family=FAMILY)
    tool = target(root) / 'software/Tool/1.0'
    (tool / 'easybuild').mkdir()
    (tool / 'easybuild/Tool-1.0.eb').write_text('name = "Tool"\n')
    (tool / 'bin').mkdir()
    return root


@pytest.fixture
def check(stack: Path, tmp_path: Path) -> Path:
    text = RUNS_THE_TOOL.format(tool=target(stack) / 'software/Tool/1.0/bin/tool')
    path = write_check(tmp_path / 'tool.py', more=text)
    path.write_text('from reframe.core.builtins import run_before\n' + path.read_text())
    return path


def target(root: Path) -> Path:
    return root / 'versions/2023.06/software/linux' / FAMILY / 'generic'


def put(root: Path, program: str) -> None:
    path = target(root) / 'software/Tool/1.0/bin/tool'
    path.write_text(program)
    path.chmod(0o755)


def packed(root: Path, program: str, out: Path) -> Path:
    """Pack the tool with this program, and take it out of the stack, so that it is new there."""
    put(root, program)
    out.mkdir()
    tarball = pack_installation(root, '2023.06', f'{FAMILY}/generic', 'Tool/1.0', out)
    for area in ('software', 'modules/all'):
        shutil.rmtree(target(root) / area / 'Tool')
    return tarball


def start(tarball: Path, root: Path, check: Path, out: Path, *more: str) -> Any:
    command = [*DRIVER, str(tarball), '--stack', str(root), '--checks', str(check),
               '--out', str(out), '--json', *more]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
