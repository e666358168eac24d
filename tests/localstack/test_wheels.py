"""Wheels: what they need is checked for the stack's Python, and how they are laid out."""

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from eessi_validate.localstack import pypi, wheels
from eessi_validate.localstack.catalogue import Pypi, load_catalogue
from eessi_validate.localstack.errors import (
    HostToolMissing,
    IndexUnreachable,
    LocalStackError,
    WheelMissing,
)
from eessi_validate.localstack.wheels import Wheel

PYTHON_311 = wheels.environment('3.11', 'x86_64')


def wheel(name: str, version: str, *requires: str) -> Wheel:
    return Wheel(Path(f'{name}-{version}-py3-none-any.whl'), name, version, requires)


def made(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, 'w') as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def index_of(*some: Wheel) -> dict[str, Wheel]:
    return {w.name: w for w in some}


def test_needed_follows_requirements_and_leaves_out_what_nothing_needs():
    index = index_of(wheel('a', '1', 'b>=2'), wheel('b', '2.1'), wheel('stray', '1'))
    assert [w.name for w in wheels.needed(['a'], index, {}, PYTHON_311)] == ['a', 'b']


def test_markers_are_those_of_the_stack_and_not_of_the_host():
    index = index_of(wheel('a', '1', 'old; python_version < "3.10"', 'b; python_version > "3.10"'))
    with pytest.raises(LocalStackError, match=r'a 1 needs b.*no wheel of it'):
        wheels.needed(['a'], index, {}, PYTHON_311)


def test_extras_are_followed_only_when_asked_for():
    index = index_of(wheel('a', '1', 'b; extra == "more"'), wheel('b', '1'))
    assert [w.name for w in wheels.needed(['a'], index, {}, PYTHON_311)] == ['a']
    assert [w.name for w in wheels.needed(['a[more]'], index, {}, PYTHON_311)] == ['a', 'b']


def test_what_a_dependency_provides_is_not_installed_twice_but_must_fit():
    index = index_of(wheel('a', '1', 'numpy<2'), wheel('numpy', '1.26'))
    assert [w.name for w in wheels.needed(['a'], index, {'numpy': '1.24.2'}, PYTHON_311)] == ['a']
    with pytest.raises(LocalStackError, match=r'a 1 needs numpy<2, but there is numpy 2\.0'):
        wheels.needed(['a'], index, {'numpy': '2.0'}, PYTHON_311)


def test_a_wheel_is_laid_out_as_its_format_says(tmp_path):
    path = made(
        tmp_path / 'demo-1.0-py3-none-any.whl',
        {
            'demo/__init__.py': 'x = 1\n',
            'demo-1.0.data/scripts/tool': '#!python\nprint(1)\n',
            'demo-1.0.data/data/share/demo.txt': 'text',
            'demo-1.0.dist-info/METADATA': 'Name: Demo\nVersion: 1.0\nRequires-Dist: six\n\n',
            'demo-1.0.dist-info/entry_points.txt': '[console_scripts]\nrun = demo.cli:App.main\n',
        },
    )
    found = wheels.read_wheel(path)
    assert (found.name, found.version, found.requires, found.is_pure) == (
        ('demo', '1.0', ('six',), True)
    )
    wheels.install(found, tmp_path / 'root', '3.11')
    root = tmp_path / 'root'
    assert (root / 'lib/python3.11/site-packages/demo/__init__.py').read_text() == 'x = 1\n'
    assert (root / 'share/demo.txt').read_text() == 'text'
    for name in ('tool', 'run'):
        assert (root / 'bin' / name).read_text().startswith('#!/usr/bin/python3\n')
        assert (root / 'bin' / name).stat().st_mode & 0o111
    assert 'from demo.cli import App' in (root / 'bin/run').read_text()


@pytest.mark.parametrize('name', ['../outside', '/etc/passwd'])
def test_a_wheel_with_an_unsafe_path_is_refused(tmp_path, name):
    path = made(
        tmp_path / 'evil-1-py3-none-any.whl',
        {'evil-1.dist-info/METADATA': 'Name: evil\nVersion: 1\n\n', name: 'x'},
    )
    with pytest.raises(LocalStackError, match='unsafe path'):
        wheels.install(wheels.read_wheel(path), tmp_path / 'root', '3.11')
    assert not (tmp_path / 'outside').exists()


def test_what_is_no_wheel_is_named(tmp_path):
    path = tmp_path / 'broken-1-py3-none-any.whl'
    path.write_bytes(b'not a zip file')
    with pytest.raises(LocalStackError, match=r'broken-1-py3-none-any\.whl is not a wheel'):
        wheels.read_wheel(path)


@pytest.mark.parametrize(
    ('said', 'kind', 'part'),
    [
        (
            "WARNING: Retrying ... connection broken by 'NewConnectionError(...)'\n"
            'ERROR: Could not find a version that satisfies the requirement x (from: none)',
            IndexUnreachable,
            'cannot be read',
        ),
        (
            'ERROR: Could not find a version that satisfies the requirement x==9 (from: 1)\n'
            'ERROR: No matching distribution found for x==9',
            WheelMissing,
            'x==9',
        ),
        ('/usr/bin/python3: No module named pip', HostToolMissing, 'ensurepip'),
        (
            "  error: subprocess-exited-with-error\n      error: invalid command 'x'\n"
            '  ERROR: Failed building wheel for demo',
            LocalStackError,
            "Failed building wheel for demo (invalid command 'x')",
        ),
    ],
)
def test_one_line_for_each_complaint_of_pip(said, kind, part):
    error = pypi.translate(said)
    assert isinstance(error, kind)
    assert part in str(error)
    assert '\n' not in str(error)


def test_a_source_is_built_without_a_package_of_the_host(tmp_path, monkeypatch):
    """Debian's pip 23.0 asks for the package wheel unless it is told to bring its own."""
    python = tmp_path / 'python'
    python.write_text('#!/bin/sh\n[ "$PIP_USE_PEP517" = 1 ] || { echo "ERROR: no" >&2; exit 1; }\n')
    python.chmod(0o755)
    monkeypatch.setattr(pypi.sys, 'executable', str(python))
    pypi._pip('wheel', 'demo')


def test_platform_tags_stop_at_the_glibc_of_the_release():
    catalogue = load_catalogue()
    arch = catalogue.architecture('aarch64')
    tags = pypi.open_index(Path('cache'), catalogue.release('2023.06'), arch).platforms()
    assert tags[0] == 'manylinux_2_36_aarch64'
    assert 'manylinux2014_aarch64' in tags
    assert 'manylinux_2_39_aarch64' not in tags


def test_software_of_the_sets_is_what_it_was_and_what_was_added():
    sets = load_catalogue().sets
    assert not {'TensorFlow', 'Spark', 'SciPy-bundle', 'mpi4py'} & set(sets['full'])
    assert sets['python'] == ('SciPy-bundle', 'mpi4py')


def test_a_changed_wheel_in_the_cache_is_fetched_again(tmp_path, monkeypatch):
    metadata = {'demo-1.dist-info/METADATA': 'Name: demo\nVersion: 1\n\n'}
    fetched = []

    def fake_pip(*arguments):
        fetched.append(arguments)
        into = Path(arguments[arguments.index('--dest') + 1])
        made(into / 'demo-1-py3-none-any.whl', metadata)

    monkeypatch.setattr(pypi, '_pip', fake_pip)
    catalogue = load_catalogue()
    release, arch = catalogue.release('2023.06'), catalogue.architecture('x86_64')
    index = pypi.open_index(tmp_path, release, arch)
    software = replace(
        catalogue.software(release, arch)['mpi4py'], pypi=Pypi(requirements=('demo',))
    )
    (first,) = index.fetch(software, {})
    index.fetch(software, {})
    assert len(fetched) == 1
    first.path.write_bytes(first.path.read_bytes() + b'x')
    index.fetch(software, {})
    assert len(fetched) == 2
