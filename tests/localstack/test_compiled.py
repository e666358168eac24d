"""What is compiled from source: what the host must have, and what is kept of it."""

import json
import os
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.localstack import BuildRequest, build_stack, compiled, host, provenance, pypi
from eessi_validate.localstack.catalogue import Compiled, Pypi, load_catalogue
from eessi_validate.localstack.errors import HostToolMissing, LocalStackError
from eessi_validate.localstack.job import Job
from eessi_validate.localstack.wheels import read_wheel

CATALOGUE = load_catalogue()
RELEASE = CATALOGUE.release('2023.06')
X86 = CATALOGUE.architecture('x86_64')
TABLE = CATALOGUE.software(RELEASE, X86)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(CATALOGUE, RELEASE, X86, tmp_path, (), TABLE, tmp_path / 'stage')


@pytest.fixture
def x86_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, 'machine', lambda: 'x86_64')
    monkeypatch.setattr(compiled.shutil, 'which', lambda name: f'/usr/bin/{name}')
    monkeypatch.setattr(os, 'confstr', lambda name: 'glibc 2.36')


def test_a_host_with_compiler_and_no_newer_glibc_will_do(job, x86_host):
    compiled.check_host(job, 'Horovod')


def test_a_host_of_another_architecture_cannot_compile(job, x86_host, monkeypatch):
    monkeypatch.setattr(host, 'machine', lambda: 'aarch64')
    with pytest.raises(LocalStackError, match='this aarch64 host cannot do so for x86_64'):
        compiled.check_host(job, 'Horovod')


def test_missing_programs_are_named_together(job, x86_host, monkeypatch):
    monkeypatch.setattr(compiled.shutil, 'which', lambda name: None)
    with pytest.raises(HostToolMissing, match=r'install cmake g\+\+ make'):
        compiled.check_host(job, 'Horovod')


def test_a_newer_glibc_than_the_releases_is_refused(job, x86_host, monkeypatch):
    monkeypatch.setattr(os, 'confstr', lambda name: 'glibc 2.100')
    with pytest.raises(LocalStackError, match=r'2\.100; that of the release is 2\.36'):
        compiled.check_host(job, 'Horovod')


def test_patches_replace_texts_and_miss_none(tmp_path):
    (tmp_path / 'CMakeLists.txt').write_text('set(CMAKE_CXX_STANDARD 14)\n')
    compiled.patch(tmp_path, {'CMakeLists.txt': {'STANDARD 14': 'STANDARD 17'}})
    assert (tmp_path / 'CMakeLists.txt').read_text() == 'set(CMAKE_CXX_STANDARD 17)\n'
    with pytest.raises(LocalStackError, match=r"CMakeLists\.txt has no 'STANDARD 14'"):
        compiled.patch(tmp_path, {'CMakeLists.txt': {'STANDARD 14': 'STANDARD 17'}})


@pytest.mark.parametrize(
    ('output', 'expected'),
    [
        ('a.cc:7:10: fatal error: mpi.h: No such file\nmore\n', 'fatal error: mpi.h: No such file'),
        ('CMake Error at x:1 (find_package):\n  no MPI\n', '(find_package): no MPI'),
        ('all is well\nthen it stopped\n', 'then it stopped'),
        ('', 'no message'),
    ],
)
def test_one_line_of_complaint(output, expected):
    assert expected in compiled.complaint(output)
    assert '\n' not in compiled.complaint(output)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pypi.Index:
    """An index whose pip finds one source and nothing else."""

    def pip(*arguments: str) -> None:
        if '--no-binary' in arguments:
            into = Path(arguments[arguments.index('--dest') + 1])
            into.mkdir()
            with tarfile.open(into / 'thing-1.0.tar.gz', 'w:gz'):
                pass
        else:
            assert f'linux_{X86.name}' in arguments

    monkeypatch.setattr(pypi, '_pip', pip)
    return pypi.Index(tmp_path / 'wheels', '3.11', 36, X86)


def _compile(sdist: Path, into: Path) -> Path:
    wheel = into / 'thing-1.0-cp311-cp311-linux_x86_64.whl'
    with zipfile.ZipFile(wheel, 'w') as archive:
        archive.writestr('thing-1.0.dist-info/METADATA', 'Name: thing\nVersion: 1.0\n')
    compiled.beside(wheel).write_text(json.dumps({'source': {'file': sdist.name}}))
    return wheel


def test_a_compiled_wheel_is_made_once_and_provenance_says_how(index):
    recipe = Pypi(('thing==1.0',), compiled=Compiled('thing', ('OpenMPI',)))
    software = replace(TABLE['Horovod'], name='Thing', pypi=recipe)
    calls = []

    def make(sdist: Path, into: Path) -> Path:
        calls.append(sdist.name)
        return _compile(sdist, into)

    (wheel,) = index.fetch(software, {}, compile_=make)
    assert index.fetch(software, {}, compile_=make) == [read_wheel(wheel.path)]
    assert calls == ['thing-1.0.tar.gz']
    told = provenance.document(
        kind='installation', name='Thing', version='1.0', release='2023.06', suite='bookworm',
        arch='x86_64', cpu_target='x86_64/generic', packages=(), wheels=[wheel],
    )  # fmt: skip
    assert told['wheels'][0]['compiled'] == {'source': {'file': 'thing-1.0.tar.gz'}}


def test_another_recipe_is_compiled_anew(index):
    one = Compiled('thing', ('OpenMPI',))
    other = replace(one, env={'CXXFLAGS': '-DX'})
    for recipe in (one, other):
        software = replace(TABLE['Horovod'], name='Thing', pypi=Pypi(('thing==1.0',), (), recipe))
        index.fetch(software, {}, compile_=_compile)
    assert len(list(index.directory.iterdir())) == 2


def test_what_a_release_cannot_have_is_refused_with_the_reason(tmp_path, monkeypatch):
    row = {**CATALOGUE.table['Horovod'], 'unavailable': {'2025.08': 'it does not compile'}}
    catalogue = replace(CATALOGUE, table={**CATALOGUE.table, 'Horovod': row})
    monkeypatch.setattr('eessi_validate.localstack.build.load_catalogue', lambda: catalogue)
    request = BuildRequest(
        '2025.08', arch='x86_64', software=('Horovod',), root=tmp_path / 'local.eessi.io'
    )
    with pytest.raises(UsageError, match=r'Horovod is not to be had in release 2025\.08: it does'):
        build_stack(request)
    assert not (tmp_path / 'local.eessi.io').exists()
