"""The driver on a real Slurm: what runs is accepted, what fails there is told apart."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from one_machine_slurm import OneMachineSlurm
from slurm_driver import HELD_WATER, SMALL_WATER, WATER, Driver

pytestmark = [pytest.mark.root, pytest.mark.stack, pytest.mark.slow]

Overrunning = tuple[subprocess.Popen[str], Path]


@pytest.fixture(autouse=True)
def _started_early(overrunning: Overrunning) -> None:
    """Let the job that must exceed its limit wait while the other tests run."""


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.2)


def jobs_in_core(cluster: OneMachineSlurm, states: str) -> set[str]:
    """Return the jobs of partition core, where the overrunning one is not."""
    options = ('--noheader', '--partition=core', f'--states={states}', '--format=%i')
    return set(cluster.command('squeue', *options).split())


def test_cores_2_goes_to_the_partition_whose_nodes_have_two_cores(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    verdict = driver.run(tmp_path / 'run', *WATER, '--system', 'cluster', '--scale', 'cores_2')
    assert (verdict.code, verdict.name) == (0, 'ACCEPT'), verdict.printed
    assert verdict.result['case']['partition'] == 'cluster:smt'
    assert len(verdict.result['nodes']) == 1
    # Two cores of two threads each: the tasks do not share a core.
    accounted = cluster.command(
        'sacct', '--allocations', '--noheader', '--parsable2', '--state=COMPLETED',
        '--starttime=now-10minutes', '--endtime=now', '--format=partition,nnodes,alloccpus',
    )  # fmt: skip
    assert accounted.split() == ['smt|1|4']


@pytest.mark.parametrize(
    ('launcher', 'water'), [('srun', WATER), ('mpirun', SMALL_WATER)], ids=['srun', 'mpirun']
)
def test_nodes_2_runs_on_two_nodes(
    driver: Driver, tmp_path: Path, launcher: str, water: tuple[str, ...]
) -> None:
    verdict = driver.run(
        tmp_path / 'run', *water, '--system', 'cluster:core', '--scale', 'nodes_2',
        variables={'CLUSTER_LAUNCHER': 'mpirun'} if launcher == 'mpirun' else {},
    )  # fmt: skip
    assert (verdict.code, verdict.name) == (0, 'ACCEPT'), verdict.printed
    assert verdict.result['nodes'] == ['core1', 'core2']
    script = verdict.result['job_script']
    assert f'\n{launcher} ' in script
    assert ('SLURM_MPI_TYPE=pmix' in script) == (launcher == 'srun')
    log = tmp_path / 'run' / verdict.result['directory'] / 'md.log'
    assert 'Running on 2 nodes' in log.read_text(errors='replace')


def test_a_cluster_without_accounting_is_polled_with_squeue(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    text = (cluster.directory / 'slurm.conf').read_text()
    without = re.sub(r'(?m)^AccountingStorage.*\n', '', text)
    (tmp_path / 'slurm.conf').write_text(without)
    (tmp_path / 'gres.conf').write_text((cluster.directory / 'gres.conf').read_text())
    variables = {'SLURM_CONF': str(tmp_path / 'slurm.conf')}
    assert 'scheduler squeue' in driver.doctor(variables).stdout
    verdict = driver.run(
        tmp_path / 'run', *SMALL_WATER, '--system', 'cluster:core', '--scale', 'cores_1',
        variables=variables,
    )  # fmt: skip
    assert (verdict.code, verdict.name) == (0, 'ACCEPT'), verdict.printed


def test_a_refused_submission_holds_with_slurms_message(driver: Driver, tmp_path: Path) -> None:
    verdict = driver.run(
        tmp_path / 'run', *WATER, '--system', 'cluster:closed', '--scale', 'cores_1'
    )
    assert (verdict.code, verdict.name) == (75, 'HOLD'), verdict.printed
    assert 'Required partition not available (inactive or drain)' in verdict.reason


def test_a_partition_that_is_down_holds_with_slurms_reason(driver: Driver, tmp_path: Path) -> None:
    verdict = driver.run(tmp_path / 'run', *WATER, '--system', 'cluster:down', '--scale', 'cores_1')
    assert (verdict.code, verdict.name) == (75, 'HOLD'), verdict.printed
    assert 'PartitionDown' in verdict.reason


def test_a_node_that_is_down_holds_with_slurms_reason(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    cluster.command('scontrol', 'update', 'nodename=smt2', 'state=down', 'reason=fan failed')
    try:
        verdict = driver.run(
            tmp_path / 'run', *WATER, '--system', 'cluster:broken', '--scale', 'cores_1'
        )
    finally:
        cluster.command('scontrol', 'update', 'nodename=smt2', 'state=idle')
    assert (verdict.code, verdict.name) == (75, 'HOLD'), verdict.printed
    assert 'Nodes required for job are DOWN' in verdict.reason


def test_interrupt_cancels_the_job_and_holds(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    process = driver.start(
        tmp_path / 'run', *HELD_WATER, '--system', 'cluster:core', '--scale', 'cores_1'
    )
    wait_for(lambda: jobs_in_core(cluster, 'RUNNING'))
    process.send_signal(signal.SIGINT)
    verdict = driver.finish(process, tmp_path / 'run')
    assert (verdict.code, verdict.name) == (75, 'HOLD'), verdict.printed
    assert verdict.result['outcome'] == 'aborted'
    wait_for(lambda: not jobs_in_core(cluster, 'PENDING,RUNNING,COMPLETING'), seconds=20)


def test_a_job_that_an_operator_cancels_holds(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    process = driver.start(
        tmp_path / 'run', *HELD_WATER, '--system', 'cluster:core', '--scale', 'cores_1'
    )
    wait_for(lambda: jobs_in_core(cluster, 'RUNNING'))
    cluster.command('scancel', *jobs_in_core(cluster, 'RUNNING'))
    verdict = driver.finish(process, tmp_path / 'run')
    assert (verdict.code, verdict.name) == (75, 'HOLD'), verdict.printed
    assert 'CANCELLED' in verdict.reason


def test_a_job_that_exceeds_its_limit_is_rejected_by_name(
    driver: Driver, overrunning: Overrunning
) -> None:
    verdict = driver.finish(*overrunning)
    assert (verdict.code, verdict.name) == (1, 'REJECT'), verdict.printed
    assert 'time limit' in verdict.reason.lower()
    assert '#SBATCH --nodelist=smt1' in verdict.result['job_script']
