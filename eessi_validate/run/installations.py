"""Decides the driver's own cases: any installation, and the release as a whole.

Turns planned cases into requests of ``eessi_library.installation`` and its reports into results.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import eessi_library.installation as installation
from eessi_library.installation import release_checks as of_release
from eessi_library.installation.mpi_injection import injection
from eessi_validate.errors import UsageError
from eessi_validate.plan.installation_cases import (
    EMULATED_TEST,
    FILES_TEST,
    GPU_TEST,
    INIT_TEST,
    MPI_TEST,
    START_TEST,
    ReleaseCheck,
)
from eessi_validate.results.model import CaseResult, Outcome, PlannedCase
from eessi_validate.run.reconcile import absent
from eessi_validate.stack.layout import Release
from eessi_validate.user_cache import cache_home

if TYPE_CHECKING:
    from eessi_validate.plan.planner import TargetTree

#: Findings named in the reason of a result; all of them are in its output.
_NAMED: Final = 3


#: Groups of checks that decide a case, by the name of its test.
_GROUPS: Final = {
    FILES_TEST.name: installation.STATIC_GROUPS,
    START_TEST.name: installation.DYNAMIC_GROUPS,
    EMULATED_TEST.name: (installation.EMULATION,),
}


def library_release(release: Release, tree: TargetTree) -> installation.Release:
    """Return a release and CPU target in the words of the library."""
    return installation.Release(str(release.path), tree.target.name, directory=tree.alias)


def injected_mpi(release: Release, tree: TargetTree) -> dict[str, str]:
    """Return where a site injects its MPI into a CPU target; empty where it does not."""
    return injection(library_release(release, tree))


def installation_request(
    release: installation.Release, module: str, groups: tuple[str, ...]
) -> installation.InstallationRequest:
    """Return the request to check the installation of a module."""
    if installation.supported_features(release.cpu_target) is None:
        # No table says what such a CPU has: the plan says that it is not checked.
        groups = tuple(name for name in groups if name != 'isa')
    return installation.InstallationRequest(
        release,
        module,
        f'{release.software}/software/{module}',
        installation.module_file(release, module),
        groups,
    )


def release_checks(release: Release, tree: TargetTree) -> Iterator[ReleaseCheck]:
    """Yield which tests of a whole release apply to one CPU target here, and why not the rest."""
    there, target = library_release(release, tree), tree.target.name
    cannot = '' if tree.runs_here else 'the host of the driver cannot execute this CPU target'
    yield ReleaseCheck(INIT_TEST.name, target, not cannot, cannot)
    for test, why in (
        (MPI_TEST, of_release.why_no_mpi_check(there)),
        (GPU_TEST, of_release.why_no_gpu_check(there)),
    ):
        yield ReleaseCheck(test.name, target, not why, why)
    if installation.supported_features(target) is None:
        why = f'instructions are not judged: there is no table of those of {target}'
        yield ReleaseCheck(FILES_TEST.name, target, False, why)


def allow_rules(files: Sequence[str]) -> tuple[installation.AllowRule, ...]:
    """Return the allow rules of some files.

    :raises UsageError: naming the rule that cannot be used.
    """
    try:
        return tuple(rule for file in files for rule in installation.read_rules(file))
    except installation.RuleError as error:
        raise UsageError(f'allow rules: {error}') from None


def default_cache() -> Path | None:
    """Return the file that remembers answers between runs; None where nothing can be kept."""
    path = cache_home() / 'installations.sqlite'
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return path if os.access(path.parent, os.W_OK) else None


def decide_installations(
    release: Release,
    pairs: Sequence[tuple[PlannedCase, TargetTree]],
    allow: Sequence[str] = (),
) -> Generator[CaseResult, None, None]:
    """Yield the result of each case of an installation, in order.

    What files say may be remembered from an earlier run. What is loaded and started is loaded and
    started now: a remembered start is no evidence of this run.

    :arg allow: files with allow rules besides those that ship with the checks.
    """
    requests = (
        installation_request(library_release(release, tree), case.module, _GROUPS[case.id.test])
        for case, tree in pairs
    )
    cache = default_cache()
    reports = installation.check_installations(
        requests,
        str(cache) if cache else None,
        remember_runs=False,
        more_rules=allow_rules(allow),
    )
    for (case, tree), report in zip(pairs, reports, strict=True):
        yield _result(release, case, tree, report)


def decide_release(release: Release, case: PlannedCase, tree: TargetTree) -> CaseResult:
    """Return the result of a case of a whole release."""
    there = library_release(release, tree)
    check = {
        INIT_TEST.name: of_release.init_findings,
        MPI_TEST.name: of_release.mpi_findings,
        GPU_TEST.name: of_release.gpu_findings,
    }[case.id.test]
    findings = check(there)
    errors = [f for f in findings if f.severity is installation.Severity.ERROR]
    outcome = Outcome.FAIL if errors else Outcome.PASS
    result = absent(case, outcome, reason_of(errors))
    return result.model_copy(update={'stdout_tail': '\n'.join(f.sentence() for f in findings)})


def reason_of(findings: Sequence[installation.Finding]) -> str:
    """Return the first findings as one text: check, member, reason."""
    texts = [
        f'{f.check}: {f.member}{f" (and {f.count - 1} more)" if f.count > 1 else ""}: {f.reason}'
        for f in findings
    ]
    more = f'; and {len(texts) - _NAMED} more findings' if len(texts) > _NAMED else ''
    return '; '.join(texts[:_NAMED]) + more


def _result(
    release: Release,
    case: PlannedCase,
    tree: TargetTree,
    report: installation.InstallationReport,
) -> CaseResult:
    not_run = '; '.join(f'{name}: {why}' for name, why in report.not_run)
    if report.errors:
        outcome, reason = Outcome.FAIL, reason_of(report.errors)
    elif not_run:
        outcome, reason = Outcome.SKIP, f'not checked: {not_run}'
    else:
        outcome, reason = Outcome.PASS, ''
    lines = [f.sentence() for f in report.findings]
    lines += [f'explained by rule {rule}: {n}' for rule, n in sorted(report.allowed.items())]
    root = release.path.parent.parent if release.path.parent.name == 'versions' else release.path
    command = ['eessi-validate', 'check', '--stack', str(root), '--release', release.name]
    command += ['--target', tree.target.name, '--module', case.module]
    result = absent(case, outcome, reason, shlex.join(command))
    return result.model_copy(
        update={'seconds': round(report.seconds, 2), 'stdout_tail': '\n'.join(lines[-40:])}
    )
