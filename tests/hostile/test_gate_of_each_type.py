"""What a gate plans for compat, init and scripts tarballs, and how they are judged."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from gated import Player, gate
from tar_crafting import COMPAT_NAME, INIT_NAME, Archive, elf, sound_compat, sound_init, tarball

from eessi_validate.errors import UsageError
from eessi_validate.gate.inspection import inspect_tarball
from eessi_validate.gate.overlay.candidate_view import view_candidate
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.gate.packing import pack_compat
from eessi_validate.results.model import Outcome
from eessi_validate.run.prepare import prepare

SCRIPTS_NAME = INIT_NAME.replace('init', 'scripts')
LAYER = '2023.06/compat/linux/x86_64'


@pytest.fixture
def base(base_stack: Path, tmp_path: Path) -> Path:
    """Return a base with two x86_64 targets and one of another architecture."""
    copy = tmp_path / 'software.eessi.io'
    shutil.copytree(base_stack, copy, symlinks=True)
    software = copy / 'versions/2023.06/software/linux'
    for target in ('x86_64/generic', 'aarch64/generic'):
        shutil.copytree(software / 'x86_64/amd/zen2', software / target, symlinks=True)
    return copy


def waiver_of(digest: str, directory: Path, check: str = 'static-only') -> Path:
    path = directory / 'waivers.yaml'
    entry = {
        'id': 'reviewed', 'check': check, 'target': '*', 'digest': digest,
        'issue': 'https://example.org/1', 'owner': 'someone', 'expires': '2026-12-01',
    }  # fmt: skip
    path.write_text(yaml.safe_dump({'schema_version': 1, 'waivers': [entry]}))
    return path


# compat


def test_a_compat_tarball_plans_the_whole_software_layer_of_its_architecture(
    base, tmp_path, monkeypatch
):
    player = Player()
    report = gate(tarball(sound_compat(), COMPAT_NAME), base, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'ACCEPT', report.judgement.summary
    (job,) = player.jobs
    assert job.replaces == (LAYER,)
    assert sorted(job.request.targets) == ['x86_64/amd/zen2', 'x86_64/generic']
    cases = prepare(job.request).plan.cases
    assert {c.module for c in cases if c.id.cpu_target == 'x86_64/generic'} >= {'Bar/2.0'}
    assert {c.module for c in cases if c.id.cpu_target == 'x86_64/amd/zen2'} >= {'Bar/2.0'}
    assert not any(c.id.cpu_target.startswith('aarch64') for c in cases)
    assert any(c.id.cpu_target == 'x86_64' and not c.module for c in cases), 'the layer itself'


def test_a_failure_of_old_software_over_a_new_compat_layer_rejects_it(base, tmp_path, monkeypatch):
    player = Player(Outcome.FAIL, on_base=Outcome.PASS)
    report = gate(tarball(sound_compat(), COMPAT_NAME), base, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'REJECT'


def test_a_link_to_what_only_the_old_layer_has_leads_nowhere(base, tmp_path):
    (base / 'versions' / LAYER / 'lib64/libold.so').write_bytes(elf())
    path = tmp_path / COMPAT_NAME
    made = sound_compat().symlink(f'{LAYER}/lib64/libz.so.1', 'libold.so')
    path.write_bytes(tarball(made, COMPAT_NAME).packed)
    assert 'symlink-dangling' in inspect_tarball(path, base=base).counts


def test_a_view_of_a_new_layer_shows_nothing_of_the_old_one(base, tmp_path):
    method, why_not = overlay_support()
    if not method:
        pytest.skip(f'no overlay here: {why_not}')
    old = base / 'versions' / LAYER / 'only-in-the-old-one'
    old.touch()
    path = tmp_path / COMPAT_NAME
    path.write_bytes(tarball(sound_compat(), COMPAT_NAME).packed)
    view = view_candidate(path, base, tmp_path / 'view')
    done = subprocess.run([*view.prefix, 'ls', old.parent], capture_output=True, text=True)
    assert 'startprefix' in done.stdout, done.stderr
    assert old.name not in done.stdout


def test_a_new_layer_may_have_other_types_than_the_old_one(base, tmp_path):
    # The base's lib64 is a directory; the old layer is moved away before the new one is unpacked.
    made = Archive().directory(LAYER).directory(f'{LAYER}/lib')
    made.add(f'{LAYER}/startprefix', b'#!/bin/bash\n', mode=0o755)
    made.add(f'{LAYER}/lib/ld-linux-x86-64.so.2', elf(), mode=0o755)
    made.symlink(f'{LAYER}/lib64', 'lib')
    path = tmp_path / COMPAT_NAME
    path.write_bytes(tarball(made, COMPAT_NAME).packed)
    assert inspect_tarball(path, base=base).findings == ()


def test_a_release_without_software_of_that_architecture_is_held(base, tmp_path, monkeypatch):
    name, layer = COMPAT_NAME.replace('x86_64', 'ppc64le'), sound_compat(family='ppc64le')
    report = gate(tarball(layer, name), base, tmp_path, Player(), monkeypatch)
    assert report.judgement.verdict.value in ('HOLD', 'REJECT')


# init


def test_an_init_tarball_plans_the_choice_of_a_cpu_target_and_what_starts_there(
    base, tmp_path, monkeypatch
):
    player = Player()
    report = gate(tarball(sound_init(), INIT_NAME), base, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'ACCEPT', report.judgement.summary
    (job,) = player.jobs
    assert job.request.targets == (), 'the best one that this host runs'
    assert job.replaces == ()
    cases = prepare(job.request).plan.cases
    assert sorted((case.id.test, case.module) for case in cases) == [
        ('EESSI_init_selection', ''),
        ('EESSI_installation_start', 'Bar/2.0'),
    ]


# scripts


def test_a_scripts_tarball_is_held_for_a_person_and_nothing_of_it_is_run(
    base, tmp_path, monkeypatch
):
    player, made = Player(), tarball(sound_init(kind='scripts'), SCRIPTS_NAME)
    report = gate(made, base, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'HOLD'
    (excuse,) = report.judgement.excuses
    assert (excuse.check, player.jobs) == ('static-only', [])
    waivers = waiver_of(report.subject.digest, tmp_path)
    shutil.rmtree(tmp_path / 'out')
    again = gate(made, base, tmp_path, player, monkeypatch, waivers=waivers)
    assert again.judgement.verdict.value == 'ACCEPT_WAIVED'
    assert player.jobs == []


@pytest.mark.parametrize('made', [
    tarball(sound_init(kind='scripts').symlink('2023.06/scripts/x', '/etc/shadow'), SCRIPTS_NAME),
    tarball(sound_init(kind='scripts').add('2023.06/software/x', b'x'), SCRIPTS_NAME),
    tarball(sound_init(kind='scripts').bytes()[:-700], SCRIPTS_NAME),
])  # fmt: skip
def test_a_waiver_releases_no_fault_of_a_scripts_tarball(made, base, tmp_path, monkeypatch):
    report = gate(made, base, tmp_path, Player(), monkeypatch)
    shutil.rmtree(tmp_path / 'out')
    waivers = waiver_of(report.subject.digest, tmp_path)
    again = gate(made, base, tmp_path, Player(), monkeypatch, waivers=waivers)
    assert again.judgement.verdict.value in ('REJECT', 'HOLD')


def test_a_waiver_of_scripts_releases_no_other_kind_of_unrun_tarball(base, tmp_path, monkeypatch):
    for made in (tarball(sound_init(), INIT_NAME), tarball(sound_compat(), COMPAT_NAME)):
        report = gate(made, base, tmp_path, Player(), monkeypatch, static_only=True)
        shutil.rmtree(tmp_path / 'out')
        waivers = waiver_of(report.subject.digest, tmp_path)
        again = gate(made, base, tmp_path, Player(), monkeypatch, static_only=True, waivers=waivers)
        assert again.judgement.verdict.value == 'HOLD'
        shutil.rmtree(tmp_path / 'out')


# packing


@pytest.mark.parametrize('compression', ['gz', 'zst'])
def test_a_packed_compat_layer_is_the_layer(compression, base, tmp_path):
    layer = base / 'versions' / LAYER
    (layer / 'startprefix').write_bytes(b'#!/bin/bash\n')
    (layer / 'startprefix').chmod(0o755)
    (layer / 'lib64/ld-linux-x86-64.so.2').write_bytes(elf())
    path = pack_compat(
        base, '2023.06', 'x86_64', tmp_path, compression=compression, timestamp=1700000000
    )
    inspection = inspect_tarball(path, base=base)
    assert (inspection.facts.kind, inspection.facts.family) == ('compat', 'x86_64')
    assert inspection.findings == ()
    totals = inspection.totals
    assert (totals.new, totals.replaced, totals.identical) == (0, 0, totals.members)
    with pytest.raises(UsageError, match='no compat layer'):
        pack_compat(base, '2023.06', 'riscv64', tmp_path)
