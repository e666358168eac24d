"""What a site brings: CPU (init script) and GPU driver; its MPI is in test_installation_mpi."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from archspec.cpu import TARGETS
from small_stack import gcc

from eessi_library.installation import Release
from eessi_library.installation.gpu_driver import (
    check_driver,
    cuda_versions,
    driver_serves,
    driver_version,
    minimum_driver,
    parse_driver_version,
)
from eessi_library.installation.init_selection import (
    RecordedCpu,
    check_init,
    recorded_cpus,
    targets,
)
from eessi_library.installation.release_checks import why_no_gpu_check, why_no_mpi_check

EIGHT = {
    'x86_64/generic', 'x86_64/intel/haswell', 'x86_64/intel/skylake_avx512', 'x86_64/amd/zen2',
    'aarch64/generic', 'aarch64/neoverse_n1', 'ppc64le/generic', 'ppc64le/power9le',
}  # fmt: skip


def test_recorded_cpus_stand_for_all_eight_targets() -> None:
    assert set(targets()) == EIGHT


@pytest.mark.parametrize('cpu', [c for c in recorded_cpus() if c.machine == 'x86_64'])
def test_recorded_flags_agree_with_archspec(cpu: RecordedCpu) -> None:
    name = cpu.target.split('/')[-1]
    wanted = TARGETS['x86_64' if name == 'generic' else name].features
    flags = next(line for line in cpu.cpuinfo.splitlines() if line.startswith('flags')).split()
    assert set(wanted) - {'sse3'} <= set(flags)  # the kernel calls it pni


@pytest.fixture
def real(local_stack: Path) -> Release:
    return Release(f'{local_stack}/versions/2023.06', 'x86_64/generic')


@pytest.mark.stack
@pytest.mark.slow
def test_the_init_script_picks_the_right_target(real: Release, tmp_path: Path) -> None:
    assert [o.reason for o in check_init(real, str(tmp_path))] == []


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize(
    ('old', 'new', 'check'),
    [
        ('avx2 fma avx512f', 'avx2 fma amx_tile avx512f', 'init/selects'),
        ('x86_64/amd/zen2|AuthenticAMD', 'x86_64/amd/zen2|', 'init/selects'),
        ('|0x41|', '|0x42|', 'init/selects'),
        ('|POWER9', '|POWER10', 'init/selects'),
        ('${EESSI_SOFTWARE_SUBDIR_OVERRIDE:-}', '', 'init/override'),
        ('if [ -d "$EESSI_PREFIX/software/linux/$target/modules/all" ]', 'if true', 'init/falls'),
    ],
)
def test_a_wrong_init_script(real: Release, tmp_path: Path, old: str, new: str, check: str) -> None:
    text = Path(real.init).read_text()
    assert old in text, 'the init script has changed: say the fault anew'
    init = tmp_path / 'versions' / '2023.06' / 'init' / 'bash'
    init.parent.mkdir(parents=True)
    init.write_text(text.replace(old, new).replace(real.path, str(tmp_path / 'versions/2023.06')))
    (tmp_path / 'versions/2023.06/compat/linux').mkdir(parents=True)
    (tmp_path / 'versions/2023.06/compat/linux/x86_64').symlink_to(real.compat)
    broken = Release(str(tmp_path / 'versions' / '2023.06'), 'x86_64/generic')
    found = [o.check for o in check_init(broken, str(tmp_path / 'scratch'))]
    assert any(each.startswith(check) for each in found)


@pytest.mark.parametrize(
    ('cuda', 'driver', 'serves'),
    [
        ('11.4', '450.80.02', True),
        ('11.4', '450.80.01', False),
        ('11.0', '450.36.06', True),
        ('12.1.1', '525.60.13', True),
        ('12.1.1', '450.80.02', False),
        ('12.1.1', None, None),
        ('99.0', '999.1', False),
    ],
)
def test_drivers(cuda: str, driver: str | None, serves: bool | None) -> None:
    assert driver_serves(cuda, driver).serves is serves


@pytest.mark.parametrize(
    ('text', 'version'),
    [
        (
            'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC\n'
            'GCC version:  gcc version 12.3.0\n',
            '535.104.05',
        ),
        (
            'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build\n',
            '550.54.15',
        ),
        (
            '| NVIDIA-SMI 525.60.13    Driver Version: 525.60.13    CUDA Version: 12.0 |',
            '525.60.13',
        ),
        ('450.80.02\n', '450.80.02'),
        ('No devices were found\n', None),
    ],
)
def test_texts_of_the_driver(text: str, version: str | None) -> None:
    assert parse_driver_version(text) == version


def test_a_driver_is_judged_against_every_cuda_of_the_stack(tmp_path: Path) -> None:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'x86_64/amd/zen2')
    for name in ('CUDA/11.7.0', 'CUDA/12.1.1', 'GCC/12.2.0'):
        os.makedirs(f'{release.software}/software/{name}')
    place = Path(release.host_injections, 'nvidia', 'x86_64', 'latest', 'host')
    place.mkdir(parents=True)
    for name in ('libcuda.so.1', 'libnvidia-ml.so.1'):
        gcc('int x;', place / name, '-shared', '-fPIC', f'-Wl,-soname,{name}')
    assert cuda_versions(release) == ['11.7.0', '12.1.1']
    assert list(check_driver(release, '535.104.05')) == []
    found = [(o.check, o.reason) for o in check_driver(release, '470.57.02')]
    reason = 'driver 470.57.02 is older than 525.60.13, which CUDA 12.1.1 needs'
    assert found == [('gpu/driver', reason)]
    (place / 'libcuda.so.1').unlink()
    (found_too,) = check_driver(release, '535.104.05')
    assert (found_too.check, found_too.subject) == ('gpu/not-injected', 'libcuda.so.1')


def test_no_cuda_and_no_injected_mpi_are_facts_of_the_plan(tmp_path: Path) -> None:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'x86_64/amd/zen2')
    assert why_no_gpu_check(release) == 'no CUDA in the stack for x86_64/amd/zen2'
    assert 'no MPI of the site is injected' in why_no_mpi_check(release)


def test_no_gpu_is_a_fact(tmp_path: Path) -> None:
    assert driver_version(str(tmp_path / 'none')) is None
    assert 'no GPU' in driver_serves('12.1', None).reason
    assert minimum_driver('11.7') == '450.80.02'
