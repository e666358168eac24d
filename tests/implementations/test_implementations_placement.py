"""A planned case becomes modules, tasks, threads and binding; with real ReFrame."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

REFRAME = [sys.executable, '-c', 'from reframe.frontend.cli import main; main()']

SITE = """\
site_configuration = {
    'systems': [{
        'name': 'site', 'hostnames': ['.*'], 'modules_system': 'nomod',
        'partitions': [{
            'name': 'cpu', 'scheduler': 'local', 'launcher': 'local', 'environs': ['default'],
            'features': ['cpu', 'cores_1', 'cores_2', 'cores_4', 'node_half', 'nodes_1'],
            'devices': [{'type': 'gpu', 'num_devices': GPUS}],
            'processor': {'num_cpus': 16, 'num_cpus_per_core': 2, 'num_cpus_per_socket': 8,
                          'num_sockets': 2},
        }],
    }],
    'environments': [{'name': 'default'}],
}
"""

CHECK = """\
import reframe as rfm
from eessi_implementations.cases import planned_cases
from eessi_implementations.mixin import CPU_CORE, CPU_SOCKET, GPU, NODE, EESSIImplementation
from eessi_library.library_test import LibraryTest
from reframe.core.builtins import run_before, sanity_function


class Base(LibraryTest, pin_prefix=True):
    executable = 'true'

    @run_before('run')
    def tell(self):
        layout = [self.num_tasks, self.num_tasks_per_node, self.num_cpus_per_task]
        self.postrun_cmds += [f'echo layout {layout}', 'env | grep -E "^(OMPI|PRTE)_" || true']

    @sanity_function
    def fine(self):
        return True


@rfm.simple_test
class Placed(Base, EESSIImplementation):
    fewest_tasks, most_tasks = LIMITS
    covers = 'Tool'
    case = planned_cases(__qualname__, covers)
    compute_unit = UNIT
    kind = 'KIND'
"""


def place(
    tmp_path: Path,
    scale: str,
    unit: str,
    kind: str = 'functional',
    limits: tuple[int, int | None] = (1, None),
    gpus: int = 4,
) -> tuple[str, str]:
    """Run one case with real ReFrame and return the output of its job and its script."""
    (tmp_path / 'site.py').write_text(SITE.replace('GPUS', str(gpus)))
    check = CHECK.replace('UNIT', unit).replace('KIND', kind).replace('LIMITS', str(limits))
    (tmp_path / 'check.py').write_text(check)
    case: dict[str, Any] = {
        'key': f'Tool/1.0@x%{scale}', 'module': '', 'software': 'Tool', 'version': '1.0',
        'toolchain': '', 'cpu_target': 'x', 'scale': scale,
    }  # fmt: skip
    cases = {'cases': [{'test': 'Placed', 'case': case}]}
    (tmp_path / 'cases.json').write_text(json.dumps(cases))
    command = [*REFRAME, '-C', str(tmp_path / 'site.py'), '--system', 'site']
    command += ['--prefix', str(tmp_path / 'run'), '--keep-stage-files', '-r']
    command += ['-c', str(tmp_path / 'check.py')]
    environment = {**os.environ, 'EESSI_VALIDATE_CASES': str(tmp_path / 'cases.json')}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )
    (output,) = (tmp_path / 'run').rglob('stage/**/rfm_job.out')
    assert done.returncode == 0, done.stdout
    return output.read_text(), output.with_name('rfm_job.sh').read_text()


@pytest.mark.parametrize(
    ('scale', 'unit', 'layout'),
    [
        ('cores_4', 'CPU_CORE', [4, 4, 1]),
        ('nodes_1', 'CPU_CORE', [8, 8, 1]),
        ('nodes_1', 'CPU_SOCKET', [2, 2, 4]),
        ('node_half', 'NODE', [1, 1, 4]),
        ('nodes_1', 'GPU', [4, 4, 2]),
        ('node_half', 'GPU', [2, 2, 2]),
    ],
)
def test_scale_and_compute_unit_give_tasks_and_cores(
    tmp_path: Path, scale: str, unit: str, layout: list[int]
) -> None:
    output, _ = place(tmp_path, scale, unit)
    assert f'layout {layout}' in output


@pytest.mark.parametrize(
    ('unit', 'scale', 'limits', 'gpus', 'layout'),
    [
        # A pair of ranks has cores or GPUs of its own, also where there are more.
        ('CPU_CORE', 'cores_4', (2, 2), 4, [2, 2, 1]),
        ('GPU', 'nodes_1', (2, 2), 4, [2, 2, 2]),
        # The only GPU is shared, and so are the cores of the node.
        ('GPU', 'nodes_1', (2, 2), 1, [2, 2, 4]),
        ('GPU', 'nodes_1', (2, None), 1, [2, 2, 4]),
        ('GPU', 'nodes_1', (2, None), 4, [4, 4, 2]),
        # A core is not shared.
        ('CPU_CORE', 'cores_1', (2, 2), 4, [1, 1, 1]),
    ],
)
def test_limits_of_the_test_bound_its_tasks(
    tmp_path: Path,
    unit: str,
    scale: str,
    limits: tuple[int, int | None],
    gpus: int,
    layout: list[int],
) -> None:
    output, _ = place(tmp_path, scale, unit, limits=limits, gpus=gpus)
    assert f'layout {layout}' in output


def test_functional_case_is_bound_to_nothing_because_others_run_beside_it(tmp_path: Path) -> None:
    output, _ = place(tmp_path, 'cores_2', 'CPU_CORE')
    assert 'OMPI_MCA_hwloc_base_binding_policy=none' in output
    assert 'mapping_policy' not in output


def test_performance_case_is_bound_to_its_own_cores(tmp_path: Path) -> None:
    output, _ = place(tmp_path, 'node_half', 'NODE', 'performance')
    assert 'OMPI_MCA_hwloc_base_binding_policy=core' in output
    assert 'OMPI_MCA_rmaps_base_mapping_policy=slot:PE=4' in output


def test_mapping_for_openmpi_5_is_one_that_it_accepts_as_a_default(tmp_path: Path) -> None:
    output, _ = place(tmp_path, 'cores_2', 'CPU_CORE', 'performance')
    assert 'PRTE_MCA_rmaps_default_mapping_policy=slot:PE' not in output


def test_job_stops_at_its_first_failure_and_ends_with_the_marker(tmp_path: Path) -> None:
    _, script = place(tmp_path, 'cores_1', 'CPU_CORE')
    lines = script.splitlines()
    assert 'set -eo pipefail' in lines
    assert lines[-1].startswith('echo "eessi-library: every command ended with status 0, nonce ')


def test_tests_of_mpi_are_told_of_the_mpi_of_the_site(tmp_path: Path) -> None:
    (tmp_path / 'site.py').write_text(SITE.replace('GPUS', '4'))
    tests = ('EESSI_MPI_Communication', 'EESSI_Mpi4py_Communication')
    case: dict[str, Any] = {
        'key': 'Tool/1.0@x%cores_2', 'module': '', 'software': 'Tool', 'version': '1.0',
        'toolchain': '', 'cpu_target': 'x', 'scale': 'cores_2',
        'injection': {'injected_mpi': '/site/lib', 'linked_object': '/stack/libx.so'},
    }  # fmt: skip
    cases = {'cases': [{'test': test, 'case': case} for test in tests]}
    (tmp_path / 'cases.json').write_text(json.dumps(cases))
    implementations = Path(str(files('eessi_implementations')))
    command = [*REFRAME, '-C', str(tmp_path / 'site.py'), '--system', 'site', '--describe']
    for name in ('mpi.py', 'mpi4py.py'):
        command += ['-c', str(implementations / name)]
    environment = {**os.environ, 'EESSI_VALIDATE_CASES': str(tmp_path / 'cases.json')}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True
    )
    described = json.loads(done.stdout[done.stdout.index('[\n') :])
    told = {row['display_name'].split()[0]: row for row in described}
    assert set(told) == set(tests)
    assert {row['injected_mpi'] for row in described} == {'/site/lib'}
    assert told['EESSI_MPI_Communication']['linked_object'] == '/stack/libx.so'


def test_plain_reframe_gives_each_variant_the_builds_it_is_for(tmp_path: Path) -> None:
    software = tmp_path / 'my.eessi.io/versions/2025.06/software/linux/x86_64/amd/zen2'
    for version in ('2025.07.22-foss-2025a', '2025.07.22-foss-2025a-CUDA-12.8.0'):
        module = software / 'modules/all/LAMMPS' / f'{version}.lua'
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text('x')
    site = SITE.replace('GPUS', '4').replace("['cpu',", "['cpu', 'gpu',")
    (tmp_path / 'site.py').write_text(site)
    file = files('eessi_implementations') / 'lammps.py'
    command = [*REFRAME, '-C', str(tmp_path / 'site.py'), '--system', 'site', '-c', str(file), '-L']
    environment = {**os.environ, 'EESSI_SOFTWARE_PATH': str(software)}
    environment.pop('EESSI_VALIDATE_CASES', None)
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=True
    )
    listed = set(re.findall(r'- (EESSI_\w+) %case=(\S+)@\S+%nodes_1 ', done.stdout))
    assert listed == {
        ('EESSI_LAMMPS_LennardJonesMelt', 'LAMMPS/2025.07.22-foss-2025a'),
        ('EESSI_LAMMPS_LennardJonesMelt_GPU', 'LAMMPS/2025.07.22-foss-2025a-CUDA-12.8.0'),
    }
