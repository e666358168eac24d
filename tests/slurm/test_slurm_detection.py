"""What the detected configuration says about a cluster, and what it says when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from one_machine_slurm import OneMachineSlurm
from slurm_driver import CONFIG, Driver

from eessi_validate.rfm.partitions import Partition, site_partitions

pytestmark = [pytest.mark.root, pytest.mark.stack]


@pytest.fixture
def partitions(cluster: OneMachineSlurm, monkeypatch: pytest.MonkeyPatch) -> dict[str, Partition]:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    with cluster.network.entered():
        return {each.name: each for each in site_partitions([CONFIG], 'cluster')}


def test_the_default_partition_comes_first(partitions: dict[str, Partition]) -> None:
    assert next(iter(partitions)) == 'cluster:core'


def test_every_slurm_partition_is_there(partitions: dict[str, Partition]) -> None:
    names = {'core', 'smt', 'closed', 'down', 'broken'}
    assert set(partitions) == {f'cluster:{name}' for name in names}


def test_scales_count_cores_not_threads(partitions: dict[str, Partition]) -> None:
    assert {'cores_2', 'nodes_2'} <= partitions['cluster:smt'].features
    assert 'cores_4' not in partitions['cluster:smt'].features
    assert 'cores_2' not in partitions['cluster:core'].features


def test_scales_count_the_nodes_of_the_partition(partitions: dict[str, Partition]) -> None:
    assert 'nodes_2' not in partitions['cluster:broken'].features


def test_gpus_make_a_feature(partitions: dict[str, Partition]) -> None:
    assert 'gpu' in partitions['cluster:smt'].features
    assert 'gpu' not in partitions['cluster:core'].features


def test_doctor_names_scheduler_and_scales(driver: Driver) -> None:
    done = driver.doctor()
    assert done.returncode == 0, done.stdout
    assert 'cluster:core    scheduler slurm' in done.stdout


def test_doctor_names_a_missing_scheduler(driver: Driver, tmp_path: Path) -> None:
    done = driver.doctor({'PATH': str(tmp_path)})
    assert done.returncode == 1
    assert 'no Slurm here: scontrol is not in PATH' in done.stdout


def test_doctor_passes_on_what_slurm_says_when_its_controller_is_down(
    driver: Driver, cluster: OneMachineSlurm, tmp_path: Path
) -> None:
    text = (cluster.directory / 'slurm.conf').read_text()
    lines = [
        'SlurmctldPort=9' if line.startswith('SlurmctldPort') else line
        for line in text.splitlines()
    ]
    (tmp_path / 'slurm.conf').write_text('\n'.join([*lines, 'MessageTimeout=2', '']))
    done = driver.doctor({'SLURM_CONF': str(tmp_path / 'slurm.conf')})
    assert done.returncode == 1
    assert 'Unable to contact slurm controller' in done.stdout
