"""Known answers of dense linear algebra, on results recorded with OpenBLAS 0.3.21 and 0.3.29."""

from __future__ import annotations

import copy
import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.linear_algebra import dense
from eessi_library.linear_algebra import matrices as mx
from eessi_library.linear_algebra.result import ResultError, read_result

RECORDED = Path(__file__).with_name('recorded')
NONCES = {'2023.06': '00112233445566aa', '2025.08': 'ffeeddccbbaa9988'}


def recorded(release: str) -> tuple[dict[str, Any], dict[str, Any]]:
    text = (RECORDED / f'openblas-{release}.json').read_text(encoding='utf-8')
    return dense.make_task(NONCES[release], 64, 1), read_result(text)


@pytest.mark.parametrize('release', NONCES)
def test_recorded_result_is_accepted(release: str) -> None:
    task, result = recorded(release)
    dense.judge(task, result)
    assert result['nonce'] == NONCES[release]
    assert result['core'].lower() in dense.CORE_NAMES


@pytest.mark.parametrize(
    ('part', 'name'),
    [
        ('dgemm', 'product'),
        ('sgemm', 'product'),
        ('zgemm', 'product'),
        ('cgemm', 'product'),
        ('solve', 'x'),
        ('cholesky', 'product'),
        ('eigen', 'values'),
        ('eigen', 'product'),
        ('eigen', 'identity'),
        ('singular', 'values'),
        ('singular', 'product'),
    ],
)
@pytest.mark.parametrize('factor', [1 + 1e-3, 1 + 1e-9])
def test_one_wrong_number_is_rejected(part: str, name: str, factor: float) -> None:
    task, result = recorded('2023.06')
    numbers = result[part][name]
    numbers = numbers[0] if isinstance(numbers[0], list) else numbers
    largest = max(range(len(numbers)), key=lambda i: abs(numbers[i]))
    numbers[largest] *= factor
    with pytest.raises(SanityError):
        dense.judge(task, result)


@pytest.mark.parametrize('release', NONCES)
def test_solution_of_single_precision_is_rejected(release: str) -> None:
    task, result = recorded(release)
    solution = result['solve']['x']
    result['solve']['x'] = [struct.unpack('f', struct.pack('f', x))[0] for x in solution]
    with pytest.raises(SanityError, match='scaled error of LU'):
        dense.judge(task, result)


def test_result_of_another_nonce_is_rejected() -> None:
    task, _ = recorded('2023.06')
    _, result = recorded('2025.08')
    with pytest.raises((SanityError, ResultError)):
        dense.judge(task, result)


def test_failed_factorisation_is_rejected() -> None:
    task, result = recorded('2023.06')
    result['cholesky']['info'] = 3
    with pytest.raises(SanityError, match='info = 3 from cholesky'):
        dense.judge(task, result)


def test_missing_numbers_are_an_error() -> None:
    task, result = recorded('2023.06')
    short = copy.deepcopy(result)
    short['solve']['x'].pop()
    with pytest.raises(ResultError, match='the solution has'):
        dense.judge(task, short)
    for text in ('', '[]', '{"nonce": '):
        with pytest.raises(ResultError):
            read_result(text)


def test_task_depends_on_the_nonce_only() -> None:
    first = json.dumps(dense.make_task('a' * 16, 128, 2))
    assert first == json.dumps(dense.make_task('a' * 16, 128, 2))
    assert first != json.dumps(dense.make_task('b' * 16, 128, 2))


@pytest.mark.parametrize('inner', [100, 512, 1024, 4096])
def test_products_stay_exact_in_single_precision(inner: int) -> None:
    assert 6 * inner * (dense.modulus_for(inner) // 2) ** 2 < 2**24


def test_reflected_matrices_have_the_known_invariants() -> None:
    values = mx.known_eigenvalues(17, 5)
    v = [1, 4, 2, 8, 5, 7, 3, 9, 6, 2, 4, 1, 8, 3, 5, 9, 7]
    matrix = mx.symmetric(values, v)
    trace = sum(matrix[i][i] for i in range(17))
    square = sum(x * x for row in matrix for x in row)
    assert trace == pytest.approx(sum(values), abs=1e-12)
    assert square == pytest.approx(sum(x * x for x in values), rel=1e-12)
    assert all(matrix[i][j] == pytest.approx(matrix[j][i]) for i in range(17) for j in range(i))
    singular = mx.known_singular_values(3, 7)
    tall = mx.rectangular(singular, [1, 2, 3, 4, 5], [2, 1, 2])
    assert sum(x * x for row in tall for x in row) == pytest.approx(sum(s * s for s in singular))


def test_scaled_residual_is_small_for_a_solution_and_large_for_a_guess() -> None:
    generator = random.Random(1)
    matrix = [[generator.random() for _ in range(5)] for _ in range(5)]
    x = [1.0, 2.0, 3.0, 4.0, 5.0]
    b = mx.times(matrix, x)
    assert mx.scaled_residual(matrix, x, b) < 1
    assert mx.scaled_residual(matrix, [*x[:4], 5.001], b) > 1e9
    assert not mx.scaled_residual(matrix, [float('nan')] * 5, b) < 16


def test_cholesky_factor_of_the_minimum_matrix() -> None:
    order, scale, w = 6, 3, [5, 1, 4, 2, 6, 3]
    factor = [[scale if j >= i else 0 for j in range(order)] for i in range(order)]
    product = [
        [sum(factor[k][i] * factor[k][j] for k in range(order)) for j in range(order)]
        for i in range(order)
    ]
    expected = [[scale**2 * (min(i, j) + 1) for j in range(order)] for i in range(order)]
    assert product == expected
    assert mx.cholesky_row_sums(order, scale, w) == mx.times(factor, w)
