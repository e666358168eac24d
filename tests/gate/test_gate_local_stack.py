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

from eessi_validate.gate.attestation.signature import NAMESPACE
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.packing import pack_installation
from eessi_validate.gate.versions import gate_versions
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


@pytest.fixture(scope='module')
def base(local_stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the local stack without GROMACS."""
    copy = tmp_path_factory.mktemp('without') / 'base'
    shutil.copytree(local_stack, copy, symlinks=True, copy_function=link_or_copy)
    layer = open_stack(copy).release('2023.06').software(TARGET)
    for directory in (layer / 'software', layer / 'reprod', *(layer / 'modules').iterdir()):
        shutil.rmtree(directory / 'GROMACS', ignore_errors=True)
    return copy


def asked(stack: Path, base: Path, *arguments: object) -> tuple[int, dict[str, Any]]:
    """Run a command where ``base`` is at the place of ``stack``; return its code and JSON."""
    done = subprocess.run(
        ['unshare', '-Urm', 'sh', '-c', IN_PLACE_OF, 'sh', str(base), str(stack),
         sys.executable, '-c', 'from eessi_validate.cli import main; main()',
         *map(str, arguments), '--json'],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def gate(tarball: Path, stack: Path, base: Path, out: Path, *more: object) -> tuple[int, Any]:
    return asked(stack, base, 'gate', tarball, '--stack', stack, '--out', out, *more)


def make_key(path: Path) -> str:
    command = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.with_suffix('.pub').read_text().strip()


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Return a directory with a policy that pins what runs here, keys, and who may sign."""
    versions = gate_versions()
    pins = {name: versions[name] for name in ('source', 'reframe', 'python')}
    content = {'schema_version': 1, 'name': 'official', 'pins': pins,
               'signature': {'required': True}, 'bundle': {'targets': [TARGET]}}  # fmt: skip
    (tmp_path / 'policy.yaml').write_text(json.dumps(content))
    bot, own = make_key(tmp_path / 'bot'), make_key(tmp_path / 'gate')
    lines = (f'bot@example.org namespaces="a-bot" {bot}',
             f'gate@example.org namespaces="{NAMESPACE}" {own}')  # fmt: skip
    (tmp_path / 'allowed').write_text('\n'.join(lines) + '\n')
    return tmp_path


@pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')
def test_gromacs_is_gated_signed_verified_and_makes_a_bundle(local_stack, gromacs, base, official):
    bundle = official / 'bundle'
    bundle.mkdir()
    tarball = pack_installation(local_stack, '2023.06', TARGET, gromacs, bundle)
    command = ['ssh-keygen', '-Y', 'sign', '-f', str(official / 'bot'), '-n', 'a-bot']
    subprocess.run([*command, str(tarball)], check=True, capture_output=True, timeout=60)
    policy, allowed = official / 'policy.yaml', official / 'allowed'
    who = ['--policy', policy, '--allowed-signers', allowed]
    code, report = gate(
        tarball, local_stack, base, official / 'out', *who,
        '--signature', f'{tarball}.sig', '--sign', official / 'gate',
    )  # fmt: skip
    assert (code, report['gate']['trial']) == (0, ''), report['judgement']['summary']
    signed = official / 'out/attestation.json'
    code, answer = asked(local_stack, base, 'verify', tarball, '--attestation', signed, *who)
    assert (code, answer['principal']) == (0, 'gate@example.org'), answer
    for extension in ('', '.sig'):
        shutil.copy(f'{signed}{extension}', f'{tarball}.attestation.json{extension}')
    code, report = asked(
        local_stack, base, 'gate', '--bundle', bundle, '--stack', local_stack, *who
    )
    assert (code, report['verdict']) == (0, 'ACCEPT'), report['summary']


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
