"""``eessi-validate check``: findings and exit codes, as a developer calls it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from eessi_validate.cli import main


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    root = tmp_path / 'mini.eessi.io'
    release = root / 'versions' / '2023.06'
    (release / 'compat' / 'linux' / 'x86_64').mkdir(parents=True)
    for target in ('x86_64/generic', 'x86_64/amd/zen2'):
        layer = release / 'software' / 'linux' / target
        for name in ('Tool/1.0', 'Other/2.0'):
            (layer / 'software' / name / 'bin').mkdir(parents=True)
            program = layer / 'software' / name / 'bin' / 'tool'
            program.write_text('#!/bin/sh\necho 1.0\n')
            program.chmod(0o755)
            module = layer / 'modules' / 'all' / f'{name}.lua'
            module.parent.mkdir(parents=True)
            module.write_text('')
    return root


def break_tool(stack: Path, target: str = 'x86_64/generic') -> None:
    layer = stack / 'versions/2023.06/software/linux' / target
    (layer / 'software/Tool/1.0/lib.la').write_text("libdir='/tmp/eb-build/lib'\n")


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str]:
    monkeypatch.setattr(sys, 'argv', ['eessi-validate', 'check', *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out + captured.err


Call = Any


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: Path) -> Call:
    def run(*arguments: object) -> tuple[int, str]:
        fixed = ('--stack', stack, '--no-cache', '--workers', 1, '--target', 'x86_64/generic')
        static = ('--only', 'files', '--only', 'text')
        return call(monkeypatch, capsys, *fixed, *static, *arguments)

    return run


def test_sound_installations_end_with_zero(check: Call) -> None:
    code, output = check()
    assert code == 0, output
    assert output == (
        '2 installations: 0 errors, 0 warnings, 0 groups not checked; 0 answered from the cache\n'
    )


def test_an_error_ends_with_one_and_names_what_is_wrong(check: Call, stack: Path) -> None:
    break_tool(stack)
    code, output = check()
    assert code == 1
    assert 'error: Tool/1.0: text/build-path: lib.la: names /tmp/eb-build/lib' in output
    assert check('--module', 'Other')[0] == 0


def test_json_is_one_document(check: Call, stack: Path) -> None:
    break_tool(stack)
    code, output = check('--json')
    document = json.loads(output)
    assert code == 1
    assert [i['installation'] for i in document['installations']] == ['Other/2.0', 'Tool/1.0']
    finding = document['installations'][1]['findings'][0]
    assert (finding['check'], finding['severity'], finding['subject']) == (
        'text/build-path', 'error', '/tmp/eb-build/lib',
    )  # fmt: skip
    assert document['summary']['errors'] == 1


def test_what_cannot_be_checked_is_not_sound(
    stack: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layer = stack / 'versions/2023.06/software/linux/x86_64/generic'
    layer.rename(layer.with_name('x'))
    (layer.parent.parent / 'riscv64').mkdir()
    layer.with_name('x').rename(layer.parent.parent / 'riscv64' / 'generic')
    code, output = call(
        monkeypatch, capsys, '--stack', stack, '--no-cache', '--target', 'riscv64/generic',
        '--only', 'start-up',
    )  # fmt: skip
    assert code == 75, output
    assert 'not checked: Tool/1.0: start-up: this host is' in output


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('--only', 'linkege'), 'linkage'),
        (('--module', 'Tol'), 'Tool'),
        (('--release', '2099.01'), '2023.06'),
        (('--cache', 'x'), 'exclude each other'),
        (('--allow', '/nowhere.json'), 'nowhere.json'),
    ],
)
def test_a_wrong_request_ends_with_two(check: Call, arguments: tuple[str, ...], words: str) -> None:
    code, output = check(*arguments)
    assert (code, words in output) == (2, True), output


def test_targets_are_compared(check: Call, stack: Path) -> None:
    other = stack / 'versions/2023.06/software/linux/x86_64/amd/zen2'
    assert check('--against', 'x86_64/amd/zen2')[0] == 0
    (other / 'software/Tool/1.0/bin/extra').write_text('#!/bin/sh\n')
    (other / 'software/Tool/1.0/bin/extra').chmod(0o755)
    code, output = check('--against', 'x86_64/amd/zen2')
    assert code == 1
    assert 'Tool/1.0: drift/feature: program:extra: is not here, and x86_64/amd/zen2 has' in output


def test_an_allow_rule_of_ones_own(check: Call, stack: Path, tmp_path: Path) -> None:
    break_tool(stack)
    rule = {'id': 'ours', 'check': 'text/*', 'software': ['Tool'], 'reason': 'known and harmless'}
    (tmp_path / 'ours.json').write_text(json.dumps([rule]))
    code, output = check('--allow', tmp_path / 'ours.json', '--json')
    assert code == 0
    assert json.loads(output)['installations'][1]['explained'] == {'ours': 1}


def test_what_another_release_offers_is_told(check: Call, stack: Path) -> None:
    old = stack / 'versions/2021.12'
    layer = old / 'software/linux/x86_64/generic'
    (old / 'compat' / 'linux' / 'x86_64').mkdir(parents=True)
    for name in ('Tool/0.9', 'Gone/1.0'):
        site = layer / 'software' / name / 'lib/python3.11/site-packages'
        (site / 'numpy-1.0.dist-info').mkdir(parents=True)
        module = layer / 'modules' / 'all' / f'{name}.lua'
        module.parent.mkdir(parents=True)
        module.write_text('')
    code, output = check('--release', '2023.06', '--against-release', '2021.12')
    assert code == 0
    where = 'is not here, and release 2021.12 has it'
    assert f'warning: Tool: drift/release: python:numpy: {where}' in output
    assert f'warning: Gone: drift/release: installation: {where}' in output
    assert 'Other' not in output
    ours = stack / 'versions/2023.06/software/linux/x86_64/generic/software/Tool/1.0'
    (ours / 'lib/python3.12/site-packages/numpy-2.0.dist-info').mkdir(parents=True)
    code, output = check('--release', '2023.06', '--against-release', '2021.12')
    assert 'Tool' not in output
    assert check('--release', '2023.06', '--against-release', '2023.06')[0] == 2
    assert check('--release', '2023.06', '--against-release', '2099.01')[0] == 2
