"""Findings of a simulated load: versions, symbols, prefixes, interpreter; trees in layers."""

import shutil

import pytest
from elf_host import ask_loader
from elf_workbench import rpath

from eessi_library.elf import FileView, FindingKind, Loader, MalformedElf


def kinds(program):
    return [finding.kind for finding in program.findings]


def versioned(bench, path, *versions):
    script = bench.root / 'versions.map'
    names = [f'V{number} {{ f{number}; }};' for number in versions]
    script.write_text('\n'.join(names) + '\n')
    source = '\n'.join(f'int f{number}(void) {{ return {number}; }}' for number in versions)
    return bench.library(path, source=source, options=(f'-Wl,--version-script={script}',))


def test_a_required_version_must_be_defined_by_the_loaded_file(bench, load, host_loader):
    versioned(bench, 'new/liba.so', 1, 2)
    versioned(bench, 'old/liba.so', 1)
    source = 'int f2(void); int g(void) { return f2(); }'
    path = bench.program('p', 'new/liba.so', source=source, options=rpath(f'{bench.root}/old'))
    program = load(path, check_symbols=True)
    assert kinds(program) == [FindingKind.MISSING_VERSION, FindingKind.MISSING_SYMBOL]
    assert program.findings[0].message == (
        f"{bench.root}/old/liba.so: version `V2' not found (required by {path})"
    )
    assert program.findings[0].message in ask_loader(host_loader, path)[1]
    assert program.findings[1].subject == 'f2@V2'


def test_a_library_without_versions_satisfies_a_versioned_import(bench, load):
    versioned(bench, 'new/liba.so', 2)
    bench.library('plain/liba.so', source='int f2(void) { return 2; }')
    source = 'int f2(void); int g(void) { return f2(); }'
    path = bench.program('p', 'new/liba.so', source=source, options=rpath(f'{bench.root}/plain'))
    assert load(path, check_symbols=True).is_sound


def test_missing_symbols_are_found_in_the_global_scope_unless_weak(bench, load, host_loader):
    bench.library('libx.so', source='int elsewhere(void) { return 1; }')
    source = (
        'int elsewhere(void); int nowhere(void); int maybe(void) __attribute__((weak));\n'
        'int b(void) { return elsewhere() + nowhere() + (maybe ? maybe() : 0); }'
    )
    bench.library('libb.so', source=source)
    path = bench.program('p', 'libb.so', 'libx.so', options=rpath(str(bench.root)))
    program = load(path, check_symbols=True)
    assert [finding.subject for finding in program.findings] == ['nowhere']
    truth = ask_loader(host_loader, path, LD_WARN='1', LD_BIND_NOW='1')[1]
    assert 'undefined symbol: nowhere' in truth
    assert truth.count('undefined symbol') == 1


def test_objects_outside_the_prefix_are_found_even_behind_a_link(bench, load):
    bench.library('away/liba.so')
    bench.library('away/libb.so')
    (bench.root / 'prefix').mkdir()
    (bench.root / 'prefix/libb.so').symlink_to(bench.root / 'away/libb.so')
    text = f'{bench.root}/prefix:{bench.root}/away'
    path = bench.program('prefix/p', 'away/liba.so', 'away/libb.so', options=rpath(text))
    program = load(path, prefixes=[f'{bench.root}/prefix', '/lib64', '/usr/lib'])
    assert kinds(program) == [FindingKind.OUTSIDE_PREFIX, FindingKind.OUTSIDE_PREFIX]
    assert {finding.subject for finding in program.findings} == {
        f'{bench.root}/away/liba.so',
        f'{bench.root}/prefix/libb.so',
    }


def test_an_interpreter_that_does_not_exist_is_a_finding(bench, load):
    path = bench.program('p', options=('-Wl,--dynamic-linker=/nowhere/ld.so',))
    program = load(path, agree=False)
    assert kinds(program) == [FindingKind.MISSING_INTERPRETER]


def test_what_is_not_elf_cannot_be_loaded(tmp_path, host_rules):
    (tmp_path / 'script').write_text('#!/bin/sh\n')
    with pytest.raises(MalformedElf, match='file too short'):
        Loader(host_rules).load(str(tmp_path / 'script'))
    with pytest.raises(FileNotFoundError):
        Loader(host_rules).load(str(tmp_path / 'none'))


def test_a_tree_outside_its_final_prefix_and_in_layers_loads_the_same(bench, host_rules):
    final = '/cvmfs/example.org/final'
    bench.library('base/lib/liba.so.1', soname='liba.so')
    bench.library('upper/lib/libb.so')
    (bench.root / 'base/lib/liba.so').symlink_to(f'{final}/lib/liba.so.1')
    needs = ('base/lib/liba.so.1', 'upper/lib/libb.so')
    built = bench.program('upper/bin/p', *needs, options=rpath(f'{final}/lib'))
    shutil.copy(built, bench.root / 'unused')
    view = FileView({final: (f'{bench.root}/upper', f'{bench.root}/base')})
    program = Loader(host_rules, view).load(f'{final}/bin/p')
    assert [obj.path for obj in program.objects] == [
        f'{final}/bin/p',
        f'{final}/lib/liba.so',
        f'{final}/lib/libb.so',
    ]
    assert program.objects[1].file.real_path == f'{bench.root}/base/lib/liba.so.1'
