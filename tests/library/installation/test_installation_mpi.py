"""An MPI of the site in the place of the stack's: fit for it, and what the stack's objects get."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_stack import SmallStack, gcc

from eessi_library.installation import Release
from eessi_library.installation.linkage import ReleaseLinkage
from eessi_library.installation.mpi_injection import (
    check_injected_mpi,
    check_use,
    injection,
    injection_directory,
    linked_library,
)
from eessi_library.installation.release_checks import mpi_findings

MPI = 'int MPI_Init(int *a, char ***b) { return 0; } int MPI_Send(void) { return 0; }'
USER = (
    'int MPI_Init(int *, char ***); int MPI_Send(void);'
    'int run(void) { MPI_Init(0, 0); return MPI_Send(); }'
)
#: Sound but for the version of the C library that it was built against.
NEWER = (
    '__asm__(".symver later, later@GLIBC_9.99");'
    'extern int later(void); int MPI_Send(void) { return later(); }'
    'int MPI_Init(int *a, char ***b) { return 0; }'
)


class Mpi:
    def __init__(self, top: Path) -> None:
        self.stack, self.injected = top / 'stack', top / 'injected'
        self.make(self.stack, MPI)
        self.user = gcc(USER, top / 'user.so', '-shared', '-fPIC', f'-L{self.stack}', '-lmpi')

    def make(self, where: Path, code: str, soname: str = 'libmpi.so.40') -> None:
        gcc(code, where / soname, '-shared', '-fPIC', f'-Wl,-soname,{soname}')
        (where / 'libmpi.so').unlink(missing_ok=True)
        (where / 'libmpi.so').symlink_to(soname)

    def reasons(self) -> list[tuple[str, str]]:
        found = check_injected_mpi(str(self.stack), str(self.injected), [str(self.user)])
        return [(o.check, o.subject) for o in found]


@pytest.fixture
def mpi(tmp_path: Path) -> Mpi:
    return Mpi(tmp_path)


def test_an_injected_mpi_with_every_symbol_is_taken(mpi: Mpi) -> None:
    mpi.make(mpi.injected, MPI + ' int more(void) { return 0; }')
    assert mpi.reasons() == []


def test_an_injected_mpi_is_refused_with_the_name_of_the_symbol(mpi: Mpi) -> None:
    mpi.make(mpi.injected, 'int MPI_Init(int *a, char ***b) { return 0; }')
    assert mpi.reasons() == [('mpi/missing-symbol', 'MPI_Send')]


def test_an_injected_mpi_of_another_family_is_refused(mpi: Mpi) -> None:
    mpi.make(mpi.injected, MPI, 'libmpi.so.12')
    assert mpi.reasons() == [('mpi/soname', 'libmpi.so.40')]


def test_a_directory_without_mpi_is_refused(mpi: Mpi) -> None:
    assert mpi.reasons() == [('mpi/directory', 'directory')]
    mpi.injected.mkdir()
    assert mpi.reasons() == [('mpi/directory', 'empty')]


def test_the_place_of_the_injected_mpi() -> None:
    release = Release('/cvmfs/software.eessi.io/versions/2023.06', 'x86_64/amd/zen2')
    assert injection_directory(release) == (
        '/cvmfs/software.eessi.io/host_injections/2023.06/software/linux/x86_64/amd/zen2/'
        'rpath_overrides/OpenMPI/system/lib'
    )


class Site:
    """A release with OpenMPI and an application that is linked to it, and a site's MPI."""

    def __init__(self, small: SmallStack) -> None:
        self.small, self.release = small, small.release
        software = Path(small.release.software, 'software')
        self.own = software / 'OpenMPI' / '4.1.4' / 'lib'
        self.injected = Path(injection_directory(small.release))
        self.make(self.own, MPI)
        self.library = software / 'App' / '1.0' / 'lib' / 'libuser.so.1'
        self.link(f'{self.injected}:{self.own}:{small.compat}/lib')

    def make(self, where: Path, code: str, *options: str) -> None:
        flags = ['-shared', '-fPIC', '-Wl,-soname,libmpi.so.40', '-nostdlib', *options]
        gcc(code, where / 'libmpi.so.40', *flags)

    def link(self, rpath: str) -> None:
        flags = ['-shared', '-fPIC', '-nostdlib', f'-Wl,--disable-new-dtags,-rpath,{rpath}']
        gcc(USER, self.library, *flags, str(self.own / 'libmpi.so.40'))

    def found(self) -> list[tuple[str, str, str]]:
        linkage = ReleaseLinkage(self.release)
        objects = [str(self.library)]
        observations = check_use(linkage, [str(self.own)], str(self.injected), objects)
        return [(o.check, o.subject, os.path.basename(o.member)) for o in observations]


@pytest.fixture
def site(small: SmallStack) -> Site:
    return Site(small)


def test_objects_that_look_there_first_get_the_injected_mpi(site: Site) -> None:
    site.make(site.injected, MPI)
    assert site.found() == []
    assert mpi_findings(site.release) == ()


def test_an_object_that_would_take_the_stacks_own_mpi_is_named(site: Site) -> None:
    site.make(site.injected, MPI)
    site.link(f'{site.own}:{site.injected}:{site.small.compat}/lib')
    assert site.found() == [('mpi/not-used', 'libmpi.so.40', 'libuser.so.1')]
    (finding,) = mpi_findings(site.release)
    assert finding.check == 'mpi/not-used'
    assert f'takes libmpi.so.40 from {site.own}/libmpi.so.40' in finding.reason


def test_an_injected_mpi_for_another_machine_is_not_used(site: Site) -> None:
    site.make(site.injected, MPI)
    path = site.injected / 'libmpi.so.40'
    content = bytearray(path.read_bytes())
    content[18:20] = (183).to_bytes(2, 'little')  # EM_AARCH64
    path.write_bytes(content)
    assert ('mpi/not-used', 'libmpi.so.40', 'libuser.so.1') in site.found()


def test_an_injected_mpi_whose_libraries_are_nowhere_is_refused(site: Site, tmp_path: Path) -> None:
    gone = gcc('int gone(void) { return 0; }', tmp_path / 'libgone.so.1', '-shared', '-fPIC')
    site.make(site.injected, MPI + 'int gone(void); int x(void) { return gone(); }', str(gone))
    gone.unlink()
    assert [(check, where) for check, _, where in site.found()] == [
        ('mpi/missing-library', 'libmpi.so.40')
    ]


def test_an_injected_mpi_that_needs_a_newer_c_library_is_refused(
    site: Site, tmp_path: Path
) -> None:
    script = tmp_path / 'versions.map'
    script.write_text('GLIBC_9.99 { later; };')
    libc = tmp_path / 'newer' / 'libc.so.6'
    gcc(
        'int later(void) { return 0; }', libc,
        '-shared', '-fPIC', '-nostdlib', '-Wl,-soname,libc.so.6', f'-Wl,--version-script,{script}',
    )  # fmt: skip
    site.make(site.injected, NEWER, str(libc))
    assert site.found() == [('mpi/missing-version', 'GLIBC_9.99 (libc.so.6)', 'libmpi.so.40')]


def test_what_the_test_of_mpi_is_told(site: Site) -> None:
    assert injection(site.release) == {}
    site.make(site.injected, MPI)
    assert injection(site.release) == {
        'injected_mpi': str(site.injected),
        'linked_object': str(site.library),
    }


@pytest.mark.parametrize('kind', ['other software first', 'mpi itself', 'nothing'])
def test_the_object_through_which_mpi_is_loaded(site: Site, kind: str) -> None:
    fortran = site.own / 'libmpi_mpifh.so.40'
    flags = ['-shared', '-fPIC', '-nostdlib', str(site.own / 'libmpi.so.40')]
    wanted: Path | None = site.library
    if kind != 'nothing':
        gcc(USER, fortran, *flags)
    if kind != 'other software first':
        site.library.unlink()
        wanted = fortran if kind == 'mpi itself' else None
    assert linked_library(site.release) == (str(wanted) if wanted else None)
