"""Compare two sides of stored results; the order of the questions."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eessi_validate.compare.stored.blame import find_faults
from eessi_validate.compare.stored.cases import Cases, encode, find_cases
from eessi_validate.compare.stored.drift import find_drifts
from eessi_validate.compare.stored.model import Accounting, StoredComparison
from eessi_validate.compare.stored.parity import find_missing
from eessi_validate.compare.stored.series import one_sided, sort_rows
from eessi_validate.compare.stored.side import Side
from eessi_validate.compare.stored.speed import screen_speeds
from eessi_validate.compare.stored.transitions import find_transitions
from eessi_validate.errors import UsageError

if TYPE_CHECKING:
    from eessi_validate.compare.stored.exceptions import Explained

#: Parts of the identity that a user may leave out of the join.
IGNORABLE = ('version', 'toolchain', 'cpu_target', 'scale')


@dataclass(frozen=True)
class Options:
    """How to compare."""

    ignored: tuple[str, ...] = ()
    #: Join each system with itself; ``auto`` does where the sides share one.
    systems: Literal['auto', 'each', 'together'] = 'auto'
    practical_delta: float = 0.02
    #: Suspects alone do not change the exit code.
    allow_suspects: bool = False
    parity: Literal['', 'software', 'module'] = ''
    parity_per_target: bool = True
    exceptions: tuple[Explained, ...] = ()
    today: datetime.date | None = None


def compare_sides(before: Side, after: Side, options: Options | None = None) -> StoredComparison:
    """Return what changed from one side to the other.

    An empty side is compared with nothing: the answer says so, and is not known (75).

    :raises UsageError: for a part of the identity that cannot be left out.
    """
    options = options or Options()
    wrong = sorted(set(options.ignored) - set(IGNORABLE))
    if wrong:
        raise UsageError(f'cannot ignore {", ".join(wrong)}: only {", ".join(IGNORABLE)}')
    sizes = (before.table.num_rows, after.table.num_rows)
    problems = [
        f'{side}: {text}'
        for side, read in (('before', before), ('after', after))
        for text in read.problems
    ]
    empty = [
        f'{side} ({read.name}) is empty: nothing was compared'
        for side, read, size in (
            ('before', before, sizes[0]),
            ('after', after, sizes[1]),
        )
        if not size
    ]
    if empty:
        return _nothing(before, after, (*problems, *empty), sizes)
    frame, side = encode(before, after)
    cases = find_cases(frame, side)
    per_system = _per_system(cases, options.systems)
    changes, counts, _ = find_transitions(cases, options.ignored, per_system)
    series = sort_rows(cases, options.ignored, per_system)
    drifts, unit_problems = find_drifts(frame, series.truths, options.ignored)
    speed, speed_counts, notes = screen_speeds(
        cases, series.speeds, options.ignored, per_system, options.practical_delta
    )
    problems += unit_problems
    problems += one_sided(frame, (*series.truths, *series.speeds), cases, options.ignored)
    problems += [f'{name}: one id with contradicting results' for name in cases.conflicts]
    repeated = sum(cases.repeated)
    if repeated:
        notes.insert(0, f'{repeated} repeated ids were used once')
    if per_system:
        notes.insert(0, 'systems are compared each with itself')
    parity = (
        find_missing(
            cases,
            options.parity,
            options.parity_per_target,
            options.exceptions,
            options.today or datetime.date.today(),
        )
        if options.parity
        else ()
    )
    return StoredComparison(
        before=before.name,
        after=after.name,
        counts=counts,
        changes=changes,
        blames=find_faults(cases, options.ignored),
        drifts=drifts,
        speed=speed,
        speed_counts=speed_counts,
        parity=parity,
        accounting={'rows': Accounting(sum(sizes), series.parts)},
        problems=tuple(problems),
        notes=tuple(notes),
        settings=_settings(options),
    )


def _per_system(cases: Cases, wanted: str) -> bool:
    if wanted != 'auto':
        return wanted == 'each'
    system = cases.rows.texts['system'].codes
    before, after = (set(system[cases.side == side].tolist()) for side in (0, 1))
    return bool(before & after) and len(before | after) > 1


def _settings(options: Options) -> dict[str, str]:
    return {
        'ignored': ', '.join(options.ignored),
        'delta': f'{options.practical_delta:g}',
        'suspects': 'allowed' if options.allow_suspects else 'not known',
    }


def _nothing(
    before: Side, after: Side, problems: tuple[str, ...], sizes: tuple[int, int]
) -> StoredComparison:
    return StoredComparison(
        before=before.name,
        after=after.name,
        counts={},
        changes=(),
        blames=(),
        drifts=(),
        speed=(),
        speed_counts={},
        parity=(),
        accounting={'rows': Accounting(sum(sizes), {'other side is empty': sum(sizes)})},
        problems=problems,
    )
