"""What became of each case: a full outer join, counted before it is told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eessi_validate.compare.statistics import PassRate, RateChange, compare_pass_rates
from eessi_validate.compare.stored.cases import IDENTITY, OUTCOMES, Cases, case_name, outcome_codes
from eessi_validate.compare.stored.coded import Rows, group
from eessi_validate.compare.stored.model import EFFECTS, Change, Effect, Transition

ABSENT, PASS, FLAKY, FAIL, SKIP, NONE = range(6)

_T = Transition
#: What a case is before (rows) and after (columns): absent, pass, flaky, fail, skip, no result.
#: None is settled by the signatures.
_TABLE: tuple[tuple[Transition | None, ...], ...] = (
    (
        None,
        _T.APPEARED,
        _T.FLAKY,
        _T.APPEARED_FAILING,
        _T.APPEARED_UNJUDGED,
        _T.APPEARED_UNJUDGED,
    ),
    (_T.VANISHED, _T.STILL_PASSES, _T.FLAKY, _T.NEW_FAILURE, _T.SKIPPED, _T.LOST_RESULT),
    (_T.VANISHED, _T.FLAKY, _T.FLAKY, _T.FLAKY, _T.SKIPPED, _T.LOST_RESULT),
    (_T.VANISHED, _T.FIXED, _T.FLAKY, None, _T.SKIPPED, _T.LOST_RESULT),
    (_T.VANISHED, _T.RESULT_AGAIN, _T.FLAKY, _T.NEW_FAILURE, _T.STILL_SKIPPED, _T.LOST_RESULT),
    (_T.VANISHED, _T.RESULT_AGAIN, _T.FLAKY, _T.NEW_FAILURE, _T.SKIPPED, _T.STILL_NO_RESULT),
)


def states(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the state of each case from its counts by :data:`OUTCOMES` (last axis)."""
    passes, retried, fails, _, skips, _ = np.moveaxis(counts, -1, 0)
    flaky = (retried > 0) | ((passes > 0) & (fails > 0))
    return np.select(
        [
            counts.sum(-1) == 0,
            flaky,
            fails > 0,
            passes > 0,
            (skips > 0) & (counts.sum(-1) == skips),
        ],
        [ABSENT, FLAKY, FAIL, PASS, SKIP],
        NONE,
    )


def count(
    groups: NDArray[np.int64], side: NDArray[np.int64], codes: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return counts by group, side and outcome."""
    size = int(groups.max()) + 1 if len(groups) else 0
    flat = (groups * 2 + side) * len(OUTCOMES) + codes
    counted = np.bincount(flat, minlength=size * 2 * len(OUTCOMES))
    return counted.reshape(size, 2, len(OUTCOMES)).astype(np.int64)


def find_transitions(
    cases: Cases, ignored: Sequence[str], per_system: bool
) -> tuple[tuple[Change, ...], dict[str, int], tuple[int, int]]:
    """Return the changes, all cases by transition, and the rows of cases of each side.

    :arg ignored: parts of the identity that do not join, such as ``version``.
    """
    frame = cases.rows.take(cases.chosen)
    side = cases.side[cases.chosen]
    columns = [name for name in IDENTITY if name not in ignored]
    groups = group(frame, [*columns, *(['system'] if per_system else [])])
    counts = count(groups, side, outcome_codes(frame))
    was, now = states(counts[:, 0]), states(counts[:, 1])
    first = np.full(len(counts), -1, dtype=np.int64)
    first[groups[::-1]] = np.arange(len(groups))[::-1]
    told: dict[str, int] = {}
    plain = (was == PASS) & (now == PASS)
    if plain.any():
        told[_T.STILL_PASSES.value] = int(plain.sum())
    changes = []
    members = _members(groups, np.flatnonzero(~plain))
    for number in np.flatnonzero(~plain):
        transition = _TABLE[was[number]][now[number]]
        detail = ''
        if transition is None:
            transition, detail = _signatures(frame, side, members[int(number)])
        elif now[number] in (FAIL, FLAKY):
            detail = _reason(frame, side, members[int(number)], 1)
        effect = EFFECTS[transition]
        if transition is _T.FLAKY:
            effect, rate = _rates(counts[number], was[number], now[number])
            detail = '; '.join(filter(None, (rate, detail)))
        told[transition.value] = told.get(transition.value, 0) + 1
        row = int(first[number])
        changes.append(
            Change(
                case=case_name(frame, row, ignored),
                system=frame.at('system', row) if per_system else '',
                transition=transition,
                effect=effect,
                before=_shown(counts[number, 0]),
                after=_shown(counts[number, 1]),
                detail=detail,
            )
        )
    order = list(Effect)
    changes.sort(key=lambda c: (order.index(c.effect), c.transition.value, c.case, c.system))
    return tuple(changes), told, (int(counts[:, 0].sum()), int(counts[:, 1].sum()))


def _members(groups: NDArray[np.int64], wanted: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    mine = np.flatnonzero(np.isin(groups, wanted))
    order = mine[np.argsort(groups[mine], kind='stable')]
    keys, starts = np.unique(groups[order], return_index=True)
    return (
        {int(key): part for key, part in zip(keys, np.split(order, starts[1:]), strict=True)}
        if len(order)
        else {}
    )


def _reason(frame: Rows, side: NDArray[np.int64], rows: NDArray[np.int64], which: int) -> str:
    found = sorted(_faults(frame, side, rows, which))
    more = f' (and {len(found) - 1} other)' if len(found) > 1 else ''
    return f'{found[0]}{more}' if found else ''


def _faults(frame: Rows, side: NDArray[np.int64], rows: NDArray[np.int64], which: int) -> set[str]:
    mine = rows[side[rows] == which]
    return frame.texts['signature'].different(mine) - {''}


def _signatures(
    frame: Rows, side: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[Transition, str]:
    old, new = _faults(frame, side, rows, 0), _faults(frame, side, rows, 1)
    fresh = sorted(new - old)
    if fresh:
        was = f' (was: {sorted(old)[0]})' if old else ''
        return Transition.DIFFERENT_FAILURE, f'{fresh[0]}{was}'
    return Transition.SAME_FAILURE, sorted(new)[0] if new else 'no reason was recorded'


def _rates(counts: NDArray[np.int64], was: int, now: int) -> tuple[Effect, str]:
    """Fisher between the sides, Wilson within the side after."""
    old, new = _rate(counts[0]), _rate(counts[1])
    if not new.runs:
        return Effect.UNKNOWN, ''
    low, high = new.interval
    text = f'passes {new.passed} of {new.runs} ({low:.0%} to {high:.0%})'
    if not old.runs:
        return Effect.UNKNOWN, text
    change, p = compare_pass_rates(old, new)
    effects = {RateChange.WORSE: Effect.WORSE, RateChange.BETTER: Effect.BETTER}
    same = Effect.SAME if was == FLAKY and now != FAIL else Effect.UNKNOWN
    return effects.get(change, same), f'{text}; {change.value} (p = {p:.2g})'


def _rate(counts: NDArray[np.int64]) -> PassRate:
    # A pass after a failure is one of each.
    passes, retried, fails = (int(c) for c in counts[:3])
    return PassRate(passes + retried, passes + 2 * retried + fails)


def _shown(counts: NDArray[np.int64]) -> str:
    if not counts.sum():
        return 'absent'
    shown = [f'{n} {name}' for name, n in zip(OUTCOMES, counts.tolist(), strict=True) if n]
    return ', '.join(shown)
