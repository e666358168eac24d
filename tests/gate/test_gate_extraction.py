"""Extraction: all of the tarball or nothing, inside its directory, following nothing."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from eessi_validate.errors import HoldError
from eessi_validate.gate.overlay.extraction import extract_tarball


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = '', mode: int = 0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, mode
    content = name.encode() if kind == tarfile.REGTYPE else b''
    info.size = len(content)
    return info, content


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> tuple[Path, str]:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode='w', format=tarfile.GNU_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def into(tmp_path: Path) -> Path:
    directory = tmp_path / 'into'
    directory.mkdir()
    return directory


def test_files_directories_and_links_arrive(tmp_path, into):
    tarball, digest = packed(
        tmp_path / 't.tar.gz',
        member('r', tarfile.DIRTYPE, mode=0o555),
        member('r/bin/tool', mode=0o755),
        member('r/bin/same', tarfile.LNKTYPE, 'r/bin/tool'),
        member('r/bin/alias', tarfile.SYMTYPE, 'tool'),
    )
    extract_tarball(tarball, digest, into, below='2021.06/')
    tool = into / '2021.06/r/bin/tool'
    assert tool.read_text() == 'r/bin/tool'
    assert stat.S_IMODE(tool.stat().st_mode) == 0o755
    assert tool.samefile(into / '2021.06/r/bin/same')
    assert os.readlink(into / '2021.06/r/bin/alias') == 'tool'


def test_others_can_enter_whatever_the_umask_is(tmp_path, into):
    tarball, digest = packed(tmp_path / 't.tar.gz', member('r/bin/tool', mode=0o755))
    before = os.umask(0o077)
    try:
        extract_tarball(tarball, digest, into, below='2021.06/')
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((into / path).stat().st_mode) for path in ('2021.06', '2021.06/r/bin')]
    assert modes == [0o755, 0o755]


HOSTILE = {
    'through a link': [member('d', tarfile.SYMTYPE, '..'), member('d/escaped')],
    'through an absolute link': [member('d', tarfile.SYMTYPE, '/tmp'), member('d/x/y')],
    'over a link': [member('f', tarfile.SYMTYPE, '../escaped'), member('f')],
    'twice': [member('f'), member('f')],
    'dotdot': [member('../escaped')],
    'dotdot inside': [member('a/../../escaped')],
    'hard link to the outside': [member('f', tarfile.LNKTYPE, '../secret')],
    'hard link through a link': [
        member('d', tarfile.SYMTYPE, '..'), member('f', tarfile.LNKTYPE, 'd/secret')
    ],
    'hard link to a link': [
        member('l', tarfile.SYMTYPE, '../secret'), member('f', tarfile.LNKTYPE, 'l')
    ],
    'pipe': [member('p', tarfile.FIFOTYPE)],
    'device': [member('n', tarfile.CHRTYPE)],
    'directory over a file': [member('f'), member('f', tarfile.DIRTYPE)],
}  # fmt: skip


@pytest.mark.parametrize('members', HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_ends_the_extraction_and_leaves_nothing(members, tmp_path, into):
    (tmp_path / 'secret').write_text('secret')
    tarball, digest = packed(tmp_path / 't.tar.gz', member('ok'), *members)
    with pytest.raises(HoldError):
        extract_tarball(tarball, digest, into)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['secret', 't.tar.gz']
    assert (tmp_path / 'secret').stat().st_nlink == 1


def test_set_user_id_and_write_bits_for_others_are_not_made(tmp_path, into):
    tarball, digest = packed(tmp_path / 't.tar.gz', member('s', mode=0o6777))
    extract_tarball(tarball, digest, into)
    assert stat.S_IMODE((into / 's').stat().st_mode) == 0o755


def test_another_file_than_the_inspected_one_is_refused(tmp_path, into):
    tarball, _ = packed(tmp_path / 't.tar.gz', member('f'))
    with pytest.raises(HoldError, match='changed after its inspection'):
        extract_tarball(tarball, 'a' * 64, into)
    assert not into.exists()


def test_a_truncated_file_is_refused(tmp_path, into):
    tarball, _ = packed(tmp_path / 't.tar.gz', *(member(f'f{n}') for n in range(50)))
    tarball.write_bytes(tarball.read_bytes()[:-40])
    with pytest.raises(HoldError):
        extract_tarball(tarball, hashlib.sha256(tarball.read_bytes()).hexdigest(), into)
    assert not into.exists()


def test_a_link_in_place_of_the_tarball_is_refused(tmp_path, into):
    tarball, digest = packed(tmp_path / 't.tar.gz', member('f'))
    (tmp_path / 'link').symlink_to(tarball)
    with pytest.raises(HoldError):
        extract_tarball(tmp_path / 'link', digest, into)
