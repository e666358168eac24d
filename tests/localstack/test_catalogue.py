import pytest

from eessi_validate.errors import UsageError
from eessi_validate.localstack.catalogue import dependencies, load_catalogue
from eessi_validate.localstack.versions import module_versions, software_version, upstream

CATALOGUE = load_catalogue()
X86 = CATALOGUE.architecture('x86_64')


def test_dependencies_come_first_and_are_added():
    chosen = CATALOGUE.select(['GROMACS'])
    assert chosen[-2:] == ['foss', 'GROMACS']
    assert {'GCCcore', 'hwloc', 'OpenBLAS', 'FFTW', 'OpenMPI'} < set(chosen)
    assert CATALOGUE.select(['minimal']) == chosen


def test_every_set_and_dependency_is_in_the_table():
    for name in (*CATALOGUE.sets, *CATALOGUE.table):
        assert CATALOGUE.select([name])
    table = CATALOGUE.software(CATALOGUE.release('2025.08'), X86)
    assert dependencies('R-bundle-Bioconductor', table)[0] == 'R'
    assert not any('{' in p for s in table.values() for p in (*s.packages, *s.library_dirs))


@pytest.mark.parametrize(
    ('look', 'said'),
    [
        (lambda: CATALOGUE.select(['GROMAC']), 'did you mean GROMACS'),
        (lambda: CATALOGUE.release('2023.6'), '2023.06'),
        (lambda: CATALOGUE.architecture('x86-64'), 'x86_64'),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(look, said):
    with pytest.raises(UsageError, match=said) as raised:
        look()
    assert '\n' not in str(raised.value)


def test_security_updates_are_a_release_of_their_own():
    plain = CATALOGUE.release('2023.06')
    patched = CATALOGUE.release('2023.06', security=True)
    assert patched.name == '2023.06-security'
    assert patched == CATALOGUE.release('2023.06-security')
    assert (plain.suite, plain.security, patched.security) == (patched.suite, False, True)


@pytest.mark.parametrize(
    ('debian', 'expected'),
    [('1:4.1.4-3+b1', '4.1.4'), ('2022.5-2', '2022.5'), ('0.3.21+ds-4', '0.3.21+ds'), ('7', '7')],
)
def test_epoch_and_revision_are_not_upstream(debian, expected):
    assert upstream(debian) == expected


def test_module_versions_follow_the_flat_naming_scheme():
    release = CATALOGUE.release('2023.06')
    table = CATALOGUE.software(release, X86)
    names = CATALOGUE.select(['GROMACS', 'LAMMPS', 'OpenFOAM', 'R-bundle-Bioconductor'])
    debian = {
        'libgcc-s1': '12.2.0-14+deb12u1',
        'libhwloc15': '2.9.0-1',
        'libopenblas0-pthread': '0.3.21+ds-4',
        'libfftw3-double3': '3.3.10-1',
        'openmpi-bin': '4.1.4-3+b1',
        'gromacs': '2022.5-2',
        'lammps': '20220106.git7586adbb6a+ds1-2',
        'openfoam': '1912.200626-1',
        'r-base-core': '4.2.2.20221110-2',
    }
    versions = module_versions(names, table, release, debian)
    assert versions['GCCcore'] == '12.2.0'
    assert versions['hwloc'] == '2.9.0-GCCcore-12.2.0'
    assert versions['OpenMPI'] == '4.1.4-GCC-12.2.0'
    assert versions['foss'] == '2022b'
    assert versions['GROMACS'] == '2022.5-foss-2022b'
    assert versions['LAMMPS'] == '2022.01.06-foss-2022b'
    assert versions['OpenFOAM'] == 'v1912-foss-2022b'
    assert versions['R-bundle-Bioconductor'] == '3.16-foss-2022b-R-4.2.2'


def test_a_rule_that_does_not_fit_names_rule_and_version():
    rule = CATALOGUE.software(CATALOGUE.release('2023.06'), X86)['LAMMPS'].version
    assert rule is not None
    with pytest.raises(Exception, match='does not fit lammps 2-1'):
        software_version(rule, '2-1')
