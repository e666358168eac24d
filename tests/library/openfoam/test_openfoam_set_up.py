"""Modules of OpenFOAM may leave its set-up to ``$FOAM_BASH``, which knows no ``set -e``."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from eessi_library.diagnosis import ERROR_TRAP
from eessi_library.openfoam import lid_driven_cavity

BASHRC = """\
false
unset FOAM_NOT_SET
[ -n "$NOT_SET" ] && echo never
export PATH=$BIN:$PATH
grep -q nothing /dev/null
"""


@pytest.mark.parametrize(('command', 'status'), [('tool', 0), ('false', 1), ('not-there', 127)])
def test_set_up_by_a_script_finds_the_programs_and_keeps_the_guards(
    tmp_path: Path, command: str, status: int
) -> None:
    (tmp_path / 'bashrc').write_text(BASHRC)
    (tmp_path / 'tool').write_text('#!/bin/sh\necho started\n')
    (tmp_path / 'tool').chmod(0o755)
    script = ['set -eo pipefail', ERROR_TRAP, lid_driven_cavity._SET_UP, command, 'echo the end']
    done = subprocess.run(
        ['bash', '-c', '\n'.join(script)],
        env={**os.environ, 'FOAM_BASH': str(tmp_path / 'bashrc'), 'BIN': str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    assert ('the end' in done.stdout) == (status == 0)
    assert ('started' in done.stdout) == (command == 'tool')
    assert (f'status {status} from: {command}' in done.stderr) == (status != 0)
