"""Which direction is better, by the unit: what neither ReFrame nor its reports say."""

from __future__ import annotations

from functools import cache

from eessi_validate.stack.tables import read_table


@cache
def _directions() -> dict[str, str]:
    return {
        str(unit).lower(): way for way in ('higher', 'lower') for unit in read_table('units', way)
    }


def direction_of(unit: str) -> str:
    """Return ``higher``, ``lower`` or '' for a unit."""
    return _directions().get(unit.strip().lower(), '')
