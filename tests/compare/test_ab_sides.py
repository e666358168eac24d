"""What a side can be, and which cases of two sides belong together."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eessi_validate.compare.ab.sides import Matched, match_cases, parse_side
from eessi_validate.errors import UsageError
from eessi_validate.results.model import CaseId, Plan, PlannedCase
from eessi_validate.run.prepare import Request


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    for release in ('2023.06', '2025.06'):
        (tmp_path / 'one.eessi.io' / 'versions' / release).mkdir(parents=True)
    (tmp_path / 'two.eessi.io' / 'versions' / '2025.06').mkdir(parents=True)
    return tmp_path / 'one.eessi.io'


def test_a_side_is_a_release_a_stack_or_a_module(stack: Path) -> None:
    common = Request(stack=str(stack), release='2023.06')
    assert parse_side('2025.06', common).request.release == '2025.06'
    other = parse_side(str(stack.parent / 'two.eessi.io'), common).request
    assert (Path(other.stack).name, other.release) == ('two.eessi.io', '2023.06')
    there = parse_side(f'{stack.parent}/two.eessi.io@2025.06', common).request
    assert (Path(there.stack).name, there.release) == ('two.eessi.io', '2025.06')
    assert parse_side('GROMACS/2024.1', common).request.modules == ('GROMACS/2024.1',)


def test_a_directory_that_is_named_like_a_release_does_not_hide_it(
    stack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / '2025.06').mkdir()
    monkeypatch.chdir(tmp_path)
    side = parse_side('2025.06', Request(stack=str(stack), release=''))
    assert side.request.stack == str(stack)


@pytest.mark.parametrize(
    ('text', 'common', 'message'),
    [
        ('2023.06', {'stack': ''}, 'is no stack'),
        ('GROMACS/2024.1', {'modules': ('GROMACS',)}, 'leave --module out'),
        ('{parent}/two.eessi.io@2023.06', {}, 'unknown release'),
        ('/nowhere@2023.06', {}, 'no stack at'),
    ],
)
def test_what_names_nothing_is_refused(
    stack: Path, text: str, common: dict[str, Any], message: str
) -> None:
    fields: dict[str, Any] = {'stack': str(stack), 'release': '', **common}
    with pytest.raises(UsageError, match=message):
        parse_side(text.format(parent=stack.parent), Request(**fields))


def test_variables_keep_their_kind(stack: Path) -> None:
    common = Request(stack=str(stack), release='')
    side = parse_side('2025.06', common, ['steps=1050', 'edge=2.5', 'gmx=gmx_mpi'])
    assert side.variables == (('steps', 1050), ('edge', 2.5), ('gmx', 'gmx_mpi'))
    with pytest.raises(UsageError, match='NAME=VALUE'):
        parse_side('2025.06', common, ['steps'])


def case(
    version: str, *, test: str = 'T', software: str = 'Tool', partition: str = 'host:default'
) -> PlannedCase:
    identity = CaseId(
        test=test, software=software, version=version, cpu_target='x86_64/generic', scale='cores_1'
    )
    return PlannedCase(id=identity, partition=partition, kind='performance')


def match(before: list[PlannedCase], after: list[PlannedCase]) -> Matched:
    sides: list[Any] = [SimpleNamespace(plan=Plan(cases=tuple(c))) for c in (before, after)]
    return match_cases(*sides)


def test_another_version_of_one_software_is_its_counterpart() -> None:
    (found,) = match([case('1.0')], [case('2.0')]).matches
    assert found.name == 'T Tool/1.0 -> 2.0 @x86_64/generic %cores_1'


def test_of_several_versions_only_equal_ones_match_and_the_rest_is_named() -> None:
    found = match([case('1.0'), case('2.0')], [case('2.0'), case('3.0')])
    assert [m.before.id.version for m in found.matches] == ['2.0']
    assert [text.split(': ')[1] for text in found.left_out] == ['only before', 'only after']


def test_a_test_on_one_side_is_named_and_cases_without_times_are_not_compared() -> None:
    found = match([case('1.0', test='Old')], [case('1.0', test='New')])
    assert len(found.left_out) == 2
    for partition in ('driver', 'none'):
        assert match([case('1.0', partition=partition)], []) == Matched((), ())
