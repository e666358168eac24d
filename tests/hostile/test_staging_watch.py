"""Tarballs from a bucket of a real S3 server: each version once, and never another one."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gated import Player, official_policy
from s3_server import CREDENTIALS, client, empty
from ssh_keys import make_key, sign
from tar_crafting import NAME, as_json, metadata_of, sound, tarball
from test_bot_job import PROGRAM

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate import flow
from eessi_validate.gate.attestation.signature import NAMESPACE
from eessi_validate.gate.attestation.verify import VerifyRequest, verify_tarball
from eessi_validate.gate.flow import GateRequest, gate_tarball
from eessi_validate.gate.staging.fetch import local_tarball
from eessi_validate.gate.staging.object_store import ObjectChanged, ObjectStore, Version
from eessi_validate.gate.staging.watch import MOST_ATTEMPTS, Watcher, WatchOptions
from eessi_validate.gate.staging.watch_state import watch_state

BUCKET = 'staging'
GOOD = tarball(sound()).packed
OTHER = tarball(sound().add('2023.06/software/linux/x86_64/amd/zen2/README', b'x')).packed
KEY = f'new/EESSI/1/{NAME}'


def name(number: int) -> str:
    return NAME.replace('1700000000', str(1700000000 + number))


@pytest.fixture
def bucket(s3_address, monkeypatch) -> Any:
    """Return a client; its bucket is empty and keeps no versions."""
    for variable, value in {**CREDENTIALS, 'AWS_ENDPOINT_URL': s3_address}.items():
        monkeypatch.setenv(variable, value)
    empty(s3_address)
    made = client(s3_address)
    made.create_bucket(Bucket=BUCKET)
    return made


class Keeper:
    """Gates for real, but that a function plays the runs; notes what it gated."""

    def __init__(self, base: Path, monkeypatch: Any) -> None:
        monkeypatch.setattr(flow, 'run_job', Player())
        self._base = base
        self.gated: list[str] = []
        self.metadata: list[bool] = []
        self.told: list[str] = []
        #: Called while a tarball is gated, and while its verdict is written.
        self.meanwhile = self.at_writing = lambda: None

    def decide(self, path, metadata, out):
        report = gate_tarball(
            GateRequest(tarball=path, stack=self._base, out=out, metadata=metadata)
        )
        self.gated.append(path.name)
        self.metadata.append(metadata is not None)
        self.meanwhile()
        return report

    def write(self, report, out):
        (out / 'report.md').write_text(report.judgement.verdict.value)
        self.at_writing()
        return [out / 'report.md']

    def tell(self, report):
        self.told.append(report.judgement.verdict.value)


@pytest.fixture
def keeper(tmp_path, base_stack, monkeypatch) -> Keeper:
    base = tmp_path / 'software.eessi.io'
    shutil.copytree(base_stack, base, symlinks=True)
    return Keeper(base, monkeypatch)


class Look:
    """Looks at the bucket with a state of its own directory."""

    def __init__(self, keeper: Keeper, directory: Path, store: ObjectStore | None = None) -> None:
        self.keeper, self.directory = keeper, directory
        self.store = store or ObjectStore(BUCKET)
        self.said: list[str] = []

    def __call__(self, **options: Any) -> str:
        values = {'prefix': 'new/', 'out': self.directory / 'out', **options}
        with watch_state(self.directory / 'state.json', 'here') as state:
            watcher = Watcher(
                self.store, state, self.keeper, WatchOptions(**values), self.said.append
            )
            return watcher.look().value

    def state(self) -> dict[str, Any]:
        return json.loads((self.directory / 'state.json').read_bytes())['objects']


@pytest.fixture
def look(keeper, tmp_path, bucket) -> Look:
    return Look(keeper, tmp_path)


def keys(bucket: Any) -> set[str]:
    listing = bucket.list_objects_v2(Bucket=BUCKET)
    return {entry['Key'] for entry in listing.get('Contents', ())}


def test_a_new_tarball_is_gated_once(bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    bucket.put_object(Bucket=BUCKET, Key='old/elsewhere.tar.gz', Body=b'x')
    assert (look(), look(), look()) == ('ACCEPT', 'ACCEPT', 'ACCEPT')
    assert look.keeper.gated == [NAME]
    assert look.said[0].startswith(f's3://{BUCKET}/{KEY}: ACCEPT sha256:')
    assert keys(bucket) == {KEY, 'old/elsewhere.tar.gz'}, 'nothing is published unasked'
    assert list((look.directory / 'out/.downloads').iterdir()) == []


def test_more_objects_than_a_page_of_the_listing_holds(bucket, look):
    def put(number: int) -> None:
        bucket.put_object(Bucket=BUCKET, Key=f'new/b/{number:04}.meta.txt', Body=b'{}')

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1100)))
    for place, number in (('a', 1), ('b', 2), ('c', 3)):
        bucket.put_object(Bucket=BUCKET, Key=f'new/{place}/{name(number)}', Body=GOOD)
    assert len(list(look.store.listing(''))) == 1103
    look()
    assert sorted(look.keeper.gated) == [name(1), name(2), name(3)]


def test_a_tarball_that_is_replaced_is_gated_again(bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    assert look(publish=True) == 'ACCEPT'
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER)
    assert look(publish=True) == 'REJECT'
    verdict = json.loads(bucket.get_object(Bucket=BUCKET, Key=f'{KEY}.verdict.json')['Body'].read())
    assert verdict['verdict'] == 'REJECT'
    assert len(look.keeper.gated) == 2


def test_the_same_bytes_again_are_not_gated_again(bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    look()
    time.sleep(1.1)
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    look()
    assert look.keeper.gated == [NAME]


def test_each_version_of_a_bucket_that_keeps_versions_is_gated(bucket, look):
    bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={'Status': 'Enabled'})
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    look()
    first = look.state()[KEY]['version_id']
    time.sleep(1.1)
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    look()
    assert first
    assert look.state()[KEY]['version_id'] != first
    assert look.keeper.gated == [NAME, NAME]


class Meddling(ObjectStore):
    """A store in which something happens just before a download."""

    def __init__(self, meddle: Any) -> None:
        super().__init__(BUCKET)
        self.meddle = meddle

    def download(self, version: Version, into: Path, **rest: Any) -> str:
        self.meddle()
        return super().download(version, into, **rest)


@pytest.mark.parametrize('versions', [False, True])
def test_replaced_between_listing_and_download(versions, bucket, keeper, tmp_path):
    if versions:
        bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={'Status': 'Enabled'})
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    store = Meddling(lambda: bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER))
    look = Look(keeper, tmp_path, store)
    assert look() == 'HOLD'
    assert keeper.gated == []
    assert 'changed' in look.said[0] or 'is another one' in look.said[0]
    store.meddle = lambda: None
    assert look() == 'REJECT', 'what it is now is gated at the next look'


def test_gone_before_its_download(bucket, keeper, tmp_path):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    store = Meddling(lambda: bucket.delete_object(Bucket=BUCKET, Key=KEY))
    look = Look(keeper, tmp_path, store)
    assert look() == 'HOLD'
    assert (look(), keeper.gated) == ('ACCEPT', [])


@pytest.mark.parametrize('publish', [False, True])
@pytest.mark.parametrize('moment', ['meanwhile', 'at_writing'])
def test_replaced_between_download_and_publication(moment, publish, bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    setattr(look.keeper, moment, lambda: bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER))
    assert look(publish=publish) == 'HOLD'
    assert not any('ACCEPT' in line for line in look.said)
    assert look.keeper.told == []
    assert keys(bucket) == {KEY}, 'nothing is published, or it is taken back'
    assert not list((look.directory / 'out').glob('*/report*')), 'no report of it stays'
    setattr(look.keeper, moment, lambda: None)
    assert look(publish=publish) == 'REJECT'


def test_metadata_are_fetched_with_their_tarball(bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    assert look(wait_for_metadata=True) == 'ACCEPT'
    assert look.keeper.gated == []
    metadata = as_json(metadata_of(OTHER))
    bucket.put_object(Bucket=BUCKET, Key=f'{KEY}.meta.txt', Body=metadata)
    assert look(wait_for_metadata=True) == 'REJECT'
    assert look.keeper.metadata == [True]


def test_what_is_held_is_gated_again_only_if_asked(bucket, look, monkeypatch):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)

    def refuse(_job: Any) -> Any:
        raise HoldError('no node')

    monkeypatch.setattr(flow, 'run_job', refuse)
    assert look() == 'HOLD'
    monkeypatch.setattr(flow, 'run_job', Player())
    look()
    assert len(look.keeper.gated) == 1
    assert look(retry_held=True) == 'ACCEPT'
    assert len(look.keeper.gated) == 2


def test_what_cannot_be_gated_is_given_up_after_a_few_times(bucket, look, monkeypatch):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)

    def fail() -> None:
        raise HoldError('disk full')

    look.keeper.meanwhile = fail
    for _ in range(MOST_ATTEMPTS + 3):
        look()
    assert len(look.keeper.gated) == MOST_ATTEMPTS
    assert look.state()[KEY]['verdict'] == 'HOLD'
    assert 'given up: disk full' in look.said[-1]


def test_too_large_an_object_is_held(bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    assert look(most_bytes=len(GOOD) - 1) == 'HOLD'
    assert look.keeper.gated == []


def test_a_state_of_another_bucket_or_no_state_at_all_is_refused(tmp_path):
    path = tmp_path / 'state.json'
    with watch_state(path, 'one'):
        pass
    with pytest.raises(UsageError, match='is about one'), watch_state(path, 'other'):
        pass
    path.write_text('{"objects": ')
    with pytest.raises(HoldError, match='no state'), watch_state(path, 'one'):
        pass


def test_an_unreachable_server_is_held(monkeypatch):
    for variable, value in CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    store = ObjectStore(BUCKET, 'http://127.0.0.1:1')
    with pytest.raises(HoldError, match='cannot list'):
        list(store.listing(''))


def test_without_the_library_the_error_names_the_fix(monkeypatch):
    monkeypatch.setitem(sys.modules, 'boto3', None)
    with pytest.raises(UsageError, match=r"pip install 'eessi-validate\[s3\]'"):
        ObjectStore(BUCKET)


def test_a_download_is_that_version_or_nothing(bucket, tmp_path):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    store = ObjectStore(BUCKET)
    version = store.current(KEY)
    assert version is not None
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER)
    with pytest.raises(ObjectChanged):
        store.download(version, tmp_path / 'x')
    with pytest.raises(ObjectChanged):
        store.require(version)


# The command


def start(base: Path, out: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'staging', 'watch',
         f's3://{BUCKET}/new/', '--stack', str(base), '--out', str(out), '--static-only', *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=180)
    assert 'Traceback' not in err, err
    return process.returncode, out + err


def recorded(out: Path) -> dict[str, Any]:
    try:
        return json.loads((out / 'state.json').read_bytes())['objects']
    except FileNotFoundError:
        return {}


def wait_until(condition: Any) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_at_any_moment_it_goes_on_and_each_object_has_one_verdict(
    bucket, base_stack, tmp_path
):
    for number in range(12):
        bucket.put_object(Bucket=BUCKET, Key=f'new/{name(number)}', Body=GOOD)
    out, said = tmp_path / 'out', ''
    for done in (2, 5, 8):
        process = start(base_stack, out, '--once', '--publish')
        wait_until(lambda done=done: _done(out) >= done)
        process.send_signal(signal.SIGKILL)
        said += process.communicate(timeout=60)[0]
    code, last = finished(start(base_stack, out, '--once', '--publish'))
    assert code == 75, 'static-only holds'
    verdicts = Counter(
        line.split(': ')[0] for line in (said + last).splitlines() if ': HOLD sha256:' in line
    )
    assert {entry['status'] for entry in recorded(out).values()} == {'done'}
    assert len(recorded(out)) == 12
    # A kill between the state and the line may cost the line, never make a second one.
    assert set(verdicts.values()) == {1}
    assert len(verdicts) >= 9
    assert sum(1 for key in keys(bucket) if key.endswith('.verdict.json')) == 12
    assert list((out / '.downloads').iterdir()) == []
    assert not list(out.glob('.*.part'))


def _done(out: Path) -> int:
    return sum(1 for entry in recorded(out).values() if entry['status'] == 'done')


def test_two_watchers_do_not_share_a_state(bucket, base_stack, tmp_path):
    out = tmp_path / 'out'
    first = start(base_stack, out, '--interval', '1')
    wait_until((out / 'state.json').exists)
    code, said = finished(start(base_stack, out, '--once'))
    assert code == 75
    assert 'another watcher' in said
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    wait_until(lambda: recorded(out).get(KEY, {}).get('status') == 'done')
    first.send_signal(signal.SIGINT)
    code, said = finished(first)
    assert code == 75
    assert 'stopped' in said
    # What it had taken is known to the next one.
    assert finished(start(base_stack, out, '--once')) == (0, '')


def test_wrong_options_end_before_anything_is_taken(bucket, base_stack, tmp_path):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    out = tmp_path / 'out'
    assert finished(start(base_stack, out, '--once', '--policy', '/none'))[0] == 2
    assert finished(start(tmp_path, out, '--once'))[0] == 2
    assert recorded(out) == {}


def gate(url: str, base: Path, out: Path, *words: str, **environment: str) -> tuple[int, str]:
    process = subprocess.Popen(
        [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate', url,
         '--stack', str(base), '--out', str(out), '--static-only', *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    return finished(process)


def test_gate_takes_an_address(bucket, s3_address, base_stack, tmp_path):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER)
    url, cache = f's3://{BUCKET}/{KEY}', {'XDG_CACHE_HOME': str(tmp_path / 'cache')}
    code, said = gate(url, base_stack, tmp_path / 'a', **cache)
    assert code == 1, said
    report = json.loads((tmp_path / 'a/report.json').read_bytes())
    assert report['subject']['description'] == NAME
    option = ['--endpoint-url', s3_address]
    assert gate(url, base_stack, tmp_path / 'b', *option, AWS_ENDPOINT_URL='', **cache)[0] == 1
    code, said = gate(f'{url}x', base_stack, tmp_path / 'c', **cache)
    assert code == 2
    assert 'no object' in said
    assert list((tmp_path / 'cache/eessi-validate/staging').iterdir()) == []


def test_an_object_that_is_replaced_while_it_is_gated_by_its_address_is_noticed(
    bucket, tmp_path, monkeypatch
):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    bucket.put_object(Bucket=BUCKET, Key=f'{KEY}.meta.txt', Body=b'{}')
    with local_tarball(f's3://{BUCKET}/{KEY}') as source:
        assert source.path.read_bytes() == GOOD
        assert source.metadata is not None
        source.require_unchanged()
        bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER)
        with pytest.raises(HoldError, match='is another one'):
            source.require_unchanged()
    assert not source.path.exists()


@pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')
def test_a_published_attestation_verifies(bucket, base_stack, tmp_path):
    base = tmp_path / 'software.eessi.io'
    shutil.copytree(base_stack, base, symlinks=True)
    program, key, allowed = tmp_path / 'program', tmp_path / 'key', tmp_path / 'allowed'
    here = str(Path(__file__).parent)
    program.write_text(PROGRAM.format(python=sys.executable, here=here, outcome='pass'))
    program.chmod(0o755)
    allowed.write_text(f'gate@example.org namespaces="{NAMESPACE}" {make_key(key)}\n')
    policy = official_policy(tmp_path)
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    done = subprocess.run(
        [program, 'staging', 'watch', f's3://{BUCKET}/new/', '--stack', base, '--out',
         tmp_path / 'out', '--once', '--publish', '--sign', key, '--policy', policy],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in ('', '.attestation.json', '.attestation.json.sig'):
        bucket.download_file(BUCKET, f'{KEY}{name}', str(tmp_path / f'{NAME}{name}'))
    verified = verify_tarball(
        VerifyRequest(
            tarball=tmp_path / NAME, attestation=tmp_path / f'{NAME}.attestation.json',
            allowed_signers=allowed, policy=policy,
        )
    )  # fmt: skip
    assert (verified.verdict.value, verified.objections) == ('ACCEPT', ())


@pytest.mark.skipif(not shutil.which('ssh-keygen'), reason='no ssh-keygen')
def test_with_allowed_signers_tarball_and_metadata_need_their_signatures(
    bucket, base_stack, tmp_path
):
    key, allowed = tmp_path / 'key', tmp_path / 'allowed'
    allowed.write_text(f'bot@example.org namespaces="bot" {make_key(key)}\n')
    path, beside = tmp_path / NAME, tmp_path / f'{NAME}.meta.txt'
    path.write_bytes(GOOD)
    beside.write_bytes(as_json(metadata_of(GOOD)))

    def look() -> tuple[int, str]:
        out = tmp_path / f'out{len(list(tmp_path.iterdir()))}'
        return finished(start(base_stack, out, '--once', '--allowed-signers', str(allowed)))

    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    code, said = look()
    assert (code, 'signature-missing' in said) == (1, True)
    for file in (sign(path, key, 'bot'), beside):
        bucket.upload_file(str(file), BUCKET, f'new/EESSI/1/{file.name}')
    code, said = look()
    assert (code, 'metadata-signature-missing' in said) == (1, True)
    bucket.upload_file(str(sign(beside, key, 'bot')), BUCKET, f'{KEY}.meta.txt.sig')
    code, said = look()
    assert (code, 'nothing was run' in said) == (75, True), (
        'static-only holds what it does not reject'
    )
    bucket.upload_file(f'{path}.sig', BUCKET, f'{KEY}.meta.txt.sig')
    code, said = look()
    assert (code, 'metadata-signature-invalid' in said) == (1, True)
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=OTHER)
    code, said = look()
    assert (code, 'signature-invalid' in said) == (1, True)


def test_times_of_the_state_are_times(bucket, look):
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=GOOD)
    look()
    assert datetime.datetime.fromisoformat(look.state()[KEY]['at']).tzinfo


def test_an_interrupt_that_python_drops_stops_the_watch_all_the_same():
    class Unlistable:
        """Drops the interrupt as the destruction of an object does, after the second look."""

        looks = 0

        def listing(self, _prefix):
            self.looks += 1
            return []

    store, rests = Unlistable(), []
    watcher = Watcher(store, None, None, WatchOptions(prefix='', out=Path()), print)
    with pytest.raises(KeyboardInterrupt):
        watcher.watch(1.0, rests.append, stopped=lambda: store.looks == 2)
    assert (store.looks, rests) == (2, [1.0])
