"""The signature of a tarball is verified before the tarball is read; nothing waives a bad one."""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from gated import MODULE, Player
from ssh_keys import make_key, sign
from tar_crafting import NAME, sound, tarball

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate import flow, signed_inspection
from eessi_validate.gate.attestation import upload_signature
from eessi_validate.gate.attestation.signature import NAMESPACE
from eessi_validate.gate.attestation.sshsig import namespace_of
from eessi_validate.gate.decision.policy_file import load_policy
from eessi_validate.results.model import Report

pytestmark = pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')

BOT = 'eessi-bot-somewhere'


@dataclass
class Setting:
    """A signed tarball and what it takes to gate it."""

    request: flow.GateRequest
    player: Player
    key: Path
    public: str

    def gated(self, **changes: Any) -> Report:
        out = self.request.out.with_name(f'out{len(list(self.request.out.parent.iterdir()))}')
        return flow.gate_tarball(replace(self.request, out=out, **changes))

    def allow(self, line: str) -> None:
        allowed = self.request.allowed_signers
        assert allowed is not None
        allowed.write_text(line + '\n')


@pytest.fixture
def setting(tmp_path, base_stack, monkeypatch) -> Setting:
    path = tmp_path / 'in' / NAME
    path.parent.mkdir()
    path.write_bytes(tarball(sound()).packed)
    player = Player()
    monkeypatch.setattr(flow, 'run_job', player)
    public = make_key(tmp_path / 'key')
    request = flow.GateRequest(
        tarball=path,
        stack=base_stack,
        out=tmp_path / 'out',
        signature=sign(path, tmp_path / 'key', BOT),
        allowed_signers=tmp_path / 'allowed',
    )
    made = Setting(request, player, tmp_path / 'key', public)
    made.allow(f'bot@example.org namespaces="{BOT}" {public}')
    return made


def refusals(report: Report) -> set[str]:
    return {each.check for each in report.judgement.excuses if each.effect == 'reject'}


def test_a_signed_tarball_is_read_and_the_report_says_by_whom(setting):
    report = setting.gated()
    assert report.judgement.verdict.value == 'ACCEPT'
    assert report.gate is not None
    assert report.gate.signature is not None
    assert report.gate.signature.model_dump() == {
        'principal': 'bot@example.org', 'namespace': BOT,
    }  # fmt: skip
    (note,) = [each for each in report.judgement.excuses if each.check == 'signature']
    assert note.reason == f'signed by bot@example.org for {BOT}'


def _no_signature(it: Setting) -> None:
    assert it.request.signature is not None
    it.request.signature.unlink()


def _other_content(it: Setting) -> None:
    it.request.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)


def _garbage(it: Setting) -> None:
    assert it.request.signature is not None
    it.request.signature.write_text('signed, honestly')


def _cut(it: Setting) -> None:
    assert it.request.signature is not None
    lines = it.request.signature.read_text().splitlines()
    it.request.signature.write_text('\n'.join([*lines[:2], lines[-1]]))


def _large(it: Setting) -> None:
    assert it.request.signature is not None
    with it.request.signature.open('ab') as stream:
        stream.write(b'\n' * (1 << 20))


def _stranger(it: Setting) -> None:
    stranger = make_key(it.key.with_name('stranger'))
    it.allow(f'bot@example.org namespaces="{BOT}" {stranger}')


def _nobody(it: Setting) -> None:
    it.allow('')


def _other_purpose(it: Setting) -> None:
    sign(it.request.tarball, it.key, 'file')


def _verdict_purpose(it: Setting) -> None:
    it.allow(f'bot@example.org {it.public}')
    sign(it.request.tarball, it.key, NAMESPACE)


def _too_old(it: Setting) -> None:
    it.allow(f'bot@example.org namespaces="{BOT}",valid-before="20200101" {it.public}')


@pytest.mark.parametrize(
    ('fault', 'finding'),
    [
        (_no_signature, 'signature-missing'),
        (_other_content, 'signature-invalid'),
        (_garbage, 'signature-invalid'),
        (_cut, 'signature-invalid'),
        (_large, 'signature-invalid'),
        (_stranger, 'signature-unknown'),
        (_nobody, 'signature-unknown'),
        (_other_purpose, 'signature-unknown'),
        (_verdict_purpose, 'signature-unknown'),
        (_too_old, 'signature-unknown'),
    ],
    ids=lambda value: value.__name__.strip('_') if callable(value) else value,
)
def test_a_fault_of_the_signature_rejects_and_nothing_is_read(setting, fault, finding, monkeypatch):
    monkeypatch.setattr(
        signed_inspection, 'inspect_tarball', lambda *_a, **_k: pytest.fail('it was read')
    )
    fault(setting)
    report = setting.gated()
    assert report.judgement.verdict.value == 'REJECT'
    assert refusals(report) == {finding}
    assert report.subject.digest.startswith('sha256:')
    assert setting.player.jobs == []


def test_neither_a_waiver_nor_a_rule_releases_it(setting, tmp_path):
    _garbage(setting)
    end = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=30)
    waiver = {
        'id': 'W', 'check': 'signature-*', 'target': '?*', 'issue': 'https://example.org/1',
        'owner': 'someone', 'expires': end.isoformat(),
        'digest': setting.gated().subject.digest,
    }  # fmt: skip
    waivers = tmp_path / 'waivers.yaml'
    waivers.write_text(yaml.safe_dump({'schema_version': 1, 'waivers': [waiver]}))
    lax = tmp_path / 'lax.yaml'
    rules = [{'id': 'all', 'require': 'advisory', 'mode': 'observe'}]
    lax.write_text(yaml.safe_dump({'schema_version': 1, 'name': 'lax', 'rules': rules}))
    report = setting.gated(waivers=waivers, policy=lax)
    assert refusals(report) == {'signature-invalid'}


def test_a_policy_may_require_one_and_name_who_and_for_what(setting, tmp_path):
    def policy(**signature: Any) -> Path:
        path = tmp_path / 'policy.yaml'
        content = {'schema_version': 1, 'name': 'p', 'signature': signature}
        path.write_text(yaml.safe_dump(content))
        return path

    unsigned = {'signature': None, 'allowed_signers': None}
    strict = policy(required=True)
    assert refusals(setting.gated(policy=strict)) == set()
    assert refusals(setting.gated(policy=strict, **unsigned)) == {'signature-missing'}
    others = policy(principals=['other@example.org'])
    assert refusals(setting.gated(policy=others)) == {'signature-unknown'}
    setting.allow(f'bot@example.org {setting.public}\nother@example.org {setting.public}')
    assert refusals(setting.gated(policy=others)) == set()
    assert refusals(setting.gated(policy=policy(namespaces=['file']))) == {'signature-unknown'}


def test_a_replay_under_a_policy_that_requires_one_rejects(setting, tmp_path):
    report = setting.gated(signature=None, allowed_signers=None)
    assert report.judgement.verdict.value == 'ACCEPT'
    path = tmp_path / 'policy.yaml'
    path.write_text('schema_version: 1\nname: p\nsignature: {required: true}\n')
    assert refusals(flow.replay(report, load_policy(path))) == {'signature-missing'}


def test_what_changes_between_signature_and_reading_is_held(setting, monkeypatch):
    verify = upload_signature.check_upload_signature

    def exchanged(path: Path, *arguments: Any) -> Any:
        done = verify(path, *arguments)
        path.write_bytes(tarball(sound().directory(f'2023.06/x/{MODULE}')).packed)
        return done

    monkeypatch.setattr(signed_inspection, 'check_upload_signature', exchanged)
    report = setting.gated()
    assert report.judgement.verdict.value in ('HOLD', 'REJECT')
    assert 'file-changed' in {each.check for each in report.judgement.excuses}
    assert setting.player.jobs == []


def test_without_ssh_keygen_it_is_held(setting, monkeypatch):
    monkeypatch.setenv('PATH', '/nonexistent')
    with pytest.raises(HoldError):
        setting.gated()


def test_without_allowed_signers_it_is_a_wrong_command(setting):
    assert setting.request.allowed_signers is not None
    setting.request.allowed_signers.unlink()
    with pytest.raises(UsageError, match='allowed signers'):
        setting.gated()


@pytest.mark.parametrize('data', [b'', b'x', b'-' * 100_000])
def test_what_is_no_signature_has_no_namespace(data):
    with pytest.raises(ValueError, match='SSH signature'):
        namespace_of(data)
