"""Runs the library tests of the compat layer with ReFrame, on the stack or on a broken one.

A fault is a few shell commands that see the compat layer at its own path as ``$C``. They run in a
mount namespace of their own, on an overlay: the stack itself is never changed, and absolute paths
inside it stay true.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from eessi_validate.gate.overlay.namespace import overlay_support

CHECKS = Path(__file__).parent / 'checks' / 'every_group.py'
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True)
class Outcome:
    """What ReFrame's report says of one library test."""

    result: str
    reason: str
    values: dict[str, float]
    nonce: str
    stage: Path


def _reframe(tests: str, compat: Path, place: Path, settings: dict[str, str]) -> str:
    arguments = [str(Path(sys.executable).with_name('reframe'))]
    arguments += ['--prefix', str(place), '--report-file', str(place / 'report.json')]
    arguments += ['-c', str(CHECKS), '-n', tests, '--keep-stage-files', '-r']
    for name, value in {'compat_path': str(compat), **settings}.items():
        arguments += ['-S', f'{name}={value}']
    return shlex.join(arguments)


def _inside_overlay(compat: Path, place: Path, fault: str, command: str) -> list[str]:
    for name in ('upper', 'work'):
        (place / name).mkdir()
    options = f'lowerdir={compat},upperdir={place}/upper,workdir={place}/work'
    if os.geteuid():
        # What is removed is recorded in attributes, of which only root has the trusted ones.
        options += ',userxattr'
    script = f"""\
set -e
C={shlex.quote(str(compat))}
mount -t overlay overlay -o {shlex.quote(options)} "$C"
{fault}
set +e
{command}
"""
    flags = '-m' if os.geteuid() == 0 else '-Urm'
    return ['unshare', flags, 'bash', '-c', script]


@cache
def _why_no_overlay() -> str:
    """Return why a fault cannot be laid over the stack on this host, e.g. in a chroot; or ''."""
    return overlay_support()[1]


@pytest.fixture
def run_group(tmp_path):
    """Return a function that runs one library test and returns its outcome."""

    def run(test: str, compat: Path, fault: str = '', **settings: str) -> Outcome:
        if fault and (reason := _why_no_overlay()):
            pytest.skip(f'no overlay in a namespace here: {reason}')
        place = tmp_path / f'run{len(list(tmp_path.glob("run*")))}'
        place.mkdir()
        command = _reframe(f'^{test}_here', compat, place, settings)
        line = _inside_overlay(compat, place, fault, command) if fault else ['bash', '-c', command]
        source = os.pathsep.join([str(REPOSITORY / 'library'), str(REPOSITORY)])
        environment = {**os.environ, 'PYTHONPATH': source, 'RFM_COLORIZE': 'no'}
        done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=place)
        file = place / 'report.json'
        assert file.exists(), f'ReFrame ran nothing:\n{done.stdout}\n{done.stderr}'
        [case] = json.loads(file.read_text())['runs'][0]['testcases']
        values = {k.rpartition(':')[2]: v[0] for k, v in (case['perfvalues'] or {}).items()}
        return Outcome(
            case['result'], case['fail_reason'] or '', values, case['nonce'], Path(case['stagedir'])
        )

    return run


@pytest.fixture
def compat(request) -> Path:
    """The compat layer of the local stack, or of the one in ``EESSI_VALIDATE_TEST_STACK``."""
    given = os.environ.get('EESSI_VALIDATE_TEST_STACK')
    root = Path(given) if given else request.getfixturevalue('local_stack')
    return root / 'versions' / '2023.06' / 'compat' / 'linux' / os.uname().machine
