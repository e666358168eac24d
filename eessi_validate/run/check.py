"""Checks installations for a developer: no plan, no ReFrame, findings as they come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import eessi_library.installation as installation
from eessi_library.installation import (
    ALL_GROUPS,
    EMULATION,
    STATIC_GROUPS,
    Finding,
    InstallationReport,
)
from eessi_library.installation.features import (
    drift,
    features_of,
    installation_drift,
    release_drift,
)
from eessi_validate.errors import UsageError, unknown_name
from eessi_validate.plan.planner import TargetTree
from eessi_validate.run.installations import allow_rules, installation_request, library_release
from eessi_validate.run.prepare import open_trees, release_name
from eessi_validate.stack.layout import Release, open_stack


@dataclass(frozen=True)
class CheckRequest:
    """What is to be checked, as the command line gave it."""

    stack: str
    release: str = ''
    targets: tuple[str, ...] = ()
    #: Module or software names; empty means every module.
    modules: tuple[str, ...] = ()
    #: Groups of checks; empty means all, and for a target that cannot run here those of files.
    groups: tuple[str, ...] = ()
    #: CPU target to compare extensions and programs with; '' means none.
    against: str = ''
    #: Release to compare extensions, programs and software with; '' means none.
    against_release: str = ''
    #: File that remembers answers; None remembers nothing.
    cache: Path | None = None
    #: Files with allow rules besides those that ship.
    allow: tuple[str, ...] = ()
    workers: int | None = None


@dataclass
class Summary:
    """What was found, counted as it came."""

    installations: int = 0
    errors: int = 0
    warnings: int = 0
    not_run: int = 0
    from_cache: int = 0

    def add(self, report: InstallationReport) -> None:
        """Count a report."""
        self.installations += 1
        self.count(report.findings)
        self.not_run += len(report.not_run)
        self.from_cache += report.cached

    def count(self, findings: Sequence[Finding]) -> None:
        """Count findings."""
        errors = sum(f.severity is installation.Severity.ERROR for f in findings)
        warnings = sum(f.severity is installation.Severity.WARNING for f in findings)
        self.errors += errors
        self.warnings += warnings

    @property
    def sentence(self) -> str:
        """The last line for a person."""
        if not self.installations:
            return 'nothing to check'
        return (
            f'{self.installations} installations: {self.errors} errors, {self.warnings} warnings, '
            f'{self.not_run} groups not checked; {self.from_cache} answered from the cache'
        )


def check(request: CheckRequest, summary: Summary) -> Iterator[InstallationReport | list[Finding]]:
    """Yield the report of each installation, then the findings of a comparison.

    :raises UsageError: for anything the request names that does not exist.
    """
    for group in request.groups:
        if group not in (*ALL_GROUPS, EMULATION):
            raise unknown_name('group of checks', group, (*ALL_GROUPS, EMULATION))
    rules = allow_rules(request.allow)
    stack = open_stack(request.stack)
    release = stack.release(release_name(stack, request.release))
    trees = open_trees(release, request.targets)
    _require(trees, request.modules)
    for tree in trees:
        there = library_release(release, tree)
        groups = request.groups or (ALL_GROUPS if tree.runs_here else STATIC_GROUPS)
        requests = (
            installation_request(there, name, groups) for name in _modules(tree, request.modules)
        )
        cache = str(request.cache) if request.cache else None
        reports = installation.check_installations(
            requests, cache, request.workers, more_rules=rules
        )
        for report in reports:
            summary.add(report)
            yield report
        if request.against:
            found = list(_compare(release, tree, request))
            summary.count(found)
            yield found
        if request.against_release:
            other = stack.release(release_name(stack, request.against_release))
            found = list(_compare_releases(release, other, tree, request))
            summary.count(found)
            yield found


def _modules(tree: TargetTree, wanted: tuple[str, ...]) -> list[str]:
    return [
        m.full_name
        for m in tree.modules
        if not wanted or m.full_name in wanted or m.software in wanted
    ]


def _require(trees: Sequence[TargetTree], wanted: tuple[str, ...]) -> None:
    everything = {m.full_name for t in trees for m in t.modules}
    names = everything | {name.partition('/')[0] for name in everything}
    for name in wanted:
        if name not in names:
            raise unknown_name('module', name, names)


def _compare(release: Release, tree: TargetTree, request: CheckRequest) -> Iterator[Finding]:
    """Compare one CPU target with another of the same release."""
    (other,) = open_trees(release, [request.against])
    if other.directory == tree.directory:
        raise UsageError(f'--against {request.against} is the CPU target that is checked')
    ours, theirs = _modules(tree, request.modules), _modules(other, request.modules)
    where = other.target.name
    yield from installation_drift(ours, theirs, where)
    here, there = library_release(release, tree), library_release(release, other)
    for name in sorted(set(ours) & set(theirs)):
        both = [features_of(installation_request(r, name, ())) for r in (here, there)]
        yield from drift(name, both[0], both[1], where)


def _compare_releases(
    release: Release, other: Release, tree: TargetTree, request: CheckRequest
) -> Iterator[Finding]:
    """Compare what each software offers with another release, for the same CPU target.

    The installations of a software count together: versions and toolchains differ.
    """
    if other.name == release.name:
        raise UsageError(f'--against-release {other.name} is the release that is checked')
    (there,) = open_trees(other, [tree.target.name])
    where = f'release {other.name}'
    ours = _offers(release, tree, request.modules)
    theirs = _offers(other, there, request.modules)
    for software in sorted(theirs):
        mine = ours.get(software, {})
        yield from release_drift(software, mine, theirs[software], where)


def _offers(
    release: Release, tree: TargetTree, modules: tuple[str, ...]
) -> dict[str, dict[str, str]]:
    """Return software -> what its installations offer together, itself included."""
    found: dict[str, dict[str, str]] = {}
    names = {name.partition('/')[0] for name in modules}
    for module in tree.modules:
        if not names or module.software in names:
            request = installation_request(library_release(release, tree), module.full_name, ())
            offers = found.setdefault(module.software, {'installation': ''})
            offers.update(features_of(request))
    return found


def text_lines(part: InstallationReport | list[Finding]) -> Iterator[str]:
    """Yield what a person reads of a report: findings, and what was not checked."""
    findings = part if isinstance(part, list) else part.findings
    for finding in findings:
        yield f'{finding.severity.value}: {finding.sentence()}'
    if isinstance(part, InstallationReport):
        for group, why in part.not_run:
            yield f'not checked: {part.request.name}: {group}: {why}'


def write_json(
    parts: Iterator[InstallationReport | list[Finding]],
    summary: Summary,
    write: Callable[[str], object],
) -> None:
    """Write one JSON document, part by part: memory does not grow with the installations."""
    write('{"installations": [')
    first, compared = True, []
    for part in parts:
        if isinstance(part, list):
            compared += part
            continue
        write(('\n' if first else ',\n') + json.dumps(as_json(part)))
        first = False
    write('],\n"drift": ' + json.dumps([_finding(f) for f in compared]))
    write(',\n"summary": ' + json.dumps(asdict(summary)) + '}\n')


def as_json(report: InstallationReport) -> dict[str, Any]:
    """Return a report as JSON values."""
    return {
        'installation': report.request.name,
        'cpu_target': report.request.release.cpu_target,
        'path': report.request.path,
        'sound': report.is_sound,
        'findings': [_finding(f) for f in report.findings],
        'not_checked': [{'group': group, 'reason': why} for group, why in report.not_run],
        'explained': report.allowed,
        'files': report.files,
        'elf_objects': report.elf_objects,
        'cached': report.cached,
        'seconds': round(report.seconds, 3),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), 'severity': finding.severity.value}
