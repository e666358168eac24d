"""Discrete Fourier transforms by their definition: the task for a program and its judgement.

Pure functions. The reference is the definition itself, ``X_k = sum_j x_j exp(-2 pi i j k / n)``,
with angles reduced modulo n and sums rounded once (fsum). Tolerance: the error of an FFT in the
2-norm grows as ``eps sqrt(log n)`` on average and at most as ``eps log n`` (J. C. Schatzman, SIAM
J. Sci. Comput. 17 (1996) 1150); taken as ``4 eps log2 n``, eps of the precision. Measured with
FFTW 3.3.10: below 0.3 eps log2 n in double, 0.2 in single precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from eessi_library.expect import expect, expect_within
from eessi_library.linear_algebra.matrices import EPSILON, EPSILON_SINGLE, integer_vector
from eessi_library.nonce import integer

#: Accepted error in units of ``eps log2 n``.
LIMIT = 4.0

PRECISIONS = {'double': EPSILON, 'single': EPSILON_SINGLE}

#: Lengths by the algorithm they take: powers of two, Rader's for primes, mixed radices.
_POWERS = (256, 512)
_PRIMES = (311, 389, 431, 509)
_MIXED = (420, 480, 540, 630)
_PLANES = ((12, 35), (21, 20), (18, 28))
_REAL = (450, 495, 525)


def _choice(nonce: str, purpose: str, values: tuple[Any, ...]) -> Any:
    return values[integer(nonce, purpose, 0, len(values) - 1)]


def _signal(nonce: str, purpose: str, length: int) -> list[float]:
    return [float(value - 50) for value in integer_vector(nonce, purpose, length)]


def make_task(nonce: str, length: int, repeats: int, threads: int) -> dict[str, Any]:
    """Return the task of one run: data of integers, exact in both precisions."""
    shapes = {
        'power of two': [_choice(nonce, 'power', _POWERS)],
        'prime': [_choice(nonce, 'prime', _PRIMES)],
        'mixed radices': [_choice(nonce, 'mixed', _MIXED)],
        'plane': list(_choice(nonce, 'plane', _PLANES)),
    }
    cases: dict[str, Any] = {
        name: {
            'kind': 'complex',
            'shape': shape,
            'values': _signal(nonce, f'fft {name}', 2 * math.prod(shape)),
        }
        for name, shape in shapes.items()
    }
    real = _choice(nonce, 'real', _REAL)
    cases['real'] = {'kind': 'real', 'shape': [real], 'values': _signal(nonce, 'fft real', real)}
    timed = {'n': length, 'tone': integer(nonce, 'tone', 1, length - 1), 'repeats': repeats}
    return {'nonce': nonce, 'threads': threads, 'cases': cases, 'timed': timed}


def _as_complex(values: list[float]) -> list[complex]:
    return [complex(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]


def transform(values: list[complex]) -> list[complex]:
    """Return the discrete Fourier transform by its definition."""
    n = len(values)
    roots = [
        complex(math.cos(2 * math.pi * k / n), -math.sin(2 * math.pi * k / n)) for k in range(n)
    ]
    result = []
    for k in range(n):
        turned = [roots[j * k % n] for j in range(n)]
        products = [x * w for x, w in zip(values, turned, strict=True)]
        result.append(
            complex(math.fsum(p.real for p in products), math.fsum(p.imag for p in products))
        )
    return result


def transform_plane(values: list[complex], rows: int, columns: int) -> list[complex]:
    """Return the two-dimensional transform of a row-major array."""
    by_rows = [transform(values[i * columns : (i + 1) * columns]) for i in range(rows)]
    by_columns = [transform([row[j] for row in by_rows]) for j in range(columns)]
    return [by_columns[j][i] for i in range(rows) for j in range(columns)]


def expected(case: dict[str, Any]) -> list[complex]:
    """Return what the forward transform of a case must give."""
    return list(_expected(case['kind'], tuple(case['shape']), tuple(case['values'])))


@lru_cache(maxsize=64)
def _expected(kind: str, shape: tuple[int, ...], data: tuple[float, ...]) -> tuple[complex, ...]:
    if kind == 'real':
        return tuple(transform([complex(x) for x in data])[: shape[0] // 2 + 1])
    values = _as_complex(list(data))
    return tuple(transform_plane(values, *shape) if len(shape) == 2 else transform(values))


def distance(found: list[complex], reference: list[complex]) -> float:
    """Return the relative difference in the 2-norm; infinite if the lengths differ."""
    if len(found) != len(reference):
        return math.inf
    difference = math.fsum(abs(f - r) ** 2 for f, r in zip(found, reference, strict=True))
    return math.sqrt(difference / math.fsum(abs(r) ** 2 for r in reference))


def errors(
    task: dict[str, Any], result: dict[str, Any], precisions: Mapping[str, float] = PRECISIONS
) -> dict[str, float]:
    """Errors in ``eps log2 n``: transforms, round trips and Parseval's identity.

    `precisions` are the keys of `result` and the eps of each.
    """
    found: dict[str, float] = {}
    for name, case in task['cases'].items():
        reference, size = expected(case), math.prod(case['shape'])
        source = [complex(x) for x in case['values']]
        for precision, epsilon in precisions.items():
            answer = result[precision]['cases'][name]
            unit = epsilon * math.log2(size)
            forward = _as_complex(answer['forward'])
            label = f'{precision} precision, {name} {"x".join(map(str, case["shape"]))}'
            found[f'transform ({label})'] = distance(forward, reference) / unit
            back = [complex(x / size) for x in answer['back']]
            found[f'round trip ({label})'] = distance(back, source) / unit
            if case['kind'] == 'complex':
                power = math.fsum(abs(x) ** 2 for x in forward) / size
                exact = sum(x * x for x in case['values'])
                found[f'Parseval ({label})'] = abs(power - exact) / exact / unit
    for precision, epsilon in precisions.items():
        unit = epsilon * math.log2(task['timed']['n'])
        found[f'pure tone ({precision} precision)'] = (
            tone_error(task['timed'], result[precision]['timed']) / unit
        )
    return found


def tone_error(task: dict[str, Any], timed: dict[str, Any]) -> float:
    """Error of the long transform of ``exp(2 pi i tone k / n)``: n at ``tone``, 0 elsewhere."""
    n, tone = task['n'], task['tone']
    if timed['peak'] != tone:
        return math.inf
    worst = max(abs(timed['peak_value'] - n) / n, abs(timed['power'] - n * n) / (n * n))
    for k, real, imaginary in timed['samples']:
        angle = 2 * math.pi * (k * tone % n) / n
        worst = max(
            worst, abs(complex(real, imaginary) - complex(math.cos(angle), math.sin(angle)))
        )
    return worst


def judge(task: dict[str, Any], result: dict[str, Any]) -> None:
    """Fail with a sentence unless every number of the result is right."""
    for name, error in errors(task, result).items():
        expect_within(f'error of the {name}', error, 0.0, LIMIT, 'eps log2 n')
    for precision in PRECISIONS:
        version = result[precision]['version']
        expect(version.startswith('fftw-3.'), f'the library calls itself {version!r}, not fftw-3')


def gflops(task: dict[str, Any], result: dict[str, Any], precision: str) -> float:
    """Return GFLOP/s by the convention of FFTW's authors: 5 n log2 n operations."""
    n = task['timed']['n']
    return 5 * n * math.log2(n) / result[precision]['timed']['seconds'] / 1e9
