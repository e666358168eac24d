"""What is around a tarball: the file system, the second reader, the base stack, memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tar_crafting import FOO, NAME, SOFTWARE, Archive, bomb, elf, module, pack, sound, tarball

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.inspection import Limits, finding_kinds, inspect_tarball, second_reading


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A sound tarball."""
    path = tmp_path / NAME
    path.write_bytes(pack(sound().bytes()))
    return path


def write(archive: Archive, directory: Path) -> Path:
    """Write an archive as a tarball."""
    made = tarball(archive)
    (directory / made.name).write_bytes(made.packed)
    return directory / made.name


def test_a_link_to_a_tarball_is_not_followed(written: Path) -> None:
    link = written.with_name('link.tar.zst')
    link.symlink_to(written)
    with pytest.raises(HoldError, match='without following links'):
        inspect_tarball(link)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(UsageError, match='is no file'):
        inspect_tarball(tmp_path / NAME)


def test_no_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='no tarball'):
        inspect_tarball(tmp_path / NAME)


def test_a_full_disk_is_a_hold(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(second_reading.tempfile, 'TemporaryFile', full)
    with pytest.raises(HoldError, match='No space left'):
        inspect_tarball(written)


def test_no_space_for_the_lists_is_a_hold(tmp_path: Path) -> None:
    archive = sound()
    for number in range(2000):
        archive.add(f'{FOO}/lib/{number}')
    path = write(archive, tmp_path)

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    program = 'from eessi_validate.cli import main; main()'
    done = subprocess.run(
        [sys.executable, '-c', program, 'inspect', str(path)],
        capture_output=True,
        text=True,
        preexec_fn=limited,
        check=False,
    )
    assert done.returncode == 75
    assert 'cannot be inspected' in done.stderr


def test_a_file_that_changes_meanwhile_is_held(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eessi_validate.gate.inspection import inspect as module_under_test

    finish = module_under_test.TarballStream.finish

    def slow(stream: object) -> str:
        digest = finish(stream)  # type: ignore[arg-type]
        with written.open('ab') as file:
            file.write(b'more')
        return digest

    monkeypatch.setattr(module_under_test.TarballStream, 'finish', slow)
    assert 'file-changed' in inspect_tarball(written).counts


def other_tar(directory: Path, script: str) -> str:
    """Write a program that takes the place of the second reader."""
    path = directory / 'tar'
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ('script', 'finding'),
    [
        ('cat >/dev/null; exit 2', 'second-reading-failed'),
        ('cat >/dev/null', 'readings-disagree'),
        ('exec head -c 600', 'readings-disagree'),
        ('tar "$@" | sed s/foo/bar/', 'readings-disagree'),
        ('tar "$@" | sed "s/^-rwx/-rws/"', 'readings-disagree'),
        ('tar "$@"; tar "$@" </dev/null; echo "-rw-r--r-- 0/0 0 2023-01-01 00:00 \\"x\\""',
         'readings-disagree'),
        ('tar "$@" | head -n -1', 'readings-disagree'),
    ],
)  # fmt: skip
def test_a_second_reading_that_differs_rejects(
    script: str, finding: str, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = other_tar(tmp_path, script)
    monkeypatch.setattr(second_reading, 'gnu_tar', lambda: program)
    inspection = inspect_tarball(written)
    assert finding in inspection.counts
    assert inspection.rejected


@pytest.mark.parametrize('script', ['kill -9 $$', 'exec sleep 60'])
def test_a_second_reader_that_dies_or_hangs_is_a_hold(
    script: str, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = other_tar(tmp_path, script)
    monkeypatch.setattr(second_reading, 'gnu_tar', lambda: program)
    monkeypatch.setattr(second_reading, '_PATIENCE_SECONDS', 1)
    with pytest.raises(HoldError, match=r'GNU tar (was ended by signal 9|does not end)'):
        inspect_tarball(written)


def test_a_second_reader_that_stops_taking_is_a_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / NAME
    path.write_bytes(bomb(64 << 20))
    program = other_tar(tmp_path, 'exec sleep 60')
    monkeypatch.setattr(second_reading, 'gnu_tar', lambda: program)
    monkeypatch.setattr(second_reading, '_PATIENCE_SECONDS', 1)
    with pytest.raises(HoldError, match='takes nothing any more'):
        inspect_tarball(path)


def test_without_gnu_tar_python_reads_a_second_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_reading, 'gnu_tar', lambda: '')
    archive = sound().symlink(f'{FOO}/bin/é', 'foo').hardlink(f'{FOO}/bin/h', f'{FOO}/bin/foo')
    inspection = inspect_tarball(write(archive, tmp_path))
    assert inspection.facts.second_reader == 'tarfile of Python'
    assert inspection.findings == ()


def test_lmod_files_that_are_replaced_are_noted(tmp_path: Path, base_stack: Path) -> None:
    archive = sound().add(f'{SOFTWARE}/.lmod/lmodrc.lua', b'propT = {1}\n')
    inspection = inspect_tarball(write(archive, tmp_path), base=base_stack)
    assert set(inspection.counts) == {'base-lmod-replaced'}
    assert not inspection.rejected
    assert not inspection.held


def test_a_missing_log_is_noted(tmp_path: Path) -> None:
    archive = sound()
    base = f'{SOFTWARE}/software/Baz/1.0'
    archive.add(f'{SOFTWARE}/modules/all/Baz/1.0.lua', module(SOFTWARE, 'Baz/1.0'))
    archive.add(f'{base}/easybuild/Baz-1.0.eb', b'x').add(f'{SOFTWARE}/reprod/Baz/1.0/x', b'x')
    assert set(inspect_tarball(write(archive, tmp_path)).counts) == {'installation-without-log'}


def test_a_rebuild_names_what_stays_behind(tmp_path: Path, base_stack: Path) -> None:
    archive = sound(SOFTWARE, 'Bar/2.0')
    inspection = inspect_tarball(write(archive, tmp_path), base=base_stack)
    stale = [f for f in inspection.findings if f.id == 'base-stale-files']
    assert [f.member for f in stale] == [f'{SOFTWARE}/software/Bar/2.0/bin/bar']
    assert stale[0].sentence.startswith('3 files of the old')


def test_thousands_of_findings_are_counted_and_some_listed(tmp_path: Path) -> None:
    archive = sound()
    for number in range(50):
        archive.add(f'{FOO}/lib/{number}', b'x', mode=0o666)
    inspection = inspect_tarball(write(archive, tmp_path), limits=Limits(listed=10))
    assert inspection.counts == {'mode-world-writable': 50}
    assert len(inspection.findings) == 11
    assert inspection.findings[-1].sentence == '40 more of these are not listed'


def test_the_digest_is_of_the_whole_file_even_if_the_reading_stopped(tmp_path: Path) -> None:
    import hashlib

    packed = pack(b'no archive' * 1000) + os.urandom(3 << 20)
    (tmp_path / NAME).write_bytes(packed)
    inspection = inspect_tarball(tmp_path / NAME)
    assert inspection.subject.sha256 == hashlib.sha256(packed).hexdigest()
    assert inspection.subject.size == len(packed)
    assert not inspection.facts.complete


@pytest.mark.parametrize('name', [NAME, NAME.replace('zst', 'gz')])
def test_a_bomb_takes_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(bomb(600 << 20, name))
    program = [sys.executable, '-c', 'from eessi_validate.cli import main; main()']

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))

    done = subprocess.run(
        [*program, 'inspect', str(path)],
        capture_output=True,
        text=True,
        preexec_fn=limited,
        check=False,
    )
    assert 'ratio-too-high' in done.stdout, done.stderr[-2000:]
    assert done.returncode == 1


def test_many_members_take_little_memory(tmp_path: Path) -> None:
    archive = sound()
    for number in range(20_000):
        archive.add(f'{FOO}/lib/{number // 50}/some-file-with-a-name-{number}')
    archive.add(f'{FOO}/lib/libx.so', elf())
    path = write(archive, tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert inspect_tarball(path).totals.members > 20_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000


def test_every_finding_is_documented() -> None:
    text = (Path(__file__).parents[2] / 'docs' / 'findings.md').read_text(encoding='utf-8')
    for kind in finding_kinds().values():
        waivable = 'yes' if kind.waivable else 'no'
        row = f'| `{kind.id}` | {kind.severity} | {waivable} | {kind.explanation} |'
        assert row in text, kind.id
