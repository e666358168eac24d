import pytest

from eessi_validate.localstack import host
from eessi_validate.localstack.apt import check_archive, translate
from eessi_validate.localstack.errors import (
    ChecksumError,
    DiskFull,
    HostToolMissing,
    LocalStackError,
    MirrorError,
    SuiteMissing,
)
from eessi_validate.localstack.packages import Package


@pytest.mark.parametrize(
    ('said', 'kind'),
    [
        (
            'E: Failed to fetch http://m.example/InRelease  Could not connect to m.example',
            MirrorError,
        ),
        ("E: Failed to fetch http://m.example/x  Could not resolve 'm.example'", MirrorError),
        (
            "E: The repository 'http://m.example x Release' does not have a Release file.",
            SuiteMissing,
        ),
        ('E: Failed to fetch http://m.example/Release  404  Not Found', SuiteMissing),
        ('E: Failed to fetch http://m.example/a.deb  Hash Sum mismatch', ChecksumError),
        ("W: GPG error: x  NO_PUBKEY 0123\nE: The repository 'x' is not signed.", ChecksumError),
        ('E: Write error - write (28: No space left on device)', DiskFull),
        ('E: Unable to locate package gromacs', LocalStackError),
        ('', LocalStackError),
    ],
)
def test_what_apt_complains_about_becomes_one_line(said, kind, tmp_path):
    error = translate(said.splitlines(), 'bookworm', tmp_path)
    assert type(error) is kind
    assert '\n' not in str(error)


def test_a_bad_file_is_removed_so_that_it_is_fetched_anew(tmp_path):
    path = tmp_path / 'x_1_all.deb'
    path.write_bytes(b'tampered')
    with pytest.raises(ChecksumError, match='fetch it anew'):
        check_archive(path, Package('x', '1', 'all', 8, 'ab' * 32))
    assert not path.exists()


def test_a_host_without_apt_is_told_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(HostToolMissing, match='apt dpkg tar debian-archive-keyring'):
        host.require_programs()


def test_the_keys_of_the_archive_are_named_when_they_are_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(host, 'KEYRINGS', (str(tmp_path / 'keys.gpg'),))
    with pytest.raises(HostToolMissing, match='debian-archive-keyring'):
        host.keyring()
