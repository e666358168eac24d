"""``gate --signature``, ``gate --sign`` and ``verify`` as typed; the cases alone are played."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gated import Player, official_policy
from ssh_keys import make_key, sign
from tar_crafting import NAME, sound, tarball

from eessi_validate.cli import main
from eessi_validate.gate import flow
from eessi_validate.gate.attestation.signature import NAMESPACE
from eessi_validate.results.model import Outcome

pytestmark = pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch, capsys) -> Command:
    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, 'argv', ['eessi-validate', *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(str(end.value.code)), said.out, said.err

    return run


@pytest.fixture
def place(tmp_path, base_stack, monkeypatch) -> Path:
    """A directory with a base, a tarball that a bot signed, keys, signers and a pinning policy."""
    monkeypatch.setattr(flow, 'run_job', Player())
    shutil.copytree(base_stack, tmp_path / 'software.eessi.io', symlinks=True)
    (tmp_path / NAME).write_bytes(tarball(sound()).packed)
    bot, gate = make_key(tmp_path / 'bot'), make_key(tmp_path / 'gate')
    sign(tmp_path / NAME, tmp_path / 'bot', 'a-bot')
    (tmp_path / 'bots').write_text(f'bot@example.org namespaces="a-bot" {bot}\n')
    (tmp_path / 'gates').write_text(f'gate@example.org namespaces="{NAMESPACE}" {gate}\n')
    official_policy(tmp_path, signature={'required': True})
    return tmp_path


def gating(place: Path, out: str, *more: object) -> list[object]:
    return [
        'gate', place / NAME, '--stack', place / 'software.eessi.io', '--quiet',
        '--policy', place / 'official.yaml', '--signature', place / f'{NAME}.sig',
        '--allowed-signers', place / 'bots', '--out', place / out, *more,
    ]  # fmt: skip


def verifying(place: Path, out: str) -> list[object]:
    return [
        'verify', place / NAME, '--attestation', place / out / 'attestation.json',
        '--allowed-signers', place / 'gates', '--policy', place / 'official.yaml', '--json',
    ]  # fmt: skip


def test_a_signed_tarball_is_gated_signed_and_verified(place, command):
    code, out, _ = command(*gating(place, 'out', '--sign', place / 'gate'))
    assert code == 0, out
    assert 'ACCEPT' in out
    code, out, _ = command(*verifying(place, 'out'))
    answer = json.loads(out)
    assert (code, answer['verdict'], answer['principal']) == (0, 'ACCEPT', 'gate@example.org')


def test_a_reject_is_signed_too_and_does_not_verify(place, command, monkeypatch):
    monkeypatch.setattr(flow, 'run_job', Player(Outcome.FAIL))
    assert command(*gating(place, 'out', '--sign', place / 'gate'))[0] == 1
    code, out, _ = command(*verifying(place, 'out'))
    assert (code, json.loads(out)['verdict']) == (1, 'REJECT')


def test_a_tarball_whose_signature_fails_is_rejected_and_that_is_signed(place, command):
    (place / NAME).write_bytes(tarball(sound().symlink('x', 'y')).packed)
    code, out, _ = command(*gating(place, 'out', '--json', '--sign', place / 'gate'))
    report = json.loads(out)
    assert (code, report['judgement']['verdict']) == (1, 'REJECT')
    assert [each['id'] for each in report['gate']['findings']] == ['signature-invalid']
    assert command(*verifying(place, 'out'))[0] == 1


def test_a_trial_is_not_signed_and_says_so_before_it_starts(place, command):
    for more in (['--static-only'], ['--in-place'], ['--checks', place / 'own.py']):
        code, _, error = command(*gating(place, 'out', '--sign', place / 'gate', *more))
        assert code == 2
        assert 'a trial cannot be signed' in error
    assert not (place / 'out').exists()


def test_the_upload_key_does_not_sign_verdicts(place, command):
    assert command(*gating(place, 'out', '--sign', place / 'bot'))[0] == 0
    code, _, error = command(*verifying(place, 'out'))
    assert code == 75
    assert 'HOLD' in error


@pytest.mark.parametrize(
    ('more', 'words'),
    [
        (['--sign', 'no-such-key'], 'no key'),
        (['--replay', 'report.json'], '--replay decides on a stored report'),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_is_run(place, command, more, words):
    code, _, error = command(*gating(place, 'out', *more))
    assert code == 2
    assert words in error
    assert not (place / 'out').exists()


def test_signature_and_allowed_signers_go_together(place, command):
    whole = gating(place, 'out')
    at = whole.index('--allowed-signers')
    code, _, error = command(*whole[:at], *whole[at + 2 :])
    assert code == 2
    assert 'only together' in error
