"""Which rows of the store a query asks for, and which of them count. Pure: tables in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eessi_validate.results.archive.plain import plain
from eessi_validate.results.archive.query import Query

#: What is decided row by row can only be asked once the recording that counts is known.
DECIDED_BY_ROW = ('outcome', 'metric')


def filter_of(query: Query) -> Any:
    """Return a query as an expression for a scan, without what is decided row by row; or None."""
    parts = []
    for column, patterns in query.patterns:
        if column in DECIDED_BY_ROW:
            continue
        parts.append(_expression(column, patterns))
    if query.since is not None:
        parts.append(pc.field('time') >= pa.scalar(query.since, type=pa.timestamp('us', tz='UTC')))
    if query.until is not None:
        parts.append(pc.field('time') < pa.scalar(query.until, type=pa.timestamp('us', tz='UTC')))
    whole = None
    for part in parts:
        whole = part if whole is None else whole & part
    return whole


def _expression(column: str, patterns: tuple[str, ...]) -> Any:
    """Return the patterns as an expression; plain values let whole row groups be left out."""
    if not any(set(p) & set('*?[') for p in patterns):
        return pc.field(column).isin(list(patterns))
    return pc.match_substring_regex(pc.field(column), _regex(patterns))


def _regex(patterns: tuple[str, ...]) -> str:
    import fnmatch

    # fnmatch writes (?s:...)\Z, which RE2 spells (?s:...)\z.
    each = [fnmatch.translate(p).removesuffix(r'\Z').removesuffix(r'\z') for p in patterns]
    return '^(?:' + '|'.join(each) + ')$'


def told_by_names(query: Query) -> list[str] | None:
    """Return the columns that a query asks for, if names of files answer it; else None.

    Such files are read whole, and the columns looked at all the same.
    """
    asked = [column for column, _ in query.patterns if column not in DECIDED_BY_ROW]
    whenever = query.since is None and query.until is None
    return list(dict.fromkeys(asked)) if whenever and set(asked) <= {'release', 'run_id'} else None


def mask_of(table: Any, column: str, query: Query) -> Any:
    """Return which rows match; of texts as codes only the different ones are looked at."""
    mask = None
    for name, patterns in query.patterns:
        if name == column:
            part = _matching(table[column], _regex(patterns))
            mask = part if mask is None else pc.and_(mask, part)
    return mask


def _matching(column: Any, pattern: str) -> Any:
    if not pa.types.is_dictionary(column.type):
        return pc.match_substring_regex(column, pattern)
    whole = column.unify_dictionaries().combine_chunks()
    return pc.match_substring_regex(whole.dictionary, pattern).take(whole.indices)


def last_recordings(table: Any) -> Any:
    """Keep, of each run, the rows of its last recording."""
    if not table.num_rows:
        return table
    runs = table['run_id']
    coded = runs if pa.types.is_dictionary(runs.type) else runs.dictionary_encode()
    run = plain(coded.unify_dictionaries().combine_chunks().indices)
    when = plain(table['recorded'].combine_chunks())
    newest = np.zeros(int(run.max()) + 1, dtype=np.int64)
    newest[run] = when
    if (newest[run] == when).all():
        return table
    np.maximum.at(newest, run, when)
    return table.filter(pa.array(when == newest[run]))
