"""Lists of extensions and programs, and what differs between two of them."""

from __future__ import annotations

from pathlib import Path

from eessi_library.installation import InstallationRequest, Release
from eessi_library.installation.features import drift, features_of, installation_drift


def put(path: Path, text: str = '', mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_extensions_of_all_languages_and_programs(tmp_path: Path) -> None:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'aarch64/generic')
    path = f'{release.software}/software/App/1.0'
    top = Path(path)
    put(top / 'lib/python3.11/site-packages/numpy-1.25.1.dist-info/METADATA')
    put(top / 'lib/python3.11/site-packages/Flit_Core-3.9.0.dist-info/METADATA')
    put(top / 'lib/R/library/limma/Meta/package.rds')
    put(top / 'lib/R/library/limma/DESCRIPTION', 'Package: limma\nVersion: 3.54.0\n')
    put(top / 'lib/perl5/site_perl/5.36.0/x86_64-linux/auto/XML/Parser/.packlist')
    put(top / 'bin/app', '#!/bin/sh\n', 0o755)
    put(top / 'bin/notes', 'no program')
    request = InstallationRequest(release, 'App/1.0', path)
    assert features_of(request) == {
        'python:numpy': '1.25.1',
        'python:flit-core': '3.9.0',
        'R:limma': '3.54.0',
        'perl:XML::Parser': '',
        'program:app': '',
    }


def test_what_differs_is_named_with_both_sides() -> None:
    ours = {'R:limma': '3.54.0', 'R:here': '1', 'R:same': '2'}
    theirs = {'R:limma': '3.52.0', 'R:there': '1', 'R:same': '2'}
    found = {f.member: (f.check, f.reason) for f in drift('B/1', ours, theirs, 'zen2')}
    assert found == {
        'R:limma': ('drift/version', 'is 3.54.0, and zen2 has 3.52.0'),
        'R:here': ('drift/feature', 'is here, and zen2 does not have it'),
        'R:there': ('drift/feature', 'is not here, and zen2 has it'),
    }
    assert list(drift('B/1', ours, ours, 'zen2')) == []


def test_installations_on_one_side_only() -> None:
    found = list(installation_drift(['a/1', 'b/1'], ['b/1', 'c/1'], 'zen2'))
    assert [(f.installation, f.reason) for f in found] == [
        ('c/1', 'is not here, and zen2 has it'),
        ('a/1', 'is here, and zen2 does not have it'),
    ]
