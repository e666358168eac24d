"""Rows as cases with codes: whole columns at once, because two releases have 100,000 rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from eessi_validate.compare.stored.side import Side

Codes = NDArray[np.int64]

IDENTITY = ('test', 'software', 'version', 'toolchain', 'cpu_target', 'scale')

#: Outcomes in the order of their columns in a count.
OUTCOMES = ('pass', 'retried', 'fail', 'error', 'skip', 'missing')

_RANK = {'pass': 0, 'retried': 1, 'skip': 2, 'missing': 3, 'error': 4, 'fail': 5}


@dataclass(frozen=True)
class Cases:
    """All rows of both sides, and the cases among them."""

    rows: pd.DataFrame
    #: Side of each row: 0 before, 1 after.
    side: NDArray[np.int64]
    #: Rows that stand for a case each, one per case and run.
    chosen: NDArray[np.int64]
    #: Repeated ids that say the same, and those that contradict each other, by side.
    repeated: tuple[int, int]
    conflicts: tuple[str, ...]
    #: True for rows that belong to a repeated recording of a case and are not used.
    surplus: NDArray[np.bool_]


def encode(before: Side, after: Side) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the rows of both sides with text as categories, and the side of each row."""
    table = pa.concat_tables([before.table, after.table])
    texts = [f.name for f in table.schema if pa.types.is_string(f.type)]
    frame: pd.DataFrame = table.to_pandas(categories=texts)
    side = np.zeros(len(frame), dtype=np.int64)
    side[before.table.num_rows :] = 1
    return frame, side


def group(frame: pd.DataFrame, columns: Sequence[str], *more: Any) -> Codes:
    """Return a number for each row: equal where the columns (and arrays) are equal."""
    parts: list[tuple[Codes, int]] = []
    for name in columns:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            parts.append((column.cat.codes.to_numpy(np.int64) + 1, len(column.cat.categories) + 1))
        else:
            parts.append(_numbered(column.to_numpy()))
    parts += [_numbered(np.asarray(array)) for array in more]
    found, size = np.zeros(len(frame), dtype=np.int64), 1
    for codes, count in parts:
        if size * count >= 2**62:
            found, size = _numbered(found)
        found, size = found * count + codes, size * count
    return _numbered(found)[0]


def _numbered(values: Any) -> tuple[Codes, int]:
    codes, unique = pd.factorize(values, use_na_sentinel=False)
    return np.asarray(codes, dtype=np.int64), max(len(unique), 1)


def find_cases(frame: pd.DataFrame, side: NDArray[np.int64]) -> Cases:
    """Choose one row per case and run; ids that come twice count once, at their worst.

    Rows of metrics follow their case: those of a repeated recording are surplus.
    """
    place = ('run_id', *IDENTITY, 'repetition', 'system', 'partition', 'environ')
    first = frame['first'].to_numpy(bool)
    ids = group(frame, place, side)
    heads = np.flatnonzero(first)
    head_ids = ids[heads]
    _, index, times = np.unique(head_ids, return_index=True, return_counts=True)
    chosen = heads[index]
    conflicts: list[str] = []
    repeated = [0, 0]
    surplus = np.zeros(len(frame), dtype=bool)
    again = np.flatnonzero(times > 1)
    if len(again):
        outcome = frame['outcome'].astype(str).to_numpy()
        for position in again:
            mine = heads[head_ids == ids[chosen[position]]]
            repeated[int(side[mine[0]])] += len(mine) - 1
            worst = max(mine, key=lambda i: _RANK.get(str(outcome[i]), 3))
            if len(set(outcome[mine])) > 1:
                conflicts.append(case_name(frame, int(worst)))
            chosen[position] = worst
            surplus |= _others(ids, heads, int(worst), mine)
    return Cases(frame, side, chosen, (repeated[0], repeated[1]), tuple(conflicts), surplus)


def _others(
    ids: Codes, heads: NDArray[np.int64], kept: int, mine: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Mark the rows of the recordings of a case that are not kept: each starts at its head."""
    marked = np.zeros(len(ids), dtype=bool)
    for head in mine:
        if head == kept:
            continue
        later = heads[heads > head]
        end = int(later[0]) if len(later) else len(ids)
        span = np.arange(int(head), end)
        marked[span[ids[span] == ids[head]]] = True
    return marked


def outcome_codes(frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the column of :data:`OUTCOMES` of each row; a pass after a failure is retried."""
    table = {name: i for i, name in enumerate(OUTCOMES)} | {'aborted': OUTCOMES.index('missing')}
    column = frame['outcome']
    known = np.array(
        [table.get(str(c), OUTCOMES.index('error')) for c in column.cat.categories] + [3]
    )
    found = known[column.cat.codes.to_numpy()]
    tries = frame['attempts']
    bad = np.array(
        [any(word in str(c).split(',') for word in ('fail', 'error')) for c in tries.cat.categories]
        + [False]
    )
    retried = bad[tries.cat.codes.to_numpy()] & (found == 0)
    return np.where(retried, 1, found)


def case_name(frame: pd.DataFrame, row: int, ignored: Sequence[str] = ()) -> str:
    """Return the printable identity of the case of a row."""
    part = {name: '' if name in ignored else str(frame[name].iat[row]) for name in IDENTITY}
    version = '-'.join(filter(None, (part['version'], part['toolchain'])))
    software = '/'.join(filter(None, (part['software'], version)))
    pieces = [part['test'], software]
    pieces += [f'@{part["cpu_target"]}' if part['cpu_target'] else '']
    pieces += [f'%{part["scale"]}' if part['scale'] else '']
    return ' '.join(filter(None, pieces))
