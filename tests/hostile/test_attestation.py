"""A signed verdict counts for one file, one policy, one context, one base, and for a while."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gated import Player, gate, official_policy
from ssh_keys import make_key
from tar_crafting import NAME, sound, tarball

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.attestation.signature import NAMESPACE, sign_file
from eessi_validate.gate.attestation.statement import PREDICATE_TYPE, make_statement
from eessi_validate.gate.attestation.verify import VerifyRequest, verify_tarball
from eessi_validate.results.model import Outcome

pytestmark = pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')


@pytest.fixture
def signed(tmp_path, base_stack, monkeypatch) -> VerifyRequest:
    """Gate and sign a sound tarball; return what it takes to verify it."""
    base = tmp_path / 'software.eessi.io'
    shutil.copytree(base_stack, base, symlinks=True)
    policy = official_policy(tmp_path)
    report = gate(tarball(sound()), base, tmp_path, Player(), monkeypatch, policy=policy, sign=True)
    assert report.judgement.verdict.value == 'ACCEPT'
    statement = tmp_path / 'attestation.json'
    statement.write_bytes(make_statement(report, 'c' * 64))
    public = make_key(tmp_path / 'key')
    sign_file(statement, tmp_path / 'key')
    allowed = tmp_path / 'allowed'
    allowed.write_text(f'gate@example.org namespaces="{NAMESPACE}" {public}\n')
    return VerifyRequest(
        tarball=tmp_path / 'in' / NAME,
        attestation=statement,
        allowed_signers=allowed,
        policy=policy,
    )


def resigned(request: VerifyRequest, **changes: object) -> VerifyRequest:
    """Change the extension of the statement, and sign it validly."""
    content = json.loads(request.attestation.read_bytes())
    content['predicate']['eessi_validate'].update(changes)
    request.attestation.write_text(json.dumps(content))
    sign_file(request.attestation, request.attestation.with_name('key'))
    return request


def outcome(request: VerifyRequest) -> tuple[str, set[str]]:
    done = verify_tarball(request)
    return done.verdict.value, {each.check for each in done.objections}


def test_a_signed_accept_verifies(signed):
    done = verify_tarball(signed)
    assert (done.verdict.value, done.objections) == ('ACCEPT', ())
    assert done.principal == 'gate@example.org'
    content = json.loads(signed.attestation.read_bytes())
    assert content['predicateType'] == PREDICATE_TYPE
    assert content['subject'][0]['digest']['sha256'] == done.sha256


def test_a_renamed_or_exchanged_tarball_does_not(signed):
    other = signed.tarball.with_name(NAME.replace('-17', '-18'))
    assert other != signed.tarball
    shutil.copy(signed.tarball, other)
    assert outcome(replace(signed, tarball=other)) == ('REJECT', {'subject'})
    signed.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    verdict, checks = outcome(signed)
    assert verdict == 'REJECT'
    assert 'subject' in checks


def test_a_changed_statement_does_not(signed):
    signed.attestation.write_bytes(signed.attestation.read_bytes().replace(b'ACCEPT', b'REJECT'))
    with pytest.raises(HoldError, match='ssh-keygen'):
        verify_tarball(signed)


def test_a_stranger_or_another_namespace_does_not(signed, tmp_path):
    own = signed.allowed_signers.read_text()
    stranger = make_key(tmp_path / 'stranger')
    signed.allowed_signers.write_text(f'gate@example.org {stranger}\n')
    with pytest.raises(HoldError):
        verify_tarball(signed)
    signed.allowed_signers.write_text(own.replace(NAMESPACE, 'file'))
    with pytest.raises(HoldError):
        verify_tarball(signed)
    signed.allowed_signers.write_text(own)
    signature = signed.attestation.with_name('attestation.json.sig')
    signature.unlink()
    command = ['ssh-keygen', '-Y', 'sign', '-f', str(tmp_path / 'key'), '-n', 'file',
               str(signed.attestation)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with pytest.raises(HoldError):
        verify_tarball(signed)


def test_a_principal_that_the_policy_does_not_name_does_not(signed, tmp_path):
    rules = {'attestation': {'principals': ['someone@example.org']}}
    with pytest.raises(HoldError, match='does not count'):
        verify_tarball(replace(signed, policy=official_policy(tmp_path, **rules)))


def test_of_several_principals_with_one_key_the_one_that_the_policy_names_counts(signed, tmp_path):
    own = signed.allowed_signers.read_text()
    signed.allowed_signers.write_text(own + own.replace('gate@', 'other@'))
    policy = official_policy(tmp_path, attestation={'principals': ['other@example.org']})
    request = replace(signed, policy=policy)
    assert verify_tarball(request).principal == 'other@example.org'
    signed.allowed_signers.write_text(own + own.replace('gate@', 'other@').replace('ssh', 'x-ssh'))
    with pytest.raises(HoldError):
        verify_tarball(request)


def test_another_policy_context_or_version_is_held(signed, tmp_path):
    assert outcome(replace(signed, context='upload')) == ('HOLD', {'context'})
    other = official_policy(tmp_path, description='changed')
    assert outcome(replace(signed, policy=other)) == ('HOLD', {'policy'})


def test_old_and_future_ones_are_held(signed):
    now = datetime.datetime.now(datetime.timezone.utc)
    for days in (31, -1):
        moved = replace(signed, now=now + datetime.timedelta(days=days))
        assert outcome(moved) == ('HOLD', {'age'})


def test_a_base_that_changed_is_held(signed, tmp_path):
    modules = tmp_path / 'software.eessi.io/versions/2023.06/software/linux/x86_64/amd/zen2/modules'
    module = next(modules.rglob('*.lua'))
    module.write_text(module.read_text() + '-- changed\n')
    assert outcome(signed) == ('HOLD', {'drift'})


def test_a_validly_signed_reject_hold_or_trial_never_verifies(signed):
    for verdict in ('REJECT', 'HOLD'):
        assert outcome(resigned(signed, verdict=verdict)) == ('REJECT', {'verdict'})
    verdict, checks = outcome(resigned(signed, verdict='ACCEPT', versions={'source': 'other'}))
    assert (verdict, checks) == ('HOLD', {'versions'})


def test_nothing_but_an_official_run_is_attested(tmp_path, base_stack, monkeypatch):
    report = gate(tarball(sound()), base_stack, tmp_path, Player(), monkeypatch)
    with pytest.raises(UsageError, match='trial'):
        make_statement(report, 'c' * 64)


def test_a_reject_is_attested_as_failed(tmp_path, base_stack, monkeypatch):
    policy = official_policy(tmp_path)
    player = Player(Outcome.FAIL)
    report = gate(tarball(sound()), base_stack, tmp_path, player, monkeypatch, policy=policy)
    content = json.loads(make_statement(report, 'c' * 64))
    assert content['predicate']['result'] == 'FAILED'
    assert content['predicate']['failedTests']


def test_the_command_says_it_with_its_exit_code(signed):
    def verify(tarball_path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'verify',
             str(tarball_path), '--attestation', str(signed.attestation), '--allowed-signers',
             str(signed.allowed_signers), '--policy', str(signed.policy)],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    done = verify(signed.tarball)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('ACCEPT  sha256:')
    assert done.stdout.strip().endswith('signed by gate@example.org')
    other = signed.tarball.with_name(NAME.replace('-17', '-18'))
    shutil.copy(signed.tarball, other)
    assert verify(other).returncode == 1
    signed.allowed_signers.write_text('')
    assert verify(signed.tarball).returncode == 75
