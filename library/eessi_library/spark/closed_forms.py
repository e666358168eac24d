"""What Spark must answer, without adding up the rows: arithmetic series, in exact integers.

The rows are i = 0 .. n - 1, the key of a row is i mod k, its value is i + c. Group r then holds
the m rows r, r + k, r + 2 k, ...: an arithmetic series.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eessi_library.spark.result import Sums


@dataclass(frozen=True)
class Numbers:
    """Rows n, groups k, offset c; weight of each key that has one; rows for Python workers."""

    rows: int
    groups: int
    offset: int
    weights: Sequence[tuple[int, int]]
    python_rows: int

    def group(self, key: int) -> tuple[int, int, int, int, int]:
        """Key, count, sum, least and greatest value of one group."""
        count = (self.rows - key + self.groups - 1) // self.groups
        least = key + self.offset
        most = least + (count - 1) * self.groups
        return key, count, count * (least + most) // 2, least, most

    def sums(self) -> Sums:
        """Everything that one pass must find."""
        weighted = [(self.group(key), weight) for key, weight in self.weights]
        classes: dict[int, tuple[int, int]] = {}
        for (_, _, total, _, _), weight in weighted:
            keys, so_far = classes.get(weight % 7, (0, 0))
            classes[weight % 7] = keys + 1, so_far + total
        return Sums(
            groups=tuple(self.group(key) for key in range(self.groups)),
            joined=(
                sum(count for (_, count, _, _, _), _ in weighted),
                sum(total * weight for (_, _, total, _, _), weight in weighted),
            ),
            classes=tuple((c, *classes[c]) for c in sorted(classes)),
            squares=tuple((d, self._squares(d)) for d in range(10)),
        )

    def _squares(self, digit: int) -> int:
        """Sum of i^2 over i < python_rows with this last digit: i = digit + 10 j, j < m."""
        m = (self.python_rows - digit + 9) // 10
        return m * digit * digit + 20 * digit * (m * (m - 1) // 2) + 100 * _sum_of_squares(m - 1)


def _sum_of_squares(n: int) -> int:
    """1 + 4 + ... + n^2 = n (n + 1) (2 n + 1) / 6."""
    return n * (n + 1) * (2 * n + 1) // 6
