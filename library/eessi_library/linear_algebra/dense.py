"""Dense linear algebra with known answers: the task for a program, and what it must return.

Pure functions. Truths:

- products of integer matrices are exact in floating point: no tolerance;
- ``A x = b``: HPL's scaled residual < 16 (:data:`~.matrices.SCALED_RESIDUAL_LIMIT`);
- Cholesky factor of ``c^2 min(i, j)``: ``c`` times ones above the diagonal, exact;
- eigenvalues and singular values of reflected diagonal matrices: known. LAPACK Users' Guide,
  3rd edition, sections 4.7 and 4.9: errors are below ``p(n) eps ||A||_2`` with p a modestly
  growing function; taken as ``16 n`` in analogy with HPL. Measured: below 0.1 n.
"""

from __future__ import annotations

import math
from typing import Any

from eessi_library.expect import expect, expect_within
from eessi_library.linear_algebra import matrices as mx
from eessi_library.linear_algebra.result import ResultError
from eessi_library.nonce import integer

#: Kernels that OpenBLAS may report (``openblas_get_corename``): ``driver/others/dynamic*.c`` and
#: ``TargetList.txt`` of OpenBLAS 0.3.15 to 0.3.30.
CORE_NAMES = frozenset(
    """
    Prescott Core2 Katmai Coppermine Northwood Banias Penryn Dunnington Nehalem Sandybridge Haswell
    SkylakeX Cooperlake Sapphirerapids Atom Athlon Opteron Opteron_SSE3 Barcelona Bobcat Bulldozer
    Piledriver Steamroller Excavator Zen Nano
    armv8 armv8sve cortexa53 cortexa55 cortexa57 cortexa72 cortexa73 cortexa76 cortexx1 cortexx2
    falkor thunderx thunderx2t99 thunderx3t110 tsv110 emag8180 neoversen1 neoversen2 neoversev1
    a64fx ft2000 kunpeng920 vortex
    POWER6 POWER8 POWER9 POWER10 RISCV64_GENERIC RISCV64_ZVL128B RISCV64_ZVL256B C910V
    """.lower().split()
)

#: Modulus of the entries for the inner dimension they allow: single precision complex sums stay
#: below 2^24, ``6 k (m / 2)^2 < 2^24``.
_MODULI = ((128, 199), (512, 137), (1024, 101), (4096, 47), (16384, 23))


def modulus_for(inner: int) -> int:
    """Return a prime modulus that keeps products of inner dimension ``inner`` exact."""
    for largest, modulus in _MODULI:
        if inner <= largest:
            return modulus
    raise ValueError(f'order {inner} is above {_MODULI[-1][0]}: products would not be exact')


def make_task(nonce: str, order: int, repeats: int) -> dict[str, Any]:
    """Return the task of one run; sizes near ``order`` and all data depend on the nonce."""
    m, k, n = (order - integer(nonce, f'gemm {name}', 0, 31) for name in 'mkn')
    modulus = modulus_for(k)
    gemm: dict[str, Any] = {'m': m, 'k': k, 'n': n, 'repeats': repeats}
    for name in ('a', 'b', 'a_imaginary', 'b_imaginary'):
        gemm[name] = mx.integer_matrix(nonce, f'gemm {name}', modulus).as_numbers()
    gemm['w'] = mx.integer_vector(nonce, 'gemm w', n)
    solve_order = order // 2 + integer(nonce, 'solve order', 1, 15)
    system = mx.integer_matrix(nonce, 'solve a')
    factor_order = order // 2 + integer(nonce, 'cholesky order', 1, 15)
    small = 96 + integer(nonce, 'eigen order', 1, 31)
    rows, columns = small + integer(nonce, 'singular rows', 1, 40), small
    scale = integer(nonce, 'scale', 3, 17)
    return {
        'nonce': nonce,
        'gemm': gemm,
        'solve': {
            'n': solve_order,
            'a': system.as_numbers(),
            'b': mx.thirds(
                mx.right_hand_side(system, mx.integer_vector(nonce, 'solve x', solve_order))
            ),
        },
        'cholesky': {
            'n': factor_order,
            'scale': scale,
            'w': mx.integer_vector(nonce, 'cholesky w', factor_order),
        },
        'eigen': {
            'matrix': mx.symmetric(
                mx.known_eigenvalues(small, scale), mx.integer_vector(nonce, 'eigen v', small)
            ),
            'w': mx.integer_vector(nonce, 'eigen w', small),
        },
        'singular': {
            'matrix': mx.rectangular(
                mx.known_singular_values(columns, scale),
                mx.integer_vector(nonce, 'singular u', rows),
                mx.integer_vector(nonce, 'singular v', columns),
            ),
            'w': mx.integer_vector(nonce, 'singular w', columns),
        },
    }


def exact_product(gemm: dict[str, Any], kind: str) -> list[list[int]]:
    """Return real (and imaginary) part of ``C w`` in integer arithmetic, as ``A (B w)``."""
    m, k, n, w = gemm['m'], gemm['k'], gemm['n'], gemm['w']
    parts = {
        name: mx.IntegerMatrix(**gemm[name]).rows(*size)
        for name, size in (
            ('a', (m, k)),
            ('b', (k, n)),
            ('a_imaginary', (m, k)),
            ('b_imaginary', (k, n)),
        )
    }

    def apply(a: str, vector: list[int]) -> list[int]:
        return [int(x) for x in mx.times(parts[a], vector)]

    bw = apply('b', w)
    real = apply('a', bw)
    if kind in 'sd':
        return [real]
    bw_i = apply('b_imaginary', w)
    real = [x - y for x, y in zip(real, apply('a_imaginary', bw_i), strict=True)]
    imaginary = [x + y for x, y in zip(apply('a', bw_i), apply('a_imaginary', bw), strict=True)]
    return [
        [2 * x - y for x, y in zip(real, imaginary, strict=True)],
        [2 * y + x for x, y in zip(real, imaginary, strict=True)],
    ]


def judge_products(task: dict[str, Any], result: dict[str, Any]) -> None:
    """Compare the four products digit by digit."""
    for kinds in ('ds', 'zc'):
        expected = exact_product(task['gemm'], kinds[0])
        for kind in kinds:
            found = result[f'{kind}gemm']['product']
            sizes = [len(part) for part in found]
            expect(sizes == [len(e) for e in expected], f'{kind}gemm returned {sizes} numbers')
            pairs = [
                p for f, e in zip(found, expected, strict=True) for p in zip(f, e, strict=True)
            ]
            wrong = [(f, e) for f, e in pairs if f != e]
            expect(
                not wrong,
                f'{kind}gemm: {len(wrong)} of {len(pairs)} row sums are wrong, '
                + (f'e.g. {wrong[0][0]:.17g} instead of {wrong[0][1]}' if wrong else ''),
            )


def solve_residual(task: dict[str, Any], result: dict[str, Any]) -> float:
    """Scaled residual of the linear system, recomputed here from the returned x."""
    n = task['solve']['n']
    x = result['solve']['x']
    if len(x) != n:
        raise ResultError(f'the solution has {len(x)} numbers, expected {n}')
    matrix = mx.IntegerMatrix(**task['solve']['a']).rows(n, n)
    return mx.scaled_residual(matrix, x, task['solve']['b'])


def spectral_errors(task: dict[str, Any], result: dict[str, Any]) -> dict[str, float]:
    """Scaled errors of eigenvalues, singular values and of both decompositions."""
    scale = task['cholesky']['scale']
    eigen, singular = task['eigen'], task['singular']
    n, w = len(eigen['matrix']), eigen['w']
    rows, columns = len(singular['matrix']), len(singular['matrix'][0])
    eigenvalues = mx.known_eigenvalues(n, scale)
    values = mx.known_singular_values(columns, scale)
    found, found_singular = result['eigen'], result['singular']
    size = mx.norm(eigenvalues)
    return {
        'eigenvalues': mx.scaled_difference(found['values'], eigenvalues, size, n),
        'eigenvalue decomposition': mx.scaled_difference(
            found['product'], mx.times(eigen['matrix'], w), size * mx.norm(w), n
        ),
        'orthogonality of the eigenvectors': mx.scaled_difference(
            found['identity'], w, mx.norm(w), n
        ),
        'singular values': mx.scaled_difference(
            found_singular['values'], values, float(scale), rows
        ),
        'singular value decomposition': mx.scaled_difference(
            found_singular['product'],
            mx.times(singular['matrix'], singular['w']),
            scale * mx.norm(singular['w']),
            rows,
        ),
    }


def cholesky_error(task: dict[str, Any], result: dict[str, Any]) -> float:
    """Scaled error of ``R w`` for the Cholesky factor R."""
    cholesky = task['cholesky']
    expected = mx.cholesky_row_sums(cholesky['n'], cholesky['scale'], cholesky['w'])
    found = result['cholesky']['product']
    return mx.scaled_difference(found, expected, mx.norm(expected), cholesky['n'])


def judge(task: dict[str, Any], result: dict[str, Any]) -> None:
    """Fail with a sentence unless every number of the result is right."""
    for name in ('solve', 'cholesky', 'eigen', 'singular'):
        info = result[name]['info']
        expect(info == 0, f'LAPACK reports info = {info} from {name}')
    judge_products(task, result)
    errors = {
        'LU': solve_residual(task, result),
        'Cholesky': cholesky_error(task, result),
        **spectral_errors(task, result),
    }
    for name, error in errors.items():
        expect_within(f'scaled error of {name}', error, 0.0, mx.SCALED_RESIDUAL_LIMIT)


def gflops(task: dict[str, Any], result: dict[str, Any], name: str) -> float:
    """Return GFLOP/s: 2 m k n for products (8 m k n complex), 2/3 n^3 for LU."""
    if name == 'solve':
        work = 2 / 3 * task['solve']['n'] ** 3
    else:
        gemm = task['gemm']
        work = (8 if name[0] in 'cz' else 2) * math.prod(gemm[d] for d in 'mkn')
    return work / result[name]['seconds'] / 1e9
