"""A stack of a few fixture modules, and a check that passes on it."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
from driver_process import STATEFUL
from mini_stack import make_mini_stack, write_check


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    return make_mini_stack(tmp_path / 'mini.eessi.io', family=platform.machine())


@pytest.fixture
def check(tmp_path: Path) -> Path:
    path = write_check(tmp_path / 'tool.py', more=STATEFUL)
    path.write_text('import os\n' + path.read_text())
    return path
