"""Fixtures of the hostile tarballs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tar_crafting import SOFTWARE, elf, module


@pytest.fixture(scope='session')
def base_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a small stack with one installation, ``Bar/2.0``; treat it as read-only."""
    root = tmp_path_factory.mktemp('cvmfs') / 'software.eessi.io'
    versions = root / 'versions'
    software = versions / SOFTWARE
    bar = software / 'software' / 'Bar' / '2.0'
    for path, content in (
        (bar / 'bin' / 'bar', b'#!/bin/sh\n'),
        (bar / 'lib' / 'libbar.so', b'as it was'),
        (software / 'modules' / 'all' / 'Bar' / '2.0.lua', module(SOFTWARE, 'Bar/2.0')),
        (software / '.lmod' / 'lmodrc.lua', b'propT = {}\n'),
        (versions / '2023.06' / 'init' / 'bash', b'# init\n'),
        (versions / '2023.06' / 'compat' / 'linux' / 'x86_64' / 'lib64' / 'libc.so.6', elf()),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (bar / 'bin' / 'bar').chmod(0o755)
    (bar / 'lib64').symlink_to('lib')
    return root
