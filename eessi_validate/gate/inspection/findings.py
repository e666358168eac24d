"""Findings of an inspection, and the catalogue of all that there can be."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from eessi_validate.stack.tables import read_table

Severity = Literal['reject', 'hold', 'note']
_ORDER = {'reject': 0, 'hold': 1, 'note': 2}
_SHOWN_NAME = 400


class FindingKind(BaseModel):
    """One row of the catalogue."""

    model_config = ConfigDict(frozen=True)

    id: str
    severity: Severity
    #: Whether a reviewed, expiring waiver may release it.
    waivable: bool
    #: Point of the check list, 1 to 13.
    point: int
    explanation: str


class Finding(BaseModel):
    """One thing that is wrong, or worth a look, with a tarball."""

    model_config = ConfigDict(frozen=True)

    id: str
    severity: Severity
    #: Path in the archive, made printable; '' for the tarball as a whole.
    member: str
    sentence: str
    waivable: bool


@cache
def finding_kinds() -> dict[str, FindingKind]:
    """Return the catalogue by id."""
    rows = read_table('tarball_findings', 'findings')
    return {row['id']: FindingKind(**row) for row in rows}


class FindingLog:
    """Collects findings; of each id it lists a bounded number and counts the rest.

    :arg listed: findings kept for each id.
    """

    def __init__(self, listed: int) -> None:
        self._listed = listed
        self._found: list[Finding] = []
        #: All findings by id, listed or not.
        self.counts: Counter[str] = Counter()

    def add(self, name: str, member: bytes, sentence: str) -> None:
        """Record a finding of the catalogue."""
        kind = finding_kinds()[name]
        self.counts[name] += 1
        if self.counts[name] <= self._listed:
            self._found.append(
                Finding(
                    id=name,
                    severity=kind.severity,
                    member=printable(member),
                    sentence=sentence,
                    waivable=kind.waivable,
                )
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, the gravest first."""
        rest = [
            Finding(
                id=name,
                severity=finding_kinds()[name].severity,
                member='',
                sentence=f'{count - self._listed} more of these are not listed',
                waivable=finding_kinds()[name].waivable,
            )
            for name, count in self.counts.items()
            if count > self._listed
        ]
        return tuple(sorted([*self._found, *rest], key=lambda found: _ORDER[found.severity]))


def printable(name: bytes) -> str:
    """Return a name as text that is safe to show: one line, no control characters, not endless."""
    text = name.decode('utf-8', 'backslashreplace')
    if not text.isprintable():
        text = ''.join(
            c if c.isprintable() and unicodedata.category(c) != 'Cf' else ascii(c)[1:-1]
            for c in text
        )
    if len(text) > _SHOWN_NAME:
        text = f'{text[: _SHOWN_NAME // 2]}…{text[-_SHOWN_NAME // 2 :]}'
    return text
