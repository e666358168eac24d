"""From what the user asked to a plan: opens the stack, the catalogue and the partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from eessi_library.compat_layer.checks import group_applicable
from eessi_library.compat_layer.layout import detect_package_manager, shipped_programs
from eessi_validate.errors import UsageError, unknown_name
from eessi_validate.plan.installation_cases import INIT_TEST, ReleaseCheck
from eessi_validate.plan.planner import (
    COMPAT_LAYER,
    CompatCheck,
    Selection,
    TargetTree,
    make_plan,
    require_positive,
)
from eessi_validate.results.model import Plan
from eessi_validate.rfm.catalogue import TestInfo, load_catalogue
from eessi_validate.rfm.partitions import (
    Partition,
    host_partitions,
    shipped_config,
    site_partitions,
)
from eessi_validate.run.installations import allow_rules, release_checks
from eessi_validate.stack.layout import Release, Stack, open_stack
from eessi_validate.stack.scales import find_scale
from eessi_validate.stack.targets import (
    CpuTarget,
    Tier,
    cpu_targets,
    execution_tier,
    find_target,
)


@dataclass(frozen=True)
class Request:
    """What the user asked, as the command line gave it."""

    stack: str
    release: str
    targets: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    repeat: int = 1
    #: A site's ReFrame configuration and the system in it; empty means this host as detected.
    configs: tuple[str, ...] = ()
    system: str = ''
    #: ReFrame check files of a site, instead of those that ship with the project.
    checks: tuple[str, ...] = ()
    #: Time limit of each case in ReFrame's notation, e.g. ``10m``; '' leaves it to the tests.
    time_limit: str = ''
    #: Files with allow rules of the checks of installations, besides those that ship.
    allow: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs besides a directory."""

    request: Request
    stack: Stack
    release: Release
    trees: tuple[TargetTree, ...]
    catalogue: tuple[TestInfo, ...]
    partitions: tuple[Partition, ...]
    configs: tuple[Path, ...]
    system: str
    plan: Plan


def prepare(request: Request) -> Prepared:
    """Return the plan and all it stands on.

    :raises UsageError: for anything the request names that does not exist.
    :raises HoldError: if the check files cannot be loaded.
    """
    require_positive(request.repeat)
    allow_rules(request.allow)
    stack = open_stack(request.stack)
    release = stack.release(release_name(stack, request.release))
    scales = tuple(find_scale(name).name for name in request.scales)
    catalogue = load_catalogue(tuple(_check_file(path) for path in request.checks))
    configs, system, partitions = _system(request)
    trees = open_trees(release, request.targets)
    if any(partition.scheduler != 'local' for partition in partitions):
        # The nodes decide what they can execute, and this may not be one of them.
        trees = tuple(replace(tree, tier=Tier.NATIVE, tier_reason='') for tree in trees)
    plan = make_plan(
        release,
        trees,
        catalogue,
        partitions,
        tuple(_compat_checks(release, trees, catalogue)),
        # A site that brings its own check files asks for those only, unless it names more.
        Selection(request.modules, request.tests, scales, request.repeat, not request.checks),
        tuple(_release_checks(release, trees)),
    )
    return Prepared(request, stack, release, trees, catalogue, partitions, configs, system, plan)


def release_name(stack: Stack, wanted: str) -> str:
    if wanted:
        return wanted
    if not stack.release_names:
        raise UsageError(f'{stack.root} has no release')
    return stack.release_names[-1]


def open_trees(release: Release, wanted: Sequence[str]) -> tuple[TargetTree, ...]:
    """Return the trees of the wanted targets, or of the best one that this host runs natively.

    :raises UsageError: for a target that the release does not have.
    """
    present = release.cpu_targets
    if not present:
        raise UsageError(f'release {release.name} has no software layer below {release.path}')
    trees = []
    for name in wanted:
        target = find_target(name)
        directory = next((n for n in (target.name, *target.aliases) if n in present), None)
        if directory is None:
            raise unknown_name('CPU target of this release', name, present)
        trees.append(_tree(release, target, directory))
    return tuple(trees) or (_best_tree(release, present),)


def _best_tree(release: Release, present: Sequence[str]) -> TargetTree:
    """The table lists better targets of a family after worse ones."""
    candidates = [
        _tree(release, target, name)
        for target in cpu_targets()
        for name in (target.name, *target.aliases)
        if name in present
    ]
    native = [tree for tree in candidates if tree.tier is Tier.NATIVE]
    if not native:
        names = ', '.join(present)
        raise UsageError(
            f'this host runs none of the CPU targets of release {release.name} natively '
            f'({names}): name one with --target'
        )
    return native[-1]


def _tree(release: Release, target: CpuTarget, directory: str) -> TargetTree:
    tier, reason = execution_tier(target)
    alias = '' if directory == target.name else directory
    return TargetTree(
        target, tier, reason, release.modules(directory), alias, tier is not Tier.STATIC
    )


def _check_file(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if not path.is_file():
        raise UsageError(f'no check file at {path}')
    return path


def _system(request: Request) -> tuple[tuple[Path, ...], str, tuple[Partition, ...]]:
    if not request.configs:
        if request.system:
            raise UsageError(
                '--system names a system of a ReFrame configuration: give --config too'
            )
        partitions = host_partitions()
        return (shipped_config('generic_host'),), partitions[0].name.split(':')[0], partitions
    if not request.system:
        raise UsageError('--config needs --system: the system of the configuration to run on')
    configs = tuple(Path(path).expanduser().absolute() for path in request.configs)
    for path in configs:
        if not path.is_file():
            raise UsageError(f'no ReFrame configuration at {path}')
    return configs, request.system, site_partitions(configs, request.system)


def _release_checks(release: Release, trees: Sequence[TargetTree]) -> Iterator[ReleaseCheck]:
    init_is_checked = False
    for tree in trees:
        for check in release_checks(release, tree):
            # The init script is one for all CPU targets: the first that runs here stands for all.
            if check.test == INIT_TEST.name and check.applies:
                if init_is_checked:
                    continue
                init_is_checked = True
            yield check


def _compat_checks(
    release: Release, trees: Sequence[TargetTree], catalogue: Sequence[TestInfo]
) -> list[CompatCheck]:
    found = []
    for family in dict.fromkeys(tree.target.family for tree in trees):
        prefix = release.compat(family)
        subject = (release.name, detect_package_manager(prefix), shipped_programs(prefix))
        for test in catalogue:
            if test.covers == COMPAT_LAYER:
                answer = group_applicable(test.group, *subject)
                found.append(CompatCheck(test.name, family, answer.applies, answer.reason))
    return found
