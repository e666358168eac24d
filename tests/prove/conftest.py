"""What proving needs of the host: a changed view of a stack, for one process and its children."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
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
