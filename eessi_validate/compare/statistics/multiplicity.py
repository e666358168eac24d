"""Many metrics at once: the false discovery rate."""

from __future__ import annotations

from collections.abc import Sequence


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the q-value of each p-value: the smallest rate at which it would be a discovery.

    Y. Benjamini and Y. Hochberg, J. R. Statist. Soc. B 57 (1995) 289; holds for independent tests
    and for positively dependent ones (Benjamini and Yekutieli, Ann. Statist. 29 (2001) 1165).

    :raises ValueError: if a p-value is not in [0, 1].
    """
    wrong = [p for p in p_values if not 0 <= p <= 1]
    if wrong:
        raise ValueError(f'not a p-value: {wrong[0]}')
    total, smallest = len(p_values), 1.0
    found = [1.0] * total
    order = sorted(range(total), key=lambda i: p_values[i], reverse=True)
    for passed, index in enumerate(order):
        smallest = min(smallest, p_values[index] * total / (total - passed))
        found[index] = smallest
    return tuple(found)
