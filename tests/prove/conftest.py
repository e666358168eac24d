"""What proving needs: a changed view of a stack, and a stack with stand-ins."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path

import pytest


@cache
def _why_no_view() -> str:
    """Return why this host lets nobody see a changed stack, e.g. without user namespaces; or ''."""
    program = str(resources.files('eessi_validate.prove').joinpath('view.py'))
    with tempfile.TemporaryDirectory() as scratch:
        root, private, spec = (Path(scratch, name) for name in ('root', 'private', 'spec.json'))
        root.mkdir()
        private.mkdir()
        paths = {'root': str(root), 'private': str(private), 'opened': f'{scratch}/opened'}
        spec.write_text(
            json.dumps({**paths, 'files': {}, 'copies': {}, 'removed': [], 'watch': []})
        )
        command = [sys.executable, '-I', program, str(spec), 'true']
        done = subprocess.run(command, capture_output=True, text=True)
        return '' if done.returncode == 0 else (done.stdout + done.stderr).strip()


@pytest.fixture
def view() -> None:
    """Skip where no stack can be seen changed."""
    if reason := _why_no_view():
        pytest.skip(reason)


@pytest.fixture
def stand_in_root(stack_with: Callable[..., Path]) -> Callable[[], Path]:
    """Return a function that makes a local stack with stand-ins and returns its root."""

    def make() -> Path:
        from stand_in_stack import add_stand_ins

        if not shutil.which('gcc'):
            pytest.skip('no gcc on this host: the stand-ins cannot be built')
        root = stack_with('stand-ins', 'minimal')
        add_stand_ins(root)
        return root

    return make


@pytest.fixture
def gpu_stand_ins(stack_with: Callable[..., Path]) -> Callable[..., tuple[Path, Path, Path]]:
    """Return a function that makes a local stack of some sets with stand-ins of builds for GPUs.

    It returns its root, a configuration whose system ``host`` has GPUs, and small checks.
    """

    def make(name: str, *software: str) -> tuple[Path, Path, Path]:
        from gpu_stand_ins import add_gpu_stand_ins

        if not shutil.which('gcc'):
            pytest.skip('no gcc on this host: the stand-ins cannot be built')
        root = stack_with(name, *software)
        return root, *add_gpu_stand_ins(root)

    return make
