"""Columns of numbers as numpy arrays without pandas, whose import outlasts most queries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def plain(array: Any) -> NDArray[Any]:
    """Return an array of numbers, flags or times (microseconds since 1970).

    From its buffers, for pyarrow's own conversions import pandas. Null is NaN, or the least
    integer among times.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        array = array.cast(pa.uint8())
    elif pa.types.is_timestamp(kind):
        array = array.cast(pa.int64())
    elif array.null_count:
        array = array.cast(pa.float64())
    if not len(array):
        return np.zeros(0)
    values = np.frombuffer(array.buffers()[1], dtype=str(array.type).replace('double', 'float64'))
    values = values[array.offset : array.offset + len(array)]
    if array.null_count:
        unknown = np.iinfo(np.int64).min if values.dtype.kind == 'i' else np.nan
        values = np.where(plain(array.is_null()).astype(bool), unknown, values)
    return values
