"""GPU variants are planned by the devices of the configuration; elsewhere the plan says why not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SITE = """\
site_configuration = {
    'systems': [{
        'name': 'site', 'hostnames': ['.*'], 'modules_system': 'nomod',
        'partitions': [{
            'name': 'accelerated', 'scheduler': 'local', 'launcher': 'local',
            'environs': ['default'], 'features': ['cpu', 'gpu', 'cores_1', 'cores_2', 'nodes_1'],
            'devices': DEVICES,
            'processor': {'num_cpus': 16, 'num_cpus_per_core': 1, 'num_cpus_per_socket': 16,
                          'num_sockets': 1},
        }],
    }],
    'environments': [{'name': 'default'}],
}
"""
GPUS = "[{'type': 'gpu', 'arch': 'sm_90', 'model': 'H100', 'num_devices': 4}]"
VARIANTS = {
    'GROMACS': 'EESSI_GROMACS_WaterBox_GPU',
    'TensorFlow': 'EESSI_TensorFlow_TrainingOnGPU',
    'LAMMPS': 'EESSI_LAMMPS_LennardJonesMelt_GPU',
    'Horovod': 'EESSI_Horovod_DistributedTraining_GPU',
    'OSU-Micro-Benchmarks': 'EESSI_OSU_PointToPoint_GPU',
}


@pytest.fixture(params=VARIANTS)
def software(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def stack(tmp_path: Path, software: str) -> Path:
    """A tree with one build for CPUs and one for GPUs; nothing in it is executed."""
    root = tmp_path / 'stack'
    tree = root / 'versions/2025.06/software/linux/x86_64/generic'
    for version in ('2024.1-foss-2023b', '2024.1-foss-2023b-CUDA-12.4.0'):
        (tree / 'software' / software / version).mkdir(parents=True)
        module = tree / 'modules/all' / software / f'{version}.lua'
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(f'local root = "{tree}/software/{software}/{version}"\n')
    return root


def dry_plan(stack: Path, variant: str, site: str) -> dict[str, Any]:
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'plan']
    command += ['--stack', str(stack), '--test', variant, '--json', '--target', 'x86_64/generic']
    if site:
        config = stack.parent / 'site.py'
        config.write_text(site)
        command += ['--config', str(config), '--system', 'site']
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_variant_is_planned_where_a_partition_has_gpus(stack: Path, software: str) -> None:
    plan = dry_plan(stack, VARIANTS[software], SITE.replace('DEVICES', GPUS))
    assert [(c['module'], c['partition'], c['id']['scale']) for c in plan['cases']] == [
        (f'{software}/2024.1-foss-2023b-CUDA-12.4.0', 'site:accelerated', 'nodes_1')
    ]
    (refusal,) = plan['not_planned']
    assert refusal['reason'].startswith('no GPU build')


@pytest.mark.parametrize('site', ['', SITE.replace('DEVICES', '[]')], ids=['host', 'no device'])
def test_variant_is_otherwise_listed_as_not_planned(stack: Path, software: str, site: str) -> None:
    plan = dry_plan(stack, VARIANTS[software], site)
    assert plan['cases'] == []
    assert {n['reason'] for n in plan['not_planned']} == {'no GPU partition'}
    assert len(plan['not_planned']) == 2


@pytest.mark.parametrize('software', ['LAMMPS', 'OSU-Micro-Benchmarks'], indirect=True)
def test_build_that_needs_the_driver_is_not_planned_for_cpus(stack: Path, software: str) -> None:
    plan = dry_plan(stack, VARIANTS[software].removesuffix('_GPU'), '')
    assert {c['module'] for c in plan['cases']} == {f'{software}/2024.1-foss-2023b'}
    (reason,) = {n['reason'] for n in plan['not_planned']}
    assert reason.startswith('another variant')
