"""The overlay: seen by its own process alone, changing nothing, gone with it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.workspace import Workspace

METHOD, WHY_NOT = overlay_support()
needs_overlay = pytest.mark.skipif(not METHOD, reason=f'no overlay here: {WHY_NOT}')

PROGRAM = """
import os, sys
from pathlib import Path
from eessi_validate.gate.overlay.namespace import enter_namespace, lay_over
upper, base = Path(sys.argv[1]), Path(sys.argv[2])
enter_namespace()
lay_over(upper, base)
print(sorted(p.relative_to(base).as_posix() for p in base.rglob('*') if p.is_file()))
print((base / 'r/both').read_text(), os.geteuid())
try:
    (base / 'r/written').touch()
except OSError as error:
    print('read-only')
"""


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Return an upper and a base directory, with the characters that options give a meaning to."""
    upper, base = tmp_path / 'up:per,1', tmp_path / 'ba\\se'
    for tree, names in ((upper, ('both', 'new')), (base, ('both', 'old'))):
        (tree / 'r').mkdir(parents=True)
        for name in names:
            (tree / 'r' / name).write_text(tree.name)
    return upper, base


@needs_overlay
def test_the_tarball_is_seen_over_the_base_at_its_place_and_read_only(trees):
    upper, base = trees
    command = [sys.executable, '-c', textwrap.dedent(PROGRAM), str(upper), str(base)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['r/both', 'r/new', 'r/old']",
        f'up:per,1 {os.geteuid()}',
        'read-only',
    ]
    assert sorted(path.name for path in (base / 'r').iterdir()) == ['both', 'old']
    assert str(base) not in Path('/proc/self/mounts').read_text()


@needs_overlay
def test_a_killed_process_leaves_no_mount(trees):
    upper, base = trees
    program = textwrap.dedent(PROGRAM) + '\nimport time\ntime.sleep(60)\n'
    command = [sys.executable, '-uc', program, str(upper), str(base)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while 'read-only' not in process.stdout.readline():
            pass
        process.kill()
    assert not (base / 'r/new').exists()
    assert str(base) not in Path('/proc/self/mounts').read_text()


def test_one_gate_at_a_time_works_in_a_directory(tmp_path):
    first = Workspace(tmp_path)
    with pytest.raises(HoldError, match='another gate'):
        Workspace(tmp_path, patience=0)
    first.close()
    Workspace(tmp_path, patience=0).close()


def test_what_a_killed_gate_left_is_cleared_away(tmp_path):
    killed = Workspace(tmp_path)
    (killed.fresh() / 'half').write_text('')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/plan.json').write_text('')
    os.close(killed.lock)
    again = Workspace(tmp_path)
    assert list(again.fresh().iterdir()) == []
    assert not (tmp_path / 'run').exists()
    again.close()
    assert not (tmp_path / 'extracted').exists()


def test_a_directory_with_something_else_is_left_alone(tmp_path):
    (tmp_path / 'report.json').write_text('{}')
    with pytest.raises(UsageError, match='not empty'):
        Workspace(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ['report.json']
