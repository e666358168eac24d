"""One test per rule of the loader; the host's own ld.so must agree with each."""

import dataclasses
import os

import pytest
from elf_host import ask_loader
from elf_workbench import rpath, runpath

from eessi_library.elf import (
    FindingKind,
    FoundBy,
    Loader,
    hwcaps_subdirectories,
)


def places(program):
    return {obj.path for obj in program.objects[1:]}


def kinds(program):
    return [finding.kind for finding in program.findings]


def test_rpath_of_the_object_is_searched_with_origin(bench, load):
    found = bench.library('lib/liba.so')
    path = bench.program('bin/p', 'lib/liba.so', options=rpath('$ORIGIN/../lib'))
    program = load(path)
    (entry,) = program.objects[0].needed
    assert os.path.samefile(entry.path, found)
    assert (entry.found_by, entry.owner) == (FoundBy.RPATH, path)
    assert entry.directory == os.path.dirname(path) + '/../lib/'
    assert program.is_sound


def test_rpath_is_inherited_along_the_loader_chain(bench, load):
    bench.library('deep/libc1.so')
    bench.library('mid/libb1.so', 'deep/libc1.so')
    both = f'{bench.root}/mid:{bench.root}/deep'
    path = bench.program('p', 'mid/libb1.so', options=rpath(both))
    program = load(path)
    (entry,) = program.objects[1].needed
    assert (entry.found_by, entry.owner) == (FoundBy.RPATH, path)
    assert program.objects[2].loader == program.objects[1].path


def test_runpath_serves_direct_needs_only(bench, load):
    bench.library('deep/libc1.so')
    bench.library('mid/libb1.so', 'deep/libc1.so')
    both = f'{bench.root}/mid:{bench.root}/deep'
    program = load(bench.program('p', 'mid/libb1.so', options=runpath(both)))
    assert program.objects[0].needed[0].found_by is FoundBy.RUNPATH
    assert program.missing == ('libc1.so',)
    assert kinds(program) == [FindingKind.MISSING_LIBRARY]
    assert program.findings[0].object == program.objects[1].path


def test_an_object_with_runpath_ignores_the_rpath_of_its_loaders(bench, load):
    bench.library('deep/libc1.so')
    bench.library('mid/libb1.so', 'deep/libc1.so', options=runpath('/nowhere'))
    both = f'{bench.root}/mid:{bench.root}/deep'
    program = load(bench.program('p', 'mid/libb1.so', options=rpath(both)))
    assert program.missing == ('libc1.so',)


def test_a_runpath_in_between_does_not_break_the_chain(bench, load):
    bench.library('deep/libd1.so')
    bench.library('mid/libc1.so', 'deep/libd1.so')
    bench.library('mid/libb1.so', 'mid/libc1.so', options=runpath(f'{bench.root}/mid'))
    both = f'{bench.root}/mid:{bench.root}/deep'
    program = load(bench.program('p', 'mid/libb1.so', options=rpath(both)))
    assert f'{bench.root}/deep/libd1.so' in places(program)


def test_library_path_comes_after_rpath_and_before_runpath(bench, load):
    for directory in ('own', 'env'):
        bench.library(f'{directory}/liba.so')
    own, env = f'{bench.root}/own', f'{bench.root}/env'
    with_rpath = bench.program('p', 'own/liba.so', options=rpath(own))
    with_runpath = bench.program('q', 'own/liba.so', options=runpath(own))
    assert places(load(with_rpath, library_path=env)) == {f'{own}/liba.so'}
    program = load(with_runpath, library_path=f'/nowhere;{env}')
    assert places(program) == {f'{env}/liba.so'}
    assert program.objects[0].needed[0].found_by is FoundBy.LIBRARY_PATH


def test_the_cache_and_the_default_directories_come_last(bench, load, host_rules):
    libc = '/lib/x86_64-linux-gnu/libc.so.6'
    if not os.path.exists(libc):
        pytest.skip('libc.so.6 is elsewhere on this host')
    path = bench.program('p', libc)
    program = load(path)
    assert program.objects[0].needed[0].found_by is FoundBy.CACHE
    uncached = Loader(dataclasses.replace(host_rules, cache=None)).load(path)
    assert uncached.objects[0].needed[0].found_by is FoundBy.DEFAULT
    assert [obj.path for obj in uncached.objects] == [obj.path for obj in program.objects]


def test_nodeflib_keeps_out_of_the_default_directories(bench, load):
    libc = '/lib/x86_64-linux-gnu/libc.so.6'
    if not os.path.exists(libc):
        pytest.skip('libc.so.6 is elsewhere on this host')
    program = load(bench.program('p', libc, options=('-Wl,-z,nodefaultlib',)))
    assert program.missing == ('libc.so.6',)


def test_braces_and_lib_and_platform_tokens_expand(bench, load, host_rules):
    bench.library(f'{host_rules.lib}/liba.so')
    bench.library('x86_64/libb.so')
    text = '${ORIGIN}/$LIB:$ORIGIN/${PLATFORM}:$ORIGINAL/x'
    needs = (f'{host_rules.lib}/liba.so', 'x86_64/libb.so')
    assert load(bench.program('p', *needs, options=rpath(text))).missing == ()


def test_origin_keeps_links_of_libraries_and_resolves_them_for_a_started_program(
    bench, load, host_rules
):
    bench.library('real/liba.so')
    bench.library('linked/liba.so')
    path = bench.program('real/p', 'real/liba.so', options=rpath('$ORIGIN'))
    link = bench.root / 'linked/p'
    link.symlink_to(path)
    assert places(load(str(link))) == {f'{bench.root}/linked/liba.so'}
    started = Loader(host_rules).load(str(link), by_kernel=True)
    assert places(started) == {f'{bench.root}/real/liba.so'}


def test_the_first_loaded_object_of_a_soname_serves_the_whole_process(bench, load):
    bench.library('one/libssl.so')
    bench.library('two/libssl.so')
    bench.library('liba.so', 'one/libssl.so', options=rpath(f'{bench.root}/one'))
    bench.library('libb.so', 'two/libssl.so', options=rpath(f'{bench.root}/two'))
    program = load(bench.program('p', 'liba.so', 'libb.so', options=rpath(str(bench.root))))
    assert [p for p in places(program) if 'ssl' in p] == [f'{bench.root}/one/libssl.so']
    assert program.objects[2].needed[0].found_by is FoundBy.LOADED


def test_the_soname_of_a_loaded_object_answers_for_its_name(bench, load):
    bench.library('build/libalias.so')
    bench.library('two/libx.so')
    bench.library('libalias.so', soname='libx.so')
    text = f'{bench.root}:{bench.root}/two'
    program = load(bench.program('p', 'build/libalias.so', 'two/libx.so', options=rpath(text)))
    assert places(program) == {f'{bench.root}/libalias.so'}


def test_two_names_of_one_file_are_one_object(bench, load):
    bench.library('liba.so', soname='liba.so')
    bench.library('build/liba2.so', soname='liba2.so')
    (bench.root / 'liba2.so').symlink_to('liba.so')
    path = bench.program('p', 'liba.so', 'build/liba2.so', options=rpath(str(bench.root)))
    program = load(path)
    assert places(program) == {f'{bench.root}/liba.so'}
    assert program.objects[0].needed[1].found_by is FoundBy.LOADED


def test_load_order_is_breadth_first(bench, load):
    bench.library('libd.so')
    bench.library('libb.so', 'libd.so')
    bench.library('libc1.so')
    program = load(bench.program('p', 'libb.so', 'libc1.so', options=rpath(str(bench.root))))
    names = [os.path.basename(obj.path) for obj in program.objects]
    assert names == ['p', 'libb.so', 'libc1.so', 'libd.so']


def test_a_library_of_another_machine_or_class_is_passed_by(bench, load):
    bench.library('good/liba.so')
    bench.library('good/libb.so')
    raw = bytearray((bench.root / 'good/liba.so').read_bytes())
    (bench.root / 'bad').mkdir()
    raw[18:20] = (183).to_bytes(2, 'little')
    (bench.root / 'bad/liba.so').write_bytes(raw)
    raw[4] = 1
    (bench.root / 'bad/libb.so').write_bytes(raw)
    text = f'{bench.root}/bad:{bench.root}/good'
    program = load(bench.program('p', 'good/liba.so', 'good/libb.so', options=rpath(text)))
    assert places(program) == {f'{bench.root}/good/liba.so', f'{bench.root}/good/libb.so'}


def test_a_file_that_is_not_elf_stops_the_search(bench, load, host_loader):
    bench.library('good/liba.so')
    (bench.root / 'bad').mkdir()
    (bench.root / 'bad/liba.so').write_text('INPUT(liba.so.1) /* a linker script */\n' * 9)
    text = f'{bench.root}/bad:{bench.root}/good'
    path = bench.program('p', 'good/liba.so', options=rpath(text))
    program = load(path, agree=False)
    assert kinds(program) == [FindingKind.UNUSABLE_LIBRARY]
    assert 'invalid ELF header' in program.findings[0].message
    assert f'{bench.root}/bad/liba.so: invalid ELF header' in ask_loader(host_loader, path)[1]


def test_a_dangling_link_is_passed_by(bench, load):
    bench.library('good/liba.so')
    (bench.root / 'bad').mkdir()
    (bench.root / 'bad/liba.so').symlink_to('/nowhere/liba.so')
    text = f'{bench.root}/bad:{bench.root}/good'
    assert load(bench.program('p', 'good/liba.so', options=rpath(text))).is_sound


def test_hwcaps_subdirectories_come_before_the_plain_directory(bench, load, host_rules):
    bench.library('liba.so')
    bench.library('glibc-hwcaps/x86-64-v2/liba.so')
    path = bench.program('p', 'liba.so', options=rpath(str(bench.root)))
    load(path)
    for level, place in (('x86-64-v2', 'glibc-hwcaps/x86-64-v2/'), (None, '')):
        rules = dataclasses.replace(
            host_rules, subdirectories=hwcaps_subdirectories('x86_64', level)
        )
        assert places(Loader(rules).load(path)) == {f'{bench.root}/{place}liba.so'}


def test_a_needed_name_with_a_slash_is_a_path(bench, load):
    bench.library('sub/liba.so', soname=f'{bench.root}/sub/liba.so')
    program = load(bench.program('p', 'sub/liba.so'))
    assert program.objects[0].needed[0].found_by is FoundBy.PATH


def test_an_empty_element_is_the_current_directory_and_a_finding(bench, load, monkeypatch):
    bench.library('liba.so')
    path = bench.program('bin/p', 'liba.so', options=rpath('/nowhere:'))
    monkeypatch.chdir(bench.root)
    program = load(path, cwd=bench.root)
    assert program.missing == ()
    assert kinds(program) == [FindingKind.RELATIVE_SEARCH_PATH]
