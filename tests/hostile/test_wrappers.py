"""In the place of EESSI's upload and ingestion scripts: what has no signed ACCEPT goes nowhere."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from gated import Player, gate, official_policy
from tar_crafting import NAME, metadata_of, sound, tarball
from test_attestation import make_key

from eessi_validate.errors import UsageError
from eessi_validate.gate.attestation.signature import NAMESPACE, sign_file
from eessi_validate.gate.attestation.statement import make_statement
from eessi_validate.gate.interfaces.settings import attestation_beside, load_settings
from eessi_validate.gate.interfaces.upload import read_command
from eessi_validate.results.model import Outcome

pytestmark = pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')

REPOSITORY = 'software.eessi.io'
#: Stands for the real script: notes its words and the digest of the file it was given.
SCRIPT = """#!/bin/sh
for last; do :; done
echo "real script: $*"
[ -f "$last" ] && sha256sum "$last" | cut -d' ' -f1 >> "$LOG"
echo "$*" >> "$LOG.words"
exec sh -c "${THEN:-true}" then "$last"
"""


@dataclass
class Site:
    """A host with a wrapper, a signed verdict, and a script that it stands before."""

    directory: Path
    tarball: Path
    base: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def uploaded(self) -> list[str]:
        """Digests of what reached the real script."""
        log = self.directory / 'log'
        return log.read_text().split() if log.exists() else []

    @property
    def words(self) -> list[str]:
        return (self.directory / 'log.words').read_text().splitlines()

    def start(self, *words: str | Path, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, '-c', 'from eessi_validate.cli import main; main()', *map(str, words)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **self.environment, **environment},
        )  # fmt: skip

    def run(self, *words: str | Path, **environment: str) -> tuple[int, str]:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=60)
        assert 'Traceback' not in err, err
        return process.returncode, out

    def ingest(self, path: Path | None = None, **environment: str) -> tuple[int, str]:
        return self.run('ingest-gate', REPOSITORY, path or self.tarball, **environment)

    def upload(self, *words: str | Path, **environment: str) -> tuple[int, str]:
        return self.run('upload-gate', *words, **environment)


def a_site(directory: Path, base_stack: Path, monkeypatch, *, context: str, **player) -> Site:
    base = directory / REPOSITORY
    shutil.copytree(base_stack, base, symlinks=True)
    policy = official_policy(directory)
    report = gate(
        tarball(sound()), base, directory, Player(**player), monkeypatch, policy=policy, sign=True,
        context=context,
    )  # fmt: skip
    path = directory / 'in' / NAME
    attestation = attestation_beside(path)
    attestation.write_bytes(make_statement(report, 'c' * 64))
    public = make_key(directory / 'key')
    sign_file(attestation, directory / 'key')
    allowed = directory / 'allowed'
    allowed.write_text(f'gate@example.org namespaces="{NAMESPACE}" {public}\n')
    script = directory / 'real-script'
    script.write_text(SCRIPT)
    script.chmod(0o755)
    values = {
        'script': str(script), 'policy': str(policy), 'allowed_signers': str(allowed),
        'stack': str(directory / '{repository}'), 'state': str(directory / 'state'),
    }  # fmt: skip
    settings = directory / 'gate.yaml'
    upload = {**values, 'stack': str(base)}
    settings.write_text(yaml.safe_dump({'schema_version': 1, 'upload': upload, 'ingest': values}))
    settings.chmod(0o600)
    environment = {'EESSI_VALIDATE_GATE_CONFIG': str(settings), 'LOG': str(directory / 'log')}
    return Site(directory, path, base, environment)


@pytest.fixture
def uploading(tmp_path, base_stack, monkeypatch) -> Site:
    return a_site(tmp_path, base_stack, monkeypatch, context='upload')


@pytest.fixture
def ingesting(tmp_path, base_stack, monkeypatch) -> Site:
    return a_site(tmp_path, base_stack, monkeypatch, context='ingest')


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Upload


OPTIONS = ('-a', 'new/${github_repository}', '--bucket-name', 'b', '-p', '42', '-r', 'EESSI/x')


def test_what_is_accepted_is_uploaded_with_all_options(uploading):
    code, said = uploading.upload(*OPTIONS, uploading.tarball)
    assert (code, uploading.uploaded) == (0, [digest(uploading.tarball)])
    assert uploading.words[0].startswith('-a new/${github_repository} --bucket-name b -p 42')
    assert uploading.words[0].endswith(f'/{NAME}')
    assert 'ACCEPT' in said
    assert list((uploading.directory / 'state').glob('copy-*')) == []


def test_without_an_attestation_nothing_is_uploaded(uploading):
    attestation_beside(uploading.tarball).unlink()
    code, said = uploading.upload(*OPTIONS, uploading.tarball)
    assert (code, uploading.uploaded) == (75, [])
    assert 'no attestation' in said


def test_another_file_under_an_attested_name_is_refused(uploading):
    uploading.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    code, said = uploading.upload(*OPTIONS, uploading.tarball)
    assert (code, uploading.uploaded) == (1, [])
    assert 'not about this file' in said


def test_an_attested_file_under_another_name_is_refused(uploading):
    other = uploading.tarball.with_name(NAME.replace('-17', '-18'))
    shutil.copy(uploading.tarball, other)
    for suffix in ('', '.sig'):
        shutil.copy(f'{attestation_beside(uploading.tarball)}{suffix}',
                    f'{attestation_beside(other)}{suffix}')  # fmt: skip
    assert uploading.upload(*OPTIONS, other)[0] == 1
    assert uploading.uploaded == []


def test_one_refused_file_stops_the_upload_of_all(uploading):
    other = uploading.tarball.with_name(NAME.replace('-17', '-18'))
    shutil.copy(uploading.tarball, other)
    assert uploading.upload(*OPTIONS, uploading.tarball, other)[0] == 75
    assert uploading.uploaded == []


def test_a_signed_reject_is_refused(tmp_path, base_stack, monkeypatch):
    site = a_site(tmp_path, base_stack, monkeypatch, context='upload', outcome=Outcome.FAIL)
    code, said = site.upload(*OPTIONS, site.tarball)
    assert (code, site.uploaded) == (1, [])
    assert 'its verdict is REJECT' in said


def test_an_attestation_for_another_context_is_refused(ingesting):
    assert ingesting.upload(*OPTIONS, ingesting.tarball)[0] == 75
    assert ingesting.uploaded == []


def test_what_is_uploaded_is_what_was_verified_whatever_becomes_of_the_file(uploading):
    before = digest(uploading.tarball)
    process = uploading.start('upload-gate', *OPTIONS, uploading.tarball, THEN='sleep 3')
    while not uploading.uploaded:
        time.sleep(0.05)
    uploading.tarball.write_bytes(b'something else')
    process.communicate(timeout=60)
    (copy,) = (word for word in uploading.words[0].split() if word.endswith(NAME))
    assert copy != str(uploading.tarball)
    assert uploading.uploaded == [before]


def test_a_script_that_fails_is_not_a_success(uploading):
    code, said = uploading.upload(*OPTIONS, uploading.tarball, THEN='exit 3')
    assert code == 75
    assert 'ended with 3' in said


@pytest.mark.parametrize('option', ['-h', '--help', '-l', '--list-variables'])
def test_options_that_only_print_are_the_scripts(option, uploading):
    code, said = uploading.upload(option)
    assert (code, uploading.uploaded) == (0, [])
    assert f'real script: {option}' in said


@pytest.mark.parametrize(
    'words', [[], ['-p', '1'], ['--nonsense', 'x'], ['-p'], ['-', 'x'], ['--gate-config']]
)
def test_a_command_line_that_the_script_would_not_take_is_not_taken(words):
    with pytest.raises(UsageError):
        read_command(words)


def test_a_value_that_looks_like_an_option_is_a_value():
    command = read_command(['-a', '-h', '-b', 'name', 'file'])
    assert command.options == ('-a', '-h', '-b', 'name')
    assert (command.files, command.prints) == ((Path('file'),), '')


# Ingestion


def test_what_verifies_is_ingested_as_the_script_expects_it(ingesting):
    code, said = ingesting.ingest()
    assert (code, ingesting.uploaded) == (0, [digest(ingesting.tarball)])
    repository, path = ingesting.words[0].split()
    assert repository == REPOSITORY
    assert Path(path).is_absolute()
    assert Path(path).name == NAME
    assert 'ACCEPT' in said


def test_a_refusal_is_repeated_from_memory_and_names_its_reason(ingesting):
    attestation_beside(ingesting.tarball).rename(ingesting.directory / 'kept')
    assert ingesting.ingest()[0] == 75
    (ingesting.directory / 'kept').rename(attestation_beside(ingesting.tarball))
    ingesting.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    first, again = ingesting.ingest(), ingesting.ingest()
    assert (first[0], again[0]) == (1, 1)
    assert 'not about this file' in first[1]
    assert again[1].startswith(first[1])
    assert 'decided before' in again[1]
    assert ingesting.uploaded == []


def test_whatever_changes_is_decided_anew(ingesting):
    good = ingesting.tarball.read_bytes()
    bad = tarball(sound().symlink('x', 'y')).packed
    ingesting.tarball.write_bytes(bad)
    assert ingesting.ingest()[0] == 1
    # The same size and times as before: only the content tells them apart.
    times = ingesting.tarball.stat()
    ingesting.tarball.write_bytes(good)
    os.utime(ingesting.tarball, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert ingesting.ingest()[0] == 0
    ingesting.tarball.write_bytes(bad)
    attestation = attestation_beside(ingesting.tarball)
    content = json.loads(attestation.read_bytes())
    content['predicate']['eessi_validate']['cpu'] = 'another'
    attestation.write_text(json.dumps(content))
    sign_file(attestation, ingesting.directory / 'key')
    code, said = ingesting.ingest()
    assert code == 1
    assert 'decided before' not in said


def test_a_bad_file_never_passes_for_the_good_one_that_was_asked_about_before(ingesting):
    assert ingesting.ingest()[0] == 0
    ingesting.tarball.write_bytes(tarball(sound().symlink('x', 'y')).packed)
    assert ingesting.ingest()[0] == 1
    assert len(ingesting.uploaded) == 1


def test_what_is_there_already_is_not_ingested_twice(ingesting):
    into = ingesting.base / 'versions'
    unpack = f'tar -C {into} -xf "$1"'
    assert ingesting.ingest(THEN=unpack)[0] == 0
    code, said = ingesting.ingest(THEN=unpack)
    assert (code, len(ingesting.uploaded)) == (0, 1)
    assert 'already' in said
    # Others have been ingested since: the base is another one, and it still is there.
    bar = ingesting.base / 'versions/2023.06/software/linux/x86_64/amd/zen2/modules/all/Bar/2.0.lua'
    bar.write_text(bar.read_text() + '-- changed\n')
    assert ingesting.ingest(THEN=unpack)[0] == 0
    assert len(ingesting.uploaded) == 1
    # It was removed again: the base is not the one that it was gated on.
    shutil.rmtree(into / '2023.06/software/linux/x86_64/amd/zen2/software/Foo')
    assert ingesting.ingest(THEN=unpack)[0] == 75
    assert len(ingesting.uploaded) == 1


def test_a_script_that_fails_is_asked_again(ingesting):
    assert ingesting.ingest(THEN='exit 1')[0] == 75
    assert ingesting.ingest()[0] == 0
    assert len(ingesting.uploaded) == 2


def test_another_repository_is_refused(ingesting):
    shutil.copytree(ingesting.base, ingesting.directory / 'dev.eessi.io', symlinks=True)
    code, said = ingesting.run('ingest-gate', 'dev.eessi.io', ingesting.tarball)
    assert (code, ingesting.uploaded) == (1, [])
    assert 'gated for software.eessi.io' in said
    assert ingesting.run('ingest-gate', '../etc', ingesting.tarball)[0] == 2


def test_metadata_of_another_file_are_refused(ingesting):
    beside = ingesting.tarball.with_name(f'{NAME}.meta.txt')
    beside.write_text(json.dumps(metadata_of(b'another')))
    assert ingesting.ingest()[0] == 1
    beside.write_text(json.dumps(metadata_of(ingesting.tarball.read_bytes())))
    assert ingesting.ingest()[0] == 0


def test_a_link_or_a_missing_file_is_no_tarball(ingesting):
    link = ingesting.directory / NAME
    link.symlink_to(ingesting.tarball)
    assert ingesting.ingest(link)[0] == 75
    assert ingesting.ingest(ingesting.directory / 'none')[0] == 2
    assert ingesting.uploaded == []


def test_two_at_once_ingest_once(ingesting):
    first = ingesting.start('ingest-gate', REPOSITORY, ingesting.tarball, THEN='sleep 3')
    while not ingesting.uploaded:
        time.sleep(0.05)
    code, said = ingesting.ingest()
    assert code == 75
    assert 'another process' in said
    first.communicate(timeout=60)
    assert len(ingesting.uploaded) == 1


def test_killed_in_the_middle_leaves_nothing_that_counts(ingesting):
    process = ingesting.start('ingest-gate', REPOSITORY, ingesting.tarball, THEN='sleep 3')
    while not ingesting.uploaded:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    # What the script is still reading is not taken away from it; the next asker removes it.
    (copy,) = (ingesting.directory / 'state').glob('copy-*')
    lock = os.open(copy, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.close(lock)
    assert ingesting.ingest()[0] == 0
    assert list((ingesting.directory / 'state').glob('copy-*')) == []


# Settings


def test_values_come_from_the_environment_first(uploading, tmp_path):
    config = Path(uploading.environment['EESSI_VALIDATE_GATE_CONFIG'])
    environment = {'EESSI_VALIDATE_POLICY': '/other'}
    settings = load_settings('upload', config, environment)
    assert settings.policy == Path('/other')
    assert settings.script == tmp_path / 'real-script'


@pytest.mark.parametrize(
    'text', ['', 'schema_version: 1\n', 'schema_version: 1\nuploads: {}\n',
             'schema_version: 1\nupload: {script: real-script, policy: p, allowed_signers: a}\n'],
)  # fmt: skip
def test_settings_that_say_too_little_are_refused(text, tmp_path):
    config = tmp_path / 'gate.yaml'
    config.write_text(text)
    config.chmod(0o600)
    with pytest.raises(UsageError):
        load_settings('upload', config, {})


def test_settings_that_others_can_write_are_refused(uploading):
    config = Path(uploading.environment['EESSI_VALIDATE_GATE_CONFIG'])
    config.chmod(0o666)
    with pytest.raises(UsageError, match='others can write'):
        load_settings('upload', config, {})
