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

    Pairs come in blocks of two, ABBA or BAAB by the toss of a coin per block: a drift that is
    linear over a block cancels, and no periodic disturbance can follow the order. Each block
    depends on ``seed`` and its own number only, so that more pairs can be added later.
    """
    block, second = divmod(pair, 2)
    heads = hashlib.sha256(f'{seed}/{block}'.encode()).digest()[0] & 1
    return ('after', 'before') if bool(heads) != bool(second) else ('before', 'after')


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
