"""Rows as cases with codes: whole columns at once, because two releases have 100,000 rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from eessi_validate.compare.stored.coded import Codes, Rows, group, rows_of
from eessi_validate.compare.stored.side import Side

IDENTITY = ('test', 'software', 'version', 'toolchain', 'cpu_target', 'scale')

#: Outcomes in the order of their columns in a count.
OUTCOMES = ('pass', 'retried', 'fail', 'error', 'skip', 'missing')

_RANK = {'pass': 0, 'retried': 1, 'skip': 2, 'missing': 3, 'error': 4, 'fail': 5}


@dataclass(frozen=True)
class Cases:
    """All rows of both sides, and the cases among them."""

    rows: Rows
    #: Side of each row: 0 before, 1 after.
    side: NDArray[np.int64]
    #: Rows that stand for a case each, one per case and run.
    chosen: NDArray[np.int64]
    #: Repeated ids that say the same, and those that contradict each other, by side.
    repeated: tuple[int, int]
    conflicts: tuple[str, ...]
    #: True for rows that belong to a repeated recording of a case and are not used.
    surplus: NDArray[np.bool_]


def encode(before: Side, after: Side) -> tuple[Rows, NDArray[np.int64]]:
    """Return the rows of both sides with texts as codes, and the side of each row."""
    # Files give texts as codes, a single file as texts: each side is coded by itself.
    rows = rows_of(pa.concat_tables([_coded(read.table) for read in (before, after)]))
    side = np.zeros(rows.size, dtype=np.int64)
    side[before.table.num_rows :] = 1
    return rows, side


def _coded(table: Any) -> Any:
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(number, field.name, table.column(number).dictionary_encode())
    return table


def find_cases(frame: Rows, side: NDArray[np.int64]) -> Cases:
    """Choose one row per case and run; ids that come twice count once, at their worst.

    Rows of metrics follow their case: those of a repeated recording are surplus.
    """
    place = ('run_id', *IDENTITY, 'repetition', 'system', 'partition', 'environ')
    first = frame.numbers['first'].astype(bool)
    ids = group(frame, place, side)
    heads = np.flatnonzero(first)
    head_ids = ids[heads]
    _, index, times = np.unique(head_ids, return_index=True, return_counts=True)
    chosen = heads[index]
    conflicts: list[str] = []
    repeated = [0, 0]
    surplus = np.zeros(frame.size, dtype=bool)
    again = np.flatnonzero(times > 1)
    if len(again):
        outcome = frame.texts['outcome']
        for position in again:
            mine = heads[head_ids == ids[chosen[position]]]
            repeated[int(side[mine[0]])] += len(mine) - 1
            worst = max(mine, key=lambda i: _RANK.get(outcome.at(int(i)), 3))
            if len(outcome.different(mine)) > 1:
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


def outcome_codes(frame: Rows) -> NDArray[np.int64]:
    """Return the column of :data:`OUTCOMES` of each row; a pass after a failure is retried."""
    table = {name: i for i, name in enumerate(OUTCOMES)} | {'aborted': OUTCOMES.index('missing')}
    column, tries = frame.texts['outcome'], frame.texts['attempts']
    known = np.array([table.get(c, OUTCOMES.index('error')) for c in (*column.values, '')])
    found = known[column.codes]
    bad = np.array([not {'fail', 'error'}.isdisjoint(c.split(',')) for c in (*tries.values, '')])
    retried = bad[tries.codes] & (found == 0)
    return np.where(retried, 1, found)


def case_name(frame: Rows, row: int, ignored: Sequence[str] = ()) -> str:
    """Return the printable identity of the case of a row."""
    part = {name: '' if name in ignored else frame.at(name, row) for name in IDENTITY}
    version = '-'.join(filter(None, (part['version'], part['toolchain'])))
    software = '/'.join(filter(None, (part['software'], version)))
    pieces = [part['test'], software]
    pieces += [f'@{part["cpu_target"]}' if part['cpu_target'] else '']
    pieces += [f'%{part["scale"]}' if part['scale'] else '']
    return ' '.join(filter(None, pieces))
