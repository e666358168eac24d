"""Hostile input: only the room's own exceptions, and every file ends quickly."""

import struct
import time
from contextlib import suppress

import pytest
from elf_host import sample
from elf_synthetic import synthetic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eessi_library.elf import (
    ElfError,
    FileView,
    Loader,
    LoaderRules,
    MalformedElf,
    parse_cache,
    parse_elf,
    parse_symbols,
    read_symbols,
)

SECONDS = 2.0
relaxed = settings(
    max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def survive(data):
    """Parse everything; return after the module's own exception or a result, within SECONDS."""
    start = time.monotonic()
    for parse in (parse_elf, parse_symbols):
        with suppress(ElfError):
            parse(data)
    assert time.monotonic() - start < SECONDS


@given(st.binary(max_size=4096))
@relaxed
def test_random_bytes(tail):
    survive(tail)
    survive(b'\x7fELF' + tail)


@given(st.sampled_from([1, 2]), st.sampled_from([1, 2]), st.binary(min_size=56, max_size=2048))
@relaxed
def test_random_bytes_behind_a_valid_ident(elf_class, encoding, tail):
    survive(b'\x7fELF' + bytes((elf_class, encoding, 1)) + bytes(9) + tail)


interesting = st.one_of(
    st.integers(0, 2**64 - 1),
    st.sampled_from([0, 1, 2**16 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1]),
)


@given(st.data())
@relaxed
def test_mutated_real_files(real_contents, data):
    content = bytearray(data.draw(st.sampled_from(real_contents)))
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly headers, and the dynamic tables that the loader follows.
        end = min(len(content) - 8, data.draw(st.sampled_from([1024, 8192, len(content)])))
        position = data.draw(st.integers(4, end))
        struct.pack_into('<Q', content, position, data.draw(interesting))
    survive(
        bytes(
            content[: data.draw(st.integers(4, len(content)))]
            if data.draw(st.booleans())
            else content
        )
    )


@given(st.data())
@relaxed
def test_mutated_dynamic_entries(real_contents, data):
    content = bytearray(data.draw(st.sampled_from(real_contents)))
    count = struct.unpack_from('<H', content, 56)[0]
    for number in range(count):
        kind, _, offset, _, _, size = struct.unpack_from('<IIQQQQ', content, 64 + 56 * number)
        if kind == 2:
            entry = data.draw(st.integers(0, size // 16 - 1))
            struct.pack_into('<Q', content, offset + 16 * entry + 8, data.draw(interesting))
    survive(bytes(content))


@given(st.binary(max_size=512), st.booleans())
@relaxed
def test_random_cache_files(tail, extended):
    head = b'glibc-ld.so.cache1.1' + (struct.pack('<IIB3xI', 1, 20, 2, 48) if extended else b'')
    with suppress(ElfError):
        parse_cache(head + tail)


@pytest.fixture(scope='module')
def real_contents(host_files):
    contents = []
    for path in sample(host_files, 200):
        with open(path, 'rb') as file:
            content = file.read(100_001)
        if len(content) <= 100_000 and content[4] == 2:
            contents.append(content)
    return contents[:25]


def test_version_chains_that_share_their_records_are_malformed():
    """300 DT_VERNEED records, each of which claims the versions of all that follow."""
    data = bytearray(synthetic(needs=[('a', 'V')] * 300))
    at = data.index(struct.pack('<HH', 1, 1), 200)
    for number in range(300):
        struct.pack_into('<H', data, at + 32 * number + 2, 0xFFFF)
        struct.pack_into('<I', data, at + 32 * number + 28, 32 if number < 299 else 0)
    with pytest.raises(MalformedElf, match='more than 16384 versions'):
        parse_elf(bytes(data))


def test_more_version_records_than_the_limit_are_malformed():
    with pytest.raises(MalformedElf, match='DT_VERNEEDNUM'):
        parse_elf(synthetic(needs=[('a', 'V')] * 20_000))


@pytest.mark.parametrize('index', [2**17, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize('tag', [1, 5, 6, 10, 14, 15, 29, 0x6FFFFFFE])
def test_entries_of_a_mapped_file_that_point_nowhere_are_malformed(tmp_path, tag, index):
    data = synthetic(extra=((6, 0x10000), (tag, index), (0x6FFFFFFF, 1)))
    (tmp_path / 'x').write_bytes(data)
    with pytest.raises(MalformedElf):
        read_symbols(tmp_path / 'x')


def test_a_huge_dynamic_section_is_malformed():
    data = synthetic(needed=['x'] * 20_000)
    with pytest.raises(MalformedElf, match='more than'):
        parse_elf(data)


def test_an_unterminated_dynamic_section_is_malformed():
    data = synthetic()
    cut = bytearray(data[:-16] + struct.pack('<QQ', 21, 0))
    with pytest.raises(MalformedElf, match='DT_NULL'):
        parse_elf(bytes(cut))


def test_needed_names_cannot_amplify_memory():
    """16,000 DT_NEEDED entries that share the tail of one string of a megabyte."""
    data = synthetic(soname='y' * 900_000, extra=[(1, 1 + number) for number in range(16_000)])
    with pytest.raises(MalformedElf, match='limit'):
        parse_elf(data)


def test_a_symbol_count_beyond_the_file_is_malformed():
    """DT_HASH in the ELF identification, whose bytes promise 65,794 symbols."""
    data = synthetic(extra=((4, 0x10000), (6, 0x10000)))
    with pytest.raises(MalformedElf, match='DT_SYMTAB'):
        parse_symbols(data)


def test_a_gnu_hash_chain_without_end_is_malformed():
    data = synthetic(extra=((0x6FFFFEF5, 0x10000 + 24), (6, 0x10000)))
    survive(data)


def test_a_hostile_program_is_simulated_in_bounded_time(tmp_path):
    """2,000 needed names, none of which exists, in 512 spellings of one directory."""
    text = ':'.join(
        f'/usr/lib{"/." * (number % 64)}{"/../lib" * (number // 64 % 8)}' for number in range(512)
    )
    (tmp_path / 'p').write_bytes(
        synthetic(needed=[f'lib{number}.so' for number in range(2000)], rpath=text)
    )
    start = time.monotonic()
    program = Loader(LoaderRules(), FileView()).load(str(tmp_path / 'p'))
    assert len(program.missing) == 2000
    assert time.monotonic() - start < 5 * SECONDS


def test_libraries_that_need_each_other_in_a_ring_end(tmp_path):
    for number in range(50):
        (tmp_path / f'lib{number}.so').write_bytes(
            synthetic(needed=[f'lib{(number + 1) % 50}.so'], rpath=str(tmp_path))
        )
    program = Loader(LoaderRules()).load(str(tmp_path / 'lib0.so'))
    assert len(program.objects) == 50
    assert program.missing == ()


@pytest.mark.parametrize('name', ['lib\0x.so', '../../etc/passwd', '/dev/zero', 'x' * 5000, ''])
def test_hostile_needed_names_resolve_to_nothing(tmp_path, name):
    (tmp_path / 'p').write_bytes(synthetic(needed=[name], rpath='/dev:/proc/self'))
    program = Loader(LoaderRules()).load(str(tmp_path / 'p'))
    assert len(program.objects) == 1
    assert program.findings
