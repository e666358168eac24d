"""Reads real interleaved runs and prints what each design would have made of them.

``python real_runs.py RECORD.csv ...`` prints the verdicts on all pairs, what other methods make of
the same runs, and the verdicts on separate windows of pairs. ``python real_runs.py --export
AB_DIRECTORY RECORD.csv`` makes a record from a comparison of ``eessi-validate ab``;
``gromacs_pairs.py`` writes them too. A record has one run a line, in the order in which they ran.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
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

DIRECTIONS: dict[str, Direction] = {
    'speed': 'higher',
    'step_time': 'lower',
    'wall_time': 'lower',
    'cpu_time': 'lower',
    'hpl': 'higher',
    'dgemm': 'higher',
    'stream_triad': 'higher',
    'mpi_fft': 'higher',
    'transpose': 'higher',
}

#: Pairs of one window.
WINDOW = 30


def export(directory: Path, record: Path) -> None:
    """Write the passed pair runs of a comparison as a record."""
    from eessi_validate.compare.ab.journal import Journal

    journal, _ = Journal.open(directory)
    rows = [row for row in journal.rows() if row.phase == 'pair' and row.outcome.value == 'pass']
    with record.open('w', encoding='utf-8', newline='') as stream:
        names = [m.name for m in rows[0].metrics if m.name in DIRECTIONS] if rows else []
        writer = csv.writer(stream)
        writer.writerow(['started', 'pair', 'side', *names])
        for row in rows:
            values = {metric.name: metric.value for metric in row.metrics}
            writer.writerow([row.started, row.pair, row.side, *(values[m] for m in names)])


def show(record: Path) -> None:
    """Print verdicts on the pairs, and on the same runs taken as two blocks in time."""
    with record.open(encoding='utf-8', newline='') as stream:
        rows = list(csv.DictReader(stream))
    print(f'\n## {record.stem}: {len(rows)} runs')
    names = [name for name in DIRECTIONS if name in rows[0]]
    for judged in judge_family([_comparison(rows, name) for name in names]):
        _show_metric(rows, judged)
    numbers = sorted({int(row['pair']) for row in rows})
    for name in names:
        for size in (10, WINDOW):
            windows = [numbers[i : i + size] for i in range(0, len(numbers) - size + 1, size)]
            _show_windows(rows, name, size, windows)


def _show_windows(
    rows: list[dict[str, str]], name: str, size: int, windows: list[list[int]]
) -> None:
    found = []
    for window in windows:
        inside = [row for row in rows if int(row['pair']) in window]
        found += judge_family([_comparison(inside, name)])
    counts = Counter(judged.verdict.value for judged in found)
    rejected = sum(judged.p is not None and judged.p <= 0.05 for judged in found)
    verdicts = ', '.join(f'{n} {verdict}' for verdict, n in counts.items()) or 'none'
    print(
        f'\n{name}, {len(windows)} separate windows of {size} pairs: {verdicts};'
        f' p <= 0.05 in {rejected}'
    )


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
