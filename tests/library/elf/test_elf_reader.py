"""The reader: every class, data encoding and machine; stripped files; agreement with LIEF."""

import os
import re
import shutil
import struct
import subprocess

import lief
import pytest
from elf_host import elf_files, sample
from elf_synthetic import synthetic

from eessi_library.elf import MalformedElf, parse_elf, parse_symbols, read_elf, read_symbols


@pytest.mark.parametrize('wide', [True, False])
@pytest.mark.parametrize('little', [True, False])
def test_every_class_and_data_encoding_reads_the_same(wide, little):
    elf = parse_elf(
        synthetic(
            wide,
            little,
            interpreter='/lib/ld.so',
            soname='liba.so.1',
            needed=('libb.so', 'libc.so.6'),
            rpath='$ORIGIN:/x',
            runpath='/y',
            extra=((0x6FFFFFFB, 0x08000801), (30, 8)),
            needs=(('libc.so.6', 'GLIBC_2.17'), ('libb.so', 'B_1')),
        )
    )
    assert (elf.elf_class, elf.data_encoding) == (2 if wide else 1, 1 if little else 2)
    assert elf.interpreter == '/lib/ld.so'
    assert elf.soname == 'liba.so.1'
    assert elf.needed == ('libb.so', 'libc.so.6')
    assert (elf.rpath, elf.runpath) == ('$ORIGIN:/x', '/y')
    assert (elf.flags, elf.flags_1) == (8, 0x08000801)
    assert elf.is_pie
    assert elf.no_default_libraries
    versions = [(need.file, need.version, need.number) for need in elf.version_needs]
    assert versions == [('libc.so.6', 'GLIBC_2.17', 2), ('libb.so', 'B_1', 3)]


@pytest.mark.parametrize(
    ('machine', 'little', 'name'),
    [(62, True, 'x86_64'), (183, True, 'aarch64'), (21, True, 'ppc64le'), (21, False, 'ppc64')],
)
def test_machines_have_names(machine, little, name):
    assert parse_elf(synthetic(little=little, machine=machine)).machine_name == name


@pytest.mark.parametrize('content', [b'', b'\x7f', b'\x7fEL', b'#!/bin/sh\n', b'!<arch>\n' * 99])
def test_what_is_not_elf_is_none(content, tmp_path):
    assert parse_elf(content) is None
    (tmp_path / 'file').write_bytes(content)
    assert read_elf(tmp_path / 'file') is None
    assert read_symbols(tmp_path / 'file') is None


def test_what_is_not_a_regular_file_is_none_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / 'fifo')
    assert read_elf(tmp_path / 'fifo') is None
    assert read_elf(tmp_path) is None
    assert read_elf('/dev/null') is None


def test_a_file_that_does_not_exist_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_elf(tmp_path / 'none')


def without_sections(data):
    return data[:40] + bytes(8) + data[48:60] + bytes(4) + data[64:]


def test_files_without_section_headers_read_the_same(host_files):
    for path in sample(host_files, 60):
        with open(path, 'rb') as file:
            data = file.read()
        stripped = without_sections(data)
        assert parse_elf(stripped) == parse_elf(data), path
        assert parse_symbols(stripped) == parse_symbols(data), path


def test_build_id_is_that_of_file_or_readelf(host_files):
    if shutil.which('readelf') is None:
        pytest.skip('readelf is not installed')
    for path in sample(host_files, 20):
        notes = subprocess.run(['readelf', '-nW', path], capture_output=True, text=True).stdout
        match = re.search(r'Build ID: ([0-9a-f]+)', notes)
        assert read_elf(path).build_id == (match and match[1]), path


def test_sample_of_the_host_agrees_with_lief(host_files):
    for path in sample(host_files, 300):
        assert_agrees_with_lief(path)


@pytest.mark.slow
def test_all_files_of_the_host_agree_with_lief(host_files):
    for path in host_files:
        assert_agrees_with_lief(path)


@pytest.mark.stack
def test_sample_of_the_stack_agrees_with_lief(local_stack):
    for path in sample(elf_files(local_stack / 'versions'), 150):
        assert_agrees_with_lief(path)


def assert_agrees_with_lief(path):
    config = lief.ELF.ParserConfig()
    config.parse_relocations = config.parse_notes = config.parse_overlay = False
    theirs = lief.ELF.parse(str(path), config)
    ours = read_elf(path)
    tag = lief.ELF.DynamicEntry.TAG

    def entry(kind, attribute):
        return getattr(theirs.get(kind), attribute) if theirs.has(kind) else None

    assert ours.machine == theirs.header.machine_type.value, path
    assert ours.type == theirs.header.file_type.value, path
    interpreter = theirs.interpreter if theirs.has_interpreter else None
    assert ours.interpreter == interpreter, path
    assert list(ours.needed) == list(theirs.libraries), path
    assert ours.soname == entry(tag.SONAME, 'name'), path
    assert ours.rpath == entry(tag.RPATH, 'rpath'), path
    assert ours.runpath == entry(tag.RUNPATH, 'runpath'), path
    assert ours.flags_1 == (entry(tag.FLAGS_1, 'value') or 0), path
    assert sorted((need.file, need.version) for need in ours.version_needs) == sorted(
        (need.name, aux.name)
        for need in theirs.symbols_version_requirement
        for aux in need.get_auxiliary_symbols()
    ), path
    assert sorted(item.version for item in ours.version_definitions) == sorted(
        next(iter(item.auxiliary_symbols)).name for item in theirs.symbols_version_definition
    ), path
    assert_symbols_agree(path, theirs)


def visibility_of(symbol):
    # LIEF hands out the whole st_other byte where ppc64le keeps its local entry point there.
    return int(getattr(symbol.visibility, 'value', symbol.visibility)) & 3


def assert_symbols_agree(path, theirs):
    imports, exports = set(), set()
    base = {item.ndx for item in theirs.symbols_version_definition if item.flags & 1}
    for symbol in theirs.dynamic_symbols:
        if symbol.binding == lief.ELF.Symbol.BINDING.LOCAL or not symbol.name:
            continue
        versym = symbol.symbol_version if symbol.has_version else None
        number = versym.value if versym else 1
        version = None
        if versym and versym.has_auxiliary_version and (number & 0x7FFF) not in base:
            version = versym.symbol_version_auxiliary.name
        row = symbol.name, version, symbol.size, symbol.type.value
        if symbol.shndx == 0:
            imports.add(row)
        elif number & 0x7FFF and visibility_of(symbol) not in (1, 2):
            exports.add(row)
    ours = read_symbols(path)

    def rows(symbols):
        return {(item.name, item.version, item.size, item.type) for item in symbols}

    assert rows(ours.imports) == imports, path
    assert rows(ours.exports) == exports, path


def test_more_than_one_dynamic_segment_is_malformed():
    data = bytearray(synthetic(interpreter='/lib/ld.so'))
    struct.pack_into('<I', data, 64, 2)
    with pytest.raises(MalformedElf, match='PT_DYNAMIC'):
        parse_elf(bytes(data))


def test_a_dynamic_section_with_two_places_is_malformed():
    data = bytearray(synthetic())
    offset = 64 + 56 + 8
    struct.pack_into('<Q', data, offset, struct.unpack_from('<Q', data, offset)[0] - 8)
    with pytest.raises(MalformedElf, match='its offset is'):
        parse_elf(bytes(data))
