"""Scales: how much of a system a case uses, from one core to sixteen nodes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from eessi_validate.errors import unknown_name
from eessi_validate.stack.tables import read_table


@dataclass(frozen=True)
class Scale:
    """One row of the table of scales; exactly one of ``cores`` and ``node_part`` is set."""

    name: str
    nodes: int
    #: Cores on each node.
    cores: int | None = None
    #: Part of each node's cores.
    node_part: float | None = None
    #: The name in EESSI's own test suite.
    alias: str = ''

    def cores_per_node(self, cores_of_node: int) -> int:
        """Return the cores used on each node of ``cores_of_node`` cores; 0 if it does not fit."""
        if self.cores is not None:
            return self.cores if self.cores <= cores_of_node else 0
        return int(cores_of_node * (self.node_part or 0))


@cache
def scales() -> tuple[Scale, ...]:
    """Return all scales, smallest first."""
    return tuple(Scale(**row) for row in read_table('scales', 'scales'))


def find_scale(name: str) -> Scale:
    """Return the scale called ``name``, also by its alias.

    :raises UsageError: naming the nearest valid scales.
    """
    for scale in scales():
        if name in (scale.name, scale.alias):
            return scale
    raise unknown_name('scale', name, (s.name for s in scales()))


def fitting_scales(cores_of_node: int, nodes: int) -> tuple[Scale, ...]:
    """Return the scales that fit a partition of ``nodes`` nodes of ``cores_of_node`` cores."""
    return tuple(s for s in scales() if s.nodes <= nodes and s.cores_per_node(cores_of_node) > 0)
