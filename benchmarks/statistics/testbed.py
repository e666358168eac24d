"""Measures what each method does on simulated machines: ``python testbed.py [--seed N] [--quick]``.

Every figure is a rate over simulated comparisons, printed with its goal where there is one. The
same seed prints the same table.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
import sections
from methods import mann_whitney, our_verdicts, paired_t, reframe, rule, welch
from noise import Array, NoiseModel, blocks, interleaved, runs

MODELS = (
    NoiseModel('normal 5 %', 0.05),
    NoiseModel('normal 5 %, drift', 0.05, drift=True),
    NoiseModel('normal 10 %, drift', 0.10, drift=True),
    NoiseModel('heavy 5 %', 0.05, heavy=True),
    NoiseModel('heavy 5 %, drift', 0.05, drift=True, heavy=True),
)

METHODS: dict[str, Callable[[Array, Array], Array]] = {
    'ours': lambda a, b: our_verdicts(a, b)[0],
    'paired t': paired_t,
    'Welch': welch,
    'Mann-Whitney': mann_whitney,
    'mean 10 %': lambda a, b: rule(a, b, 0.1),
    'mean 5 %': lambda a, b: rule(a, b, 0.05),
    'ReFrame 10 %': lambda a, b: reframe(a, b, 0.1),
}


def false_alarms_and_power(repetitions: int, seed: int) -> None:
    """Print false alarms / power for a 5 % slowdown, in per cent, of single metrics."""
    print('\n## False alarms / power for a 5 % slowdown, per cent of single comparisons\n')
    print(f'| noise | design | n | {" | ".join(METHODS)} |')
    print(f'|---|---|---|{"---|" * len(METHODS)}')
    for model in MODELS:
        for design in ('interleaved', 'block'):
            for n in (6, 10, 20):
                generator = np.random.default_rng([seed, n, MODELS.index(model)])
                rates = []
                for shift in (0.0, math.log(1.05)):
                    series = runs(model, repetitions, 2 * n, generator)
                    if design == 'interleaved':
                        before, after = interleaved(series, shift, generator)
                    else:
                        before, after = blocks(series, shift)
                    rates.append([100 * m(before, after).mean() for m in METHODS.values()])
                cells = [f'{a:.1f} / {b:.1f}' for a, b in zip(*rates, strict=True)]
                print(f'| {model.name} | {design} | {n} | {" | ".join(cells)} |', flush=True)


def main() -> None:
    """Print all sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--quick', action='store_true', help='a tenth of the repetitions')
    arguments = parser.parse_args()
    part = 10 if arguments.quick else 1
    clock = time.monotonic()
    print(f'seed {arguments.seed}')
    false_alarms_and_power(4000 // part, arguments.seed)
    sections.goals(20000 // part, arguments.seed)
    sections.coverage(20000 // part, arguments.seed)
    sections.families(100 // part, arguments.seed)
    sections.sequential(4000 // part, arguments.seed)
    sections.until(20000 // part, arguments.seed)
    sections.screening(300 // part, arguments.seed)
    sections.histories(400 // part, arguments.seed)
    sections.halving(200, arguments.seed)
    sections.halving_bound()
    sections.alarm_error(1_000_000 // part, arguments.seed)
    print(f'{time.monotonic() - clock:.0f} s', file=sys.stderr)


if __name__ == '__main__':
    main()
