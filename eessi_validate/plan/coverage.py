"""Which software of a stack has an application test, needs none, or lacks one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eessi_validate.plan.planner import COMPAT_LAYER
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.stack.dependencies import dependents, read_dependencies
from eessi_validate.stack.modules import Module
from eessi_validate.stack.tables import read_table


@dataclass(frozen=True)
class Coverage:
    """What the lint found for one release and CPU target."""

    #: Software -> its tests.
    tested: dict[str, tuple[str, ...]]
    #: Software -> why it needs no test of its own.
    support: dict[str, str]
    #: Software without a test and without a reason.
    uncovered: tuple[str, ...]
    #: Declared as support although a test covers it.
    superfluous: tuple[str, ...]
    #: Support that nothing with a test depends on here: no case would see it broken.
    idle: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """True if every piece of software has a test or a reason, and not both."""
        return not self.uncovered and not self.superfluous


def declared_support() -> dict[str, str]:
    """Return the software that needs no application test, with the reason."""
    return {row['name']: row['reason'] for row in read_table('support_software', 'support')}


def examine_coverage(
    modules: Sequence[Module], catalogue: Iterable[TestInfo], support: dict[str, str]
) -> Coverage:
    """Return which software of ``modules`` has a test, needs none, or lacks one."""
    tests: dict[str, list[str]] = {}
    for test in catalogue:
        if test.covers != COMPAT_LAYER:
            tests.setdefault(test.covers, []).append(test.name)
    present = list(dict.fromkeys(module.software for module in modules))
    needed = _dependencies_of_tested(modules, tests)
    return Coverage(
        tested={name: tuple(tests[name]) for name in present if name in tests},
        support={n: support[n] for n in present if n in support and n not in tests},
        uncovered=tuple(n for n in present if n not in tests and n not in support),
        superfluous=tuple(n for n in support if n in tests),
        idle=tuple(n for n in present if n in support and n not in tests and n not in needed),
    )


def _dependencies_of_tested(modules: Sequence[Module], tests: dict[str, list[str]]) -> set[str]:
    dependencies = read_dependencies(modules)
    found = set()
    for module in modules:
        users = dependents(dependencies, [module.full_name])
        if any(user.partition('/')[0] in tests for user in users):
            found.add(module.software)
    return found


def coverage_lines(coverage: Coverage) -> list[str]:
    """Return the findings as text, what is wrong first."""
    lines = [f'no application test: {name}' for name in coverage.uncovered]
    lines += [
        f'declared as support but has a test: {name} (support_software.yaml)'
        for name in coverage.superfluous
    ]
    for name, names in coverage.tested.items():
        lines.append(f'tested: {name} by {", ".join(names)}')
    for name, reason in coverage.support.items():
        seen = ' (here nothing with a test depends on it)' if name in coverage.idle else ''
        lines.append(f'support: {name}: {reason}{seen}')
    lines.append(
        f'{len(coverage.tested)} tested, {len(coverage.support)} support, '
        f'{len(coverage.uncovered)} without an application test'
    )
    return lines
