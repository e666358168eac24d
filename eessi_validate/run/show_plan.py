"""The plan as text: what would run and why, and why not the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from eessi_validate.plan.coverage import (
    Coverage,
    coverage_lines,
    declared_support,
    examine_coverage,
)
from eessi_validate.results.model import NotPlanned
from eessi_validate.run.prepare import Prepared


def plan_lines(prepared: Prepared) -> Iterator[str]:
    """Yield the lines of ``eessi-validate plan``."""
    plan = prepared.plan
    targets = ', '.join(f'{t.target.name} ({t.tier.value})' for t in prepared.trees)
    yield f'{prepared.stack.repository} {prepared.release.name}, {targets}'
    for tree in prepared.trees:
        if tree.tier_reason:
            yield f'  {tree.target.name}: {tree.tier_reason}'
    yield f'{len(plan.cases)} case(s) planned:'
    for case in plan.cases:
        yield f'  {case.full_key}  [{case.partition}, {case.kind}] {case.reason}'
    if plan.not_planned:
        yield f'{len(plan.not_planned)} not planned:'
        by_reason = sorted(plan.not_planned, key=lambda n: n.reason)
        for reason, group in groupby(by_reason, key=lambda n: n.reason):
            yield f'  {reason}:'
            yield from (f'    {_subject(refusal)}' for refusal in group)


def lint_plan(prepared: Prepared) -> dict[str, Coverage]:
    """Return, for each CPU target of the plan, which software has no application test."""
    support = declared_support()
    return {
        tree.target.name: examine_coverage(tree.modules, prepared.catalogue, support)
        for tree in prepared.trees
    }


def lint_lines(coverages: Mapping[str, Coverage]) -> Iterator[str]:
    """Yield the lines of ``eessi-validate plan --lint``."""
    for target, coverage in coverages.items():
        yield f'{target}:'
        yield from (f'  {line}' for line in coverage_lines(coverage))


def _subject(refusal: NotPlanned) -> str:
    return f'{refusal.subject} @{refusal.cpu_target}' if refusal.cpu_target else refusal.subject
