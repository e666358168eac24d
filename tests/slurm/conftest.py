"""Fixtures of the Slurm tests: the cluster, and the driver as a user of it starts it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from one_machine_slurm import OneMachineSlurm, missing_packages
from slurm_driver import HELD_WATER, Driver


@pytest.fixture(scope='session')
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneMachineSlurm]:
    """A running Slurm; its Debian packages are installed if they are missing."""
    if os.geteuid() != 0:
        pytest.skip('a Slurm cluster on one machine needs root')
    if missing := missing_packages():
        subprocess.run(
            ['apt-get', 'install', '--yes', '--no-install-recommends', *missing],
            env={**os.environ, 'DEBIAN_FRONTEND': 'noninteractive'},
            check=True,
            timeout=300,
        )
    slurm = OneMachineSlurm(tmp_path_factory.mktemp('slurm'))
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture(scope='session')
def driver(cluster: OneMachineSlurm, local_stack: Path) -> Driver:
    """The command line, with the detected configuration of the cluster."""
    return Driver(cluster, local_stack)


@pytest.fixture(scope='session')
def overrunning(
    driver: Driver, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A run whose job exceeds its limit, started early: Slurm counts limits in whole minutes."""
    out = tmp_path_factory.mktemp('overrunning') / 'run'
    process = driver.start(
        out, *HELD_WATER, '--system', 'cluster:smt', '--scale', 'cores_1', '--time-limit', '1m',
        variables={'CLUSTER_ACCESS': '--nodelist=smt1'},
    )  # fmt: skip
    yield process, out
    if process.poll() is None:
        process.terminate()
        process.wait(timeout=60)
