from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_validate.localstack.packages import Package, closure, parse_packages, partition

CHOSEN = parse_packages((Path(__file__).parent / 'data' / 'apt-cache-show.txt').read_text())


def test_records_are_read_with_folded_lines_alternatives_and_epochs():
    gromacs = CHOSEN['gromacs']
    assert gromacs.depends == (('gromacs-data',), ('libc6',), ('libgromacs7',), ('libopenmpi3',))
    assert gromacs.size == 140492
    assert CHOSEN['libgromacs7'].depends[0] == ('libblas3', 'libblas.so.3')
    assert CHOSEN['libopenmpi3'].file == 'libopenmpi3_1%3a4.1.4-3+b1_amd64.deb'


def test_a_closure_takes_the_alternative_that_was_chosen():
    assert set(closure(['libgromacs7'], CHOSEN)) == {
        'libgromacs7',
        'libopenblas0-pthread',
        'libc6',
        'libjpeg62',
    }


def test_an_installation_owns_what_neither_the_compat_layer_nor_its_dependencies_own():
    owned = partition(
        ['libc6'],
        {'BLAS': ['libopenblas0-pthread'], 'MPI': ['libopenmpi3'], 'GROMACS': ['gromacs']},
        {'GROMACS': ['BLAS', 'MPI']},
        CHOSEN,
        drop=['openssh-.*'],
    )
    assert owned[''] == ['libc6']
    assert set(owned['MPI']) == {'libopenmpi3', 'libjpeg62'}
    assert set(owned['GROMACS']) == {'gromacs', 'gromacs-data', 'libgromacs7'}


def test_unrelated_installations_each_own_a_shared_library():
    seeds = {'A': ['libgromacs7'], 'B': ['libopenmpi3']}
    owned = partition(['libc6'], seeds, {}, CHOSEN, drop=[])
    assert 'libjpeg62' in owned['A']
    assert 'libjpeg62' in owned['B']


@given(
    st.dictionaries(
        st.sampled_from('abcdef'), st.lists(st.sampled_from('abcdef'), max_size=3), min_size=1
    )
)
def test_closures_end_and_are_closed_whatever_the_cycles(graph):
    chosen = {
        n: Package(n, '1', 'all', 1, '', tuple((d,) for d in needs)) for n, needs in graph.items()
    }
    for name in chosen:
        found = closure([name], chosen)
        assert len(found) == len(set(found))
        assert all(d in found for n in found for d in graph[n] if d in chosen)


@pytest.mark.parametrize('text', ['', '\n\n', 'N: no packages found\n'])
def test_nothing_printed_is_no_package(text):
    assert parse_packages(text) == {}
