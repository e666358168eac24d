"""The gate never runs what its inspection rejects, and leaves nothing of it behind."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import hostile_members
import pytest
from gated import MODULE, Player, gate, write
from hostile_cases import CASES
from tar_crafting import NAME, SOFTWARE, sound, tarball

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate import flow, signed_inspection
from eessi_validate.gate.inspection.findings import finding_kinds
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.results.model import FailureClass, Outcome

#: Of one module, whatever others a test run has registered too: those of files and formats need
#: limits that the gate does not take, and get no further than these in it.
HOSTILE = {
    name: case
    for name, case in CASES.items()
    if case.build.__module__ == hostile_members.__name__
    and any(finding_kinds()[each].severity == 'reject' for each in case.findings)
}


def test_a_sound_tarball_whose_cases_pass_is_accepted(tmp_path, base_stack, monkeypatch):
    player = Player()
    report = gate(tarball(sound()), base_stack, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'ACCEPT'
    (job,) = player.jobs
    assert job.request.modules == (MODULE,)
    assert job.request.targets == ('x86_64/amd/zen2',)
    assert any(path.endswith(f'modules/all/{MODULE}.lua') for path in job.expected)
    assert not (tmp_path / 'out/extracted').exists()
    assert report.gate is not None
    assert report.gate.base_digest.startswith('sha256:')
    assert report.gate.trial


def test_a_failure_is_run_again_on_the_base_only_if_it_is_there(tmp_path, base_stack, monkeypatch):
    player = Player(Outcome.FAIL)
    report = gate(tarball(sound()), base_stack, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'REJECT'
    assert len(player.jobs) == 1
    assert report.gate is not None
    assert set(report.gate.classes.values()) == {FailureClass.NEW_FAIL}


@pytest.mark.parametrize('name', HOSTILE)
def test_what_the_inspection_rejects_is_neither_extracted_nor_run(
    name, tmp_path, base_stack, monkeypatch
):
    player = Player()
    monkeypatch.setattr(flow, 'extract_tarball', lambda *_a, **_k: pytest.fail('extracted'))
    made = HOSTILE[name].build()
    report = gate(made, base_stack, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'REJECT'
    assert player.jobs == []


def test_static_only_never_accepts(tmp_path, base_stack, monkeypatch):
    player = Player()
    report = gate(tarball(sound()), base_stack, tmp_path, player, monkeypatch, static_only=True)
    assert report.judgement.verdict.value == 'HOLD'
    assert player.jobs == []


def test_in_place_needs_the_tarball_to_be_there_as_it_is(tmp_path, base_stack, monkeypatch):
    player = Player()
    report = gate(tarball(sound()), base_stack, tmp_path, player, monkeypatch, in_place=True)
    assert report.judgement.verdict.value == 'HOLD'
    assert 'are not there' in report.judgement.summary
    assert player.jobs == []


def test_a_full_disk_is_held_and_a_rerun_works(tmp_path, base_stack, monkeypatch):
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(flow, 'extract_tarball', full)
        report = gate(tarball(sound()), base_stack, tmp_path, Player(), patch)
    assert report.judgement.verdict.value == 'HOLD'
    assert 'No space left' in report.judgement.summary
    again = gate(tarball(sound()), base_stack, tmp_path, Player(), monkeypatch)
    assert again.judgement.verdict.value == 'ACCEPT'


def test_a_base_that_changes_meanwhile_is_held(tmp_path, base_stack, monkeypatch):
    digests = iter(['sha256:one', 'sha256:two'])
    monkeypatch.setattr(flow, 'base_digest_of', lambda *_: next(digests))
    report = gate(tarball(sound()), base_stack, tmp_path, Player(), monkeypatch)
    assert report.judgement.verdict.value == 'HOLD'
    assert 'changed while' in report.judgement.summary


def test_a_trial_cannot_be_signed(tmp_path, base_stack, monkeypatch):
    player = Player()
    with pytest.raises(UsageError, match='trial'):
        gate(tarball(sound()), base_stack, tmp_path, player, monkeypatch, sign=True)
    assert player.jobs == []


def test_a_tarball_that_changes_after_its_inspection_is_held(tmp_path, base_stack, monkeypatch):
    made, inspect = tarball(sound()), signed_inspection.inspect_tarball

    def exchanged(path: Path, **options: object) -> object:
        inspection = inspect(path, **options)
        other = dataclasses.replace(made, packed=tarball(sound(), 'other').packed + b'')
        path.write_bytes(other.packed[:-1])
        return inspection

    monkeypatch.setattr(signed_inspection, 'inspect_tarball', exchanged)
    player = Player()
    report = gate(made, base_stack, tmp_path, player, monkeypatch)
    assert report.judgement.verdict.value == 'HOLD'
    assert player.jobs == []


def test_the_results_do_not_go_into_the_stack(base_stack, tmp_path, monkeypatch):
    monkeypatch.setattr(flow, 'run_job', Player())
    request = flow.GateRequest(tarball=tmp_path / 'x', stack=base_stack, out=base_stack / 'out')
    with pytest.raises((UsageError, HoldError), match='inside the stack'):
        flow.gate_tarball(request)


def test_a_module_of_an_accelerator_needs_a_case_of_its_own(tmp_path, base_stack, monkeypatch):
    archive = sound()
    accel = f'{SOFTWARE}/accel/nvidia/cc80'
    name = NAME.replace('zen2', 'zen2-accel-nvidia-cc80')
    report = gate(
        tarball(sound(f'{accel}', archive=archive), name),
        base_stack,
        tmp_path,
        Player(),
        monkeypatch,
    )
    assert report.judgement.verdict.value == 'HOLD'
    assert any(
        excuse.check == 'coverage' and 'accel/nvidia/cc80' in excuse.subject
        for excuse in report.judgement.excuses
    )


def test_the_exit_code_stays_that_of_the_verdict_when_the_reader_leaves(tmp_path, base_stack):
    path, _ = write(tarball(sound()), tmp_path / 'in')
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate',
               str(path), '--stack', str(base_stack), '--static-only', '--json',
               '--out', str(tmp_path / 'out')]  # fmt: skip
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(command, stdout=writing, stderr=subprocess.DEVNULL, timeout=60)
    finally:
        os.close(writing)
    assert done.returncode == 75


@pytest.mark.skipif(not overlay_support()[0], reason='no namespaces here')
def test_where_nothing_lies_over_the_base_it_is_held_with_what_mends_it(tmp_path, base_stack):
    path, _ = write(tarball(sound()), tmp_path / 'in')
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    command = ['unshare', '-Ur', 'sh', '-c', forbid, 'sh', sys.executable, '-c',
               'from eessi_validate.cli import main; main()', 'gate', str(path), '--json',
               '--stack', str(base_stack), '--out', str(tmp_path / 'out')]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 75, done.stderr
    held = json.loads(done.stdout)['gate']['hold']
    assert held.startswith('no overlay on this host: user and mount namespaces: ')
    assert 'to mend this, sysctl user.max_user_namespaces=10000, or gate --in-place' in held
