"""Calls BLAS, LAPACK and Fourier transforms through NumPy and through SciPy.

Usage: python3 scipy_program.py task.json result.json. A program, not a module: it runs under the
Python of the stack. It judges nothing; the test that wrote the task does.
"""

import json
import os
import sys
import time

import numpy as np
import scipy
import scipy.fft
import scipy.linalg

TYPES = {'s': np.float32, 'd': np.float64, 'c': np.complex64, 'z': np.complex128}


def timed(function, repeats=1):
    """Return a result and the best time."""
    best = float('inf')
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return result, best


def integers(numbers, rows, columns):
    """The matrix of integers that five numbers stand for."""
    p, q, r, s, m = (numbers[name] for name in 'pqrsm')
    i, j = np.arange(1, rows + 1)[:, None], np.arange(1, columns + 1)[None, :]
    return ((p * i + q * j + r * i * j + s) % 100003 % m - m // 2).astype(np.float64)


class ThroughNumpy:
    """numpy.linalg and the matrix product."""

    def gemm(self, kind, a, b):
        return a @ b if kind in 'sd' else TYPES[kind](2 + 1j) * (a @ b)

    def solve(self, a, b):
        return np.linalg.solve(a, b)

    def cholesky(self, a):
        return np.linalg.cholesky(a).T

    def eigen(self, a):
        return np.linalg.eigh(a)

    def singular(self, a):
        return np.linalg.svd(a, full_matrices=False)


class ThroughScipy:
    """scipy.linalg and its BLAS."""

    def gemm(self, kind, a, b):
        (gemm,) = scipy.linalg.get_blas_funcs(('gemm',), (a, b))
        return gemm(1 if kind in 'sd' else 2 + 1j, a, b)

    def solve(self, a, b):
        return scipy.linalg.lu_solve(scipy.linalg.lu_factor(a), b)

    def cholesky(self, a):
        return scipy.linalg.cholesky(a)

    def eigen(self, a):
        # The default (MRRR) may lose two digits of orthogonality, which would hide other faults.
        try:
            return scipy.linalg.eigh(a, driver='evd')
        except TypeError:  # before SciPy 1.5
            return scipy.linalg.eigh(a)

    def singular(self, a):
        return scipy.linalg.svd(a, full_matrices=False)


def products(through, task):
    """C = A B, or (2 + i) A B for complex matrices; C w is returned."""
    m, k, n = task['m'], task['k'], task['n']
    w = np.array(task['w'], np.float64)
    a, b = integers(task['a'], m, k), integers(task['b'], k, n)
    a_i, b_i = integers(task['a_imaginary'], m, k), integers(task['b_imaginary'], k, n)
    found = {}
    for kind, dtype in TYPES.items():
        parts = 2 if kind in 'cz' else 1
        left = (a + 1j * a_i if parts == 2 else a).astype(dtype)
        right = (b + 1j * b_i if parts == 2 else b).astype(dtype)
        c, seconds = timed(lambda: through.gemm(kind, left, right), task['repeats'])  # noqa: B023
        if c.dtype != dtype:
            raise TypeError(f'the product of {dtype} is {c.dtype}')
        sides = (c.real, c.imag)[:parts]
        rows = [(side.astype(np.float64) @ w).tolist() for side in sides]
        found[kind + 'gemm'] = {'product': rows, 'seconds': seconds}
    return found


def factors(through, task):
    """LU, Cholesky, eigenvalues and singular values, with what they were made of put together."""
    a = integers(task['solve']['a'], task['solve']['n'], task['solve']['n'])
    b = np.array(task['solve']['b'], np.float64)
    x, seconds = timed(lambda: through.solve(a, b))
    found = {'solve': {'x': x.tolist(), 'seconds': seconds}}

    order, scale = np.arange(1, task['cholesky']['n'] + 1), task['cholesky']['scale'] ** 2
    a = scale * np.minimum(order[:, None], order[None, :]).astype(np.float64)
    r, seconds = timed(lambda: through.cholesky(a))
    found['cholesky'] = {'product': (r @ task['cholesky']['w']).tolist(), 'seconds': seconds}

    a, w = np.array(task['eigen']['matrix']), np.array(task['eigen']['w'])
    (values, v), seconds = timed(lambda: through.eigen(a))
    found['eigen'] = {
        'values': values.tolist(),
        'product': (v @ (values * (v.T @ w))).tolist(),
        'identity': (v @ (v.T @ w)).tolist(),
        'seconds': seconds,
    }

    a, w = np.array(task['singular']['matrix']), np.array(task['singular']['w'])
    (u, values, vt), seconds = timed(lambda: through.singular(a))
    found['singular'] = {
        'values': values.tolist(),
        'product': (u @ (values * (vt @ w))).tolist(),
        'seconds': seconds,
    }
    # What fails raises an exception here.
    return {name: dict(result, info=0) for name, result in found.items()}


def put_together(task):
    """P L U w of SciPy's LU factors."""
    a = integers(task['solve']['a'], task['solve']['n'], task['solve']['n'])
    p, lower, upper = scipy.linalg.lu(a)
    return (p @ (lower @ (upper @ np.array(task['lu_w'], np.float64)))).tolist()


def pairs(values):
    return np.ascontiguousarray(values).view(values.real.dtype).reshape(-1).tolist()


def transforms(fft, real, task):
    """Every case of the task forward and back (back without the division by n)."""
    whole = np.complex64 if real is np.float32 else np.complex128
    cases = {}
    for name, case in task['cases'].items():
        size = int(np.prod(case['shape']))
        data = np.array(case['values'], real)
        if case['kind'] == 'real':
            forward = fft.rfft(data)
            back = (fft.irfft(forward, size) * size).tolist()
        else:
            forward = fft.fftn(data.view(whole).reshape(case['shape']))
            back = pairs(fft.ifftn(forward) * size)
        if forward.dtype != whole:
            raise TypeError(f'the transform of {real} is {forward.dtype}')
        cases[name] = {'forward': pairs(forward), 'back': back}
    n, tone = task['timed']['n'], task['timed']['tone']
    delta = np.zeros(n, whole)
    delta[tone] = 1
    data = (fft.ifft(delta) * n).astype(whole)
    out, seconds = timed(lambda: fft.fft(data), task['timed']['repeats'])
    peak = int(np.argmax(np.abs(out.real)))
    return {
        'cases': cases,
        'timed': {
            'samples': [[k, float(data[k].real), float(data[k].imag)] for k in (1, n // 3, n - 1)],
            'peak': peak,
            'peak_value': float(out[peak].real),
            'power': float(np.sum(np.abs(out.astype(np.complex128)) ** 2)),
            'seconds': seconds,
        },
    }


def loaded_libraries():
    """Paths of the BLAS libraries in this process, and how many threads the kernel counts."""
    names = ('blas', 'lapack', 'mkl', 'blis', 'fftw')
    with open('/proc/self/maps') as maps:
        paths = {line.split()[-1] for line in maps if '/' in line}
    found = [p for p in sorted(paths) if any(n in os.path.basename(p).lower() for n in names)]
    with open('/proc/self/status') as status:
        threads = next(int(line.split()[1]) for line in status if line.startswith('Threads:'))
    return [p for p in found if '.so' in p], threads


def main():
    with open(sys.argv[1]) as file:
        task = json.load(file)
    through = {'NumPy': ThroughNumpy(), 'SciPy': ThroughScipy()}
    result = {
        'nonce': task['nonce'],
        'versions': {'NumPy': np.__version__, 'SciPy': scipy.__version__},
        'places': [os.path.realpath(m.__file__) for m in (np, scipy)],
        'root': os.path.realpath(os.path.expandvars(task['root'])) if task['root'] else '',
        'dense': {
            name: dict(products(calls, task['dense']['gemm']), **factors(calls, task['dense']))
            for name, calls in through.items()
        },
        'lu': put_together(dict(task['dense'], lu_w=task['lu_w'])),
        'transforms': {
            'NumPy, double': transforms(np.fft, np.float64, task['transforms']),
            'SciPy, double': transforms(scipy.fft, np.float64, task['transforms']),
            'SciPy, single': transforms(scipy.fft, np.float32, task['transforms']),
        },
    }
    result['libraries'], result['kernel_threads'] = loaded_libraries()
    with open(sys.argv[2], 'w') as file:
        json.dump(result, file)


if __name__ == '__main__':
    main()
