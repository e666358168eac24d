"""Archives of objects: GNU, BSD, thin, and hostile ones."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from archives_synthetic import MAGIC, THIN, bsd_symbols, gnu_symbols, header, member
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eessi_library.elf import ElfError, MalformedArchive, archive_members, is_archive

relaxed = settings(
    max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
LONG = b'a_name_that_is_longer_than_sixteen_bytes.o'


def contents(data: bytes) -> list[tuple[str, bytes]]:
    return [(m.name, data[m.offset : m.offset + m.size]) for m in archive_members(data)]


def test_short_names_and_odd_sizes() -> None:
    data = MAGIC + member(b'x.o/', b'abc') + member(b'y.o/', b'defg')
    assert contents(data) == [('x.o', b'abc'), ('y.o', b'defg')]
    assert is_archive(data)


def test_the_padding_of_the_last_member_may_be_missing() -> None:
    assert contents(MAGIC + header(b'x.o/', 3) + b'abc') == [('x.o', b'abc')]


def test_long_names_of_gnu_and_of_bsd() -> None:
    gnu = MAGIC + member(b'//', b'first.o/\n' + LONG + b'/\n') + member(b'/9', b'12')
    bsd = MAGIC + member(b'#1/44', LONG + b'\0\0' + b'12')
    assert contents(gnu) == contents(bsd) == [(LONG.decode(), b'12')]


def test_two_members_of_one_name_are_two() -> None:
    data = MAGIC + member(b'x.o/', b'1') + member(b'x.o/', b'2')
    assert contents(data) == [('x.o', b'1'), ('x.o', b'2')]


def test_a_thin_archive_names_files() -> None:
    data = THIN + member(b'//', b'../obj/x.o/\n') + header(b'/0', 1_000) + header(b'y.o/', 7)
    assert [(m.name, m.path) for m in archive_members(data)] == [
        ('../obj/x.o', '../obj/x.o'),
        ('y.o', 'y.o'),
    ]


@pytest.mark.parametrize('wide', [False, True])
def test_a_symbol_table_that_agrees(wide: bool) -> None:
    size = len(MAGIC) + len(gnu_symbols([0], wide))
    data = MAGIC + gnu_symbols([size], wide) + member(b'x.o/', b'abcd')
    assert contents(data) == [('x.o', b'abcd')]


@pytest.mark.parametrize('make', [gnu_symbols, bsd_symbols])
def test_a_symbol_table_that_names_a_hidden_member_is_refused(make) -> None:
    hidden = member(b'evil.o/', b'\x7fELF')
    start = len(MAGIC) + len(make([0]))
    data = MAGIC + make([start + 60]) + member(b'x.txt/', hidden)
    with pytest.raises(MalformedArchive, match='where no member starts'):
        list(archive_members(data))


@pytest.mark.parametrize(
    ('data', 'words'),
    [
        (b'!<arch>', 'magic number'),
        (MAGIC + b'x.o/', 'no header'),
        (MAGIC + member(b'x.o/', b'ab') + b'\n\n', 'no header'),
        (MAGIC + header(b'x.o/', 2)[:-2] + b'xx' + b'ab', 'no header'),
        (MAGIC + header(b'x.o/', -2) + b'ab', 'has the size'),
        (MAGIC + header(b'x.o/', b'+2') + b'ab', 'has the size'),
        (MAGIC + header(b'x.o/', b'') + b'ab', 'has the size'),
        (MAGIC + header(b'x.o/', 3) + b'ab', 'of 3 bytes in a file of'),
        (MAGIC + header(b'x.o/', 9_999_999_999), 'of 9999999999 bytes'),
        (MAGIC + member(b'//', b'x.o/\n') + header(b'/9', 0), 'in a table of 5'),
        (MAGIC + header(b'/9', 0), 'in a table of 0'),
        (MAGIC + member(b'//', b'x.o') + header(b'/0', 0), 'no end of the name'),
        (MAGIC + header(b'/x', 0), 'a name /x'),
        (MAGIC + header(b'#1/9', 2) + b'ab', 'a name #1/9'),
        (MAGIC + header(b'#1/x', 2) + b'ab', 'a name #1/x'),
        (MAGIC + member(b'/', b'\xff\xff\xff\xff'), 'for 4294967295 symbols'),
        (MAGIC + member(b'__.SYMDEF', b'\xff\xff\xff\xff'), 'with pairs of'),
    ],
)
def test_hostile_archives_are_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(MalformedArchive, match=words):
        list(archive_members(data))


def test_tables_beyond_the_limits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('eessi_library.elf.archive.MOST_MEMBERS', 3)
    monkeypatch.setattr('eessi_library.elf.archive.MOST_NAME_BYTES', 3)
    with pytest.raises(MalformedArchive, match='symbol table of more than 3'):
        list(archive_members(MAGIC + gnu_symbols(range(5))))
    with pytest.raises(MalformedArchive, match='4 bytes of names'):
        list(archive_members(MAGIC + member(b'//', b'x.o/')))


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('eessi_library.elf.archive.MOST_MEMBERS', 3)
    with pytest.raises(MalformedArchive, match='limit of 3 members'):
        list(archive_members(MAGIC + header(b'x.o/', 0) * 4))


@pytest.mark.parametrize('name', [b'a(b).o/', b'a\x1b[31m.o/', b'\xff\xfe.o/', b'a\nb.o/'])
def test_a_name_stays_within_its_line_and_brackets(name: bytes) -> None:
    ((shown, _),) = contents(MAGIC + header(name, 0))
    assert shown.isprintable()
    assert not set('()\n') & set(shown)


@given(st.binary(max_size=2048))
@relaxed
def test_random_bytes(tail: bytes) -> None:
    for magic in (MAGIC, THIN, b''):
        with suppress(ElfError):
            list(archive_members(magic + tail))


@given(st.data())
@relaxed
def test_mutated_archives(data) -> None:
    start = len(MAGIC) + len(gnu_symbols([0, 0])) + len(member(b'//', LONG + b'/\n'))
    sound = bytearray(MAGIC + gnu_symbols([start, start]) + member(b'//', LONG + b'/\n'))
    sound += member(b'/0', b'abcde') + member(b'#1/3', b'xyz12') + member(b'z.o/', b'q')
    for _ in range(data.draw(st.integers(1, 4))):
        sound[data.draw(st.integers(8, len(sound) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(sound)))
    began = time.monotonic()
    with suppress(ElfError):
        for each in archive_members(bytes(sound[:cut])):
            assert 0 <= each.offset <= each.offset + each.size <= cut
    assert time.monotonic() - began < 1


def _listed(path: Path) -> list[str]:
    done = subprocess.run(['ar', 't', path], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_the_archives_of_this_host_read_as_ar_reads_them() -> None:
    if shutil.which('ar') is None:
        pytest.skip('needs ar')
    found = [*Path('/usr/lib').glob('*/lib*.a'), *Path('/usr/lib/gcc').glob('*/*/lib*.a')]
    paths = [path for path in found if is_archive(path.read_bytes()[:8])][:60]
    for path in paths:
        assert [m.name for m in archive_members(path.read_bytes())] == _listed(path), path


@pytest.mark.parametrize('flags', ['rcs', 'rcsT', 'rcsD'])
def test_what_ar_writes(tmp_path: Path, flags: str) -> None:
    if shutil.which('ar') is None:
        pytest.skip('needs ar')
    names = ['x.o', LONG.decode(), 'odd.o']
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b'z' * number)
    subprocess.run(['ar', flags, 'libx.a', *names], cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / 'libx.a').read_bytes()
    members = list(archive_members(data))
    assert [m.name for m in members] == names
    assert [m.path for m in members] == (names if 'T' in flags else [None] * 3)
