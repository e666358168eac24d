"""The example for GitHub Actions: its step is run as it is, and fails closed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tar_crafting import NAME, sound, tarball
from test_bot_job import PROGRAM

EXAMPLE = Path(__file__).resolve().parents[2] / 'docs/examples/github-gate.yaml'


def step(name: str) -> str:
    (job,) = yaml.safe_load(EXAMPLE.read_text())['jobs'].values()
    return next(each['run'] for each in job['steps'] if each['name'] == name)


class Runner:
    """Runs the step as a runner does, with the program on its PATH."""

    def __init__(self, directory: Path, base: Path) -> None:
        self.directory = directory
        self.base = base
        (directory / 'bin').mkdir()
        (directory / 'policy.yaml').write_text('schema_version: 1\nname: p\n')
        self.summary = directory / 'summary.md'

    def run(self, *tarballs: str, outcome: str = 'pass') -> int:
        program = self.directory / 'bin/eessi-validate'
        here = str(Path(__file__).parent)
        program.write_text(PROGRAM.format(python=sys.executable, here=here, outcome=outcome))
        program.chmod(0o755)
        self.summary.write_text('')
        environment = {
            **os.environ, 'PATH': f'{program.parent}:{os.environ["PATH"]}',
            'STACK': str(self.base), 'TARBALLS': ' '.join(tarballs),
            'GITHUB_STEP_SUMMARY': str(self.summary),
        }  # fmt: skip
        # How GitHub starts a step of its default shell.
        done = subprocess.run(
            ['bash', '-e', '-c', step('Gate')], cwd=self.directory, env=environment, timeout=120,
            capture_output=True, text=True,
        )  # fmt: skip
        assert 'Traceback' not in done.stderr, done.stderr
        return done.returncode


@pytest.fixture
def runner(tmp_path, base_stack) -> Runner:
    (tmp_path / NAME).write_bytes(tarball(sound()).packed)
    return Runner(tmp_path, base_stack)


def test_an_accepted_tarball_passes_the_check_and_is_in_the_summary(runner):
    assert runner.run(NAME) == 0
    assert '1 ACCEPT' in runner.summary.read_text()
    assert (runner.directory / 'gate/1/report.html').exists()


def test_a_rejected_one_fails_it_even_if_another_is_held_or_accepted(runner):
    other = NAME.replace('-17', '-18')
    (runner.directory / other).write_bytes(b'no tarball')
    assert runner.run(other, NAME) == 1
    text = runner.summary.read_text()
    assert '1 REJECT, 1 ACCEPT' in text
    assert text.index('**REJECT**') < text.index('**ACCEPT**')


def test_a_held_one_or_none_is_no_success(runner):
    assert runner.run(NAME, outcome='error') == 75
    assert '1 HOLD' in runner.summary.read_text()


@pytest.mark.parametrize('tarballs', [(), ('none.tar.gz',)])
def test_no_verdict_is_no_success(tarballs, runner):
    assert runner.run(*tarballs) in (2, 75)


def test_what_cannot_be_gated_is_in_the_summary(runner):
    assert runner.run('none.tar.gz', NAME) == 2
    text = runner.summary.read_text()
    assert 'no verdict' in text
    assert '1 ACCEPT' in text


def test_no_input_is_part_of_a_script():
    (job,) = yaml.safe_load(EXAMPLE.read_text())['jobs'].values()
    for each in job['steps']:
        assert '${{' not in each.get('run', '')
