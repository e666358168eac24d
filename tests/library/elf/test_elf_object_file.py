"""Objects that are not linked yet: sections, symbols, and hostile ones."""

from __future__ import annotations

import shutil
import struct
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eessi_library.elf import ElfError, MalformedElf, ObjectFile
from eessi_library.elf.constants import ET_REL

relaxed = settings(
    max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
CODE = 'int twice(int x) { return 2 * x; }\nint other(void);\nint use(void) { return other(); }\n'


def compiled(folder: Path, code: str = CODE, *flags: str) -> bytes:
    if shutil.which('gcc') is None:
        pytest.skip('needs gcc')
    (folder / 'x.c').write_text(code)
    command = ['gcc', '-c', '-O2', '-o', 'x.o', 'x.c', *flags]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / 'x.o').read_bytes()


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled(tmp_path_factory.mktemp('object'), CODE, '-ffunction-sections')


def test_each_function_in_a_section_of_its_own(sound: bytes) -> None:
    found = ObjectFile(sound)
    names = found.functions()
    assert found.header.type == ET_REL
    assert [names.at(code.number, 0) for code in found.code] == ['twice', 'use']
    assert all(found.bytes_of(code) for code in found.code)
    assert not found.has_lto


def test_a_part_of_a_file_is_read_as_the_file(sound: bytes) -> None:
    inside = ObjectFile(b'before' + sound + b'behind', 6, len(sound))
    assert [code.size for code in inside.code] == [code.size for code in ObjectFile(sound).code]


def test_it_knows_which_names_it_mentions(sound: bytes) -> None:
    found = ObjectFile(sound)
    assert found.mentions(b'\0other\0')
    assert not found.mentions(b'\0othe\0')
    assert found.mentions(b'othe')


def test_names_by_offset_within_one_section(tmp_path: Path) -> None:
    found = ObjectFile(compiled(tmp_path, CODE, '-fno-function-sections'))
    names = found.functions()
    (text,) = (code for code in found.code if names.at(code.number, 0) == 'twice')
    start = names.starts[text.number][1]
    assert names.at(text.number, start) == 'use'
    assert names.at(text.number, start - 1) == 'twice'
    assert names.at(99, 0) == '?'


def test_intermediate_code_of_gcc(tmp_path: Path) -> None:
    slim = ObjectFile(compiled(tmp_path, CODE, '-flto'))
    fat = ObjectFile(compiled(tmp_path, CODE, '-flto', '-ffat-lto-objects'))
    assert (slim.has_lto, slim.code) == (True, [])
    assert fat.has_lto
    assert fat.code


def test_more_sections_than_the_header_can_count(tmp_path: Path) -> None:
    if shutil.which('as') is None:
        pytest.skip('needs as')
    lines = [f'.section .text.f{n},"ax",@progbits\nf{n}: ret' for n in range(65_600)]
    (tmp_path / 'x.s').write_text('\n'.join(lines) + '\n')
    subprocess.run(['as', '-o', 'x.o', 'x.s'], cwd=tmp_path, check=True)
    data = (tmp_path / 'x.o').read_bytes()
    assert struct.unpack_from('<H', data, 60) == (0,)
    found = ObjectFile(data)
    assert len(found.code) == 65_600
    assert found.functions().at(found.code[-1].number, 0) == 'f65599'


def test_code_in_a_section_of_a_strange_type(tmp_path: Path) -> None:
    asm = '__asm__(".section .odd,\\"ax\\",@0x7fff0001\\nodd: ret\\n.text");'
    found = ObjectFile(compiled(tmp_path, asm))
    assert [found.functions().at(code.number, 0) for code in found.code] == ['odd']


def _section_table(data: bytes) -> int:
    return int(struct.unpack_from('<Q', data, 40)[0])


@pytest.mark.parametrize(
    ('offset', 'pack', 'value', 'words'),
    [
        (40, '<Q', 1 << 60, 'lie outside the object'),
        (58, '<H', 63, 'e_shentsize'),
        (60, '<H', 60_000, 'section headers'),
        (4, '<B', 7, 'class 7'),
        (0, '<B', 0, 'magic number'),
    ],
)
def test_headers_that_lie(sound: bytes, offset: int, pack: str, value: int, words: str) -> None:
    data = bytearray(sound)
    struct.pack_into(pack, data, offset, value)
    with pytest.raises(MalformedElf, match=words):
        ObjectFile(bytes(data))


def test_more_sections_than_the_limit(sound: bytes) -> None:
    data = bytearray(sound)
    struct.pack_into('<H', data, 60, 0)
    struct.pack_into('<Q', data, _section_table(sound) + 32, 1 << 40)
    with pytest.raises(MalformedElf, match='more than the limit'):
        ObjectFile(bytes(data))


def test_a_section_beyond_the_end(sound: bytes) -> None:
    data = bytearray(sound)
    at = _section_table(sound) + 64 * ObjectFile(sound).code[0].number
    struct.pack_into('<Q', data, at + 32, 1 << 40)
    with pytest.raises(MalformedElf, match='section'):
        ObjectFile(bytes(data))


def test_a_thousand_sections_over_the_same_bytes_are_refused(sound: bytes) -> None:
    """They would be copied a thousand times: code of a megabyte would take a gigabyte."""
    code = ObjectFile(sound).code[0]
    at = _section_table(sound) + 64 * code.number
    header = bytearray(sound[at : at + 64])
    struct.pack_into('<QQ', header, 24, 0, len(sound))
    data = bytearray(sound) + bytes(header) * 1000
    struct.pack_into('<Q', data, 40, len(sound))
    struct.pack_into('<HH', data, 60, 1000, 0)
    with pytest.raises(MalformedElf, match='overlap'):
        ObjectFile(bytes(data))


@given(st.data())
@relaxed
def test_mutated_objects(sound: bytes, data) -> None:
    content = bytearray(sound)
    interesting = st.sampled_from([0, 1, 2**16 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])
    for _ in range(data.draw(st.integers(1, 4))):
        near = data.draw(st.sampled_from([0, _section_table(sound)]))
        position = min(near + data.draw(st.integers(4, 700)), len(content) - 8)
        struct.pack_into('<Q', content, position, data.draw(interesting))
    began = time.monotonic()
    with suppress(ElfError):
        found = ObjectFile(bytes(content[: data.draw(st.integers(0, len(content)))]))
        assert sum(len(found.bytes_of(code)) for code in found.code) <= len(content)
        found.functions()
        found.mentions(b'x')
    assert time.monotonic() - began < 2
