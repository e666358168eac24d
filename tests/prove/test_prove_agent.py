"""What stands in for a program, started as its stub starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eessi_validate.prove import agent


@pytest.fixture
def played_back(tmp_path: Path) -> Path:
    """The control directory of a run that is played back."""
    orders = {'mode': 'replay', 'recording': str(tmp_path / 'recording')}
    (tmp_path / 'orders.json').write_text(json.dumps(orders))
    (tmp_path / 'calls').mkdir()
    return tmp_path


def stand_in(control: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-I', '-S', agent.__file__, str(control), '/bin/echo', 'echo']
    return subprocess.run([*command, *words], capture_output=True, text=True, cwd=control)


def test_program_that_the_job_had_to_stop_runs_when_it_is_played_back(played_back: Path) -> None:
    (played_back / 'recording' / '--0').mkdir(parents=True)
    done = stand_in(played_back, 'listening')
    assert (done.returncode, done.stdout) == (0, 'listening\n')


def test_call_that_was_never_made_is_not_made_up(played_back: Path) -> None:
    done = stand_in(played_back, 'anything')
    assert (done.returncode, done.stdout) == (97, '')
    assert 'this call was not recorded' in done.stderr
