"""``gate --bundle`` on real files: read in a stream, compared, and accepted only with evidence."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from gated import Player, gate, official_policy
from ssh_keys import make_key, sign
from tar_crafting import Archive, as_json, elf, metadata_of, module, sound, tarball

from eessi_validate.gate.attestation.signature import NAMESPACE, sign_file
from eessi_validate.gate.attestation.statement import make_statement
from eessi_validate.gate.bundle.flow import BundleRequest, gate_bundle
from eessi_validate.gate.inspection.told import Told
from eessi_validate.results.bundle import BundleReport

TARGETS = ('x86_64/generic', 'x86_64/amd/zen2', 'aarch64/generic')
FOO = 'Foo/1.0-foss-2022b'


def named(target: str, stamp: int = 1_700_000_000) -> str:
    return f'eessi-2023.06-software-linux-{target.replace("/", "-")}-{stamp}.tar.zst'


def software(target: str) -> str:
    return f'2023.06/software/linux/{target}'


def made(target: str) -> Archive:
    return sound(software(target), machine=183 if target.startswith('aarch64') else 62)


def put(directory: Path, target: str, archive: Archive, stamp: int = 1_700_000_000) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / named(target, stamp)
    path.write_bytes(tarball(archive, path.name).packed)
    return path


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Root of a stack that has the targets, and one module."""
    root = tmp_path / 'software.eessi.io'
    for target in TARGETS:
        there = root / 'versions' / software(target) / 'modules/all/Bar/2.0.lua'
        there.parent.mkdir(parents=True)
        there.write_bytes(module(software(target), 'Bar/2.0'))
    return root


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for target in TARGETS:
        put(tmp_path / 'bundle', target, made(target))
    return tmp_path / 'bundle'


def decided(bundle: Path, base: Path, **more: Any) -> BundleReport:
    return gate_bundle(BundleRequest(bundle, base, **more))


def stopping(report: BundleReport) -> set[str]:
    return {each.check for each in report.concerns if each.effect != 'note'}


def test_a_sound_bundle_lacks_nothing_but_evidence(bundle, base):
    report = decided(bundle, base)
    assert (report.verdict.value, stopping(report)) == ('HOLD', {'evidence'})
    assert (set(report.expected), report.expected_by) == (set(TARGETS), 'the base stack')
    (change,) = report.against_base
    assert (change.modules, set(change.targets['new'])) == ((FOO,), set(TARGETS))


def test_it_is_read_in_several_processes_with_the_same_report(bundle, base):
    alone, together = decided(bundle, base), decided(bundle, base, processes=2)
    assert together.model_copy(update={'seconds': alone.seconds}) == alone


def test_an_attested_bundle_is_accepted_until_a_file_changes(bundle, base, tmp_path, monkeypatch):
    policy = official_policy(tmp_path)
    public = make_key(tmp_path / 'key')
    allowed = tmp_path / 'allowed'
    allowed.write_text(f'gate@example.org namespaces="{NAMESPACE}" {public}\n')
    for number, target in enumerate(TARGETS):
        archive = tarball(made(target), named(target))
        report = gate(
            archive, base, tmp_path / f'gate{number}', Player(), monkeypatch,
            policy=policy, sign=True,
        )  # fmt: skip
        statement = bundle / f'{archive.name}.attestation.json'
        statement.write_bytes(make_statement(report, 'c' * 64))
        sign_file(statement, tmp_path / 'key')
        # What was gated is what lies in the bundle, to the byte.
        (bundle / archive.name).write_bytes(archive.packed)
    options = {'policy': policy, 'allowed_signers': allowed}
    report = decided(bundle, base, **options)
    assert (report.verdict.value, stopping(report)) == ('ACCEPT', set()), report.summary
    assert {each.attested_by for each in report.tarballs} == {'gate@example.org'}
    assert decided(bundle, base, policy=policy).verdict.value == 'HOLD'
    allowed.write_text('')
    assert stopping(decided(bundle, base, **options)) == {'attestation'}
    allowed.write_text(f'gate@example.org namespaces="{NAMESPACE}" {public}\n')
    put(bundle, TARGETS[0], made(TARGETS[0]).add(f'{software(TARGETS[0])}/software/{FOO}/x'))
    report = decided(bundle, base, **options)
    assert (report.verdict.value, stopping(report)) == ('REJECT', {'subject'})


def test_one_hostile_tarball_rejects_the_bundle_and_is_named(bundle, base):
    put(bundle, TARGETS[1], made(TARGETS[1]).add('../../etc/passwd', b'root'))
    report = decided(bundle, base)
    assert report.verdict.value == 'REJECT'
    assert report.verdicts[TARGETS[1]].value == 'REJECT'
    assert report.verdicts[TARGETS[0]].value == 'HOLD'
    (concern,) = [each for each in report.concerns if each.check == 'name-dotdot']
    assert set(concern.reasons) == {TARGETS[1]}


def test_a_tarball_that_is_cut_rejects_the_bundle(bundle, base):
    path = bundle / named(TARGETS[0])
    path.write_bytes(path.read_bytes()[:-40])
    report = decided(bundle, base)
    assert report.verdict.value == 'REJECT'
    assert 'compression-truncated' in stopping(report)


def test_a_second_build_of_one_target_is_not_chosen_between(bundle, base):
    put(bundle, TARGETS[0], made(TARGETS[0]), stamp=1_700_000_001)
    assert 'bundle-target-twice' in stopping(decided(bundle, base))


def test_a_link_instead_of_a_tarball_is_not_followed(bundle, base, tmp_path):
    path = bundle / named(TARGETS[0])
    path.rename(tmp_path / path.name)
    path.symlink_to(tmp_path / path.name)
    report = decided(bundle, base)
    assert report.verdict.value == 'REJECT'
    assert {'bundle-tarball-unknown', 'bundle-target-missing'} <= stopping(report)


def test_metadata_of_two_changes_are_not_mixed(bundle, base):
    for number, target in enumerate(TARGETS):
        path = bundle / named(target)
        link = {'repo': 'EESSI/software-layer', 'pr': '1' if number else '235'}
        stated = {**metadata_of(path.read_bytes(), path.name), 'link2pr': link}
        path.with_name(f'{path.name}.meta.txt').write_bytes(as_json(stated))
    assert 'bundle-changes-differ' in stopping(decided(bundle, base))


def test_signatures_beside_the_tarballs_are_verified(bundle, base, tmp_path):
    public = make_key(tmp_path / 'bot')
    allowed, policy = tmp_path / 'allowed', tmp_path / 'policy.yaml'
    allowed.write_text(f'bot@example.org namespaces="a-bot" {public}\n')
    policy.write_text('schema_version: 1\nname: p\nsignature: {required: true}\n')
    for target in TARGETS[1:]:
        sign(bundle / named(target), tmp_path / 'bot', 'a-bot')
    options = {'allowed_signers': allowed, 'policy': policy}
    report = decided(bundle, base, **options)
    (missing,) = [each for each in report.concerns if each.check == 'signature-missing']
    assert len(missing.reasons) == 1
    sign(bundle / named(TARGETS[0]), tmp_path / 'bot', 'a-bot')
    assert stopping(decided(bundle, base, **options)) == {'evidence'}
    path = bundle / named(TARGETS[1])
    metadata = path.with_name(f'{path.name}.meta.txt')
    metadata.write_bytes(as_json(metadata_of(path.read_bytes(), path.name)))
    assert 'metadata-signature-missing' in stopping(decided(bundle, base, **options))
    sign(metadata, tmp_path / 'bot', 'another')
    assert 'metadata-signature-unknown' in stopping(decided(bundle, base, **options))
    sign(metadata, tmp_path / 'bot', 'a-bot')
    assert stopping(decided(bundle, base, **options)) == {'evidence'}
    put(bundle, TARGETS[0], made(TARGETS[0]).directory(f'{software(TARGETS[0])}/software/{FOO}/y'))
    assert 'signature-invalid' in stopping(decided(bundle, base, **options))


def test_a_module_of_another_repository_is_seen(bundle, base):
    target = TARGETS[0]
    archive = made(target)
    text = module(software(target), 'Other/1').replace(b'software.eessi.io', b'dev.eessi.io')
    archive.add(f'{software(target)}/modules/all/Other/1.lua', text)
    put(bundle, target, archive)
    report = decided(bundle, base)
    assert 'bundle-repositories-differ' in stopping(report)
    assert report.verdict.value == 'REJECT'


def test_a_target_that_the_base_has_under_its_old_name_is_known(bundle, base):
    old = base / 'versions' / software('aarch64/graviton2') / 'modules/all'
    (old / 'Foo').mkdir(parents=True)
    (old / f'{FOO}.lua').write_bytes(module(software('aarch64/graviton2'), FOO))
    report = decided(bundle, base)
    (missing,) = [each for each in report.concerns if each.check == 'bundle-target-missing']
    # It has all modules already; that there is no tarball for it stays to be said.
    assert missing.reasons == {'aarch64/neoverse_n1': 'there is no tarball for this target'}


def with_extensions(target: str, *, by_module: str = '', by_easyconfig: str = '') -> Archive:
    """Return a tarball whose module or easyconfig lists extensions."""
    archive, root = Archive(), software(target)
    text = module(root, 'Py/1') + by_module.encode()
    archive.add(f'{root}/modules/all/Py/1.lua', text)
    base = f'{root}/software/Py/1'
    archive.directory(base).directory(f'{base}/easybuild')
    archive.add(f'{base}/easybuild/Py-1.eb', by_easyconfig.encode())
    archive.add(f'{base}/easybuild/easybuild-Py-1.log', b'')
    machine = 183 if target.startswith('aarch64') else 62
    return archive.add(f'{base}/x.so', elf(machine), mode=0o755)


EASYCONFIG = """exts_list = [
    ('numpy', '{numpy}', {{
        'checksums': ['(not', 'one)'],
    }}),
    ('scipy', local_version),
]
"""


@pytest.mark.parametrize(
    ('here', 'there'),
    [
        ({'by_module': 'extensions("a/1, b/2")\n'}, {'by_module': 'extensions("a/1")\n'}),
        (
            {'by_module': 'setenv("EBEXTSLISTPY", "a-1,b-2")\n'},
            {'by_module': 'setenv("EBEXTSLISTPY", "a-1")\n'},
        ),
        (
            {'by_easyconfig': EASYCONFIG.format(numpy='1')},
            {'by_easyconfig': EASYCONFIG.format(numpy='2')},
        ),
    ],
)
def test_extensions_are_read_from_modules_and_easyconfigs(here, there, base, tmp_path):
    for place, other in (('same', here), ('other', there)):
        for target in TARGETS:
            told = other if target == TARGETS[-1] else here
            put(tmp_path / place, target, with_extensions(target, **told))
    assert stopping(decided(tmp_path / 'same', base)) == {'evidence'}
    assert 'bundle-extensions-differ' in stopping(decided(tmp_path / 'other', base))


@pytest.mark.parametrize(
    'text',
    [
        b'extensions' + b' ' * 250_000 + b'"',
        b'exts_list = [\n' * 18_000,
        b'exts_list = [\n' + b"    ('a', \n" * 20_000,
        b'setenv(' * 36_000,
        b'setenv EBEXTSLIST' * 15_000,
        b'extensions("' + b',' * 250_000 + b'")',
    ],
)
def test_reading_extensions_takes_no_time_whatever_the_text(text):
    start = time.process_time()
    told = Told(1000)
    told.by_module('x', b'Foo/1', text, b'')
    told.by_easyconfig('x', b'Foo/2', text)
    assert time.process_time() - start < 2


def test_more_extensions_than_there_is_room_for_are_not_kept():
    told = Told(1000)
    text = b'extensions("%s")\n' % b','.join(b'name%d/1' % n for n in range(100))
    told.by_module('x', b'Foo/1', text, b'')
    assert told.extensions == {('x', b'Foo/1'): None}


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate',
         *map(str, arguments)],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_the_command_writes_its_forms_and_ends_with_the_verdict(bundle, base, tmp_path):
    out = tmp_path / 'out'
    asked = ['--bundle', bundle, '--stack', base]
    done = command(*asked, '--out', out, '--processes', 2)
    assert done.returncode == 75, done.stderr
    assert done.stdout.startswith('HOLD')
    assert {path.name for path in out.iterdir()} == {'bundle.json', 'bundle.md', 'bundle.txt'}
    done = command(*asked, '--json', '--targets', f'{TARGETS[0]},x86_64/intel/haswell')
    assert done.returncode == 75
    concerns = {each['check']: each['reasons'] for each in json.loads(done.stdout)['concerns']}
    assert set(concerns['bundle-target-missing']) == {'x86_64/intel/haswell'}
    assert set(concerns['bundle-target-unexpected']) == set(TARGETS[1:])
    (tmp_path / 'empty').mkdir()
    assert command('--bundle', tmp_path / 'empty', '--stack', base).returncode == 1
    for wrong in (
        ['--bundle', bundle],
        ['--bundle', tmp_path / 'nowhere', '--stack', base],
        [*asked, '--targets', 'x86_64/intel/nonesuch'],
        [*asked, '--static-only'],
        [*asked, '--sign', 'key'],
        [*asked, '--investigate'],
        [*asked, '--bot-job', '1'],
        ['--stack', base, '--targets', TARGETS[0], bundle / named(TARGETS[0])],
    ):
        assert command(*wrong).returncode == 2, wrong


def test_nothing_is_written_beside_the_tarballs(bundle, base):
    def content() -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in bundle.iterdir()}  # fmt: skip

    before = content()
    decided(bundle, base, processes=2)
    assert content() == before
