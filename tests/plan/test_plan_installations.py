"""Cases that need no application test: one that reads, one that executes, for each installation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.plan.installation_cases import (
    FILES_TEST,
    INIT_TEST,
    MPI_TEST,
    START_TEST,
    ReleaseCheck,
)
from eessi_validate.plan.planner import DRIVER, NOWHERE, Selection, TargetTree, make_plan
from eessi_validate.results.model import Evidence, Plan
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.rfm.partitions import Partition
from eessi_validate.stack.layout import Release
from eessi_validate.stack.modules import parse_module
from eessi_validate.stack.targets import Tier, find_target

RELEASE = Release('2025.06', Path('/stack/versions/2025.06'))
HOST = Partition('host:default', 'default', frozenset({'cpu', 'cores_1'}), 'local')
OSU = TestInfo('EESSI_OSU', 'OSU', 'functional', ('cores_1',), (), {'latency': 'lower'}, 'osu.py')
TREE = TargetTree(
    find_target('x86_64/generic'), Tier.NATIVE, '',
    (parse_module('OSU/7-foss-2023b'), parse_module('zlib/1.2.13-GCCcore-12.3.0')),
)  # fmt: skip
CHECKS = (
    ReleaseCheck(INIT_TEST.name, 'x86_64/generic', True),
    ReleaseCheck(MPI_TEST.name, 'x86_64/generic', False, 'no MPI of the site'),
)


def plan(tree: TargetTree = TREE, **selection: object) -> Plan:
    chosen = Selection(**{'installations': True, **selection})  # type: ignore[arg-type]
    return make_plan(RELEASE, (tree,), (OSU,), (HOST,), (), chosen, CHECKS)


def cases(found: Plan, *tests: str) -> list[tuple[str, str, str]]:
    return [
        (case.id.test, case.module, case.partition) for case in found.cases if case.id.test in tests
    ]


def test_every_installation_is_read_and_started_whether_a_test_covers_it_or_not() -> None:
    found = plan()
    assert cases(found, FILES_TEST.name, START_TEST.name) == [
        (FILES_TEST.name, 'OSU/7-foss-2023b', DRIVER),
        (START_TEST.name, 'OSU/7-foss-2023b', DRIVER),
        (FILES_TEST.name, 'zlib/1.2.13-GCCcore-12.3.0', DRIVER),
        (START_TEST.name, 'zlib/1.2.13-GCCcore-12.3.0', DRIVER),
    ]
    evidence = {case.id.test: case.evidence for case in found.cases}
    assert evidence[FILES_TEST.name] is Evidence.STATIC
    assert evidence[START_TEST.name] is Evidence.NATIVE
    assert {c.kind for c in found.cases if c.id.test == FILES_TEST.name} == {'installation'}


def test_they_can_be_named_like_any_test() -> None:
    found = plan(tests=(START_TEST.name,), modules=('zlib',), installations=False)
    assert [(case.id.test, case.id.software) for case in found.cases] == [
        (START_TEST.name, 'zlib'),
    ]


def test_a_run_of_other_tests_does_not_bring_them() -> None:
    assert {case.id.test for case in plan(tests=('EESSI_OSU',)).cases} == {'EESSI_OSU'}
    assert not cases(plan(installations=False), FILES_TEST.name, START_TEST.name)


def test_the_error_for_a_wrong_name_knows_them() -> None:
    with pytest.raises(UsageError, match='EESSI_installation_start'):
        plan(tests=('EESSI_instalation_start',))


def test_what_cannot_be_started_here_is_missed_and_what_can_be_read_is_read() -> None:
    static = replace(TREE, tier=Tier.STATIC, tier_reason='it cannot', runs_here=False)
    found = plan(static, tests=(FILES_TEST.name, START_TEST.name), modules=('zlib',))
    assert [(c.id.test, c.partition, c.evidence) for c in found.cases] == [
        (FILES_TEST.name, DRIVER, Evidence.STATIC),
        (START_TEST.name, NOWHERE, Evidence.STATIC),
    ]


def test_nodes_of_a_site_run_what_the_driver_cannot_start_and_the_plan_says_so() -> None:
    found = plan(replace(TREE, runs_here=False), modules=('zlib',))
    assert [c.id.test for c in found.cases if c.module] == [FILES_TEST.name]
    reasons = {n.subject: n.reason for n in found.not_planned}
    assert 'cannot execute' in reasons['EESSI_installation_start zlib/1.2.13-GCCcore-12.3.0']


def test_the_release_as_a_whole_is_checked_once_and_not_for_a_few_modules() -> None:
    assert cases(plan(), INIT_TEST.name, MPI_TEST.name) == [(INIT_TEST.name, '', DRIVER)]
    refused = [n for n in plan().not_planned if n.subject == MPI_TEST.name]
    assert [n.reason for n in refused] == ['no MPI of the site']
    assert not cases(plan(modules=('zlib',)), INIT_TEST.name)
    assert cases(plan(modules=('zlib',), tests=(INIT_TEST.name,)), INIT_TEST.name)
