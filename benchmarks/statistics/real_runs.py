"""Reads real interleaved runs and prints what each design would have made of them.

``python real_runs.py RECORD.csv ...`` prints the table; ``python real_runs.py --export AB_DIRECTORY
RECORD.csv`` makes a record from a comparison of ``eessi-validate ab``. A record has one run a line,
in the order in which they ran.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from methods import mann_whitney, reframe, rule, welch

from eessi_validate.compare.statistics import (
    Comparison,
    Direction,
    Judged,
    Measurement,
    check_itself,
    judge_family,
    needs_text,
    pair_up,
)

DIRECTIONS: dict[str, Direction] = {'speed': 'higher', 'step_time': 'lower', 'wall_time': 'lower'}


def export(directory: Path, record: Path) -> None:
    """Write the passed pair runs of a comparison as a record."""
    from eessi_validate.compare.ab.journal import Journal

    journal, _ = Journal.open(directory)
    rows = [row for row in journal.rows() if row.phase == 'pair' and row.outcome.value == 'pass']
    with record.open('w', encoding='utf-8', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(['started', 'pair', 'side', *DIRECTIONS])
        for row in rows:
            values = {metric.name: metric.value for metric in row.metrics}
            writer.writerow([row.started, row.pair, row.side, *(values[m] for m in DIRECTIONS)])


def show(record: Path) -> None:
    """Print verdicts on the pairs, and on the same runs taken as two blocks in time."""
    with record.open(encoding='utf-8', newline='') as stream:
        rows = list(csv.DictReader(stream))
    print(f'\n## {record.stem}: {len(rows)} runs')
    family = [_comparison(rows, name) for name in DIRECTIONS]
    for judged in judge_family(family):
        _show_metric(rows, judged)


def _comparison(rows: list[dict[str, str]], name: str) -> Comparison:
    sides = [
        [Measurement(r['pair'], float(r[name]), '') for r in rows if r['side'] == side]
        for side in ('before', 'after')
    ]
    return Comparison(name, DIRECTIONS[name], pair_up(*sides))


def _show_metric(rows: list[dict[str, str]], judged: Judged) -> None:
    name, estimate = judged.comparison.name, judged.estimate
    print(f'\n{name}: {judged.verdict.value} {judged.reason} {needs_text(judged)}')
    if estimate is None:
        return
    print(
        f'  ratio {estimate.ratio:.4f} ({estimate.lower:.4f} to {estimate.upper:.4f}),'
        f' n {estimate.n}, spread {estimate.spread:.2%}, robust {estimate.scale:.2%},'
        f' finds {estimate.detectable:.2%}, p {estimate.p:.4f}, q {judged.q:.4f}'
    )
    pairs = judged.comparison.sample.pairs
    noise = check_itself(pairs)
    print(f'  single runs vary by {noise.noise:.2%}, autocorrelation {noise.autocorrelation:.2f}')
    logs = np.log(np.array([float(row[name]) for row in rows]))
    half = len(logs) // 2
    designs = {
        'pairs': (np.log([[p[0] for p in pairs]]), np.log([[p[1] for p in pairs]])),
        'first half of all runs against second half': (logs[None, :half], logs[None, half:]),
    }
    for design, (before, after) in designs.items():
        ratio = float(np.exp(after).mean() / np.exp(before).mean())
        flags = {
            'Welch': welch(before, after)[0],
            'Mann-Whitney': mann_whitney(before, after)[0],
            '10 % rule on means': rule(before, after, 0.1)[0],
            'ReFrame, last run, 10 %': reframe(before, after, 0.1)[0],
        }
        raised = ', '.join(k for k, v in flags.items() if v) or 'none'
        print(f'  {design}: means differ by {ratio - 1:+.1%}; alarms: {raised}')


if __name__ == '__main__':
    if sys.argv[1:2] == ['--export']:
        export(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        for name in sys.argv[1:]:
            show(Path(name))
