"""The scripts of the bot's test step, run in a made-up job directory as the bot runs them."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gated import official_policy
from tar_crafting import NAME, sound, tarball

from eessi_validate.gate.interfaces.settings import attestation_beside

#: The program, but that a function plays the runs of cases.
PROGRAM = """#!{python}
import sys
sys.path.insert(0, {here!r})
from gated import Player
from eessi_validate.cli import main
from eessi_validate.gate import flow
from eessi_validate.results.model import Outcome
flow.run_job = Player(Outcome('{outcome}'))
main()
"""
RESULT = """[RESULT]
comment_description = <details>100%%</details>
status = {status}
artefacts = {artefacts}
"""
JOB = """[repository]
repo_name = software.eessi.io
repo_version = {release}

[architecture]
software_subdir = {target}
"""


class Job:
    """A job directory with one tarball."""

    def __init__(self, directory: Path, base: Path) -> None:
        self.directory = directory / 'job'
        (self.directory / 'cfg').mkdir(parents=True)
        (self.directory / 'bot').mkdir()
        self.tarball = self.directory / NAME
        self.tarball.write_bytes(tarball(sound()).packed)
        self.program = directory / 'eessi-validate'
        self.environment = {
            'SLURM_JOB_ID': '42', 'EESSI_VALIDATE': str(self.program),
            'EESSI_VALIDATE_STACK': str(base),
        }  # fmt: skip
        self.describe()
        self.result(NAME)
        self.outcome('pass')
        done = subprocess.run(
            [self.program, 'bot', 'install', self.directory / 'bot'], check=True, timeout=60,
            capture_output=True, text=True,
        )  # fmt: skip
        assert [Path(line).name for line in done.stdout.split()] == ['test.sh', 'check-test.sh']

    def outcome(self, outcome: str) -> None:
        text = PROGRAM.format(
            python=sys.executable, here=str(Path(__file__).parent), outcome=outcome
        )
        self.program.write_text(text)
        self.program.chmod(0o755)

    def result(self, *names: str, status: str = 'SUCCESS') -> None:
        artefacts = ''.join(f'\n    {name}' for name in names)
        path = self.directory / '_bot_job42.result'
        path.write_text(RESULT.format(status=status, artefacts=artefacts))

    def describe(self, release: str = '2023.06', target: str = 'x86_64/amd/zen2') -> None:
        path = self.directory / 'cfg/job.cfg'
        path.write_text(JOB.format(release=release, target=target))

    def run(self, script: str, *words: str) -> int:
        done = subprocess.run(
            [f'bot/{script}', *words], cwd=self.directory, timeout=120, capture_output=True,
            text=True, env={**os.environ, **self.environment},
        )  # fmt: skip
        assert 'Traceback' not in done.stderr, done.stderr
        self.said = done.stdout + done.stderr
        return done.returncode

    def both(self) -> tuple[str, str]:
        """Run both scripts; return what the bot reads: status and comment."""
        self.run('test.sh')
        self.run('check-test.sh')
        return self.told()

    def told(self) -> tuple[str, str]:
        parser = configparser.ConfigParser()
        parser.read(self.directory / '_bot_job42.test')
        assert parser.sections() == ['TEST']
        return parser['TEST']['status'], parser['TEST']['comment_description']


@pytest.fixture
def job(tmp_path, base_stack) -> Job:
    base = tmp_path / 'software.eessi.io'
    shutil.copytree(base_stack, base, symlinks=True)
    return Job(tmp_path, base)


def test_an_accepted_tarball_is_a_success(job):
    assert job.run('test.sh') == 0
    assert job.run('check-test.sh') == 0
    status, comment = job.told()
    assert status == 'SUCCESS'
    assert NAME in comment
    assert (job.directory / 'gate_reports' / NAME / 'report.html').exists()


def test_a_rejected_or_held_one_is_none(job):
    job.outcome('fail')
    assert job.run('test.sh') == 1
    assert job.run('check-test.sh') == 1
    assert job.told()[0] == 'FAILURE'
    job.outcome('error')
    assert job.run('test.sh') == 75
    assert job.both()[0] == 'FAILURE'


def test_one_bad_tarball_of_two_is_a_failure(job):
    other = NAME.replace('-17', '-18')
    (job.directory / other).write_bytes(b'no tarball')
    job.result(NAME, other)
    status, comment = job.both()
    assert status == 'FAILURE'
    assert 'ACCEPT: ' in comment
    assert other in comment


def test_a_tarball_that_is_exchanged_after_its_test_is_a_failure(job):
    job.run('test.sh')
    assert job.told()[0] == 'SUCCESS'
    job.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    assert job.run('check-test.sh') == 1
    status, comment = job.told()
    assert status == 'FAILURE'
    assert 'not the file any more' in comment


def test_a_tarball_that_comes_after_the_test_is_a_failure(job):
    job.run('test.sh')
    other = NAME.replace('-17', '-18')
    shutil.copy(job.tarball, job.directory / other)
    job.result(NAME, other)
    assert job.run('check-test.sh') == 1


@pytest.mark.parametrize(
    'remains', ['', '[TEST]\nstatus = SUCCESS\n', '[RESULT]\nstatus = SUCCESS']
)
def test_without_a_test_step_there_is_no_success(remains, job):
    (job.directory / '_bot_job42.test').write_text(remains)
    assert job.run('check-test.sh') == 1
    assert job.told()[0] == 'FAILURE'


def test_without_the_program_there_is_no_success(job):
    job.both()
    job.environment['EESSI_VALIDATE'] = '/none/eessi-validate'
    assert job.run('check-test.sh') == 1
    status, comment = job.told()
    assert (status, '127' in comment) == ('FAILURE', True)
    job.run('test.sh')
    assert not (job.directory / '_bot_job42.test').exists(), 'nothing of an earlier run stays'


def test_a_build_that_failed_or_built_nothing_is_no_success(job):
    job.result(NAME, status='FAILURE')
    assert job.both()[0] == 'FAILURE'
    job.result()
    status, comment = job.both()
    assert (status, 'nothing was tested' in comment) == ('FAILURE', True)
    job.result('../elsewhere/eessi-x.tar.gz')
    assert job.both()[0] == 'FAILURE'


def test_without_a_result_the_tarballs_that_lie_there_are_tested(job):
    (job.directory / '_bot_job42.result').unlink()
    assert job.both()[0] == 'SUCCESS'
    job.tarball.unlink()
    assert job.both()[0] == 'FAILURE'


@pytest.mark.parametrize('other', [{'release': '2025.06'}, {'target': 'x86_64/intel/haswell'}])
def test_a_tarball_of_another_job_is_a_failure(other, job):
    job.describe(**other)
    status, comment = job.both()
    assert status == 'FAILURE'
    assert 'the job is for' in comment


def test_outside_a_job_nothing_is_told(job):
    del job.environment['SLURM_JOB_ID']
    job.environment['SLURM_JOBID'] = '../42'
    assert job.run('test.sh') == 2


@pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')
def test_a_signed_verdict_lies_beside_the_tarball(job, tmp_path):
    key = tmp_path / 'key'
    command = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', str(key)]
    subprocess.run(command, check=True, timeout=60)
    policy = official_policy(tmp_path)
    job.environment.update(EESSI_VALIDATE_SIGN_KEY=str(key), EESSI_VALIDATE_POLICY=str(policy))
    assert job.both()[0] == 'SUCCESS'
    attestation = attestation_beside(job.tarball)
    content = json.loads(attestation.read_bytes())
    assert content['predicate']['eessi_validate']['context'] == 'upload'
    assert attestation.with_name(f'{attestation.name}.sig').exists()
    job.outcome('error')
    job.tarball.write_bytes(b'no tarball')
    job.environment.pop('EESSI_VALIDATE_SIGN_KEY')
    job.run('test.sh')
    assert not attestation.exists(), 'that of another file does not stay'


def test_a_chat_that_cannot_be_told_changes_nothing_and_is_said(job):
    secret = 'T00/s3cr3t'
    assert job.run('test.sh', '--notify', f'http://127.0.0.1:1/{secret}') == 0
    assert 'could not be told to 127.0.0.1' in job.said
    assert 's3cr3t' not in job.said
    for path in job.directory.rglob('*'):
        assert not path.is_file() or b's3cr3t' not in path.read_bytes(), path
    assert job.run('check-test.sh') == 0


def test_what_ships_can_be_run():
    from importlib.resources import files

    for name in ('test.sh', 'check-test.sh'):
        path = Path(str(files('eessi_validate'))) / 'gate/interfaces/bot' / name
        assert os.access(path, os.X_OK), path
        subprocess.run(['bash', '-n', path], check=True, timeout=60)
