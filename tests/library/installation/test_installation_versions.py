"""The version that a program, and that the installation's own records say, against the module's."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from eessi_library.installation import InstallationRequest, Release
from eessi_library.installation.rules import table
from eessi_library.installation.start_up import check_programs
from eessi_library.installation.versions.recorded import check_recorded_version
from eessi_library.installation.versions.reported import judge_version, version_of


def severity(module: str, program: str, said: str, *recorded: str) -> str | None:
    """What is said of a program by the shipped table; None: its version is right."""
    software = module.split('/')[0]
    row = table('version_reporters').get(software, {})
    reporter = row if program in row.get('programs', []) else {}
    found = judge_version(f'bin/{program}', version_of(module), said, reporter, module, recorded)
    return found[0].severity.value if found else None


@pytest.mark.parametrize(
    ('module', 'program', 'said'),
    [
        ('OpenFOAM/v2306-foss-2022b', 'openfoam', 'OpenFOAM-2306 (see www.openfoam.com)'),
        ('OpenFOAM/11-foss-2023a', 'openfoam', 'OpenFOAM-11'),
        ('R/4.3.2-gfbf-2023a', 'R', 'R version 4.3.2 (2023-10-31) -- "Eye Holes"\nGPL version 2'),
        ('R/4.2.2-foss-2022b', 'R', 'R version 4.2.2 Patched (2022-11-10 r83330)'),
        ('Java/11', 'java', 'openjdk version "11.0.16" 2022-07-19'),
        ('Java/17.0.6', 'java', 'openjdk 17.0.6 2023-01-17'),
        ('OpenSSL/1.1', 'openssl', 'OpenSSL 1.1.1k  25 Mar 2021'),
        ('Java/8.402', 'java', 'openjdk version "1.8.0_402"\nOpenJDK Runtime'),
        ('Java/8', 'javac', 'javac 1.8.0_402'),
        ('Python/3.11.3-GCCcore-12.3.0', 'python3', 'Python 3.11.3'),
        ('GROMACS/2024.4-foss-2023b', 'gmx', 'GROMACS version:    2024.4\nCopyright 1991-2024'),
        ('GROMACS/2024-foss-2023b', 'gmx', 'GROMACS version:    2024'),
        ('GROMACS/2022.5-foss-2022b', 'gmx', ':-) GROMACS - gmx, 2022.5-Debian_2022.5_2 (-:'),
        ('GROMACS/2024.1-foss-2023b-CUDA-12.1.1', 'gmx_mpi', 'GROMACS version: 2024.1'),
        ('QuantumESPRESSO/6.7-foss-2022b', 'pw.x', 'Program PWSCF v.6.7MaX starts on 1Jan2026'),
        ('GCCcore/12.2.0', 'gcc', 'gcc (Debian 12.2.0-14) 12.2.0\nGNU GPL version 3'),
        ('OpenMPI/4.1.4-GCC-12.2.0', 'mpirun', 'mpirun (Open MPI) 4.1.4'),
        ('Perl/5.36.1', 'perl', 'This is perl 5, version 36, subversion 1 (v5.36.1) built for'),
        ('Nextflow/23.10.0', 'nextflow', 'nextflow version 23.10.0.5889'),
        ('Tool/1.2', 'tool', 'tool 1.2.0'),
        ('Tool/1.2.0', 'tool', 'tool 1.2'),
        ('UnZip/6.0', 'unzip', 'UnZip 6.00 of 20 April 2009'),
        ('tmux/3.3a', 'tmux', 'tmux 3.3a'),
        ('ImageMagick/7.1.0-53-GCCcore-12.2.0', 'imagemagick', 'ImageMagick 7.1.0-53 Q16'),
        ('Valgrind/3.19.0', 'valgrind', 'valgrind-3.19.0'),
        ('LAMMPS/2022.01.06-foss-2022b', 'lmp', 'Simulator - 29 Sep 2021 - Update 2'),
        ('LAMMPS/23Jun2022-foss-2022b', 'lammps', 'LAMMPS 23Jun2022'),
        ('LAMMPS/23Jun2022-foss-2022b-kokkos', 'lmp', 'Massively Parallel Simulator - 23 Jun 2022'),
        ('LAMMPS/2Aug2023_update2-foss-2023a', 'lmp', 'Simulator - 2 Aug 2023 - Update 2'),
        ('LAMMPS/2025.02.04-foss-2025a', 'lmp', 'Massively Parallel Simulator - 4 Feb 2025'),
        ('Tool/2024.05.01', 'tool', 'tool 2024.05.01, built on 3 Aug 2025'),
    ],
)  # fmt: skip
def test_the_same_release_in_the_ways_of_the_field(module: str, program: str, said: str) -> None:
    assert severity(module, program, said) is None


@pytest.mark.parametrize(
    ('module', 'program', 'said'),
    [
        ('GROMACS/2024-foss-2023b', 'gmx', 'GROMACS version:    2024.4\nCopyright 1991-2024'),
        ('GROMACS/2024.4-foss-2023b', 'gmx', 'GROMACS version:    2024'),
        ('GROMACS/2024-foss-2023b', 'gmx', 'GROMACS version:    2024-rc1'),
        ('R/4.3-gfbf-2023a', 'R', 'R version 4.3.2 (2023-10-31)'),
        ('CMake/3.2', 'cmake', 'cmake version 3.2.1'),
        ('Java/11', 'java', 'openjdk version "17.0.6" 2023-01-17'),
        ('Java/8', 'java', 'openjdk version "11.0.20" 2023-07-18'),
        ('Java/8.402', 'java', 'openjdk version "1.8.0_392"'),
        ('Java/8.40', 'java', 'openjdk version "1.8.0_402"'),
        ('OpenMPI/4.1.1', 'mpirun', 'mpirun (Open MPI) 4.1.10'),
        ('LAMMPS/2Aug2023_update2-foss-2023a', 'lmp', 'Simulator - 2 Aug 2023'),
        ('LAMMPS/2Aug2023_update2-foss-2023a', 'lmp', 'Simulator - 2 Aug 2023 - Update 1'),
        ('LAMMPS/2Aug2023-foss-2023a', 'lmp', 'Simulator - 2 Aug 2024'),
        ('LAMMPS/2Aug2023-foss-2023a', 'lmp', 'Simulator - 29 Aug 2024 - Update 1'),
        ('LAMMPS/2025.02.04-foss-2025a', 'lmp', 'Massively Parallel Simulator - 4 Feb 2024'),
        ('Tool/2.0', 'tool', 'tool 1.9.3'),
        ('Tool/2.0', 'tool', 'Version: 1.9.3'),
    ],
)
def test_another_release(module: str, program: str, said: str) -> None:
    assert severity(module, program, said) == 'error'


@pytest.mark.parametrize(
    ('module', 'program', 'said'),
    [
        ('Tool/1.2', 'tool', 'tool 1.2.3'),
        ('Tool/1.2', 'tool', 'tool 1.2rc1'),
        ('Tool/1.1.1', 'tool', 'tool 1.1.1k'),
        ('Tool/1.2', 'tool', 'tool 2.0\nreads files of tool 1.2'),
        ('Tool/2.0', 'tool', 'uses zlib 1.2.13'),
        ('Go/1.21.6', 'go', 'Go is a tool for managing Go source code.'),
        ('gnuplot/5.4.6', 'gnuplot', 'gnuplot 5.4 patchlevel 6'),
        ('Vim/9.1.0004', 'vim', 'VIM - Vi IMproved 9.1 (2024 Jan 02)'),
    ],
)
def test_what_cannot_be_decided_is_a_warning(module: str, program: str, said: str) -> None:
    assert severity(module, program, said) == 'warning'


@pytest.mark.parametrize(
    ('program', 'name', 'expected'),
    [
        ('openssl', 'OpenSSL 1.1.1w  11 Sep 2023', []),
        ('openssl', 'OpenSSL 3.0.9 30 May 2023', ['error']),
        ('java', 'openjdk version "11.0.20"', []),
        ('java', 'openjdk version "17.0.6"', ['error']),
    ],
)
def test_programs_that_know_no_double_dash_are_asked_in_their_own_way(
    tmp_path: Path, program: str, name: str, expected: list[str]
) -> None:
    """OpenSSL 1.1.1 takes --version for a command, and java -h of Java 8 ends with 0."""
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'x86_64/generic')
    module, own = {'openssl': ('OpenSSL/1.1', 'version'), 'java': ('Java/11', '-version')}[program]
    request = InstallationRequest(release, module, f'{release.software}/software/{module}')
    path = Path(request.path, 'bin', program)
    path.parent.mkdir(parents=True)
    path.write_text(
        f'#!/bin/sh\ncase $1 in {own}) echo {shlex.quote(name)};; -h) echo usage;;'
        ' *) echo "Invalid command \'$1\'"; exit 1;; esac\n'
    )
    path.chmod(0o755)
    found = [o.severity.value for o in check_programs(request, {}, str(tmp_path))]
    assert found == expected


def test_the_records_of_the_installation_decide() -> None:
    said = 'tool 1.2.3'
    assert severity('Tool/1.2', 'tool', said, '1.2.3') == 'error'
    assert severity('Tool/1.2', 'tool', said, '1.2') is None
    assert severity('Tool/1.2', 'tool', said, '9.0') == 'warning'
    assert severity('gnuplot/5.4.6', 'gnuplot', 'gnuplot 5.4 patchlevel 6', '5.4.6') is None
    gromacs = 'GROMACS/2024-foss-2023b', 'gmx', 'GROMACS version: 2024.4'
    assert severity(*gromacs, '2024') == 'error'


def test_a_path_that_holds_the_version_proves_nothing() -> None:
    """As GROMACS does, which prints where its executable lies."""
    module = 'GROMACS/2024.1-foss-2023b'
    said = f'GROMACS: gmx, version 2023.3\nExecutable: /s/{module}/bin/gmx\n'
    assert severity(module, 'gmx', said) == 'error'
    assert severity(module, 'gmx', said.replace('2023.3', '2024.1')) is None


@pytest.mark.parametrize(
    ('said', 'right'),
    [
        ('App 2022.5', True),
        ('App v2022.5-Debian', True),
        ('App 2022.50', False),
        ('App 12022.5', False),
        ('App 2022.4', False),
        ('App 1.2022.5', False),
        ('no number', False),
    ],
)
def test_the_version_of_the_module_must_be_what_the_program_says(said: str, right: bool) -> None:
    assert (severity('App/2022.5', 'app', said) is None) is right


def test_versions_of_modules() -> None:
    assert version_of('GROMACS/2022.5-foss-2022b-CUDA-12.1.1') == '2022.5'
    assert version_of('R-bundle-Bioconductor/3.16-foss-2022b-R-4.2.2') == '3.16'


PC, CMAKE = 'lib/pkgconfig/libapp.pc', 'lib64/cmake/App/AppConfigVersion.cmake'
DIST, R = 'lib/python3.11/site-packages/App-1.0.dist-info/METADATA', 'library/App/DESCRIPTION'


@pytest.mark.parametrize(
    ('module', 'member', 'text', 'expected'),
    [
        ('App/1.2-foss-2022b', PC, 'Name: app\nVersion: 1.2.0\n', None),
        ('App/1.2-foss-2022b', PC, 'Name: app\nVersion: 1.2.3\n', 'warning'),
        ('App/1.2-foss-2022b', PC, 'Version: 3.0\n', 'warning'),
        ('App/1.2-foss-2022b', PC.replace('app', 'other'), 'Version: 3.0\n', None),
        ('App/1.2-foss-2022b', PC, 'Version: ${version}\n', None),
        ('App/1.2-foss-2022b', CMAKE, 'set(PACKAGE_VERSION "1.3.0")\n', 'warning'),
        ('App/1.2-foss-2022b', CMAKE, 'set(PACKAGE_VERSION "1.2")\n', None),
        ('App/1.2-foss-2022b', DIST, 'Metadata-Version: 2.1\nName: app\nVersion: 1.2.3\n', 'error'),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 1.2\n', None),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 1.2rc1\n', 'error'),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 1.2.dev0\n', 'warning'),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 1.2.post1\n', None),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 0.0.0\n', None),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 0+unknown\n', None),
        ('App/1.2-foss-2022b', DIST, 'Name: app\nVersion: 0.1+unknown\n', 'warning'),
        ('App/7.1.1-15', PC, 'Version: 7.1.1\n', None),
        ('App/7.1.1-15', PC, 'Version: 7.1.2\n', 'warning'),
        ('App/7.1.1-15', PC, 'Version: 7.1.1-20\n', 'warning'),
        ('App/7.1.1-15', PC, 'Version: 7.1\n', 'warning'),
        ('App/1.1.0-20230928', CMAKE, 'SET(PACKAGE_VERSION "1.1.0")\n', None),
        ('App/7.1.1-15', R, 'Package: App\nVersion: 7.1.1\n', 'warning'),
        ('Qhull/2020.2', CMAKE.replace('App', 'Qhull'), 'set(PACKAGE_VERSION 8.0.2)', None),
        ('App/1.2-foss-2022b', R, 'Package: App\nVersion: 1.1-9\n', 'error'),
        ('App/23Jun2022-foss-2022b', DIST, 'Name: app\nVersion: 2022.6.23\n', None),
        ('App/6.3', PC, 'Version: 6.3.20211021\n', None),
        ('OpenSSL/1.1', 'lib/pkgconfig/openssl.pc', 'Version: 1.1.1k\n', None),
        ('graphite2/1.3.14', 'lib/pkgconfig/graphite2.pc', 'Version: 3.2.1\n', None),
    ],
)  # fmt: skip
def test_what_the_installation_records_of_itself(
    tmp_path: Path, module: str, member: str, text: str, expected: str | None
) -> None:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'aarch64/generic')
    request = InstallationRequest(release, module, f'{release.software}/software/{module}')
    path = Path(request.path, member)
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = [(o.check, o.severity.value) for o in check_recorded_version(request)]
    assert found == ([('version/recorded', expected)] if expected else [])
