"""Fourier transforms by definition, on results recorded with FFTW of two releases."""

from __future__ import annotations

import cmath
from pathlib import Path
from typing import Any

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.linear_algebra import transforms
from eessi_library.linear_algebra.result import ResultError, read_result

RECORDED = Path(__file__).with_name('recorded')
NONCES = {'2023.06': '00112233445566aa', '2025.08': 'ffeeddccbbaa9988'}


def recorded(release: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A recorded result holds two of the five cases."""
    task = transforms.make_task(NONCES[release], 4096, 3, 2)
    task['cases'] = {name: task['cases'][name] for name in ('plane', 'real')}
    text = (RECORDED / f'fftw-{release}.json').read_text(encoding='utf-8')
    return task, read_result(text)


@pytest.mark.parametrize('release', NONCES)
def test_recorded_result_is_accepted(release: str) -> None:
    task, result = recorded(release)
    transforms.judge(task, result)
    assert max(transforms.errors(task, result).values()) < 1
    assert transforms.gflops(task, result, 'double') > 0


@pytest.mark.parametrize('precision', ['double', 'single'])
@pytest.mark.parametrize(('case', 'part'), [('plane', 'forward'), ('real', 'back')])
def test_one_wrong_number_is_rejected(precision: str, case: str, part: str) -> None:
    task, result = recorded('2025.08')
    numbers = result[precision]['cases'][case][part]
    largest = max(range(len(numbers)), key=lambda i: abs(numbers[i]))
    numbers[largest] *= 1 + 1e-3
    with pytest.raises(SanityError, match=f'{precision} precision, {case}'):
        transforms.judge(task, result)


def test_single_precision_does_not_pass_for_double() -> None:
    task, result = recorded('2023.06')
    result['double']['cases'] = result['single']['cases']
    with pytest.raises(SanityError, match='double precision'):
        transforms.judge(task, result)


def test_tone_at_another_place_is_rejected() -> None:
    task, result = recorded('2023.06')
    result['single']['timed']['peak'] += 1
    with pytest.raises(SanityError, match='pure tone'):
        transforms.judge(task, result)


def test_result_of_another_nonce_is_rejected() -> None:
    task, _ = recorded('2023.06')
    _, result = recorded('2025.08')
    with pytest.raises((SanityError, KeyError)):
        transforms.judge(task, result)


def test_text_that_is_no_result() -> None:
    for text in ('', '3', '{"nonce"'):
        with pytest.raises(ResultError):
            read_result(text)


def test_transform_of_a_tone_is_a_peak() -> None:
    n, tone = 12, 5
    values = [cmath.exp(2j * cmath.pi * tone * k / n) for k in range(n)]
    found = transforms.transform(values)
    assert transforms.distance(found, [n if k == tone else 0 for k in range(n)]) < 1e-14


def test_plane_transform_is_separable() -> None:
    values = [complex(i * i % 7, i) for i in range(6)]
    total = transforms.transform_plane(values, 2, 3)
    assert total[0] == pytest.approx(sum(values))
    assert transforms.transform_plane(values, 1, 6) == pytest.approx(transforms.transform(values))
