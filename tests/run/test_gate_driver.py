"""The gate as a user starts it: real tarball, overlay, ReFrame and jobs; a pretended tool."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

from gated_tool import (
    DRIVER,
    FAMILY,
    GATES_FOR_REAL,
    METHOD,
    SOUND,
    check,
    packed,
    put,
    stack,
    start,
    target,
)

from eessi_validate.gate.packing import pack_installation

__all__ = ['check', 'stack']

pytestmark = GATES_FOR_REAL


def gated(*arguments: Any) -> tuple[int, dict[str, Any]]:
    process = start(*arguments)
    stdout, stderr = process.communicate(timeout=120)
    assert stdout, stderr
    return process.returncode, json.loads(stdout)


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob('*'))


def test_a_sound_tool_is_accepted_and_the_base_stays_as_it_was(stack, check, tmp_path):
    tarball = packed(stack, SOUND, tmp_path / 'in')
    before = files(stack)
    code, report = gated(tarball, stack, check, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (0, 'ACCEPT'), report['judgement']['summary']
    assert report['gate']['method'] == METHOD
    assert files(stack) == before
    assert not (tmp_path / 'out/extracted').exists()
    stored = tmp_path / 'out/report.json'
    again = subprocess.run(
        [*DRIVER, '--replay', str(stored), '--json'], capture_output=True, text=True, timeout=60
    )
    assert again.returncode == 0
    assert again.stdout == stored.read_text()


def test_a_broken_tool_is_rejected_with_its_own_message(stack, check, tmp_path):
    broken = '#!/bin/sh\necho "tool: cannot find its data" >&2\nexit 3\n'
    tarball = packed(stack, broken, tmp_path / 'in')
    code, report = gated(tarball, stack, check, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (1, 'REJECT')
    assert set(report['gate']['classes'].values()) == {'NEW-FAIL'}
    (result,) = [r for r in report['run']['results'] if r['case']['module'] == 'Tool/1.0']
    assert 'cannot find its data' in result['stderr_tail']


def test_a_rebuild_that_breaks_what_works_on_the_base_is_a_regression(stack, check, tmp_path):
    put(stack, '#!/bin/sh\nexit 3\n')
    out = tmp_path / 'in'
    out.mkdir()
    tarball = pack_installation(stack, '2023.06', f'{FAMILY}/generic', 'Tool/1.0', out)
    put(stack, SOUND)
    code, report = gated(tarball, stack, check, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (1, 'REJECT')
    assert set(report['gate']['classes'].values()) == {'REGRESSION'}


def test_a_hostile_tarball_is_rejected_and_not_executed(stack, check, tmp_path):
    trace = tmp_path / 'executed'
    tarball = packed(stack, f'#!/bin/sh\ntouch {trace}\necho "$@"\n', tmp_path / 'in')
    hostile = tmp_path / 'hostile' / tarball.name.replace('.zst', '.gz')
    hostile.parent.mkdir()
    plain = subprocess.run(['zstd', '-dc', str(tarball)], capture_output=True, check=True).stdout
    (tmp_path / 'plain.tar').write_bytes(plain)
    with tarfile.open(tmp_path / 'plain.tar') as source, tarfile.open(hostile, 'w:gz') as made:
        for member in source:
            if member.name.endswith('bin/tool'):
                member.mode = 0o4755
            made.addfile(member, source.extractfile(member) if member.isreg() else None)
    code, report = gated(hostile, stack, check, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (1, 'REJECT')
    assert 'mode-setuid' in report['judgement']['summary']
    assert not trace.exists()


def test_a_killed_gate_leaves_no_mount_and_a_rerun_works(stack, check, tmp_path):
    hangs = tmp_path / 'hangs'
    hangs.touch()
    program = f'#!/bin/sh\nif [ -e {hangs} ]; then touch {hangs}.seen; sleep 300; fi\necho "$@"\n'
    tarball = packed(stack, program, tmp_path / 'in')
    process = start(tarball, stack, check, tmp_path / 'out')
    end = time.monotonic() + 60
    while not Path(f'{hangs}.seen').exists() and time.monotonic() < end:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert Path(f'{hangs}.seen').exists()
    assert not (target(stack) / 'software/Tool').exists()
    hangs.unlink()
    code, report = gated(tarball, stack, check, tmp_path / 'out')
    assert (code, report['judgement']['verdict']) == (0, 'ACCEPT'), report['judgement']['summary']
