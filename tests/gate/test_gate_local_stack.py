"""End to end: GROMACS as a tarball, gated over a local stack that does not have it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.packing import pack_installation
from eessi_validate.stack.layout import open_stack

METHOD, WHY_NOT = overlay_support()
pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.skipif(not METHOD, reason=f'no overlay here: {WHY_NOT}'),
    pytest.mark.skipif(not shutil.which('unshare'), reason='no unshare'),
]

TARGET = f'{platform.machine()}/generic'
#: Puts a copy at the place of the stack, which its modules name, for one command alone.
IN_PLACE_OF = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def link_or_copy(source: str, destination: str) -> None:
    try:
        os.link(source, destination, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, destination, follow_symlinks=False)


@pytest.fixture(scope='module')
def gromacs(local_stack: Path) -> str:
    modules = open_stack(local_stack).release('2023.06').modules(TARGET)
    return next(m.full_name for m in modules if m.software == 'GROMACS')


@pytest.fixture
def base(local_stack: Path, tmp_path: Path) -> Path:
    """Return a copy of the local stack without GROMACS."""
    copy = tmp_path / 'base'
    shutil.copytree(local_stack, copy, symlinks=True, copy_function=link_or_copy)
    layer = open_stack(copy).release('2023.06').software(TARGET)
    for directory in (layer / 'software', layer / 'reprod', *(layer / 'modules').iterdir()):
        shutil.rmtree(directory / 'GROMACS', ignore_errors=True)
    return copy


def gate(tarball: Path, stack: Path, base: Path, out: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        ['unshare', '-Urm', 'sh', '-c', IN_PLACE_OF, 'sh', str(base), str(stack),
         sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate',
         str(tarball), '--stack', str(stack), '--out', str(out), '--json'],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_gromacs_is_accepted_over_a_stack_without_it(local_stack, gromacs, base, tmp_path):
    tarball = pack_installation(local_stack, '2023.06', TARGET, gromacs, tmp_path)
    code, report = gate(tarball, local_stack, base, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (0, 'ACCEPT'), report['judgement']['summary']
    assert report['gate']['modules'] == [gromacs]
    assert report['counters']['passed'] == report['counters']['planned'] > 1


def test_a_broken_gromacs_is_rejected_with_the_reason(local_stack, gromacs, base, tmp_path):
    donor = tmp_path / 'donor'
    shutil.copytree(local_stack, donor, symlinks=True, copy_function=link_or_copy)
    installation = open_stack(donor).release('2023.06').software(TARGET) / 'software' / gromacs
    programs = [p for p in (installation / 'bin').iterdir() if p.name.startswith('gmx')]
    for program in programs:
        program.unlink()
        program.write_text('#!/bin/sh\necho "gmx: cannot open shared object" >&2\nexit 127\n')
        program.chmod(0o755)
    tarball = pack_installation(donor, '2023.06', TARGET, gromacs, tmp_path)
    code, report = gate(tarball, local_stack, base, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (1, 'REJECT')
    assert gromacs in report['judgement']['summary']
    assert 'gmx' in report['judgement']['summary']
    assert 'exit status 127' in report['judgement']['summary']
