"""Which cases must have a result, why, and why not the rest. Pure: tables in, plan out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from eessi_validate.errors import UsageError, unknown_name
from eessi_validate.plan.installation_cases import (
    DRIVER_TESTS,
    INSTALLATION_TESTS,
    DriverTest,
    ReleaseCheck,
    installation_cases,
    release_case,
)
from eessi_validate.results.model import CaseId, Evidence, NotPlanned, Plan, PlannedCase
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.rfm.partitions import Partition
from eessi_validate.stack.consistency import MODULE_TREE_TEST
from eessi_validate.stack.layout import Release
from eessi_validate.stack.modules import Module
from eessi_validate.stack.scales import find_scale
from eessi_validate.stack.targets import CpuTarget, Tier

#: Covered name of tests of the compat layer rather than of an installation.
COMPAT_LAYER = 'compat'

#: ``partition`` of cases that the driver decides itself, without running anything.
DRIVER = 'driver'

#: ``partition`` of cases that were asked for and that nothing here can execute.
NOWHERE = 'none'


@dataclass(frozen=True)
class Selection:
    """What the user asked for; empty means everything that is sensible."""

    modules: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    repeat: int = 1
    #: Also the checks that apply to any installation. Named tests decide for themselves.
    installations: bool = False

    def wanted(self, tests: Iterable[DriverTest]) -> tuple[DriverTest, ...]:
        """Return those of the driver's own tests that are wanted."""
        if self.tests:
            return tuple(test for test in tests if test.name in self.tests)
        return tuple(t for t in tests if self.installations and not t.on_request)


@dataclass(frozen=True)
class TargetTree:
    """One CPU target of the release: how it can be run, and its modules."""

    target: CpuTarget
    tier: Tier
    #: Why the tier is not better; '' if native.
    tier_reason: str
    modules: tuple[Module, ...]
    #: Path below ``software/linux``; '' is the target's name, else it is one of its aliases.
    alias: str = ''
    #: False where the driver itself, on this host, can read the target's files only.
    runs_here: bool = True

    @property
    def directory(self) -> str:
        """Path of the target below ``software/linux`` in this release."""
        return self.alias or self.target.name


@dataclass(frozen=True)
class CompatCheck:
    """A test of the compat layer, and whether it applies to one architecture of this release."""

    test: str
    family: str
    applies: bool
    reason: str


def make_plan(
    release: Release,
    trees: Sequence[TargetTree],
    catalogue: Sequence[TestInfo],
    partitions: Sequence[Partition],
    compat_checks: Sequence[CompatCheck],
    selection: Selection,
    release_checks: Sequence[ReleaseCheck] = (),
) -> Plan:
    """Return the plan for one release.

    :raises UsageError: if the selection names something that does not exist.
    """
    tests = _selected_tests(catalogue, selection)
    _require_modules(trees, selection)
    planner = _Planner(release, partitions, selection, {t.covers for t in catalogue})
    for tree in {tree.target.name: tree for tree in trees}.values():
        planner.plan_tree(tree, [t for t in tests if t.covers != COMPAT_LAYER])
    compat_tests = [t for t in tests if t.covers == COMPAT_LAYER]
    if compat_tests and not selection.modules:
        planner.plan_compat(compat_tests, trees, compat_checks)
    planner.plan_release(release_checks)
    return Plan(cases=tuple(planner.cases), not_planned=tuple(planner.not_planned))


def _selected_tests(catalogue: Sequence[TestInfo], selection: Selection) -> list[TestInfo]:
    by_name = {test.name: test for test in catalogue}
    for name in selection.tests:
        if name not in (*by_name, MODULE_TREE_TEST, *DRIVER_TESTS):
            raise unknown_name('test', name, [*by_name, MODULE_TREE_TEST, *DRIVER_TESTS])
    if not selection.tests:
        return list(catalogue)
    return [by_name[name] for name in dict.fromkeys(selection.tests) if name in by_name]


def _require_modules(trees: Sequence[TargetTree], selection: Selection) -> None:
    everything = {module.full_name for tree in trees for module in tree.modules}
    software = {name.partition('/')[0] for name in everything}
    for name in selection.modules:
        if name not in everything and name not in software:
            raise unknown_name('module', name, everything | software)


class _Planner:
    """Collects cases and refusals."""

    def __init__(
        self,
        release: Release,
        partitions: Sequence[Partition],
        selection: Selection,
        covered: Collection[str],
    ) -> None:
        self._release = release
        self._covered = covered
        self._partitions = partitions
        self._selection = selection
        self.cases: list[PlannedCase] = []
        self.not_planned: list[NotPlanned] = []

    def plan_tree(self, tree: TargetTree, tests: Sequence[TestInfo]) -> None:
        covering: dict[str, list[TestInfo]] = {}
        for test in tests:
            covering.setdefault(test.covers, []).append(test)
        for module in tree.modules:
            if not self._wants(module):
                continue
            applicable = covering.get(module.software, [])
            if not applicable and module.software in self._covered:
                self._refuse(module.full_name, tree, 'its tests were not named')
            elif not applicable:
                self._refuse(module.full_name, tree, 'no application test covers it')
            for test in applicable:
                self._plan_scales(test, module, tree)
            self._plan_installation(module, tree)
        if not self._selection.tests or MODULE_TREE_TEST in self._selection.tests:
            self._plan_module_tree(tree)

    def _plan_installation(self, module: Module, tree: TargetTree) -> None:
        wanted = self._selection.wanted(INSTALLATION_TESTS)
        if tree.tier is not Tier.STATIC and not tree.runs_here:
            # The nodes of a site run the application tests; the driver here cannot start programs.
            for test in (t for t in wanted if t.needs_the_cpu):
                why = 'the host of the driver cannot execute this CPU target'
                self._refuse(f'{test.name} {module.full_name}', tree, why)
            wanted = tuple(test for test in wanted if not test.needs_the_cpu)
        here = tree.runs_here
        partitions = {t.name: DRIVER if here or not t.needs_the_cpu else NOWHERE for t in wanted}
        cases = installation_cases(module, tree.target.name, wanted, partitions, _evidence(tree))
        self.cases.extend(cases)

    def plan_release(self, checks: Iterable[ReleaseCheck]) -> None:
        for check in checks:
            (test,) = self._selection.wanted([DRIVER_TESTS[check.test]]) or (None,)
            if test is None:
                continue
            if check.applies and self._selection.modules and not self._selection.tests:
                continue  # some modules only: the release as a whole was not asked for
            if check.applies:
                name = self._release.name
                self.cases.append(release_case(test, name, check.cpu_target, DRIVER))
            else:
                self.not_planned.append(
                    NotPlanned(subject=check.test, cpu_target=check.cpu_target, reason=check.reason)
                )

    def _wants(self, module: Module) -> bool:
        wanted = self._selection.modules
        return not wanted or module.full_name in wanted or module.software in wanted

    def _plan_scales(self, test: TestInfo, module: Module, tree: TargetTree) -> None:
        wanted = self._selection.scales or test.default_scales
        for scale in dict.fromkeys(find_scale(name).name for name in wanted):
            partition, why_not = self._partition_for(test, scale)
            if partition is not None and tree.tier is Tier.STATIC:
                # Wanted, but not to be had here: planned, so that it is missed.
                partition, why_not = Partition(NOWHERE, '', frozenset(), ''), ''
            if partition is None:
                self._refuse(f'{test.name} {module.full_name} {scale}', tree, why_not)
                continue
            identity = CaseId(
                test=test.name,
                software=module.software,
                version=module.version,
                toolchain=module.toolchain,
                cpu_target=tree.target.name,
                scale=find_scale(scale).name,
            )
            self._add(test, identity, module.full_name, partition, _evidence(tree), 'covers it')

    def _partition_for(self, test: TestInfo, scale: str) -> tuple[Partition | None, str]:
        name = find_scale(scale).name
        needed = {name, *test.needs}
        for partition in self._partitions:
            if needed <= partition.features:
                return partition, ''
        if 'gpu' in test.needs and not any('gpu' in p.features for p in self._partitions):
            return None, 'no GPU partition'
        where = ', '.join(p.name for p in self._partitions) or 'none'
        return None, f'scale {name} fits no partition (there is: {where})'

    def _plan_module_tree(self, tree: TargetTree) -> None:
        identity = CaseId(
            test=MODULE_TREE_TEST,
            software='modules',
            version=self._release.name,
            cpu_target=tree.target.name,
            scale='cores_1',
        )
        self.cases.append(
            PlannedCase(
                id=identity,
                partition=DRIVER,
                kind='functional',
                evidence=Evidence.STATIC,
                reason='every installation has its module and every module its installation',
            )
        )

    def plan_compat(
        self,
        tests: Sequence[TestInfo],
        trees: Sequence[TargetTree],
        checks: Iterable[CompatCheck],
    ) -> None:
        by_name = {test.name: test for test in tests}
        for check in checks:
            test = by_name.get(check.test)
            if test is None:
                continue
            tree = next((t for t in trees if t.target.family == check.family), None)
            if not check.applies or tree is None:
                refusal = NotPlanned(
                    subject=check.test, cpu_target=check.family, reason=check.reason
                )
                self.not_planned.append(refusal)
                continue
            partition, why_not = self._partition_for(test, 'cores_1')
            if partition is not None and tree.tier is Tier.STATIC:
                partition = Partition(NOWHERE, '', frozenset(), '')
            if partition is None:
                self._refuse(check.test, tree, why_not)
                continue
            identity = CaseId(
                test=test.name,
                software=COMPAT_LAYER,
                version=self._release.name,
                cpu_target=check.family,
                scale='cores_1',
            )
            self._add(test, identity, '', partition, _evidence(tree), 'checks the compat layer')

    def _add(
        self,
        test: TestInfo,
        identity: CaseId,
        module: str,
        partition: Partition,
        evidence: Evidence,
        reason: str,
    ) -> None:
        for repetition in range(self._selection.repeat):
            self.cases.append(
                PlannedCase(
                    id=identity,
                    module=module,
                    partition=partition.name,
                    environ=partition.environ,
                    kind='performance' if test.kind == 'performance' else 'functional',
                    required_metrics=tuple(sorted(test.directions)),
                    evidence=evidence,
                    reason=reason,
                    repetition=repetition,
                )
            )

    def _refuse(self, subject: str, tree: TargetTree, reason: str) -> None:
        refusal = NotPlanned(subject=subject, cpu_target=tree.target.name, reason=reason)
        self.not_planned.append(refusal)


def _evidence(tree: TargetTree) -> Evidence:
    return Evidence(tree.tier.value)


def require_positive(repeat: int) -> None:
    """Refuse a number of repetitions below one.

    :raises UsageError: if ``repeat`` is not positive.
    """
    if repeat < 1:
        raise UsageError(f'--repeat must be at least 1, got {repeat}')
