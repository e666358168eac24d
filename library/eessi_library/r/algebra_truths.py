"""What one R session must print: its task, drawn from the nonce, and its judgement. Pure.

Linear algebra is judged by scaled errors as in :mod:`eessi_library.linear_algebra.dense`. The
inverse of the Hilbert matrix may lose its condition number: ``cond = 4.77e5`` for n = 5 and
1.5e7 for n = 6 (J. Todd, J. Res. Nat. Bur. Stand. 65B (1961) 19), hence 1e-7 relative to its
largest entry, ten thousand times below the smallest fault that must be seen.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from eessi_library.expect import expect, expect_within
from eessi_library.linear_algebra import matrices as mx
from eessi_library.linear_algebra.transforms import transform
from eessi_library.nonce import integer
from eessi_library.r import statistics as st
from eessi_library.r.output import Said

_HILBERT_TOLERANCE = 1e-7
#: LAPACK's own test programs accept 50 for eigenvectors (TESTING/sep.in): those of dsyevr, which R
#: calls, vary more than those of dsyevd. Measured on 50 nonces: 0.3 to 2.7.
_EIGENVECTOR_LIMIT = 50.0
#: ``qnorm(pnorm(x))`` loses the derivative of pnorm: 1e-14 is amplified below 100 for |x| < 3.
_INVERSE_TOLERANCE = 1e-11
_RANDOM_TOLERANCE = 1e-15
#: Regression on integers below 500 with a condition number below 1e3, squared by no one: R uses QR.
_REGRESSION_TOLERANCE = 1e-11


def make_task(nonce: str, order: int, repeats: int) -> dict[str, Any]:
    """Return the numbers that the script starts from, named as in the script."""

    def draw(purpose: str, low: int, high: int) -> int:
        return integer(nonce, f'r {purpose}', low, high)

    def vector(purpose: str, length: int) -> list[int]:
        return mx.integer_vector(nonce, f'r {purpose}', length)

    def matrix(purpose: str, modulus: int = 199) -> list[int]:
        return list(mx.integer_matrix(nonce, f'r {purpose}', modulus).as_numbers().values())

    m, k, n = (order - draw(f'product {name}', 0, 31) for name in 'mkn')
    system, factor, small = (order // 2 + draw(p, 1, 15) for p in ('solve', 'factor', 'eigen'))
    small //= 2
    rows, scale = small + draw('rows', 1, 30), draw('scale', 3, 17)
    observations = 40 + draw('observations', 1, 15)
    return {
        'nonce': nonce,
        'seed': draw('seed', 1, 2**31 - 1),
        'product_m': m,
        'product_k': k,
        'product_n': n,
        'product_repeats': repeats,
        'product_a': matrix('product a'),
        'product_b': matrix('product b'),
        'product_w': vector('product w', n),
        'crossproduct_w': vector('crossproduct w', k),
        'solve_n': system,
        'solve_a': matrix('solve a'),
        'solve_b': mx.thirds(
            mx.right_hand_side(mx.IntegerMatrix(*matrix('solve a')), vector('solve x', system))
        ),
        'factor_n': factor,
        'factor_scale': scale,
        'factor_w': vector('factor w', factor),
        'eigenvalues': mx.known_eigenvalues(small, scale),
        'eigen_v': vector('eigen v', small),
        'eigen_w': vector('eigen w', small),
        'singular_values': mx.known_singular_values(small, scale),
        'singular_u': vector('singular u', rows),
        'singular_v': vector('singular v', small),
        'singular_w': vector('singular w', small),
        'hilbert_n': draw('hilbert', 4, 6),
        'hilbert_scale': draw('hilbert scale', 2, 99),
        'vandermonde_x': [draw(f'vandermonde {i}', 1, 2) + 2 * i for i in range(6)],
        'binomial_k': draw('binomial k', 5, 15),
        'binomial_n': draw('binomial n', 20, 40),
        'binomial_p': draw('binomial p', 16, 48) / 64,
        'hyper_k': draw('hyper k', 4, 9),
        'hyper_white': draw('hyper white', 20, 30),
        'hyper_black': draw('hyper black', 25, 40),
        'hyper_drawn': draw('hyper drawn', 12, 18),
        'beta_x': draw('beta x', 16, 48) / 64,
        'beta_a': draw('beta a', 2, 9),
        'beta_b': draw('beta b', 2, 9),
        'chi_x': draw('chi x', 64, 640) / 64,
        'chi_half': draw('chi half', 1, 6),
        'student_t': draw('student t', -128, 256) / 64,
        'student_half': draw('student half', 1, 8),
        'f_x': draw('f x', 16, 256) / 64,
        'f_denominator': draw('f denominator', 3, 20),
        'normal_x': draw('normal x', -192, 192) / 64 or 0.5,
        'y': vector('y', observations),
        'x1': vector('x1', observations),
        'x2': vector('x2', observations),
    }


def _matrix(task: dict[str, Any], name: str) -> mx.IntegerMatrix:
    return mx.IntegerMatrix(*task[name])


def judge_exact(task: dict[str, Any], said: Said) -> None:
    """Compare products of integer matrices digit by digit."""
    m, k, n = (task[f'product_{d}'] for d in 'mkn')
    a = _matrix(task, 'product_a').rows(m, k)
    b = _matrix(task, 'product_b').rows(k, n)
    for name, expected in (
        ('product', mx.times(a, mx.times(b, task['product_w']))),
        ('crossproduct', mx.times(mx.transposed(a), mx.times(a, task['crossproduct_w']))),
    ):
        found = said.numbers(name)
        expect(len(found) == len(expected), f'{name}: {len(found)} numbers printed')
        wrong = [(f, e) for f, e in zip(found, expected, strict=True) if f != e]
        expect(
            not wrong,
            f'{name}: {len(wrong)} of {len(found)} row sums are wrong, '
            + (f'e.g. {wrong[0][0]:.17g} instead of {wrong[0][1]}' if wrong else ''),
        )


def scaled_errors(task: dict[str, Any], said: Said) -> dict[str, float]:
    """Scaled residuals and errors; each must stay below HPL's 16."""
    n, scale = task['solve_n'], task['factor_scale']
    system = _matrix(task, 'solve_a').rows(n, n)
    errors = {}
    for name in ('solve', 'qr solve'):
        x = said.numbers(name)
        errors[name] = mx.scaled_residual(system, x, task['solve_b']) if len(x) == n else math.inf
    factor = mx.cholesky_row_sums(task['factor_n'], scale, task['factor_w'])
    v, w, values = task['eigen_v'], task['eigen_w'], task['eigenvalues']
    size = mx.norm(values)
    u, sv, sw = task['singular_u'], task['singular_v'], task['singular_w']
    singular, rows = task['singular_values'], len(task['singular_u'])
    for name, expected, largest, order in (
        ('cholesky', factor, mx.norm(factor), task['factor_n']),
        ('eigenvalues', values, size, len(v)),
        ('eigen product', mx.times(mx.symmetric(values, v), w), size * mx.norm(w), len(v)),
        ('eigen identity', w, mx.norm(w), len(v)),
        ('singular values', singular, scale, rows),
        (
            'singular product',
            mx.times(mx.rectangular(singular, u, sv), sw),
            scale * mx.norm(sw),
            rows,
        ),
    ):
        errors[name] = mx.scaled_difference(said.numbers(name), expected, largest, order)
    return errors


def expected_values(task: dict[str, Any]) -> dict[str, tuple[list[float], float]]:
    """Return name -> (expected numbers, tolerance relative to the largest of them)."""
    t, exact = task, st.RELATIVE_TOLERANCE
    p, x = Fraction(t['binomial_p']), Fraction(t['beta_x'])
    differences = [
        b - a for i, a in enumerate(t['vandermonde_x']) for b in t['vandermonde_x'][i + 1 :]
    ]
    inverse = [value for row in st.hilbert_inverse(t['hilbert_n']) for value in row]
    ones = [1] * len(t['y'])
    spectrum = transform([complex(v) for v in t['y']])
    chi = st.chi_square(t['chi_x'], t['chi_half'])
    return {
        'hilbert inverse': ([v / t['hilbert_scale'] for v in inverse], _HILBERT_TOLERANCE),
        'determinant': ([math.fsum(math.log(abs(d)) for d in differences)], 1e-10),
        'pbinom': ([float(st.binomial(t['binomial_k'], t['binomial_n'], p))], exact),
        'phyper': (
            [
                float(
                    st.hypergeometric(
                        t['hyper_k'], t['hyper_white'], t['hyper_black'], t['hyper_drawn']
                    )
                )
            ],
            exact,
        ),
        'pbeta': ([float(st.beta(x, t['beta_a'], t['beta_b']))], exact),
        'pchisq': ([chi], exact),
        'pt': ([st.student_even(t['student_t'], t['student_half'])], exact),
        'pf': ([st.f_two(t['f_x'], t['f_denominator'])], exact),
        'pnorm': ([st.normal(t['normal_x'])], exact),
        'qnorm': ([t['normal_x']], _INVERSE_TOLERANCE),
        'lm': (
            [float(c) for c in st.least_squares([ones, t['x1'], t['x2']], t['y'])],
            _REGRESSION_TOLERANCE,
        ),
        'fft': ([v.real for v in spectrum] + [v.imag for v in spectrum], 1e-13),
        'runif': (st.uniform(t['seed'], 20), _RANDOM_TOLERANCE),
    }


def relative_errors(task: dict[str, Any], said: Said) -> dict[str, float]:
    """Errors in units of their tolerance; each must stay below 1."""
    errors = {}
    for name, (expected, tolerance) in expected_values(task).items():
        found = said.numbers(name)
        if len(found) != len(expected):
            errors[name] = math.inf
            continue
        difference = mx.norm([f - e for f, e in zip(found, expected, strict=True)])
        errors[name] = difference / (tolerance * mx.norm(expected))
    return errors


def judge(task: dict[str, Any], said: Said) -> None:
    """Fail with a sentence unless every printed number is right."""
    judge_exact(task, said)
    for name, error in scaled_errors(task, said).items():
        vectors = name in ('eigen product', 'eigen identity')
        limit = _EIGENVECTOR_LIMIT if vectors else mx.SCALED_RESIDUAL_LIMIT
        expect_within(f'scaled error of {name} in R', error, 0.0, limit)
    for name, error in relative_errors(task, said).items():
        expect_within(f'error of {name} in R', error, 0.0, 1.0, 'of its tolerance')
