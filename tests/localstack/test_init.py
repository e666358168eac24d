"""init/bash of a published release, without a compat layer: detection and refusals."""

import subprocess

import pytest

from eessi_validate.localstack.catalogue import load_catalogue
from eessi_validate.localstack.compat import template

HASWELL = 'vendor_id\t: GenuineIntel\nflags\t\t: fpu sse2 avx2 bmi2 fma\n'
SKYLAKE = (
    'vendor_id\t: GenuineIntel\nflags\t\t: fma avx2 avx512f avx512dq avx512cd avx512bw avx512vl\n'
)
ZEN2 = 'vendor_id\t: AuthenticAMD\nflags\t\t: avx2 fma\n'
OLD = 'vendor_id\t: GenuineIntel\nflags\t\t: fpu sse2 avx2fma\n'
GRAVITON2 = 'Features\t: fp asimd atomics asimddp\nCPU implementer\t: 0x41\n'
POWER9 = 'processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\nclock\t\t: 2.2MHz\n'


@pytest.fixture
def release(tmp_path):
    root = tmp_path / 'local.eessi.io'
    prefix = root / 'versions' / '2023.06'
    for family in ('x86_64', 'aarch64', 'ppc64le'):
        lmod = prefix / 'compat/linux' / family / 'usr/share/Lmod/init'
        lmod.mkdir(parents=True)
        (lmod / 'bash').write_text('export FAKE_LMOD=yes\n')
        (prefix / 'software/linux' / family / 'generic/modules/all').mkdir(parents=True)
    targets = '\n'.join(
        f'{name}|{row["vendor"]}|{" ".join(row["flags"])}'
        for name, row in load_catalogue().cpu_targets.items()
    )
    words = {'ROOT': str(root), 'PREFIX': str(prefix), 'RELEASE': '2023.06', 'TARGETS': targets}
    (prefix / 'init').mkdir()
    (prefix / 'init' / 'bash').write_text(template('init_bash.sh', words))
    return prefix


def source(release, command, **env):
    return subprocess.run(
        ['bash', '--norc', '-c', f'set -e; source {release}/init/bash; {command}'],
        env={'PATH': '/usr/bin:/bin', **env},
        capture_output=True,
        text=True,
        check=False,
    )


def subdir(release, tmp_path, cpuinfo, machine, **env):
    (tmp_path / 'cpuinfo').write_text(cpuinfo)
    done = source(
        release,
        'echo $EESSI_SOFTWARE_SUBDIR',
        EESSI_SILENT='1',
        EESSI_PROC_CPUINFO=str(tmp_path / 'cpuinfo'),
        EESSI_MACHINE_TYPE=machine,
        **env,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    return done.stdout.strip()


@pytest.mark.parametrize(
    ('cpuinfo', 'machine', 'target'),
    [
        (HASWELL, 'x86_64', 'x86_64/intel/haswell'),
        (SKYLAKE, 'x86_64', 'x86_64/intel/skylake_avx512'),
        (ZEN2, 'x86_64', 'x86_64/amd/zen2'),
        (OLD, 'x86_64', 'x86_64/generic'),
        (GRAVITON2, 'aarch64', 'aarch64/neoverse_n1'),
        (POWER9, 'ppc64le', 'ppc64le/power9le'),
    ],
)
def test_the_best_target_that_exists_is_chosen(release, tmp_path, cpuinfo, machine, target):
    assert subdir(release, tmp_path, cpuinfo, machine) == f'{machine}/generic'
    (release / 'software/linux' / target / 'modules/all').mkdir(parents=True, exist_ok=True)
    assert subdir(release, tmp_path, cpuinfo, machine) == target


def test_a_better_cpu_falls_back_to_the_next_target_that_exists(release, tmp_path):
    (release / 'software/linux/x86_64/intel/haswell/modules/all').mkdir(parents=True)
    assert subdir(release, tmp_path, SKYLAKE, 'x86_64') == 'x86_64/intel/haswell'


def test_an_override_is_respected_and_must_exist(release, tmp_path):
    chosen = {'EESSI_SOFTWARE_SUBDIR_OVERRIDE': 'aarch64/generic'}
    assert subdir(release, tmp_path, HASWELL, 'x86_64', **chosen) == 'aarch64/generic'
    done = source(release, 'true', EESSI_SOFTWARE_SUBDIR_OVERRIDE='x86_64/intel/none')
    assert done.returncode != 0
    assert 'no software for the CPU target x86_64/intel/none' in done.stderr


def test_a_family_without_compat_layer_is_refused(release):
    done = source(release, 'true', EESSI_MACHINE_TYPE='riscv64')
    assert done.returncode != 0
    assert 'no compatibility layer for riscv64' in done.stderr


def test_a_moved_stack_is_refused(release):
    moved = release.parent / '2099.01'
    release.rename(moved)
    done = source(moved, 'true')
    assert done.returncode != 0
    assert 'cannot be used at' in done.stderr


def test_the_variables_of_eessi_are_exported(release):
    done = source(release, 'env', EESSI_MACHINE_TYPE='x86_64', MODULEPATH='/host/modules')
    prefix, root = str(release), str(release.parent.parent)
    software = f'{prefix}/software/linux/x86_64/generic'
    for line in (
        f'EESSI_CVMFS_REPO={root}',
        'EESSI_VERSION=2023.06',
        f'EESSI_EPREFIX={prefix}/compat/linux/x86_64',
        'EESSI_CPU_FAMILY=x86_64',
        'EESSI_OS_TYPE=linux',
        f'EESSI_SOFTWARE_PATH={software}',
        f'MODULEPATH={software}/modules/all',
        'FAKE_LMOD=yes',
    ):
        assert line in done.stdout.splitlines()
    assert done.stdout.startswith('Local stack in EESSI layout')
