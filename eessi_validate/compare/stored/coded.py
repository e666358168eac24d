"""Rows as columns of codes and numbers: two releases have 100,000 rows, and few different texts.

Arrow reads texts as codes already, so nothing is hashed twice; pandas would take longer to import
than the whole comparison takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from eessi_validate.results.archive.plain import plain

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Text:
    """A column of texts."""

    codes: Codes
    values: Sequence[str]

    def equals(self, value: str) -> NDArray[np.bool_]:
        """Return which rows have this text."""
        return self.any_of({value})

    def any_of(self, wanted: set[str]) -> NDArray[np.bool_]:
        """Return which rows have one of these texts."""
        return np.array([value in wanted for value in (*self.values, '')])[self.codes]

    def at(self, row: int) -> str:
        """Return the text of a row."""
        return self.values[int(self.codes[row])]

    def different(self, rows: NDArray[Any]) -> set[str]:
        """Return the different texts of some rows."""
        return {self.values[code] for code in np.unique(self.codes[rows]).tolist()}


@dataclass(frozen=True)
class Rows:
    """Rows of stored results."""

    size: int
    texts: Mapping[str, Text]
    #: Null is NaN; times are microseconds since 1970, and the least integer where unknown.
    numbers: Mapping[str, NDArray[Any]]

    def take(self, rows: NDArray[Any]) -> Rows:
        """Return some rows."""
        return Rows(
            len(rows),
            {name: Text(text.codes[rows], text.values) for name, text in self.texts.items()},
            {name: values[rows] for name, values in self.numbers.items()},
        )

    def at(self, name: str, row: int) -> str:
        """Return the text of a column of texts in a row."""
        return self.texts[name].at(row)


def rows_of(table: Any) -> Rows:
    """Return a table of the store's columns as rows; texts may be coded already."""
    texts: dict[str, Text] = {}
    numbers: dict[str, NDArray[Any]] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
            texts[name] = _text(column)
        else:
            numbers[name] = plain(column.combine_chunks())
    return Rows(table.num_rows, texts, numbers)


def _text(column: Any) -> Text:
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    whole = column.unify_dictionaries().combine_chunks()
    values: list[str] = whole.dictionary.to_pylist()
    indices = whole.indices
    if indices.null_count:
        # Only foreign files have nulls: they are what is not known, as '' is.
        if '' not in values:
            values.append('')
        missing = plain(indices.is_null()).astype(bool)
        codes = np.where(missing, values.index(''), np.nan_to_num(plain(indices)))
        return Text(codes.astype(np.int64), tuple(values))
    return Text(plain(indices).astype(np.int64), tuple(values))


def group(rows: Rows, columns: Sequence[str], *more: Any) -> Codes:
    """Return a number for each row: equal where the columns (and arrays) are equal."""
    parts: list[tuple[Codes, int]] = []
    for name in columns:
        if name in rows.texts:
            text = rows.texts[name]
            parts.append((text.codes, max(len(text.values), 1)))
        else:
            parts.append(numbered(rows.numbers[name]))
    parts += [numbered(np.asarray(array)) for array in more]
    found, size = np.zeros(rows.size, dtype=np.int64), 1
    for codes, count in parts:
        if size * count >= 2**62:
            found, size = numbered(found)
        found, size = found * count + codes, size * count
    return numbered(found)[0]


def numbered(values: NDArray[Any]) -> tuple[Codes, int]:
    """Return the number of each value in order of appearance, and how many there are."""
    whole = np.ascontiguousarray(values)
    if whole.dtype.kind == 'f':
        # NaN is one value here.
        whole = np.where(np.isnan(whole), np.nan, whole.astype(np.float64)).view(np.int64)
    else:
        whole = whole.astype(np.int64)
    # From its buffer: pa.array would import pandas to see whether this is a series.
    array = pa.Array.from_buffers(pa.int64(), len(whole), [None, pa.py_buffer(whole)])
    coded = array.dictionary_encode()
    return plain(coded.indices).astype(np.int64), max(len(coded.dictionary), 1)
