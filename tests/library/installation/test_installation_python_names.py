"""What a site directory says that can be imported, and what pip says of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from small_stack import SmallStack

from eessi_library.installation import InstallationRequest, Release
from eessi_library.installation.bundles import python as bundle_python
from eessi_library.installation.bundles.python import (
    check_python,
    libraries_of_the_stack,
    top_level_names,
)


def distribution(site: Path, name: str, record: str = '', top_level: str | None = None) -> None:
    path = site / f'{name}-1.0.dist-info'
    path.mkdir(parents=True)
    (path / 'RECORD').write_text(record)
    if top_level is not None:
        (path / 'top_level.txt').write_text(top_level)


def put(site: Path, *names: str) -> None:
    for name in names:
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text('')


@pytest.mark.parametrize(
    ('record', 'top_level', 'there', 'names'),
    [
        ('a/__init__.py,,\na/b/__init__.py,,\n', None, ['a/__init__.py'], ['a']),
        ('a.cpython-311-x86_64-linux-gnu.so,,\n', None, ['a.cpython-311.so'], ['a']),
        ('_a.abi3.so,,\na.py,,\n', None, ['_a.abi3.so', 'a.py'], ['a']),
        # its package has gone: what is recorded must be tried
        ('a/__init__.py,,\n', None, [], ['a']),
        ('', 'a\n', [], ['a']),
        # one of two names was never installed
        ('', 'a\ntests\n', ['a/__init__.py'], ['a']),
        # namespaces
        ('g/p/__init__.py,,\ng/p/x/__init__.py,,\n', None, ['g/p/__init__.py'], ['g.p']),
        ('g/p/__init__.py,,\n', 'g\n', ['g/p/__init__.py'], ['g.p']),
        ('g/p/__init__.py,,\na/__init__.py,,\n', 'a\ng\n', ['a/__init__.py'], ['a']),
        ('../../../bin/tool,,\n', None, [], []),
    ],
)
def test_names(
    tmp_path: Path, record: str, top_level: str | None, there: list[str], names: list[str]
) -> None:
    distribution(tmp_path, 'x', record, top_level)
    put(tmp_path, *there)
    assert top_level_names(str(tmp_path)) == names


@pytest.mark.parametrize(
    ('status', 'out', 'err', 'words'),
    [
        (0, 'No broken requirements found.', '', None),
        (1, 'a 1.0 requires b, which is not installed.', '', 'requires b'),
        (1, 'a 1.0 is not supported on this platform', '', 'not supported'),
        (1, '', "ImportError: cannot import name 'x' from 'pip._vendor'", 'stopped with 1'),
    ],
)
def test_what_pip_says(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    out: str,
    err: str,
    words: str | None,
) -> None:
    release = Release(f'{tmp_path}/versions/2023.06', 'x86_64/generic')
    request = InstallationRequest(release, 'App/1.0', str(tmp_path))
    (tmp_path / 'site').mkdir()

    def answer(command: list[str], *_: object) -> tuple[int, str, str]:
        return (status, out, err) if 'check' in command else (0, '{}', '')

    monkeypatch.setattr(bundle_python, 'interpreter', lambda *_: 'python')
    monkeypatch.setattr(bundle_python, 'run_interpreter', answer)
    found = list(check_python(request, 'site', {}, str(tmp_path)))
    assert [f.check for f in found] == (['bundle/pip-check'] if words else [])
    assert all(words in f.reason for f in found if words)


FIND = 'import ctypes.util\nctypes.util.find_library = lambda name: "libc.so.6"\n'


@pytest.mark.parametrize(('patched', 'checks'), [(True, []), (False, ['bundle/find-library'])])
def test_a_library_that_is_found_by_library_path_only(
    small: SmallStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    patched: bool,
    checks: list[str],
) -> None:
    """What EasyBuild patches in Python for stacks without LD_LIBRARY_PATH (easyblocks#3352)."""
    (tmp_path / 'site').mkdir()
    (tmp_path / 'patch').mkdir()
    (tmp_path / 'patch' / 'sitecustomize.py').write_text(FIND if patched else '')
    request = small.request('bundle')
    environment = {
        'PATH': '/usr/bin:/bin',
        'LIBRARY_PATH': f'/usr/lib:{small.app}/lib',
        'PYTHONPATH': f'{tmp_path}/patch',
    }
    assert libraries_of_the_stack(request, environment) == ['thing']
    monkeypatch.setattr(bundle_python, 'interpreter', lambda *_: sys.executable)
    monkeypatch.setattr(bundle_python, 'top_level_names', lambda _: [])
    monkeypatch.setattr(bundle_python, '_unmet_requirements', lambda *_: [])
    monkeypatch.setenv('PATH', '/nonexistent')
    environment['PATH'] = '/nonexistent'
    found = list(check_python(request, '../../site', environment, str(tmp_path)))
    assert [f.check for f in found] == checks
    assert all('does not find thing' in f.reason for f in found)
