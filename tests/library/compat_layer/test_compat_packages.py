"""Package databases: readers for Portage and dpkg, and what differs on disk."""

import os
import shutil
from pathlib import Path

import pytest

from eessi_library.compat_layer.audit import compare_packages, mode_faults, unowned
from eessi_library.compat_layer.dpkg_database import parse_list, parse_md5sums, parse_status
from eessi_library.compat_layer.package_model import (
    DIRECTORY,
    FILE,
    LINK,
    DatabaseError,
    Entry,
)
from eessi_library.compat_layer.packages import glibc_version, read_packages
from eessi_library.compat_layer.portage_vdb import (
    is_installed,
    parse_contents,
    parse_set,
    recorded_trusted_directories,
    split_name_version,
)

FIXTURES = Path(__file__).parent / 'fixtures'
PREFIX = '/cvmfs/software.eessi.io/versions/2023.06/compat/linux/x86_64'


@pytest.fixture
def layer(tmp_path):
    """A small compat layer with Portage's database, free to be broken."""
    place = tmp_path / 'versions/2025.06/compat/linux/x86_64'
    source = FIXTURES / 'stack/versions/2025.06/compat/linux/x86_64'
    shutil.copytree(source, place, symlinks=True)
    (place / 'usr/bin/bash').chmod(0o755)
    return place


def faults(place):
    return compare_packages(str(place), read_packages(str(place), 'portage'))['faults']


def test_contents_of_portage():
    text = (
        f'dir {PREFIX}/usr/lib\nobj {PREFIX}/usr/lib/a b.txt d41d8cd98f00b204e9800998ecf8427e 17\n'
        f'sym {PREFIX}/usr/lib/l i -> ../a b 17\nfif {PREFIX}/run/pipe\n'
    )
    assert parse_contents(text) == [
        Entry('usr/lib', DIRECTORY),
        Entry('usr/lib/a b.txt', FILE, md5='d41d8cd98f00b204e9800998ecf8427e'),
        Entry('usr/lib/l i', LINK, target='../a b'),
        Entry('run/pipe', ''),
    ]


@pytest.mark.parametrize('line', ['obj /a/b', 'sym /a b 1', 'what /a', 'obj'])
def test_a_line_that_is_no_entry_is_an_error(line):
    with pytest.raises(DatabaseError, match='line 1'):
        parse_contents(line)


@pytest.mark.parametrize(
    ('text', 'name', 'version'),
    [
        ('glibc-2.37-r7', 'glibc', '2.37-r7'),
        ('bash-5.2_p37', 'bash', '5.2_p37'),
        ('gtk+-3.24.41-r1', 'gtk+', '3.24.41-r1'),
        ('font-adobe-75dpi-1.0.4', 'font-adobe-75dpi', '1.0.4'),
        ('openssl-1.1.1w', 'openssl', '1.1.1w'),
        ('virtual', 'virtual', ''),
    ],
)
def test_names_and_versions(text, name, version):
    assert split_name_version(text) == (name, version)


def test_a_sound_layer_has_no_fault(layer):
    report = compare_packages(str(layer), read_packages(str(layer), 'portage'))
    assert report == {'checked': 6, 'checksums': 3, 'faults': [], 'configuration': []}


def test_a_modified_file_is_named(layer):
    (layer / 'usr/lib64/libc.so.6').write_text('a Library\n')
    assert faults(layer) == ['usr/lib64/libc.so.6 of sys-libs/glibc is modified']


def test_a_missing_file_is_named(layer):
    (layer / 'usr/share/doc/read me.txt').unlink()
    assert faults(layer) == ['usr/share/doc/read me.txt of sys-libs/glibc is missing']


def test_a_link_that_leads_elsewhere_is_named(layer):
    (layer / 'usr/lib64/libc.so').unlink()
    (layer / 'usr/lib64/libc.so').symlink_to('/lib64/libc.so.6')
    assert faults(layer) == ['usr/lib64/libc.so of sys-libs/glibc is link changed']


def test_a_file_in_place_of_a_directory_is_named(layer):
    shutil.rmtree(layer / 'usr/bin')
    (layer / 'usr/bin').write_text('')
    assert 'usr/bin of app-shells/bash is not a directory' in faults(layer)


def test_a_program_without_package_is_named(layer):
    stranger = layer / 'usr/bin/miner'
    stranger.write_text('#!/bin/sh\n')
    stranger.chmod(0o755)
    packages = read_packages(str(layer), 'portage')
    assert unowned(str(layer), packages, 'portage') == ['usr/bin/miner']


def test_ownership_follows_linked_directories(layer):
    (layer / 'bin').symlink_to('usr/bin')
    (layer / 'lib64').symlink_to('usr/lib64')
    assert unowned(str(layer), read_packages(str(layer), 'portage'), 'portage') == []


def test_what_pip_installed_is_owned_by_its_record(layer):
    site = layer / 'usr/lib/python3.11/site-packages'
    (site / 'tool-1.dist-info').mkdir(parents=True)
    (site / 'tool-1.dist-info/RECORD').write_text('../../../bin/tool,sha256=x,9\n')
    (layer / 'usr/bin/tool').write_text('#!/bin/sh\n')
    (layer / 'usr/bin/tool').chmod(0o755)
    assert unowned(str(layer), read_packages(str(layer), 'portage'), 'portage') == []


def test_an_empty_database_is_an_error(tmp_path):
    with pytest.raises(DatabaseError, match='holds no package'):
        read_packages(str(tmp_path), 'portage')
    with pytest.raises(DatabaseError, match='status'):
        read_packages(str(tmp_path), 'dpkg')
    with pytest.raises(DatabaseError, match='no package database'):
        read_packages(str(tmp_path), 'none')


def test_a_package_without_contents_is_an_error(layer):
    (layer / 'var/db/pkg/sys-libs/glibc-2.41-r6/CONTENTS').unlink()
    with pytest.raises(DatabaseError, match=r'glibc-2\.41-r6/CONTENTS'):
        read_packages(str(layer), 'portage')


def test_dpkg_s_database_in_the_pilot_layout():
    place = FIXTURES / 'pilot/2021.06/compat/linux/ppc64le'
    [package] = read_packages(str(place), 'dpkg')
    assert (package.name, package.version) == ('libc6', '2.31-13')
    assert [entry.path for entry in package.entries] == ['usr', 'usr/bin', 'usr/bin/a tool']
    assert compare_packages(str(place), [package])['faults'] == []
    assert glibc_version(str(place), 'dpkg') == '2.31'


def test_glibc_s_version_in_portage_s_database(layer):
    assert glibc_version(str(layer), 'portage') == '2.41'


def test_dpkg_s_files():
    [fields] = parse_status('Package: a\nDescription: x\n y\n .\n z\n')
    assert fields['Description'] == 'x\ny\n.\nz'
    assert parse_list('/.\n/bin\n/bin/a\n') == ['bin', 'bin/a']
    assert parse_md5sums('0' * 32 + '  usr/a b\n') == {'usr/a b': '0' * 32}
    with pytest.raises(DatabaseError, match='line 1'):
        parse_md5sums('short  usr/a\n')


def test_a_package_without_list_is_an_error(tmp_path):
    place = tmp_path / 'var/lib/dpkg'
    (place / 'info').mkdir(parents=True)
    (place / 'status').write_text('Package: a\nStatus: install ok installed\nVersion: 1\n')
    with pytest.raises(DatabaseError, match=r'info/a\.list is missing'):
        read_packages(str(tmp_path), 'dpkg')


def test_atoms_of_a_set(layer):
    packages = read_packages(str(layer), 'portage')
    atoms = parse_set((layer / 'etc/portage/sets/eessi-2025.06-linux-x86_64').read_text())
    assert len(atoms) == 3
    assert all(is_installed(atom, packages) for atom in atoms)
    assert is_installed('~sys-libs/glibc-2.41', packages)
    assert is_installed('sys-libs/glibc:2.2[static]', packages)
    for absent in ('=sys-libs/glibc-2.41', 'sys-libs/glib', '=app-shells/bash-5.1*', 'x/bash'):
        assert not is_installed(absent, packages), absent


def test_trusted_directories_recorded_by_portage():
    text = 'declare -x EXTRA_EMAKE="user-defined-trusted-dirs=/c/lib/override:/c/lib/nvidia"\n'
    assert recorded_trusted_directories(text) == ['/c/lib/override', '/c/lib/nvidia']
    assert recorded_trusted_directories("EXTRA_EMAKE='user-defined-trusted-dirs=/a'") == ['/a']
    # Upstream's check formats the list of directories into a character class and accepts this:
    assert recorded_trusted_directories('user-defined-trusted-dirs=/x') != ['/c/lib/override']
    assert recorded_trusted_directories('nothing') == []


def test_modes(tmp_path):
    for name, mode in [
        ('a', 0o4755),
        ('b', 0o2755),
        ('c', 0o666),
        ('d', 0o744),
        ('f', 0o600),
        ('e', 0o644),
    ]:
        (tmp_path / name).write_text('')
        (tmp_path / name).chmod(mode)
    (tmp_path / 'open').mkdir()
    (tmp_path / 'open').chmod(0o777)
    (tmp_path / 'tmp').mkdir()
    (tmp_path / 'tmp').chmod(0o1777)
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'link').symlink_to('a')
    assert mode_faults(str(tmp_path)) == {
        'counts': {'files': 6, 'directories': 2, 'links': 1, 'others': 1},
        'faults': [
            'a is setuid',
            'b is setgid',
            'c is world-writable',
            'd is not executable by everybody',
            'f is not readable by everybody',
            'open is world-writable',
            'pipe is neither file, directory nor link',
        ],
    }
