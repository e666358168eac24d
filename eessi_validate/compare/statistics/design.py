"""In which order the two sides run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Side = Literal['before', 'after']


@dataclass(frozen=True)
class Step:
    """One run of one side."""

    side: Side
    #: Number of the pair from 0; warm-up runs count down from -1.
    pair: int

    @property
    def warm_up(self) -> bool:
        """Whether the result is dropped."""
        return self.pair < 0


def pair_order(pair: int, seed: str) -> tuple[Side, Side]:
    """Return the order within a pair.

    A coin of its own for each pair makes the signed-rank test exact whatever the noise, as long as
    the sides are the same: given the runs, each difference is as likely to have either sign,
    independently (R. A. Fisher, The Design of Experiments, 1935). Blocks such as ABBA cancel a
    steady drift, but run B twice in a row, and a disturbance of two runs then hits one side twice:
    8 % false alarms instead of 5 % (``benchmarks/statistics``). Each pair depends on ``seed`` and
    its own number only, so that more pairs can be added later.
    """
    heads = hashlib.sha256(f'{seed}/{pair}'.encode()).digest()[0] & 1
    return ('after', 'before') if heads else ('before', 'after')


def schedule(pairs: int, seed: str, *, first: int = 0, warm_ups: int = 0) -> tuple[Step, ...]:
    """Return the runs in their order: warm-up runs of both sides, then pair after pair.

    :arg first: number of the first pair, to go on after an interruption.
    """
    warm = [Step(side, -1 - i) for i in range(warm_ups) for side in _both(f'{seed}/warm-up', i)]
    return (
        *warm,
        *(Step(side, p) for p in range(first, first + pairs) for side in pair_order(p, seed)),
    )


def _both(seed: str, number: int) -> tuple[Side, Side]:
    return pair_order(number, seed)
