"""Runs GROMACS from a stack in interleaved pairs, without ReFrame between them, and records them.

``python gromacs_pairs.py STACK MODULE RECORD.csv --pairs 60 --slowdown 5`` runs a box of water with
N steps on one side and 5 % more on the other; ``--slowdown 0`` is A/A. Wall time is mdrun's own;
CPU time is that of the process as the kernel counts it, which does not grow while it waits for a
core that somebody else has.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import re
import resource
import subprocess
import tempfile
import time
from pathlib import Path

from eessi_validate.compare.statistics import schedule
from eessi_validate.rfm.invoke import clean_environment

MDP = """\
integrator = md
dt = 0.002
nsteps = -1
nstlog = 0
nstcalcenergy = 100
cutoff-scheme = Verlet
coulombtype = PME
rcoulomb = 0.9
rvdw = 0.9
constraints = h-bonds
tcoupl = v-rescale
tc-grps = System
tau-t = 0.2
ref-t = 300
gen-vel = yes
gen-seed = 1
ld-seed = 1
"""

TOPOLOGY = """\
#include "oplsaa.ff/forcefield.itp"
#include "oplsaa.ff/spce.itp"
[ system ]
water
[ molecules ]
SOL 216
"""


def environment(stack: Path, release: str, module: str) -> dict[str, str]:
    """Return the environment in which the module is loaded."""
    init = stack / 'versions' / release / 'init' / 'bash'
    script = f'source {init} >/dev/null && module load {module} && env -0'
    done = subprocess.run(
        ['bash', '-c', script], env=clean_environment({}), capture_output=True, check=True
    )
    variables = (row.partition('=') for row in done.stdout.decode().split('\0') if '=' in row)
    return {name: value for name, _, value in variables} | {
        'OMP_NUM_THREADS': '1',
        'GMX_MAXBACKUP': '-1',
    }


def prepare(directory: Path, env: dict[str, str]) -> None:
    """Write the input and let grompp make ``md.tpr``."""
    (directory / 'md.mdp').write_text(MDP)
    (directory / 'topol.top').write_text(TOPOLOGY)
    shipped = '"$(dirname "$(command -v gmx_mpi)")/../share/gromacs/top/spc216.gro"'
    command = f'gmx_mpi grompp -f md.mdp -c {shipped} -p topol.top -o md.tpr -maxwarn 2'
    subprocess.run(['bash', '-c', command], cwd=directory, env=env, capture_output=True, check=True)


def run_once(directory: Path, env: dict[str, str], steps: int) -> tuple[float, float]:
    """Return wall and CPU seconds of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ['gmx_mpi', 'mdrun', '-deffnm', 'md', '-nsteps', str(steps), '-ntomp', '1']
    subprocess.run(
        [*command, '-noconfout', '-pin', 'off'], cwd=directory, env=env, capture_output=True,
        check=True, executable=_which(env),
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    log = (directory / 'md.log').read_text(errors='replace')
    wall = re.search(r'^\s+Time:\s+[\d.]+\s+([\d.]+)', log, re.MULTILINE)
    if wall is None or f'Step           Time\n{steps:>15}' not in log:
        raise RuntimeError(f'mdrun did not report {steps} steps and their time')
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(wall[1]), cpu


def _which(env: dict[str, str]) -> str:
    for folder in env['PATH'].split(os.pathsep):
        if os.access(candidate := os.path.join(folder, 'gmx_mpi'), os.X_OK):
            return candidate
    raise RuntimeError('the module brings no gmx_mpi')


def main() -> None:
    """Run and record the pairs; every run is written as it ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('stack', type=Path)
    parser.add_argument('module')
    parser.add_argument('record', type=Path)
    parser.add_argument('--release', default='2023.06')
    parser.add_argument('--pairs', type=int, default=30)
    parser.add_argument('--steps', type=int, default=1000)
    parser.add_argument('--slowdown', type=float, default=0.0, help='per cent more steps')
    parser.add_argument('--seed', default='1')
    parser.add_argument('--seconds', type=float, default=450, help='stop after this time')
    arguments = parser.parse_args()
    env = environment(arguments.stack, arguments.release, arguments.module)
    slow = round(arguments.steps * (1 + arguments.slowdown / 100))
    end = time.monotonic() + arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        prepare(directory, env)
        with arguments.record.open('w', encoding='utf-8', newline='') as stream:
            writer = csv.writer(stream)
            writer.writerow(['started', 'pair', 'side', 'load', 'wall_time', 'cpu_time'])
            for step in schedule(arguments.pairs, arguments.seed, warm_ups=1):
                if time.monotonic() > end:
                    break
                started = datetime.datetime.now(datetime.timezone.utc)
                wall, cpu = run_once(
                    directory, env, slow if step.side == 'after' else arguments.steps
                )
                if not step.warm_up:
                    stamp = started.isoformat(timespec='milliseconds')
                    load = f'{os.getloadavg()[0]:.2f}'
                    writer.writerow([stamp, step.pair, step.side, load, wall, f'{cpu:.3f}'])
                    stream.flush()


if __name__ == '__main__':
    main()
