"""What a site directory says that can be imported, and what pip says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.installation import InstallationRequest, Release, bundle_python
from eessi_library.installation.bundle_python import check_python, top_level_names


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
