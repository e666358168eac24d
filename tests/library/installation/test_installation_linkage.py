"""Every ELF resolves inside the release, for its own CPU target: each fault is made and caught."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from small_stack import APP, THING, SmallStack, gcc

pytestmark = pytest.mark.slow


def test_a_sound_installation_has_no_finding(small: SmallStack) -> None:
    report = small.check('linkage')
    assert report.findings == ()
    assert report.elf_objects == 2


def test_a_library_that_is_gone(small: SmallStack) -> None:
    (small.app / 'lib' / 'libthing.so.1').unlink()
    found = small.findings('linkage')['linkage/missing-library']
    assert found.member == 'bin/app'
    assert 'libthing.so.1' in found.reason


def test_a_library_that_comes_from_the_host(small: SmallStack) -> None:
    (small.compat / 'lib' / 'libc.so.6').unlink()
    found = small.findings('linkage')['linkage/outside-stack']
    assert 'libc.so.6' in found.reason
    assert found.member == 'bin/app'


@pytest.mark.parametrize(
    ('path', 'check', 'word'),
    [
        ('/tmp/eb-x1/App/lib', 'linkage/rpath-foreign', 'temporary'),
        ('/home/builder/lib', 'linkage/rpath-foreign', 'home'),
        ('/usr/lib/x86_64-linux-gnu', 'linkage/rpath-foreign', 'host'),
        ('{release}/software/linux/x86_64/amd/zen2/lib', 'linkage/rpath-other-target', 'target'),
        ('lib', 'linkage/rpath-relative', 'current directory'),
        ('$ORIGIN/../../../../../../../../../../../..', 'linkage/rpath-foreign', 'outside'),
    ],
)
def test_a_search_path_that_leaves_the_target(
    small: SmallStack, path: str, check: str, word: str
) -> None:
    path = path.format(release=small.release.path)
    small.program(APP, '-lthing', rpath=f'{small.app}/lib:{small.compat}/lib:{path}')
    found = small.findings('linkage')[check]
    assert found.member == 'bin/app'
    assert word in found.reason


def test_origin_within_the_installation_is_sound(small: SmallStack) -> None:
    small.program(APP, '-lthing', rpath=f'$ORIGIN/../lib:{small.compat}/lib')
    assert small.findings('linkage') == {}


def test_the_loader_of_the_host(small: SmallStack) -> None:
    flags = (f'-L{small.app}/lib', '-lthing', f'-Wl,-rpath,{small.app}/lib:{small.compat}/lib')
    gcc(APP, small.app / 'bin' / 'app', *flags)
    assert '/lib64/ld-linux' in small.findings('linkage')['linkage/interpreter'].reason


def test_a_symbol_version_that_the_library_lost(small: SmallStack, tmp_path: Path) -> None:
    script = tmp_path / 'versions'
    script.write_text('THING_2 { global: thing; };')
    small.library(THING, f'-Wl,--version-script,{script}')
    small.program(APP, '-lthing')
    assert small.findings('linkage') == {}
    script.write_text('THING_1 { global: thing; };')
    small.library(THING, f'-Wl,--version-script,{script}')
    assert 'THING_2' in small.findings('linkage')['linkage/missing-version'].reason


def test_a_symbol_that_the_library_lost(small: SmallStack) -> None:
    small.library('int other(int x) { return x; }')
    assert 'imports thing' in small.findings('linkage')['linkage/missing-symbol'].reason


def test_a_symbol_that_a_library_of_the_program_lacks(small: SmallStack) -> None:
    """With lazy binding such a program starts, and dies when it calls the function."""
    small.library('int gone(int); int thing(int x) { return gone(x); }')
    found = small.findings('linkage')
    assert list(found) == ['linkage/missing-symbol']
    assert found['linkage/missing-symbol'].subject == 'gone'
    assert 'libthing.so.1, which imports gone' in found['linkage/missing-symbol'].reason


def test_an_interpreter_of_the_compat_layer_that_is_not_there(small: SmallStack) -> None:
    loader = f'{small.compat}/lib64/ld-gone.so.2'
    small.program(APP, '-lthing', f'-Wl,--dynamic-linker,{loader}')
    assert 'does not exist' in small.findings('linkage')['linkage/interpreter'].reason


def test_a_plugin_may_take_symbols_from_its_program(small: SmallStack) -> None:
    small.library('int host(void); int plug(void) { return host(); }', name='libplugin.so')
    assert small.findings('linkage') == {}


def test_an_object_for_another_machine(small: SmallStack) -> None:
    library = small.app / 'lib' / 'libthing.so.1'
    data = bytearray(library.read_bytes())
    data[18:20] = (183).to_bytes(2, 'little')
    library.write_bytes(data)
    assert 'aarch64' in small.findings('linkage')['linkage/wrong-machine'].reason


def test_a_library_cut_short(small: SmallStack) -> None:
    library = small.app / 'lib' / 'libthing.so.1'
    library.write_bytes(library.read_bytes()[:100])
    checks = small.findings('linkage')
    assert 'linkage/malformed' in checks
    assert 'linkage/unusable-library' in checks


def test_a_cached_answer_is_dropped_when_a_library_elsewhere_goes(
    small: SmallStack, tmp_path: Path
) -> None:
    cache = tmp_path / 'cache.sqlite'
    other = small.compat / 'lib' / 'libother.so.1'
    gcc(THING, other, '-shared', '-fPIC', '-Wl,-soname,libother.so.1')
    shutil.copy(other, small.app / 'lib' / 'libother.so')
    small.program(APP, '-lother')
    (small.app / 'lib' / 'libother.so').unlink()
    assert small.check('linkage', cache=cache).findings == ()
    again = small.check('linkage', cache=cache)
    assert again.cached
    assert again.findings == ()
    other.unlink()
    last = small.check('linkage', cache=cache)
    assert not last.cached
    assert [f.check for f in last.findings] == ['linkage/missing-library']


def test_a_cached_answer_is_dropped_when_a_library_of_the_same_installation_goes(
    small: SmallStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large installations are read in several units; one may need what another one holds."""
    monkeypatch.setattr('eessi_library.installation.engine._SLICE', 1)
    cache = tmp_path / 'cache.sqlite'
    assert small.check('linkage', cache=cache).findings == ()
    again = small.check('linkage', cache=cache)
    assert (again.findings, again.cached) == ((), True)
    (small.app / 'lib' / 'libthing.so.1').unlink()
    found = small.check('linkage', cache=cache).findings
    assert [f.check for f in found] == ['linkage/missing-library']


def test_an_overlay_is_checked_under_its_final_prefix(small: SmallStack, tmp_path: Path) -> None:
    from eessi_library.installation import Release, check_installations

    moved = tmp_path / 'elsewhere'
    shutil.move(small.root, moved)
    release = Release(small.release.path, 'x86_64/generic', ((str(small.root), (str(moved),)),))
    small.release = release
    report = next(check_installations([small.request('linkage', 'files')], None, 1))
    assert report.findings == ()
    assert report.elf_objects == 2
