"""Partitions come from this host as detected, or from a site's configuration by ReFrame."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.rfm.partitions import host_partitions, shipped_config, site_partitions

SITE = """\
def partition(name, scheduler, *features):
    return {
        'name': name, 'scheduler': scheduler, 'launcher': 'local', 'environs': ['gnu', 'intel'],
        'features': list(features),
    }

site_configuration = {
    'systems': [
        {'name': 'piz', 'hostnames': ['.*'],
         'partitions': [partition('cpu', 'slurm', 'cores_1', 'nodes_2'),
                        partition('gpu', 'squeue', 'gpu')]},
        {'name': 'other', 'hostnames': ['x'], 'partitions': [partition('login', 'local')]},
    ],
    'environments': [{'name': 'gnu'}, {'name': 'intel'}],
}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / 'site.py'
    path.write_text(SITE)
    return path


def test_host_has_one_local_partition_with_the_scales_that_fit() -> None:
    (partition,) = host_partitions()
    assert (partition.name, partition.scheduler) == ('host:default', 'local')
    assert {'cpu', 'cores_1', 'nodes_1'} <= partition.features
    assert 'nodes_2' not in partition.features


def test_all_partitions_of_a_system_are_returned_in_order(site: Path) -> None:
    cpu, gpu = site_partitions([site], 'piz')
    assert (cpu.name, cpu.scheduler, cpu.features) == (
        'piz:cpu', 'slurm', frozenset({'cores_1', 'nodes_2'}),
    )  # fmt: skip
    assert (gpu.name, gpu.scheduler, gpu.environ) == ('piz:gpu', 'squeue', 'gnu')


def test_one_partition_may_be_named(site: Path) -> None:
    (gpu,) = site_partitions([site], 'piz:gpu')
    assert gpu.name == 'piz:gpu'


@pytest.mark.parametrize(
    ('system', 'message'),
    [
        ('pix', "unknown system 'pix': did you mean piz"),
        ('piz:gpus', "unknown partition 'gpus': did you mean gpu"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(site: Path, system: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        site_partitions([site], system)


def test_configurations_chain(site: Path) -> None:
    assert site_partitions([site, shipped_config('generic_host')], 'host')[0].name == 'host:default'


def test_configuration_that_prints_is_read_nonetheless(site: Path) -> None:
    site.write_text('print("hello")\n' + SITE)
    assert len(site_partitions([site], 'piz')) == 2


@pytest.mark.parametrize('text', ['1 / 0\n', 'site_configuration = {"systems": 1}\n'])
def test_configuration_that_cannot_be_loaded_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'broken.py'
    path.write_text(text)
    with pytest.raises(UsageError, match=f'cannot load the ReFrame configuration {path}'):
        site_partitions([path], 'x')


def test_gpus_are_counted_from_the_devices(site: Path) -> None:
    text = site.read_text().replace(
        "'features': list(features),",
        "'features': list(features), 'devices': [{'type': 'gpu', 'num_devices': 4}],",
    )
    assert {p.gpus for p in site_partitions([site], 'piz')} == {0}
    site.write_text(text)
    assert {p.gpus for p in site_partitions([site], 'piz')} == {4}


#: scontrol of a host whose controller is down.
DOWN = '#!/bin/sh\necho "Unable to contact slurm controller (connect failure)" >&2\nexit 1\n'


@pytest.mark.parametrize(
    ('scontrol', 'expected', 'said'),
    [
        (DOWN, HoldError, 'Slurm does not answer: .*contact slurm controller'),
        ('', UsageError, 'no Slurm here'),
    ],
)
def test_controller_that_does_not_answer_is_no_wrong_request(
    scontrol: str,
    expected: type[Exception],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if scontrol:
        (tmp_path / 'scontrol').write_text(scontrol)
        (tmp_path / 'scontrol').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(expected, match=said):
        site_partitions([shipped_config('slurm_cluster')], 'cluster')
