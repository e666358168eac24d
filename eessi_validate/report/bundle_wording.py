"""Lines of a bundle's report that all its forms share: differences, not lists of files."""

from __future__ import annotations

from collections.abc import Iterator

from eessi_validate.report.wording import plural
from eessi_validate.results.bundle import AgainstBase, BundleReport, BundleTarball, Concern

#: Targets named before the rest is counted.
_NAMED = 6

#: What is seen first of what is new against the base.
_KINDS = ('missing', 'rebuilt', 'new', 'in base')


def targets_words(targets: list[str], total: int) -> str:
    """Some of ``total`` targets by name, or that it is all of them."""
    names = [name for name in targets if name]
    if not names:
        return ''
    if len(names) == total and total > 1:
        return f'all {total} targets'
    more = f' and {len(names) - _NAMED} more' if len(names) > _NAMED else ''
    return ', '.join(names[:_NAMED]) + more


def concern_reasons(concern: Concern, total: int) -> Iterator[str]:
    """What is said of a concern: targets with the same reason in one line."""
    by_reason: dict[str, list[str]] = {}
    for target, reason in concern.reasons.items():
        by_reason.setdefault(reason, []).append(target)
    for reason, targets in by_reason.items():
        counted = sum(concern.counts.get(target, 1) for target in targets) - len(targets)
        more = f' ({counted:,} more of these)' if counted else ''
        where = targets_words(targets, total)
        yield f'{where}: {reason}{more}' if where else f'{reason}{more}'


def base_words(change: AgainstBase, total: int) -> str:
    """What some modules are to the base stack, e.g. ``new on all 8 targets``."""
    found = [
        f'{kind} on {targets_words(list(change.targets[kind]), total)}'
        for kind in _KINDS
        if kind in change.targets
    ]
    return '; '.join(found)


def tarball_cells(report: BundleReport, each: BundleTarball) -> tuple[str, ...]:
    """A row of the table of targets; see ``TARBALL_HEADS``."""
    verdict = report.verdicts.get(each.target)
    return (
        each.target,
        verdict.value if verdict else '',
        f'{each.size / 1e6:,.1f}',
        f'{len(each.modules):,}',
        f'{each.files:,}',
        f'{each.new:,} / {each.replaced:,}',
        evidence_words(each),
    )


TARBALL_HEADS = ('target', 'verdict', 'MB', 'modules', 'files', 'new / replaced', 'cases')


def evidence_words(each: BundleTarball) -> str:
    """What is known of the cases of a tarball."""
    if each.attested is None:
        return 'not attested'
    return f'{each.attested.value} by {each.attested_by}' if each.attested_by else 'not valid'


def absent_targets(report: BundleReport) -> list[str]:
    """Expected targets that have no tarball."""
    there = {each.target for each in report.tarballs}
    return [target for target in report.expected if target not in there]


def counted_words(report: BundleReport) -> str:
    """How many there are of what was expected."""
    there = {each.target for each in report.tarballs}
    found = sum(1 for target in report.expected if target in there)
    return (
        f'{plural(len(report.tarballs), "tarball")}; {found} of {len(report.expected)} targets '
        f'that {report.expected_by} expects'
    )
