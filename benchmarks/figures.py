"""Prints the figures of the driver: python benchmarks/figures.py STACK_ROOT.

STACK_ROOT is a local stack with release 2023.06 and the minimal set. Every figure that compares is
a ratio or a difference of two things timed in this one run.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from measure import machine, median, row, timed
from module_tree import make_tree

DRIVER = [sys.executable, '-c', 'from eessi_validate.cli import main; main()']


def help_time() -> None:
    """Time ``--help``: median of ten."""
    seconds = median([timed([*DRIVER, '--help']).wall for _ in range(10)])
    row('`--help`', f'{seconds:.2f} s', '<= 0.25 s', seconds <= 0.25)


def plan_time(scratch: Path) -> None:
    """Time ``plan`` for 1,000 modules x 8 CPU targets: median of five."""
    root = scratch / 'big.eessi.io'
    arguments = [word for target in make_tree(root, 1000) for word in ('--target', target)]
    command = [*DRIVER, 'plan', '--stack', str(root), '--json', *arguments]
    seconds = median([timed(command).wall for _ in range(5)])
    row('`plan`, 1,000 modules x 8 CPU targets', f'{seconds:.2f} s', '<= 1.0 s', seconds <= 1.0)


def functional_overhead(stack: Path, scratch: Path, cases: int = 20) -> None:
    """Compare user CPU of the driver with that of the same job scripts run by hand."""
    out = scratch / 'functional'
    test = 'EESSI_compat_CLibrary'
    command = [*DRIVER, 'run', '--stack', str(stack), '--out', str(out), '--quiet']
    whole = timed([*command, '--test', test, '--repeat', str(cases)])
    report = json.loads((out / 'report.json').read_text())
    stages = [out / r['directory'] for r in report['run']['results'] if r['directory']]
    assert len(stages) == cases, f'{len(stages)} of {cases} cases ran'
    by_hand = sum(timed(['bash', 'rfm_job.sh'], cwd=stage).user for stage in stages)
    each = (whole.user - by_hand) / cases
    row(
        f'user CPU of driver and ReFrame per functional case ({cases} cases)',
        f'{each:.2f} s (by hand {by_hand / cases:.2f} s)', '<= 0.25 s', each <= 0.25,
    )  # fmt: skip


def main_job(stack: Path, scratch: Path) -> None:
    """Compare the wall time of the main job with that of its application commands alone."""
    out = scratch / 'main'
    whole = timed([*DRIVER, 'run', '--stack', str(stack), '--out', str(out), '--quiet'])
    report = json.loads((out / 'report.json').read_text())
    stages = [out / r['directory'] for r in report['run']['results'] if r['directory']]
    alone = sum(timed(['bash', 'rfm_job.sh'], cwd=stage).wall for stage in stages)
    limit = 1.3 * alone + 10
    row(
        f'main job, {len(stages)} cases',
        f'{whole.wall:.1f} s; job scripts alone {alone:.1f} s: {whole.wall / alone:.2f} x',
        f'<= 1.3 x + 10 s = {limit:.1f} s', whole.wall <= limit,
    )  # fmt: skip


def stack_build(scratch: Path) -> None:
    """Time ``stack build`` of the minimal set: downloads cached, then everything unpacked anew."""
    root, cache = scratch / 'build' / 'local.eessi.io', scratch / 'cache'
    command = [*DRIVER, 'stack', 'build', '--root', str(root), '--cache', str(cache)]
    cold = timed(command)
    size = sum(
        os.lstat(os.path.join(directory, name)).st_blocks * 512
        for directory, _, names in os.walk(root)
        for name in names
    )
    row(
        f'`stack build` minimal, mirror only, as uid {os.geteuid()}',
        f'{cold.wall:.1f} s, {size / 1e6:.0f} MB', '<= 45 s, <= 600 MB',
        cold.code == 0 and cold.wall <= 45 and size <= 600e6,
    )  # fmt: skip


def main() -> None:
    """Print all figures."""
    stack = Path(sys.argv[1]).absolute()
    print(f'{machine()}\n\n| what | figure | goal | reached |\n|---|---|---|---|')
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        help_time()
        plan_time(scratch)
        functional_overhead(stack, scratch)
        main_job(stack, scratch)
        stack_build(scratch)


if __name__ == '__main__':
    main()
