"""What passes on side A and does not on side B, with the exceptions that somebody explained."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from eessi_validate.compare.stored.cases import OUTCOMES, Cases, outcome_codes
from eessi_validate.compare.stored.coded import group
from eessi_validate.compare.stored.model import Missing

if TYPE_CHECKING:
    from eessi_validate.compare.stored.exceptions import Explained


def find_missing(
    cases: Cases,
    by: Literal['software', 'module'],
    per_target: bool,
    exceptions: Sequence[Explained],
    today: datetime.date,
) -> tuple[Missing, ...]:
    """Return what passes before and never after.

    :arg by: ``software`` accepts any version after; ``module`` wants the same.
    :arg per_target: wants it on the same CPU target.
    """
    frame = cases.rows.take(cases.chosen)
    side, codes = cases.side[cases.chosen], outcome_codes(frame)
    names = ['software'] if by == 'software' else ['software', 'version', 'toolchain']
    columns = [*names, *(['cpu_target'] if per_target else [])]
    named = ~frame.texts['software'].equals('')
    groups = group(frame, columns)
    has: dict[int, set[int]] = {}
    passes: dict[int, bool] = {}
    first: dict[int, int] = {}
    for i, number in enumerate(groups.tolist()):
        if not named[i]:
            continue
        if side[i] == 0 and codes[i] in (0, 1):
            first.setdefault(number, i)
        elif side[i] == 1:
            has.setdefault(number, set()).add(int(codes[i]))
            passes[number] = passes.get(number, False) or codes[i] in (0, 1)
    found = []
    for number, i in first.items():
        if passes.get(number):
            continue
        subject = frame.at('software', i)
        version = frame.at('version', i)
        if by == 'module':
            full = '-'.join(filter(None, (version, frame.at('toolchain', i))))
            subject = f'{subject}/{full}'
        target = frame.at('cpu_target', i) if per_target else ''
        outcomes = sorted(OUTCOMES[c] for c in has.get(number, ()))
        reason = f'there, but: {", ".join(outcomes)}' if outcomes else 'not tested there'
        why = _explanation(exceptions, frame.at('software', i), version, target, today)
        found.append(Missing(subject, target, reason, why))
    return tuple(sorted(found, key=lambda m: (bool(m.explained), m.subject, m.cpu_target)))


def _explanation(
    exceptions: Sequence[Explained], software: str, version: str, target: str, today: datetime.date
) -> str:
    for entry in exceptions:
        if (
            fnmatch.fnmatchcase(software, entry.software)
            and fnmatch.fnmatchcase(version, entry.version)
            and (not target or fnmatch.fnmatchcase(target, entry.cpu_target))
            and today <= entry.expires
        ):
            return f'{entry.reason} (until {entry.expires})'
    return ''
