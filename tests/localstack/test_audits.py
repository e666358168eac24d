"""One fault for every check that reads files only; real loaders and Lmod: test_verify.py."""

import hashlib
from pathlib import Path

import pytest

from eessi_validate.localstack import audit_files, audit_modules, provenance
from eessi_validate.localstack.audit_elf import read_listing

ROOT = Path('/stack')
LISTING = """\
\tlinux-vdso.so.1 (0x00007ffc)
\tlibm.so.6 => /stack/compat/lib/libm.so.6 (0x00007f1)
\t/stack/compat/lib64/ld-linux-x86-64.so.2 (0x00007f2)
"""


def test_a_sound_listing_has_no_findings():
    assert read_listing(LISTING, ROOT) == []
    assert read_listing('\tstatically linked\n', ROOT) == []


@pytest.mark.parametrize(
    ('line', 'check'),
    [
        ('\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f)', 'host-library'),
        ('\tlibz.so.1 => /stack/../lib/libz.so.1 (0x00007f)', 'host-library'),
        ('\tlibz.so.1 => not found', 'missing-library'),
        (
            'x: error while loading shared libraries: libz.so.1: cannot open shared object file',
            'missing-library',
        ),
    ],
)
def test_what_the_loader_takes_from_elsewhere_is_found(line, check):
    assert [c for c, _ in read_listing(LISTING + line + '\n', ROOT)] == [check]


@pytest.mark.parametrize(
    ('line', 'said'),
    [('#!/nowhere/python3', 'no interpreter'), ('#!/bin/sh', "uses the host's /bin/sh")],
)
def test_interpreters_outside_of_the_stack_are_found(tmp_path, line, said):
    script = tmp_path / 'script'
    script.write_text(f'{line}\n')
    script.chmod(0o755)
    (finding,) = audit_files.audit_scripts([script], tmp_path)
    assert said in finding.message
    script.chmod(0o644)
    assert audit_files.audit_scripts([script], tmp_path) == []


def test_setuid_and_world_writable_files_are_found(tmp_path):
    for name, mode in {'fine': 0o755, 'setuid': 0o4755, 'open': 0o666}.items():
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    found = audit_files.audit_permissions(audit_files.walk([tmp_path]))
    assert {Path(f.path).name for f in found} == {'setuid', 'open'}


def test_links_that_leave_the_stack_are_found(tmp_path):
    (tmp_path / 'allowed').symlink_to('/etc')
    (tmp_path / 'host').symlink_to('/usr/bin')
    (tmp_path / 'dangling').symlink_to('nothing')
    (tmp_path / 'fine').symlink_to('.')
    found = audit_files.audit_links(audit_files.walk([tmp_path]), tmp_path, [tmp_path / 'allowed'])
    assert {Path(f.path).name for f in found} == {'host', 'dangling'}


def test_changed_and_lost_files_of_the_layer_are_found(tmp_path):
    info = tmp_path / 'var/lib/dpkg/info'
    info.mkdir(parents=True)
    for name in ('kept', 'changed'):
        (tmp_path / name).write_text(name)
    (tmp_path / 'changed').write_text('otherwise')
    lines = [f'{hashlib.md5(n.encode()).hexdigest()}  {n}\n' for n in ('kept', 'changed', 'lost')]
    (info / 'pkg.md5sums').write_text(''.join(lines))
    compared, found = audit_files.audit_digests(tmp_path)
    assert compared == 3
    assert [(Path(f.path).name, f.check) for f in found] == [
        ('changed', 'changed'),
        ('lost', 'changed'),
    ]


def test_a_module_without_installation_and_the_reverse_are_found(tmp_path):
    for name in ('A', 'B'):
        module = tmp_path / 'modules/all' / name / '1.lua'
        module.parent.mkdir(parents=True)
        module.touch()
    for name in ('B', 'C'):
        document = tmp_path / 'software' / name / '1' / provenance.INSTALLATION
        provenance.write(document, {'packages': []})
    found = audit_modules.audit_presence(tmp_path)
    assert [Path(f.path).parent.name for f in found] == ['A', 'C']
