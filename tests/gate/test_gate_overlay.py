"""The overlay: seen by its own process alone, changing nothing, gone with it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.overlay.examine import examine_overlay
from eessi_validate.gate.overlay.namespace import FUSE, WAYS, try_overlay
from eessi_validate.gate.overlay.refusal import to_allow_namespaces, to_have_an_overlay
from eessi_validate.gate.workspace import Workspace

SUPPORT = {way: try_overlay([way]) for way in WAYS}
each_way = pytest.mark.parametrize(
    'way',
    [
        pytest.param(
            way, marks=pytest.mark.skipif(not answer.method, reason=f'not here: {answer.why_not}')
        )
        for way, answer in SUPPORT.items()
    ],
)

PROGRAM = """
import os, sys
from pathlib import Path
from eessi_validate.gate.overlay.namespace import enter_namespace, lay_over
upper, base = Path(sys.argv[1]), Path(sys.argv[2])
enter_namespace()
assert lay_over(upper, base, sys.argv[3:]) == sys.argv[3]
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


@each_way
def test_the_tarball_is_seen_over_the_base_at_its_place_and_read_only(trees, way):
    upper, base = trees
    command = [sys.executable, '-c', textwrap.dedent(PROGRAM), str(upper), str(base), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "['r/both', 'r/new', 'r/old']",
        f'up:per,1 {os.geteuid()}',
        'read-only',
    ]
    assert sorted(path.name for path in (base / 'r').iterdir()) == ['both', 'old']
    assert str(base) not in Path('/proc/self/mounts').read_text()


@each_way
def test_a_killed_process_leaves_no_mount_and_no_other_process(trees, way):
    upper, base = trees
    program = textwrap.dedent(PROGRAM) + '\nimport time\ntime.sleep(60)\n'
    command = [sys.executable, '-uc', program, str(upper), str(base), way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while 'read-only' not in process.stdout.readline():
            pass
        assert (str(base) in serving()) == (way == FUSE)
        process.kill()
    assert not (base / 'r/new').exists()
    assert str(base) not in Path('/proc/self/mounts').read_text()
    end = time.monotonic() + 10
    while str(base) in serving():
        assert time.monotonic() < end
        time.sleep(0.01)


def serving() -> set[str]:
    """Return the last words of the commands of all fuse-overlayfs that run."""
    found = set()
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode(errors='replace').split('\0')
            if words[0].endswith(FUSE):
                found.add(words[-2])
    return found


@each_way
def test_what_the_process_becomes_still_sees_it(trees, way):
    upper, base = trees
    program = """
import os, sys
from pathlib import Path
from eessi_validate.gate.overlay.namespace import enter_namespace, lay_over
enter_namespace()
lay_over(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
os.execvp('cat', ['cat', sys.argv[2] + '/r/new'])
"""
    command = [sys.executable, '-c', program, str(upper), str(base), way]
    assert subprocess.check_output(command, text=True, timeout=60) == 'up:per,1'


@pytest.mark.skipif(not any(each.method for each in SUPPORT.values()), reason='no namespaces here')
def test_where_users_have_no_namespaces_doctor_names_the_setting():
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    ask = (
        'from eessi_validate.gate.overlay.examine import examine_overlay as e; '
        'print(e().found); print(e().fix)'
    )
    command = ['unshare', '-Ur', 'sh', '-c', forbid, 'sh', sys.executable, '-c', ask]
    found, fix = subprocess.check_output(command, text=True, timeout=60).splitlines()
    assert found.startswith('the gate holds tarballs here: user and mount namespaces:')
    assert fix.startswith('sysctl user.max_user_namespaces=10000, or gate --in-place')


def test_doctor_says_which_way_this_host_has():
    methods = [way for way, answer in SUPPORT.items() if answer.method]
    found = examine_overlay().found
    assert found.startswith(f'{methods[0]}: ' if methods else 'the gate holds tarballs here: ')


def test_a_refusal_names_what_mends_it(tmp_path, monkeypatch):
    settings = tmp_path / 'kernel'
    settings.mkdir()
    (settings / 'apparmor_restrict_unprivileged_userns').write_text('1\n')
    assert to_allow_namespaces(tmp_path).startswith('sysctl kernel.apparmor_restrict')
    (settings / 'apparmor_restrict_unprivileged_userns').write_text('0\n')
    assert to_allow_namespaces(tmp_path).startswith('allow user namespaces')
    monkeypatch.setenv('PATH', str(tmp_path))
    assert to_have_an_overlay().startswith('install fuse-overlayfs')
    (tmp_path / FUSE).write_text('')
    (tmp_path / FUSE).chmod(0o755)
    assert to_have_an_overlay(tmp_path / 'fuse').startswith(f'let users open {tmp_path}/fuse')


def test_without_the_program_the_answer_is_why_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    method, why_not, fix = try_overlay([FUSE])
    assert (method, bool(why_not), 'gate --in-place in a build container' in fix) == (
        '',
        True,
        True,
    )


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
