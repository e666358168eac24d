"""Which BLAS R used: accepted where it is an optimised one of the stack, else named."""

from __future__ import annotations

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.r.blas_in_use import MARKS, judge_blas, marks_in_r
from eessi_library.r.output import parse_output

ROOTS = ('EBROOTFLEXIBLAS', 'EBROOTOPENBLAS')
OPENBLAS, FLEXIBLAS = '/s/OpenBLAS/0.3.21', '/s/FlexiBLAS/3.3.1'
LIBBLAS, LIBOPENBLAS = f'{OPENBLAS}/lib/libblas.so.3', f'{OPENBLAS}/lib/libopenblasp-r0.3.21.so'
LIBFLEXIBLAS = f'{FLEXIBLAS}/lib/libflexiblas.so.3.3'
NETLIB = f'{FLEXIBLAS}/lib/flexiblas/libflexiblas_netlib.so'


def judge(provider: str, maker: str, *loaded: tuple[str, str]) -> None:
    """Judge a session whose products come from one file, with more loaded: (file, its maker)."""
    files, makers = zip(*loaded, strict=True) if loaded else ((), ())
    lines = {
        'reported blas': provider,
        'blas of products': maker,
        'blas files': ' '.join(files),
        'blas makers': ' '.join(makers),
        'blas roots': f'{FLEXIBLAS} {OPENBLAS}',
    }
    judge_blas(parse_output('\n'.join(f'eessi-r: {k} = {v}' for k, v in lines.items())), ROOTS)


def test_openblas_by_a_library_that_needs_it() -> None:
    judge(LIBBLAS, 'OpenBLAS', (LIBOPENBLAS, 'OpenBLAS'), (LIBBLAS, 'OpenBLAS'))


@pytest.mark.parametrize('maker', sorted(set(MARKS) - {'FlexiBLAS'}))
def test_one_library_that_is_optimised(maker: str) -> None:
    judge(LIBBLAS, maker, (LIBBLAS, maker))


def test_flexiblas_with_a_backend_beside_its_reference() -> None:
    loaded = (LIBFLEXIBLAS, 'FlexiBLAS'), (NETLIB, 'none'), (LIBOPENBLAS, 'OpenBLAS')
    judge(LIBFLEXIBLAS, 'FlexiBLAS', *loaded)


def test_a_library_whose_provider_r_cannot_tell() -> None:
    judge('', 'none', (LIBBLAS, 'OpenBLAS'))
    with pytest.raises(SanityError, match='from no optimised BLAS'):
        judge('', 'none', (LIBBLAS, 'none'))
    with pytest.raises(SanityError, match=r'FlexiBLAS.* has no optimised BLAS in memory'):
        judge('', 'none', (LIBFLEXIBLAS, 'FlexiBLAS'), (NETLIB, 'none'))


def test_reference_under_the_name_of_openblas() -> None:
    with pytest.raises(SanityError, match=f'from no optimised BLAS: neither {LIBBLAS} '):
        judge(LIBBLAS, 'none', (LIBBLAS, 'none'))


def test_reference_beside_an_openblas_that_only_lapack_needs() -> None:
    with pytest.raises(SanityError, match=f'from no optimised BLAS: neither {LIBBLAS} '):
        judge(LIBBLAS, 'none', (LIBBLAS, 'none'), (LIBOPENBLAS, 'OpenBLAS'))


@pytest.mark.parametrize('more', [(), ((f'{OPENBLAS}/lib/libopenblas.so.0', 'none'),)])
def test_flexiblas_with_nothing_but_a_reference(more: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(SanityError, match=r'no optimised BLAS in memory.*libflexiblas_netlib'):
        judge(LIBFLEXIBLAS, 'FlexiBLAS', (LIBFLEXIBLAS, 'FlexiBLAS'), (NETLIB, 'none'), *more)


@pytest.mark.parametrize(
    ('provider', 'loaded', 'words'),
    [
        ('/s/R/lib/libR.so', (), 'has loaded no BLAS library'),
        ('/s/R/lib/libRblas.so', (('/s/R/lib/libRblas.so', 'none'),), 'own reference BLAS'),
        ('/lib/libblas.so.3', (('/lib/libblas.so.3', 'OpenBLAS'),), 'BLAS from outside'),
        ('/s/R/lib/libR.so', ((LIBOPENBLAS, 'OpenBLAS'),), 'BLAS from outside .*libR'),
    ],
)
def test_what_was_refused_before_still_is(
    provider: str, loaded: tuple[tuple[str, str], ...], words: str
) -> None:
    with pytest.raises(SanityError, match=words):
        judge(provider, 'OpenBLAS', *loaded)


def test_the_table_in_r() -> None:
    code = marks_in_r()
    assert "blas_functions <- c(FlexiBLAS = 'flexiblas_get_version', OpenBLAS =" in code
    assert "BLIS = 'BLIS_ARCH_TYPE')" in code
