"""Reports that each rank of a run writes as ``<rank>.json``: who wrote, and where it ran."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reframe.core.exceptions import SanityError

from eessi_library.expect import expect
from eessi_library.library_test import LibraryTest
from eessi_library.mpi.report import ReportError


class RankReport(Protocol):
    """What every report of a rank has."""

    @property
    def nonce(self) -> str: ...

    @property
    def rank(self) -> int: ...

    @property
    def ranks(self) -> int:
        """Ranks of the run, as this one counts them."""

    @property
    def node(self) -> str:
        """The same for ranks that share a node."""


@dataclass(frozen=True)
class Presence:
    """What ``rank.sh`` notes before it becomes a program that does not report itself."""

    nonce: str
    rank: int
    #: Ranks of the run, as the launcher told this one.
    ranks: int
    #: Name of the node.
    node: str

    @classmethod
    def parse(cls, text: str) -> Presence:
        """Parse the note of one rank.

        :raises ReportError: if it is something else.
        """
        try:
            raw = json.loads(text)
            return cls(str(raw['nonce']), int(raw['rank']), int(raw['ranks']), str(raw['node']))
        except (ValueError, KeyError, TypeError) as error:
            raise ReportError(f'a rank noted something else than its presence: {error}') from error


R = TypeVar('R', bound=RankReport)


def read_reports(test: LibraryTest, parse: Callable[[str], R], directory: str = 'ranks') -> list[R]:
    """Return the reports in the order of the ranks, or fail: one is missing, torn or misnamed.

    :arg directory: below the stage directory, with nothing else in it.
    """
    names = sorted(os.listdir(os.path.join(test.stagedir, directory)))
    expect(bool(names), 'no rank wrote its report: the program did not run')
    try:
        reports = [parse(test.require_output(f'{directory}/{name}')) for name in names]
    except ReportError as error:
        raise SanityError(str(error)) from None
    expect(
        [f'{report.rank}.json' for report in reports] == names,
        'the names of the reports are not those of the ranks that wrote them',
    )
    return sorted(reports, key=lambda report: report.rank)


def expect_layout(test: LibraryTest, reports: Sequence[RankReport]) -> None:
    """Fail unless as many ranks reported as were asked for, on as many nodes."""
    for report in reports:
        expect(
            report.ranks == test.num_tasks,
            f'rank {report.rank} reports {report.ranks} rank(s), asked for {test.num_tasks}',
        )
    expect(
        [report.rank for report in reports] == list(range(test.num_tasks)),
        f'{len(reports)} rank(s) reported, asked for {test.num_tasks}',
    )
    per_node = Counter(report.node for report in reports)
    if asked := test.num_tasks_per_node:
        expect(
            set(per_node.values()) == {asked},
            f'ranks on the nodes: {sorted(per_node.values())}, asked for {asked} on each',
        )


def expect_nonce(test: LibraryTest, reports: Sequence[RankReport]) -> None:
    """Fail unless every report is of this run."""
    for report in reports:
        test.expect_nonce(f'the report of rank {report.rank}', report.nonce)
