"""The plan: what must have a result, and for all the rest the reason why not."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.plan.planner import (
    COMPAT_LAYER,
    DRIVER,
    NO_GPU_PARTITION,
    NOWHERE,
    CompatCheck,
    Selection,
    TargetTree,
    make_plan,
    require_positive,
)
from eessi_validate.results.model import Evidence, Plan
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.rfm.partitions import Partition
from eessi_validate.stack.consistency import MODULE_TREE_TEST
from eessi_validate.stack.layout import Release
from eessi_validate.stack.modules import parse_module
from eessi_validate.stack.targets import Tier, cpu_targets, find_target

RELEASE = Release('2025.06', Path('/stack/versions/2025.06'))
HOST = Partition('host:default', 'default', frozenset({'cpu', 'cores_1', 'cores_2'}), 'local')
GPU = Partition('site:gpu', 'default', frozenset({'gpu', 'cores_1'}), 'slurm', gpus=4)
WATER = TestInfo(
    'EESSI_GROMACS_WaterBox', 'GROMACS', 'performance', ('cores_1', 'cores_2'), (),
    {'speed': 'higher', 'density': 'truth'}, 'gromacs.py',
)  # fmt: skip
OSU = TestInfo(
    'EESSI_OSU', 'OSU-Micro-Benchmarks', 'functional', ('cores_2',), (), {'latency': 'lower'},
    'osu.py',
)  # fmt: skip
TOOLS = TestInfo(
    'EESSI_compat_tools', COMPAT_LAYER, 'functional', ('cores_1',), (), {'checked': 'truth'},
    'compat.py', 'tools',
)  # fmt: skip
TOOLS_APPLY = CompatCheck(TOOLS.name, 'x86_64', True, 'always')


def tree(*modules: str, target: str = 'x86_64/generic', tier: Tier = Tier.NATIVE) -> TargetTree:
    return TargetTree(
        find_target(target), tier, '' if tier is Tier.NATIVE else 'it cannot',
        tuple(parse_module(name) for name in modules),
    )  # fmt: skip


def plan_for(
    *trees: TargetTree,
    tests: tuple[TestInfo, ...] = (WATER, OSU, TOOLS),
    partitions: tuple[Partition, ...] = (HOST,),
    checks: tuple[CompatCheck, ...] = (),
    **selection: object,
) -> Plan:
    return make_plan(RELEASE, trees, tests, partitions, checks, Selection(**selection))  # type: ignore[arg-type]


def keys(plan: Plan) -> list[str]:
    return [case.full_key for case in plan.cases]


def refusals(plan: Plan) -> dict[str, str]:
    return {refusal.subject: refusal.reason for refusal in plan.not_planned}


GROMACS = tree('GROMACS/2024.1-foss-2023b')


def test_covered_module_gets_its_tests_default_scales() -> None:
    assert keys(plan_for(GROMACS)) == [
        'EESSI_GROMACS_WaterBox GROMACS/2024.1-foss-2023b@x86_64/generic%cores_1',
        'EESSI_GROMACS_WaterBox GROMACS/2024.1-foss-2023b@x86_64/generic%cores_2',
        'EESSI_module_tree modules/2025.06@x86_64/generic%cores_1',
    ]


def test_case_carries_all_that_a_pass_needs() -> None:
    case = plan_for(GROMACS).cases[0]
    assert (case.module, case.partition, case.environ) == (
        'GROMACS/2024.1-foss-2023b', 'host:default', 'default',
    )  # fmt: skip
    assert (case.kind, case.required_metrics) == ('performance', ('density', 'speed'))
    assert (case.id.version, case.id.toolchain) == ('2024.1', 'foss-2023b')
    assert case.evidence is Evidence.NATIVE


def test_module_tree_is_decided_by_the_driver_from_files() -> None:
    (case,) = (c for c in plan_for(GROMACS).cases if c.id.test == MODULE_TREE_TEST)
    assert (case.partition, case.evidence, case.required_metrics) == (DRIVER, Evidence.STATIC, ())


def test_uncovered_module_is_named_with_the_reason() -> None:
    plan = plan_for(tree('zlib/1.2.13-GCCcore-12.3.0'))
    assert refusals(plan) == {'zlib/1.2.13-GCCcore-12.3.0': 'no application test covers it'}


def test_selection_by_software_and_by_module() -> None:
    everything = tree('GROMACS/2024.1-foss-2023b', 'GROMACS/2023.3-foss-2022b', 'GCC/12.3.0')
    by_software = plan_for(everything, modules=('GROMACS',), scales=('cores_1',))
    assert [c.module for c in by_software.cases if c.module] == [
        'GROMACS/2024.1-foss-2023b', 'GROMACS/2023.3-foss-2022b',
    ]  # fmt: skip
    by_module = plan_for(everything, modules=('GROMACS/2023.3-foss-2022b',))
    assert {c.module for c in by_module.cases if c.module} == {'GROMACS/2023.3-foss-2022b'}


def test_scale_may_be_given_by_its_name_in_the_eessi_test_suite() -> None:
    plan = plan_for(GROMACS, scales=('1_core',))
    assert [c.id.scale for c in plan.cases if c.module] == ['cores_1']


def test_naming_a_test_leaves_the_module_tree_out_unless_it_is_named() -> None:
    def select(*names: str) -> set[str]:
        plan = make_plan(RELEASE, [GROMACS], [WATER, OSU], [HOST], (), Selection(tests=names))
        return {case.id.test for case in plan.cases}

    assert select(WATER.name) == {WATER.name}
    assert select(MODULE_TREE_TEST) == {MODULE_TREE_TEST}
    assert select(WATER.name, MODULE_TREE_TEST) == {WATER.name, MODULE_TREE_TEST}


@pytest.mark.parametrize(
    ('selection', 'message'),
    [
        (Selection(modules=('GROMACS/2024.1',)), r'did you mean GROMACS/2024\.1-foss-2023b'),
        (Selection(tests=('EESSI_GROMACS',)), "unknown test 'EESSI_GROMACS': did you mean EESSI_G"),
        (Selection(scales=('core_1',)), "unknown scale 'core_1': did you mean cores_1"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(selection: Selection, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(RELEASE, [GROMACS], [WATER], [HOST], (), selection)


def test_scale_that_fits_nowhere_says_what_there_is() -> None:
    plan = plan_for(GROMACS, scales=('nodes_16',))
    assert refusals(plan) == {
        'EESSI_GROMACS_WaterBox GROMACS/2024.1-foss-2023b nodes_16':
            'scale nodes_16 fits no partition (there is: host:default)',
    }  # fmt: skip
    assert [c.id.test for c in plan.cases] == [MODULE_TREE_TEST]


def test_gpu_test_needs_a_gpu_partition() -> None:
    on_gpu = replace(WATER, needs=('gpu',), default_scales=('cores_1',))
    without = plan_for(GROMACS, tests=(on_gpu,))
    assert list(refusals(without).values()) == ['no GPU partition']
    with_gpu = plan_for(GROMACS, tests=(on_gpu,), partitions=(HOST, GPU))
    assert with_gpu.cases[0].partition == 'site:gpu'


def test_feature_gpu_without_a_device_is_no_gpu() -> None:
    on_gpu = replace(WATER, needs=('gpu',), default_scales=('cores_1',))
    plan = plan_for(GROMACS, tests=(on_gpu,), partitions=(HOST, replace(GPU, gpus=0)))
    assert list(refusals(plan).values()) == [NO_GPU_PARTITION]


def test_gpu_variant_takes_only_builds_for_gpus() -> None:
    variant = replace(
        WATER, name='EESSI_GPU', needs=('gpu',), default_scales=('cores_1',), builds='-CUDA'
    )
    both = tree('GROMACS/2024.1-foss-2023b', 'GROMACS/2024.1-foss-2023b-CUDA-12.4.0')
    plan = plan_for(both, tests=(variant,), partitions=(HOST, GPU))
    assert [c.module for c in plan.cases if c.module] == ['GROMACS/2024.1-foss-2023b-CUDA-12.4.0']
    (reason,) = refusals(plan).values()
    assert reason.startswith('no GPU build')


def test_gpu_partition_without_the_scale_is_not_called_absent() -> None:
    on_gpu = replace(WATER, needs=('gpu',), default_scales=('cores_2',))
    plan = plan_for(GROMACS, tests=(on_gpu,), partitions=(HOST, GPU))
    assert 'fits no partition (there is: host:default, site:gpu)' in next(
        iter(refusals(plan).values())
    )


def test_first_partition_that_fits_is_used() -> None:
    second = replace(HOST, name='site:second')
    assert plan_for(GROMACS, partitions=(second, HOST)).cases[0].partition == 'site:second'


def test_repeat_makes_cases_that_differ_by_their_repetition_only() -> None:
    plan = plan_for(GROMACS, repeat=3, scales=('cores_1',))
    water = [c for c in plan.cases if c.module]
    assert [c.repetition for c in water] == [0, 1, 2]
    assert len({c.id for c in water}) == 1
    assert [c.key[-7:] for c in water] == ['cores_1', 'res_1#2', 'res_1#3']


@pytest.mark.parametrize('repeat', [0, -1])
def test_repeat_below_one_is_refused(repeat: int) -> None:
    with pytest.raises(UsageError, match='must be at least 1'):
        require_positive(repeat)


def test_compat_check_that_applies_is_planned_per_architecture() -> None:
    arm = tree(target='aarch64/generic')
    both = (TOOLS_APPLY, CompatCheck(TOOLS.name, 'aarch64', True, 'always'))
    plan = plan_for(tree(), arm, tests=(TOOLS,), checks=both)
    compat = [c for c in plan.cases if c.id.software == COMPAT_LAYER]
    assert [(c.id.cpu_target, c.module, c.id.scale) for c in compat] == [
        ('x86_64', '', 'cores_1'), ('aarch64', '', 'cores_1'),
    ]  # fmt: skip


def test_compat_check_that_does_not_apply_says_why() -> None:
    check = CompatCheck(TOOLS.name, 'x86_64', False, 'the compat layer has no Portage')
    plan = plan_for(tree(), tests=(TOOLS,), checks=(check,))
    assert refusals(plan) == {TOOLS.name: 'the compat layer has no Portage'}


def test_naming_modules_leaves_the_compat_layer_out() -> None:
    plan = plan_for(GROMACS, modules=('GROMACS',), checks=(TOOLS_APPLY,))
    assert all(c.id.software != COMPAT_LAYER for c in plan.cases)


@pytest.mark.parametrize(
    ('tier', 'evidence'), [(Tier.EMULATED, Evidence.EMULATED), (Tier.NATIVE, Evidence.NATIVE)]
)
def test_execution_tier_is_the_evidence(tier: Tier, evidence: Evidence) -> None:
    plan = plan_for(tree('GROMACS/2024.1-foss-2023b', tier=tier))
    assert plan.cases[0].evidence is evidence


def test_what_cannot_be_executed_here_is_planned_nowhere_so_that_it_is_missed() -> None:
    plan = plan_for(
        tree('GROMACS/2024.1-foss-2023b', tier=Tier.STATIC), tests=(WATER, TOOLS),
        checks=(TOOLS_APPLY,),
    )  # fmt: skip
    partitions = {c.id.test: c.partition for c in plan.cases}
    assert partitions == {
        WATER.name: NOWHERE, TOOLS.name: NOWHERE, MODULE_TREE_TEST: DRIVER,
    }  # fmt: skip


def test_every_refusal_of_any_combination_has_a_reason() -> None:
    scales = ((), ('cores_1',), ('nodes_16',))
    modules = ((), ('zlib',))
    refused = []
    for scale, module, partitions in itertools.product(scales, modules, ((), (HOST,), (GPU,))):
        plan = plan_for(
            tree('GROMACS/2024.1-foss-2023b', 'zlib/1.3'),
            partitions=partitions, checks=(TOOLS_APPLY,), scales=scale, modules=module,
        )  # fmt: skip
        refused += plan.not_planned
    assert refused
    assert all(refusal.subject and refusal.reason for refusal in refused)


def test_empty_release_plans_nothing_but_its_module_tree() -> None:
    assert [c.id.test for c in plan_for(tree()).cases] == [MODULE_TREE_TEST]


def test_same_input_gives_the_same_plan() -> None:
    arguments = (GROMACS, tree('GROMACS/2023.3-foss-2022b', target='x86_64/amd/zen2'))
    assert plan_for(*arguments, repeat=2) == plan_for(*arguments, repeat=2)


def test_thousand_modules_on_eight_targets_are_well_formed() -> None:
    names = [f'GROMACS/{n}.0-foss-2023b' for n in range(500)]
    names += [f'package-{n}/1.0-GCCcore-12.3.0' for n in range(500)]
    trees = [tree(*names, target=target.name) for target in cpu_targets()[:8]]
    plan = plan_for(*trees, checks=(TOOLS_APPLY,))
    assert len(plan.cases) == 8 * (500 * 2 + 1) + 1
    assert len(plan.not_planned) == 8 * 500
    assert len(set(keys(plan))) == len(plan.cases)
    assert all(' ' not in case.key for case in plan.cases)


@pytest.mark.parametrize(
    ('trees', 'selection'),
    [
        ((GROMACS,), {'tests': ('EESSI_GROMACS_WaterBox',) * 2}),
        ((GROMACS,), {'scales': ('cores_1', '1_core')}),
        ((GROMACS, GROMACS), {}),
    ],
    ids=['test', 'scale and its alias', 'target'],
)
def test_what_is_named_twice_is_planned_once(
    trees: tuple[TargetTree, ...], selection: dict[str, tuple[str, ...]]
) -> None:
    plan = make_plan(RELEASE, trees, [WATER], [HOST], (), Selection(**selection))  # type: ignore[arg-type]
    assert len(set(keys(plan))) == len(plan.cases)


def test_module_that_a_test_covers_which_was_not_named_is_not_called_uncovered() -> None:
    both = tree('GROMACS/2024.1-foss-2023b', 'OSU-Micro-Benchmarks/7.2-gompi-2023b')
    plan = make_plan(RELEASE, [both], [WATER, OSU], [HOST], (), Selection(tests=(WATER.name,)))
    assert 'no application test covers it' not in refusals(plan).values()


def test_misspelt_software_is_answered_with_the_nearest_software() -> None:
    names = [f'package{n}/1.0' for n in range(50)]
    with pytest.raises(UsageError, match='did you mean GROMACS'):
        plan_for(tree('GROMACS/2024.1-foss-2023b-CUDA-12.1.1', *names), modules=('GROMAC',))
