"""``ab`` with a tarball or a directory over a stack: only the runs of its own side see it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eessi_validate.compare.ab import Side, session
from eessi_validate.compare.ab.view import prepare_side
from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.overlay.candidate_view import view_candidate
from eessi_validate.gate.overlay.directory_view import view_directory
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.packing import pack_installation
from eessi_validate.run.prepare import Request
from eessi_validate.stack.identity import directory_identity

METHOD, WHY_NOT = overlay_support()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not METHOD, reason=f'no overlay here: {WHY_NOT}'),
]

TARGET = f'{platform.machine()}/generic'
RELEASE = '2023.06'
DRIVER = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'ab']

INIT = """\
module() { case $1 in load|is-loaded) true;; esac; }
mpirun() { shift 2; "$@"; }
export EESSI_VERSION=2023.06
"""

#: The time is what a file of the installation says, with noise that the nonce decides.
CHECK = """\
import os
import zlib

import reframe as rfm
import reframe.utility.sanity as sn
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import EESSIImplementation
from eessi_library.library_test import LibraryTest
from reframe.core.builtins import performance_function, run_before, sanity_function


class ToolTime(LibraryTest, pin_prefix=True):
    kind = 'performance'
    directions = {'time': 'lower'}
    executable = 'echo'

    @run_before('run')
    def read_its_file(self):
        path = os.environ['EESSI_VALIDATE_RELEASE_PATH']
        target = os.environ['EESSI_SOFTWARE_SUBDIR_OVERRIDE']
        self.executable_opts = [f'$(< {path}/software/linux/{target}/software/Tool/1.0/work)']

    @sanity_function
    def ended(self):
        self.expect_clean_end()
        return sn.assert_found('work', self.stdout)

    @performance_function('s')
    def time(self):
        work = sn.extractsingle(r'work=(\\S+)', self.stdout, 1, float)
        return work * (1 + zlib.crc32(self.nonce.encode()) % 1000 / 5000)


@rfm.simple_test
class EESSI_ToolTime(ToolTime, EESSIImplementation):
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    default_scales = ('cores_1',)
"""


def installation(root: Path) -> Path:
    return root / 'versions' / RELEASE / 'software' / 'linux' / TARGET / 'software' / 'Tool' / '1.0'


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    root = tmp_path / 'mini.eessi.io'
    release = root / 'versions' / RELEASE
    modules = release / 'software' / 'linux' / TARGET / 'modules' / 'all' / 'Tool'
    (installation(root) / 'easybuild').mkdir(parents=True)
    (installation(root) / 'easybuild' / 'Tool-1.0.eb').write_text("name = 'Tool'\n")
    (installation(root) / 'work').write_text('work=1.0\n')
    modules.mkdir(parents=True)
    (modules / '1.0.lua').write_text('-- a module\n')
    (release / 'compat' / 'linux' / platform.machine()).mkdir(parents=True)
    (release / 'init').mkdir()
    (release / 'init' / 'bash').write_text(INIT)
    (tmp_path / 'tool.py').write_text(CHECK)
    return root


def tarball_of(stack: Path, work: float) -> Path:
    """Return a tarball of the tool, built anew so that it takes longer."""
    donor = stack.parent / f'donor-{work}' / stack.name
    shutil.copytree(stack, donor)
    (installation(donor) / 'work').write_text(f'work={work}\n')
    out = stack.parent / f'tarballs-{work}'
    out.mkdir()
    return pack_installation(donor, RELEASE, TARGET, 'Tool/1.0', out)


def start(stack: Path, *arguments: object) -> Any:
    options = ('--stack', stack, '--checks', stack.parent / 'tool.py')
    words = arguments if '--resume' in arguments else (*options, *arguments)
    return subprocess.Popen(
        [*DRIVER, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ),
    )


def test_only_the_tarball_s_own_side_sees_it(stack: Path, tmp_path: Path) -> None:
    tarball, out = tarball_of(stack, 1.1), tmp_path / 'out'
    sides = ('--before', RELEASE, '--after', tarball, '--module', 'Tool')
    few = ('--pairs', 6, '--self-check', 0, '--warm-ups', 0, '--out', out)
    process = start(stack, *sides, *few)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 1, output
    (metric,) = json.loads((out / 'ab-report.json').read_text())['metrics']
    assert (metric['verdict'], metric['n']) == ('slower', 6)
    assert metric['ratio'] == pytest.approx(1.1)
    assert f'after {tarball.name} sha256:' in output
    assert (installation(stack) / 'work').read_text() == 'work=1.0\n'


def overlay_of(stack: Path, work: float) -> Path:
    """Return a directory with nothing but the file that says how long the tool takes."""
    root = stack.parent / f'overlay-{work}'
    installed = installation(root)
    installed.mkdir(parents=True)
    (installed / 'work').write_text(f'work={work}\n')
    return root


def test_a_directory_lies_over_the_base_for_its_own_side_only(stack: Path, tmp_path: Path) -> None:
    over, out = overlay_of(stack, 1.1), tmp_path / 'out'
    few = ('--pairs', 6, '--self-check', 0, '--warm-ups', 0, '--out', out)
    process = start(stack, '--before', RELEASE, '--after-overlay', over, '--module', 'Tool', *few)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 1, output
    (metric,) = json.loads((out / 'ab-report.json').read_text())['metrics']
    assert (metric['verdict'], metric['ratio']) == ('slower', pytest.approx(1.1))
    assert f'after {RELEASE} under {over}' in output
    assert (installation(stack) / 'work').read_text() == 'work=1.0\n'
    (installation(over) / 'work').write_text('work=1.2\n')
    again = start(stack, '--resume', out)
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 2, output
    assert 'has changed since' in output


def test_a_directory_of_releases_alone_is_seen_by_the_plan(stack: Path) -> None:
    over = overlay_of(stack, 1.1) / 'versions'
    side = Side('t', request(stack), prefix=view_directory(over, stack, RELEASE), over=str(over))
    prepared, digest = prepare_side(side)
    assert [case.module for case in prepared.plan.cases if case.module] == ['Tool/1.0']
    assert digest.endswith(f' under {directory_identity(over)}')
    (over / 'new').mkdir()
    assert not digest.endswith(directory_identity(over))


def test_a_directory_that_changes_while_it_is_measured_concludes_nothing(
    stack: Path, tmp_path: Path
) -> None:
    over = overlay_of(stack, 1.1)
    planned = SimpleNamespace(
        side=Side('t', request(stack), over=str(over)), digest=f'x under {directory_identity(over)}'
    )
    bench: Any = SimpleNamespace(sides={'after': planned})
    session._require_unchanged(bench)
    (installation(over) / 'work').write_text('work=1.0\n')
    with pytest.raises(HoldError, match='has changed while it was measured'):
        session._require_unchanged(bench)


def test_a_directory_that_lies_over_nothing_is_refused(stack: Path, tmp_path: Path) -> None:
    over = overlay_of(stack, 1.1)
    with pytest.raises(UsageError, match=r'nothing of release 2025\.06'):
        view_directory(over, stack, '2025.06')
    with pytest.raises(UsageError, match='expected a directory "versions"'):
        view_directory(installation(stack), tmp_path, RELEASE)
    with pytest.raises(UsageError, match='lies over nothing'):
        view_directory(stack, stack, RELEASE)


def test_two_tarballs_are_compared_over_one_base(stack: Path, tmp_path: Path) -> None:
    slow, fast, out = tarball_of(stack, 1.3), tarball_of(stack, 1.1), tmp_path / 'out'
    few = ('--pairs', 6, '--self-check', 0, '--warm-ups', 0, '--out', out)
    process = start(stack, '--before', slow, '--after', fast, *few)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    (metric,) = json.loads((out / 'ab-report.json').read_text())['metrics']
    assert (metric['verdict'], metric['ratio']) == ('faster', pytest.approx(1.1 / 1.3))


def test_an_interrupted_comparison_goes_on_over_the_same_tarball(
    stack: Path, tmp_path: Path
) -> None:
    tarball, out = tarball_of(stack, 1.1), tmp_path / 'out'
    sides = ('--before', RELEASE, '--after', tarball, '--module', 'Tool')
    process = start(
        stack, *sides, '--pairs', 6, '--self-check', 0, '--warm-ups', 0, '--out', out
    )  # fmt: skip
    runs, end = out / 'runs.jsonl', time.monotonic() + 120
    while time.monotonic() < end and not (runs.exists() and runs.read_text().count('\n') >= 3):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 75, output
    tarball.unlink()
    again = start(stack, '--resume', out)
    output, _ = again.communicate(timeout=240)
    assert again.returncode == 1, output


def request(stack: Path, **more: Any) -> Request:
    return Request(str(stack), RELEASE, checks=(str(stack.parent / 'tool.py'),), **more)


def test_the_plan_is_that_of_the_tarball_over_the_base(stack: Path, tmp_path: Path) -> None:
    tarball = tarball_of(stack, 1.0)
    shutil.rmtree(installation(stack))
    shutil.rmtree(installation(stack).parents[2] / 'modules' / 'all' / 'Tool')
    (installation(stack).parents[2] / 'modules' / 'all').mkdir(parents=True, exist_ok=True)
    view = view_candidate(tarball, stack, tmp_path / 'view')
    assert (view.release, view.cpu_target, view.modules) == (RELEASE, TARGET, ('Tool/1.0',))
    prepared, digest = prepare_side(Side('t', request(stack), prefix=view.prefix))
    assert [case.module for case in prepared.plan.cases if case.module] == ['Tool/1.0']
    with pytest.raises(UsageError):
        prepare_side(Side('base', request(stack, modules=('Tool',))))
    assert digest.startswith('sha256:')


def test_a_view_that_cannot_be_had_holds(stack: Path, tmp_path: Path) -> None:
    side = Side('t', request(stack), prefix=('false',))
    with pytest.raises(HoldError, match='t cannot be planned'):
        prepare_side(side)
    gone = (sys.executable, '-m', 'eessi_validate.gate.overlay.under', str(tmp_path / 'no'))
    with pytest.raises(HoldError, match='overlay'):
        prepare_side(Side('t', request(stack), prefix=(*gone, str(stack / 'versions'))))


def test_what_the_other_process_refuses_is_refused_here(stack: Path, tmp_path: Path) -> None:
    view = view_candidate(tarball_of(stack, 1.0), stack, tmp_path / 'view')
    with pytest.raises(UsageError, match=r't: .*Nothing'):
        prepare_side(Side('t', request(stack, modules=('Nothing',)), prefix=view.prefix))


def test_a_tarball_that_is_none_is_a_usage_error(stack: Path, tmp_path: Path) -> None:
    tarball = tmp_path / 'eessi-2023.06-software.tar.gz'
    tarball.write_bytes(b'no tarball')
    process = start(stack, '--before', RELEASE, '--after', tarball)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 2, output
    assert 'is rejected' in output
