"""Real software from PyPI in a real stack: search paths, provenance, cache, errors."""

import subprocess

import pytest

from eessi_validate.errors import EessiValidateError
from eessi_validate.localstack import BuildRequest, build_stack, inventory, publish, verify_stack
from eessi_validate.localstack.errors import IndexUnreachable, WheelMissing

pytestmark = [pytest.mark.stack, pytest.mark.slow]
TARGET = 'x86_64/generic'


@pytest.fixture(scope='module')
def python_stack(packages, tmp_path_factory):
    root = tmp_path_factory.mktemp('python') / 'local.eessi.io'
    return build_stack(
        BuildRequest('2023.06', software=('python',), root=root, cache=packages)
    ).root


def python(root, module: str, code: str) -> str:
    init = root / 'versions/2023.06/init/bash'
    script = f'set -e; source {init}; module load {module}; python3 -c "$1"'
    done = subprocess.run(
        ['bash', '--norc', '-c', script, 'test', code],
        env={'PATH': '/usr/bin:/bin', 'HOME': '/nonexistent', 'EESSI_SILENT': '1'},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_everything_resolves_within_the_stack(python_stack):
    (report,) = verify_stack(python_stack, '2023.06')
    assert report.findings == ()


def test_numpy_computes_and_comes_from_its_module(python_stack):
    said = python(
        python_stack,
        'SciPy-bundle',
        'import numpy, scipy.linalg as s; print(s.det(numpy.eye(2) * 3), numpy.__file__)',
    )
    assert said.startswith(f'9.0 {python_stack}/')


def test_mpi4py_uses_the_stacks_openmpi(python_stack):
    maps = 'print(open("/proc/self/maps").read())'
    code = f'from mpi4py import MPI; print(MPI.Get_library_version()); {maps}'
    said = python(python_stack, 'mpi4py', code)
    # What the network of the host makes it say may come before.
    assert any(line.startswith('Open MPI') for line in said.splitlines())
    libraries = {line.split()[-1] for line in said.splitlines() if 'libmpi.so' in line}
    assert all(name.startswith(f'{python_stack}/') for name in libraries)
    assert libraries


def test_provenance_names_every_wheel(python_stack):
    every = inventory.installations(python_stack, '2023.06', TARGET)
    (one,) = (i for i in every if i.name == 'SciPy-bundle')
    assert {w['name'] for w in one.record['wheels']} == {'numpy', 'scipy'}
    assert all(len(w['sha256']) == 64 and w['size'] > 0 for w in one.record['wheels'])
    assert one.record['packages'] == []
    assert 'Python Package Index' in one.record['what']


def test_no_file_names_the_place_where_it_was_built(python_stack):
    top = python_stack / 'versions/2023.06/software/linux' / TARGET / 'software/SciPy-bundle'
    stage = f'/{publish.WORK}/'.encode()
    assert not [p for p in top.rglob('*') if p.is_file() and stage in p.read_bytes()]


def test_a_second_stack_needs_no_index(python_stack, packages, tmp_path, monkeypatch):
    monkeypatch.setenv('PIP_NO_INDEX', '1')
    request = BuildRequest(
        '2023.06', software=('python',), root=tmp_path / 'local.eessi.io', cache=packages
    )
    assert any('SciPy-bundle' in name for name in build_stack(request).added)


@pytest.mark.parametrize(
    ('settings', 'kind'),
    [
        ({'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': '/nonexistent'}, WheelMissing),
        (
            {
                'PIP_INDEX_URL': 'http://127.0.0.1:9/simple',
                'PIP_EXTRA_INDEX_URL': '',
                'PIP_FIND_LINKS': '',
                'PIP_RETRIES': '0',
                'PIP_CONFIG_FILE': '/dev/null',
            },
            IndexUnreachable,
        ),
    ],
)
def test_without_an_index_there_is_one_line_and_nothing_half_built(
    python_stack, packages, tmp_path, monkeypatch, settings, kind
):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    cache = tmp_path / 'cache'
    cache.mkdir()
    (cache / 'packages').mkdir()
    for kept in (packages / 'packages').iterdir():
        if kept.name != 'wheels':
            (cache / 'packages' / kept.name).symlink_to(kept)
    request = BuildRequest(
        '2023.06', software=('mpi4py',), root=tmp_path / 'local.eessi.io', cache=cache
    )
    with pytest.raises(kind) as raised:
        build_stack(request)
    assert isinstance(raised.value, EessiValidateError)
    assert '\n' not in str(raised.value)
    assert not (tmp_path / 'local.eessi.io' / 'versions').exists()
