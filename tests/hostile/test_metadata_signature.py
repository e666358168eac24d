"""The signature of an upload's metadata is verified as that of its tarball; nothing waives it."""

from __future__ import annotations

import datetime
import json
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from gated import Player, write
from ssh_keys import make_key, sign
from tar_crafting import as_json, metadata_of, sound, tarball

from eessi_validate.cli import main
from eessi_validate.errors import UsageError
from eessi_validate.gate import flow, signed_inspection
from eessi_validate.gate.attestation.signature import NAMESPACE
from eessi_validate.gate.decision.policy_file import load_policy
from eessi_validate.results.model import Report

pytestmark = pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')

BOT = 'eessi-bot-somewhere'
GOOD = tarball(sound())


@dataclass
class Setting:
    """An upload, both of whose files a bot has signed, and what it takes to gate it."""

    request: flow.GateRequest
    metadata: Path
    signature: Path
    allowed: Path
    key: Path
    public: str
    player: Player

    def gated(self, **changes: Any) -> Report:
        out = self.request.out.with_name(f'out{len(list(self.request.out.parent.iterdir()))}')
        return flow.gate_tarball(replace(self.request, out=out, **changes))

    def allow(self, line: str) -> None:
        self.allowed.write_text(line + '\n')


@pytest.fixture
def setting(tmp_path, base_stack, monkeypatch) -> Setting:
    made = replace(GOOD, metadata=metadata_of(GOOD.packed))
    path, metadata = write(made, tmp_path / 'in')
    assert metadata is not None
    player = Player()
    monkeypatch.setattr(flow, 'run_job', player)
    key, allowed = tmp_path / 'key', tmp_path / 'allowed'
    public = make_key(key)
    signature = sign(metadata, key, BOT)
    request = flow.GateRequest(
        tarball=path,
        stack=base_stack,
        out=tmp_path / 'out',
        signature=sign(path, key, BOT),
        metadata=metadata,
        metadata_signature=signature,
        allowed_signers=allowed,
    )
    it = Setting(request, metadata, signature, allowed, key, public, player)
    it.allow(f'bot@example.org namespaces="{BOT}" {public}')
    return it


def refusals(report: Report) -> set[str]:
    return {each.check for each in report.judgement.excuses if each.effect == 'reject'}


def test_signed_metadata_are_read_and_the_report_says_by_whom(setting):
    report = setting.gated()
    assert report.judgement.verdict.value == 'ACCEPT'
    assert report.gate is not None
    assert report.gate.metadata_signature == report.gate.signature is not None
    notes = {each.check: each.reason for each in report.judgement.excuses}
    assert notes['metadata-signature'] == f'its metadata signed by bot@example.org for {BOT}'


def _no_signature(it: Setting) -> None:
    it.signature.unlink()


def _changed(it: Setting) -> None:
    it.metadata.write_bytes(as_json(metadata_of(GOOD.packed, pr='2')))


def _of_the_tarball(it: Setting) -> None:
    assert it.request.signature is not None
    shutil.copyfile(it.request.signature, it.signature)


def _of_another_tarball(it: Setting) -> None:
    """A validly signed upload of the same bot, whose metadata stand beside this tarball."""
    other = it.metadata.with_name('other')
    other.write_bytes(as_json(metadata_of(b'another tarball')))
    shutil.copyfile(sign(other, it.key, BOT), it.signature)


def _garbage(it: Setting) -> None:
    it.signature.write_text('signed, honestly')


def _longer_than_metadata_are(it: Setting) -> None:
    it.metadata.write_bytes(as_json(metadata_of(GOOD.packed)) + b' ' * (1 << 20))
    sign(it.metadata, it.key, BOT)


def _wrong_key(it: Setting) -> None:
    make_key(it.key.with_name('stranger'))
    sign(it.metadata, it.key.with_name('stranger'), BOT)


def _other_purpose(it: Setting) -> None:
    sign(it.metadata, it.key, 'file')


def _verdict_purpose(it: Setting) -> None:
    it.allow(f'bot@example.org {it.public}')
    sign(it.metadata, it.key, NAMESPACE)


@pytest.mark.parametrize(
    ('fault', 'finding'),
    [
        (_no_signature, 'metadata-signature-missing'),
        (_changed, 'metadata-signature-invalid'),
        (_of_the_tarball, 'metadata-signature-invalid'),
        (_of_another_tarball, 'metadata-signature-invalid'),
        (_garbage, 'metadata-signature-invalid'),
        (_longer_than_metadata_are, 'metadata-signature-invalid'),
        (_wrong_key, 'metadata-signature-unknown'),
        (_other_purpose, 'metadata-signature-unknown'),
        (_verdict_purpose, 'metadata-signature-unknown'),
    ],
    ids=lambda value: value.__name__.strip('_') if callable(value) else value,
)
def test_a_fault_of_it_rejects_and_nothing_is_read(setting, fault, finding, monkeypatch):
    monkeypatch.setattr(
        signed_inspection, 'inspect_tarball', lambda *_a, **_k: pytest.fail('it was read')
    )
    fault(setting)
    report = setting.gated()
    assert report.judgement.verdict.value == 'REJECT'
    assert refusals(report) == {finding}
    assert setting.player.jobs == []


def test_faults_of_both_signatures_are_both_told(setting):
    _garbage(setting)
    _wrong_key(setting)
    setting.request.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    assert refusals(setting.gated()) == {'signature-invalid', 'metadata-signature-unknown'}


def test_a_tarball_without_a_signature_is_bound_by_its_signed_metadata(setting):
    alone = {'signature': None}
    assert setting.gated(**alone).judgement.verdict.value == 'ACCEPT'
    setting.request.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    assert 'metadata-digest-differs' in refusals(setting.gated(**alone))


def test_a_policy_that_requires_signatures_requires_those_of_metadata(setting, tmp_path):
    policy = tmp_path / 'policy.yaml'
    policy.write_text('schema_version: 1\nname: p\nsignature: {required: true}\n')
    assert refusals(setting.gated(policy=policy)) == set()
    unsigned = {'metadata_signature': None}
    assert refusals(setting.gated(**unsigned)) == set()
    assert refusals(setting.gated(policy=policy, **unsigned)) == {'metadata-signature-missing'}
    report = setting.gated(**unsigned)
    assert refusals(flow.replay(report, load_policy(policy))) == {'metadata-signature-missing'}
    without = setting.gated(policy=policy, metadata=None, **unsigned)
    assert without.judgement.verdict.value == 'ACCEPT'


def test_who_and_for_what_is_asked_of_metadata_too(setting, tmp_path):
    setting.allow(f'bot@example.org {setting.public}')
    sign(setting.metadata, setting.key, 'file')
    policy = tmp_path / 'policy.yaml'
    policy.write_text(f'schema_version: 1\nname: p\nsignature: {{namespaces: [{BOT}]}}\n')
    assert refusals(setting.gated()) == set()
    assert refusals(setting.gated(policy=policy)) == {'metadata-signature-unknown'}


def test_neither_a_waiver_nor_a_rule_releases_it(setting, tmp_path):
    _changed(setting)
    end = datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=30)
    waiver = {
        'id': 'W', 'check': 'metadata-signature-*', 'target': '?*',
        'issue': 'https://example.org/1', 'owner': 'someone', 'expires': end.isoformat(),
        'digest': setting.gated().subject.digest,
    }  # fmt: skip
    waivers, lax = tmp_path / 'waivers.yaml', tmp_path / 'lax.yaml'
    waivers.write_text(yaml.safe_dump({'schema_version': 1, 'waivers': [waiver]}))
    rules = [{'id': 'all', 'require': 'advisory', 'mode': 'observe'}]
    lax.write_text(yaml.safe_dump({'schema_version': 1, 'name': 'lax', 'rules': rules}))
    report = setting.gated(waivers=waivers, policy=lax)
    assert refusals(report) == {'metadata-signature-invalid'}


def test_what_is_verified_is_what_is_read(setting, monkeypatch):
    inspect = signed_inspection.inspect_tarball

    def exchanged(path: Path, **options: Any) -> Any:
        setting.metadata.write_text('{}')
        return inspect(path, **options)

    monkeypatch.setattr(signed_inspection, 'inspect_tarball', exchanged)
    assert setting.gated().judgement.verdict.value == 'ACCEPT'


def test_metadata_that_are_not_there_are_told_as_without_a_signature(setting):
    setting.metadata.unlink()
    assert refusals(setting.gated()) == {'metadata-unreadable'}


def test_a_signature_of_no_metadata_is_a_wrong_request(setting):
    with pytest.raises(UsageError, match='only with the metadata'):
        setting.gated(metadata=None)


def test_the_command_takes_it_by_name_or_from_beside_the_metadata(setting, monkeypatch, capsys):
    request = setting.request

    def findings(*more: object) -> set[str]:
        words = [
            'gate', request.tarball, '--stack', request.stack, '--metadata', request.metadata,
            '--allowed-signers', setting.allowed, '--out', setting.gated().run.id,
            '--json', '--static-only', *more,
        ]  # fmt: skip
        monkeypatch.setattr(sys, 'argv', ['eessi-validate', *map(str, words)])
        with pytest.raises(SystemExit):
            main()
        return {each['id'] for each in json.loads(capsys.readouterr().out)['gate']['findings']}

    monkeypatch.chdir(request.out.parent)
    elsewhere = setting.signature.with_name('elsewhere')
    shutil.copyfile(setting.signature, elsewhere)
    named = ('--metadata-signature', elsewhere)
    assert findings(*named) == set()
    _garbage(setting)
    assert findings(*named) == set()
    assert findings('--signature', request.signature) == {'metadata-signature-invalid'}
    setting.signature.unlink()
    assert findings('--signature', request.signature) == set()
