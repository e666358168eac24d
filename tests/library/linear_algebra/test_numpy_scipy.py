"""NumPy and SciPy judged on results recorded with 1.24 and 1.10, and with 2.3 and 1.15."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.linear_algebra import dense, numpy_scipy, transforms
from eessi_library.linear_algebra import matrices as mx

RECORDED = Path(__file__).with_name('recorded')
NONCE = '00112233445566aa'
RELEASES = {'2023.06': ('1.24.2', '1.10.1'), '2025.08': ('2.3.5', '1.15.3')}


def task(nonce: str = NONCE) -> dict[str, Any]:
    """What was asked for; a recorded result holds two of the five transforms."""
    made = dense.make_task(nonce, 160, 2)
    whole = transforms.make_task(nonce, 2**12, 2, 1)
    whole['cases'] = {name: whole['cases'][name] for name in ('plane', 'real')}
    lu_w = mx.integer_vector(nonce, 'lu w', made['solve']['n'])
    return {'dense': made, 'lu_w': lu_w, 'transforms': whole}


def recorded(release: str = '2023.06') -> dict[str, Any]:
    return json.loads((RECORDED / f'scipy-{release}.json').read_text(encoding='utf-8'))


@pytest.mark.parametrize('release', RELEASES)
def test_recorded_result_is_accepted(release: str) -> None:
    result = recorded(release)
    numpy_scipy.judge(task(), result)
    assert tuple(result['versions'].values()) == RELEASES[release]
    assert numpy_scipy.lu_error(task(), result) < 1


def test_result_of_another_nonce_is_rejected() -> None:
    with pytest.raises((SanityError, ValueError)):
        numpy_scipy.judge(task('f' * 16), recorded())


@pytest.mark.parametrize('library', numpy_scipy.LIBRARIES)
@pytest.mark.parametrize(
    ('path', 'said'),
    [
        (('dgemm', 'product', 0, 3), 'dgemm: 1 of'),
        (('cgemm', 'product', 1, -1), 'cgemm: 1 of'),
        (('solve', 'x', 7), 'scaled error of LU'),
        (('cholesky', 'product', 0), 'scaled error of Cholesky'),
        (('eigen', 'values', 0), 'scaled error of eigenvalues'),
        (('eigen', 'identity', 5), 'scaled error of orthogonality'),
        (('singular', 'product', 2), 'scaled error of singular value decomposition'),
    ],
)
def test_one_number_off_by_a_millionth_is_rejected_and_named(library, path, said) -> None:
    result = recorded()
    place = result['dense'][library]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] *= 1 + 1e-6
    with pytest.raises(SanityError, match=f'{library}: {said}'):
        numpy_scipy.judge(task(), result)


def test_wrong_factors_and_transforms_are_rejected() -> None:
    result = recorded()
    result['lu'][3] += 1e-6 * max(map(abs, result['lu']))
    with pytest.raises(SanityError, match="SciPy's P L U"):
        numpy_scipy.judge(task(), result)
    result = recorded('2025.08')
    forward = result['transforms']['SciPy, single']['cases']['plane']['forward']
    largest = max(range(len(forward)), key=lambda i: abs(forward[i]))
    forward[largest] *= 1 + 1e-3
    with pytest.raises(SanityError, match='SciPy, single precision, plane'):
        numpy_scipy.judge(task(), result)
