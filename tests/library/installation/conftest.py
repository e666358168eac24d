"""Fixtures of the installation checks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_stack import APP, LOADER, TARGET, THING, SmallStack

from eessi_library.installation import Release


@pytest.fixture
def small(tmp_path: Path) -> SmallStack:
    """A sound release with App/1.0 in it."""
    if shutil.which('gcc') is None or not Path('/lib64/ld-linux-x86-64.so.2').exists():
        pytest.skip('needs gcc on x86_64')
    root = tmp_path / 'stack.eessi.io'
    release = Release(f'{root}/versions/2023.06', TARGET)
    stack = SmallStack(root, release)
    (stack.compat / 'lib64').mkdir(parents=True)
    (stack.compat / 'lib').mkdir()
    shutil.copy(Path('/lib64/ld-linux-x86-64.so.2').resolve(), stack.compat / LOADER)
    libc = next(Path('/').glob('lib/x86_64-linux-gnu/libc.so.6'))
    shutil.copy(libc.resolve(), stack.compat / 'lib' / 'libc.so.6')
    (stack.compat / 'lib' / 'ld-linux-x86-64.so.2').symlink_to('../' + LOADER)
    stack.library(THING)
    (stack.app / 'lib' / 'libthing.so').symlink_to('libthing.so.1')
    stack.program(APP, '-lthing')
    return stack
