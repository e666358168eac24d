"""R and Perl bundles: what counts as installed, and how many are loaded together."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.installation import InstallationRequest, Release
from eessi_library.installation.bundles import perl as bundle_perl
from eessi_library.installation.bundles import r as bundle_r
from eessi_library.installation.bundles.perl import check_perl
from eessi_library.installation.bundles.r import check_r, r_packages


@pytest.fixture
def request_(tmp_path: Path) -> InstallationRequest:
    release = Release(f'{tmp_path}/versions/2023.06', 'x86_64/generic')
    return InstallationRequest(release, 'App/1.0', str(tmp_path))


def package(library: Path, name: str, meta: bool = True) -> None:
    (library / name / 'Meta').mkdir(parents=True)
    (library / name / 'DESCRIPTION').write_text(f'Package: {name}\n')
    if meta:
        (library / name / 'Meta' / 'package.rds').write_bytes(b'')


def test_an_r_package_without_its_meta_data_counts(tmp_path: Path) -> None:
    package(tmp_path, 'good')
    package(tmp_path, 'torn', meta=False)
    package(tmp_path, 'translations', meta=False)
    (tmp_path / 'share').mkdir()
    assert r_packages(str(tmp_path)) == ['good', 'torn']


def test_a_large_r_library_is_loaded_in_parts(
    request_: InstallationRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process would open more libraries than R can, and need more time than it has."""
    names = [f'p{number:04}' for number in range(1000)]
    for name in names:
        package(tmp_path / 'library', name)
    loaded: list[list[str]] = []

    def answer(command: list[str], *_: object) -> tuple[int, str, str]:
        loaded.append(command[3:])
        lines = [f'RESULT\t{n}\t{"torn" if n == "p0777" else ""}\n' for n in command[3:]]
        return 0, ''.join(lines), ''

    monkeypatch.setattr(bundle_r, 'interpreter', lambda *_: 'Rscript')
    monkeypatch.setattr(bundle_r, 'run_interpreter', answer)
    found = list(check_r(request_, 'library', {}, str(tmp_path)))
    assert [f.member for f in found] == ['library/p0777']
    assert [name for some in loaded for name in some] == names
    assert max(map(len, loaded)) <= 100


@pytest.mark.parametrize(
    ('recorded', 'asked'),
    [
        ('/cvmfs/s/lib/perl5/site_perl/5.36/My/Gone.pm\n', ['My::Gone']),
        ('/cvmfs/s/lib/perl5/site_perl/5.36/My/Gone.pm type=file\n', ['My::Gone']),
        ('/cvmfs/s/lib/perl5/site_perl/5.36/My/Other.pm\n', []),
    ],
)
def test_a_perl_module_that_has_gone_is_asked_for(
    request_: InstallationRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recorded: str,
    asked: list[str],
) -> None:
    place = tmp_path / 'lib/perl5/site_perl/5.36/auto/My/Gone'
    place.mkdir(parents=True)
    (place / '.packlist').write_text(recorded)
    seen: list[str] = []

    def answer(command: list[str], *_: object) -> tuple[int, str, str]:
        seen.extend(command[3:])
        return 0, 'RESULT\tMy::Gone\tnot there\n', ''

    monkeypatch.setattr(bundle_perl, 'interpreter', lambda *_: 'perl')
    monkeypatch.setattr(bundle_perl, 'run_interpreter', answer)
    assert len(list(check_perl(request_, {}, str(tmp_path)))) == len(asked)
    assert seen == asked
