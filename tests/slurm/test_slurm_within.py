"""``ab`` inside one allocation: all pairs on its node, and no job but the one it runs in."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from one_machine_slurm import OneMachineSlurm
from slurm_driver import SMALL_WATER, Driver

pytestmark = [pytest.mark.root, pytest.mark.stack, pytest.mark.slow]


def test_all_pairs_run_inside_the_allocation_that_ab_was_started_in(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    out = tmp_path / 'ab'
    command = [
        sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'ab',
        '--stack', str(driver.stack), '--before', '2023.06', '--after', '2023.06',
        *SMALL_WATER, '--scale', 'cores_1', '--pairs', '6', '--self-check', '0', '--warm-ups', '0',
        '--out', str(out),
    ]  # fmt: skip
    script, log = tmp_path / 'job.sh', tmp_path / 'job.out'
    script.write_text(f'#!/bin/bash\n{shlex.join(command)}\necho "ended with $?"\n')
    options = ('--parsable', '--nodes=1', '--exclusive', '--partition=core', f'--output={log}')
    with cluster.network.entered():
        submitted = subprocess.run(
            ['sbatch', '--wait', *options, str(script)], env=cluster.environment,
            capture_output=True, text=True, timeout=400, check=True,
        )  # fmt: skip
    printed = log.read_text()
    next_job = cluster.command('sbatch', '--parsable', '--wrap', 'true')
    assert int(next_job) == int(submitted.stdout) + 1, 'its runs are no jobs of their own'
    report = json.loads((out / 'ab-report.json').read_text())
    assert report['rows_by_phase'] == {'pair': 12}, printed
    (case,) = report['cases']
    assert (case['pairs'], case['failed']) == (6, 0), printed
    assert {metric['n'] for metric in report['metrics']} == {6}
