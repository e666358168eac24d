"""A list of known issues becomes waivers only as far as it says what a waiver must say."""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from eessi_validate.errors import UsageError
from eessi_validate.gate.decision.known_issues import (
    Completion,
    import_known_issues,
    render_waivers,
)
from eessi_validate.gate.decision.waivers import covering, load_waivers

DAY = datetime.date(2026, 11, 23)
URL = 'https://github.com/EESSI/software-layer/issues/363'
LIST = f"""
- aarch64/neoverse_v1:
  - ESPResSo-4.2.1-foss-2023a:
    - issue: {URL}
    - info: "failing tests, see log"
  - R-bundle-CRAN-2023.12-foss-2023a:
    - issue: {URL}
- x86_64/*:
  - SciPy-bundle-2023.02-gfbf-2022b:
    - issue: {URL}
"""
COMPLETE = Completion(owner='someone', expires='2026-12-31')


def taken(text: str, completion: Completion = COMPLETE):
    return import_known_issues(yaml.safe_load(text), completion, DAY)


def test_every_entry_becomes_a_waiver_for_its_target_software_and_version():
    imported, refused = taken(LIST)
    assert refused == ()
    assert [(w.waiver.target, w.waiver.software, w.waiver.version) for w in imported] == [
        ('aarch64/neoverse_v1', 'ESPResSo', '==4.2.1'),
        ('aarch64/neoverse_v1', 'R-bundle-CRAN', '==2023.12'),
        ('x86_64/*', 'SciPy-bundle', '==2023.02'),
    ]
    assert {w.waiver.owner for w in imported} == {'someone'}
    assert {w.waiver.issue for w in imported} == {URL}


def test_what_is_written_is_a_file_of_waivers_that_cover_just_that(tmp_path):
    path = tmp_path / 'waivers.yaml'
    imported, _ = taken(LIST)
    path.write_text(render_waivers(imported, 'eessi-2023.06-known-issues.yml'))
    assert '# failing tests, see log' in path.read_text()
    waivers, _ = load_waivers(path)
    assert waivers == tuple(each.waiver for each in imported)

    def covered(check: str, target: str, software: str, version: str) -> bool:
        return covering(waivers, check, target, software, version, '') is not None

    assert covered('EESSI_ESPResSo_P3M', 'aarch64/neoverse_v1', 'ESPResSo', '4.2.1')
    assert not covered('EESSI_ESPResSo_P3M', 'aarch64/generic', 'ESPResSo', '4.2.1')
    assert not covered('EESSI_ESPResSo_P3M', 'aarch64/neoverse_v1', 'ESPResSo', '4.2.0')
    assert not covered('coverage', 'aarch64/neoverse_v1', 'ESPResSo', '4.2.1')


def test_none_is_a_file_without_waivers(tmp_path):
    path = tmp_path / 'waivers.yaml'
    path.write_text(render_waivers((), 'x'))
    assert load_waivers(path)[0] == ()


@pytest.mark.parametrize(
    ('completion', 'words'),
    [
        (Completion(), 'no owner and no expires'),
        (Completion(owner='someone'), 'no expires'),
        (Completion(expires='2026-12-31'), 'no owner'),
        (Completion('someone', '2027-12-31'), 'more than 90 days ahead'),
        (Completion('someone', '2026-11-22'), 'expired'),
        (Completion('someone', 'soon'), 'expires'),
        (Completion('someone', '2026-12-31', check='*'), 'over-broad'),
    ],
)
def test_what_options_do_not_complete_is_refused_by_name(completion, words):
    imported, refused = taken(LIST, completion)
    assert imported == ()
    assert [each.entry for each in refused] == [
        'aarch64/neoverse_v1: ESPResSo-4.2.1-foss-2023a',
        'aarch64/neoverse_v1: R-bundle-CRAN-2023.12-foss-2023a',
        'x86_64/*: SciPy-bundle-2023.02-gfbf-2022b',
    ]
    assert all(words in each.reason for each in refused)


@pytest.mark.parametrize(
    ('target', 'name', 'facts', 'words'),
    [
        ('x86_64/generic', 'Foo-1.0', '[info: x]', 'no issue'),
        ('x86_64/generic', 'Foo-1.0', '', 'no issue'),
        ('x86_64/generic', 'Foo-1.0', '[issue: "#363"]', 'issue'),
        ('x86_64/generic', 'Foo-1.0', '[issue: http://example.org]', 'issue'),
        ('x86_64/generic', 'Foo-1.0', f'[issue: {URL}, issue: {URL}x]', 'twice'),
        ('x86_64/generic', 'Foo-1.0', f'[issue: {URL}, allow: all]', "says 'allow'"),
        ('x86_64/generic', 'Foo-1.0', f'[issue: [{URL}]]', 'no text'),
        ('x86_64/generic', 'Foo-1.0', '[text]', 'no list'),
        ('x86_64/generic', 'Foo', f'[issue: {URL}]', 'no version'),
        ('x86_64/generic', 'Foo-1-2', f'[issue: {URL}]', 'more than one place'),
        ('x86_64/generic', '-1.0', f'[issue: {URL}]', 'version'),
        ('x86_64/nonesuch', 'Foo-1.0', f'[issue: {URL}]', 'none of the table'),
        ('"*"', 'Foo-1.0', f'[issue: {URL}]', 'over-broad'),
        ('x86_64/generic', 'Foo-1.0', f'[issue: {URL}, expires: 2027-11-23]', '90 days'),
    ],
)
def test_an_entry_that_is_not_clear_is_refused_and_the_others_are_not(target, name, facts, words):
    text = f'- {target}:\n  - {name}: {facts}\n  - Bar-2.0: [issue: {URL}]\n'
    imported, refused = taken(text)
    assert any(words in each.reason for each in refused if name in each.entry), refused
    assert [each.waiver.software for each in imported] == ['Bar'] * (target == 'x86_64/generic')


def test_an_entry_that_is_there_twice_counts_once_and_is_told():
    imported, refused = taken(LIST + f'- x86_64/*:\n  - SciPy-bundle-2023.02-gfbf-2022b: '
                                     f'[issue: {URL}]\n')  # fmt: skip
    assert len(imported) == 3
    assert [each.reason for each in refused] == ['it is there twice']


def test_an_entry_may_say_all_itself():
    text = f'- x86_64/generic:\n  - Foo-1.0: [issue: {URL}, owner: me, expires: "2026-12-01"]\n'
    imported, refused = taken(text, Completion())
    assert refused == ()
    assert (imported[0].waiver.owner, imported[0].waiver.expires) == ('me', '2026-12-01')


@pytest.mark.parametrize('text', ['x', '- x', '3', '- x86_64/generic: y', '[[a]]', ''])
def test_what_is_no_list_of_known_issues_is_refused_whole(text):
    with pytest.raises(UsageError, match='known issues'):
        taken(text)


def test_what_an_entry_tells_cannot_break_out_of_its_comment(tmp_path):
    text = f'- x86_64/generic:\n  - Foo-1.0: [issue: {URL}, info: "a\\n- id: evil"]\n'
    path = tmp_path / 'waivers.yaml'
    path.write_text(render_waivers(taken(text)[0], 'x\n- id: evil'))
    assert [waiver.software for waiver in load_waivers(path)[0]] == ['Foo']


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'waivers',
         'import', *map(str, arguments)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_command(tmp_path: Path):
    path, out = tmp_path / 'eessi-2023.06-known-issues.yml', tmp_path / 'waivers.yaml'
    path.write_text(LIST + '- x86_64/generic:\n  - Foo-1.0: [info: no URL]\n')
    done = command(path, '--owner', 'someone', '--days', 30, '--out', out)
    assert done.returncode == 1
    assert 'refused: x86_64/generic: Foo-1.0: it has no issue' in done.stderr
    assert '3 taken over, 1 refused' in done.stderr
    assert len(load_waivers(out)[0]) == 3
    assert command(path, '--owner', 'someone', '--days', 30, '--out', out).returncode == 2
    done = command(path, '--owner', 'someone', '--days', 90, '--issue', URL)
    assert done.returncode == 0
    assert done.stdout.count('\n- id: known-') == 4
    for wrong in (['--days', 91], ['--days', 3, '--expires', '2026-12-31']):
        assert command(path, *wrong).returncode == 2
    assert command(tmp_path / 'nowhere').returncode == 2
