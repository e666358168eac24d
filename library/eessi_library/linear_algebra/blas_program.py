# ruff: noqa: B905 - the Python of a stack may be older than 3.10
"""Calls BLAS and LAPACK of one shared library through ctypes; standard library only.

Usage: python3 blas_program.py task.json result.json. A program, not a module: it runs under the
Python of the stack. It judges nothing; the test that wrote the task does.
"""

import ctypes
import glob
import json
import os
import re
import sys
import time
from array import array

CODES = {'s': 'f', 'd': 'd', 'c': 'f', 'z': 'd'}

#: What is called below, by Fortran's names.
ROUTINES = ('dgemm', 'sgemm', 'zgemm', 'cgemm', 'dgesv', 'dpotrf', 'dsyevd', 'dgesdd')


def find_library(root, names):
    """Return the library below root (a directory), or a plain name for the loader."""
    if not root:
        return names[0]
    for name in names:
        for pattern in (name, name + '.*'):
            found = glob.glob(os.path.join(root, '**', pattern), recursive=True)
            if found:
                return os.path.realpath(sorted(found, key=lambda p: (p.count('/'), p))[0])
    raise FileNotFoundError(f'no {" or ".join(names)} below {root}')


class Library:
    """Fortran calls: every argument by reference, matrices by columns."""

    def __init__(self, path, prefix, mode=ctypes.RTLD_GLOBAL):
        self.path = path
        self.prefix = prefix
        self.handle = ctypes.CDLL(path, mode=mode)

    def call(self, name, *arguments):
        converted = []
        for argument in arguments:
            if isinstance(argument, str):
                converted.append(ctypes.c_char_p(argument.encode()))
            elif isinstance(argument, int):
                converted.append(ctypes.byref(ctypes.c_int(argument)))
            else:
                converted.append(ctypes.c_void_p(argument.buffer_info()[0]))
        getattr(self.handle, name + '_')(*converted)

    def text(self, name):
        function = getattr(self.handle, name)
        function.restype = ctypes.c_char_p
        return function().decode()

    def threads(self):
        return getattr(self.handle, self.prefix + '_get_num_threads')()

    def about(self):
        return {'openblas': about_openblas, 'flexiblas': about_flexiblas}[self.prefix](self)


def about_openblas(library):
    return {
        'core': library.text('openblas_get_corename'),
        'config': library.text('openblas_get_config'),
    }


def about_flexiblas(library):
    """Backend and version of FlexiBLAS, and what else has BLAS in its name in this process."""
    name = ctypes.create_string_buffer(4096)
    library.handle.flexiblas_current_backend(name, ctypes.c_size_t(len(name)))
    version = [ctypes.c_int(-1) for _ in range(3)]
    library.handle.flexiblas_get_version(*[ctypes.byref(number) for number in version])
    libraries = sorted(
        path for path in files_in_memory() if re.search('blas|lapack', os.path.basename(path))
    )
    return {
        'backend': name.value.decode(),
        'version': [number.value for number in version],
        'asked': os.environ.get('FLEXIBLAS'),
        'libraries': libraries,
        **openblas_in_memory(libraries),
    }


class SharedObject(ctypes.Structure):
    """Beginning of dl_phdr_info, see dl_iterate_phdr(3)."""

    _fields_ = (('address', ctypes.c_void_p), ('name', ctypes.c_char_p))


def files_in_memory():
    """Files that the loader opened; /proc/self/maps has other names for them on nested overlays."""
    names = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(SharedObject), ctypes.c_size_t, ctypes.c_void_p)
    def note(described, size, data):
        names.append(os.fsdecode(described.contents.name or b''))
        return 0

    ctypes.CDLL(None).dl_iterate_phdr(note, None)
    return {os.path.realpath(name) for name in names if '/' in name}


def openblas_in_memory(libraries):
    """Kernel and lacking routines of the OpenBLAS among libraries that are in memory already."""
    for path in libraries:
        if os.path.basename(path).startswith('libopenblas'):
            openblas = Library(path, 'openblas', ctypes.RTLD_LOCAL)
            return {
                'core': openblas.text('openblas_get_corename'),
                'lacking': [name for name in ROUTINES if not hasattr(openblas.handle, name + '_')],
            }
    return {'core': None, 'lacking': []}


def zeros(count, code='d'):
    return array(code, bytes(array(code).itemsize * count))


def integer_columns(numbers, rows, columns):
    p, q, r, s, m = (numbers[name] for name in 'pqrsm')
    half = m // 2
    return [
        (p * i + q * j + r * i * j + s) % 100003 % m - half
        for j in range(1, columns + 1)
        for i in range(1, rows + 1)
    ]


def by_columns(rows):
    return array('d', [x for column in zip(*rows) for x in column])


def times(columns, rows, w):
    """Product of a matrix by columns with w, in plain Python."""
    result = [0.0] * rows
    for j, x in enumerate(w):
        part = columns[j * rows : (j + 1) * rows]
        result = [y + a * x for y, a in zip(result, part)]
    return result


def gemm(library, task, kind):
    """C = A B, or (2 + i) A B for complex matrices; return C w and the best time."""
    m, k, n = task['m'], task['k'], task['n']
    code, parts = CODES[kind], 2 if kind in 'cz' else 1
    a, b, c = (zeros(parts * size, code) for size in (m * k, k * n, m * n))
    a[::parts] = array(code, integer_columns(task['a'], m, k))
    b[::parts] = array(code, integer_columns(task['b'], k, n))
    if parts == 2:
        a[1::2] = array(code, integer_columns(task['a_imaginary'], m, k))
        b[1::2] = array(code, integer_columns(task['b_imaginary'], k, n))
    alpha, beta = array(code, [2.0, 1.0]), zeros(2, code)
    if parts == 1:
        alpha[0] = 1.0
    best = float('inf')
    for _ in range(task['repeats']):
        start = time.perf_counter()
        library.call(kind + 'gemm', 'N', 'N', m, n, k, alpha, a, m, b, k, beta, c, m)
        best = min(best, time.perf_counter() - start)
    result = [times(c[part::parts], m, task['w']) for part in range(parts)]
    return {'product': result, 'seconds': best}


def solve(library, task):
    """Solve A x = b by LU with partial pivoting (dgesv)."""
    n = task['n']
    a, x = array('d', integer_columns(task['a'], n, n)), array('d', task['b'])
    pivots, info = zeros(n, 'i'), zeros(1, 'i')
    start = time.perf_counter()
    library.call('dgesv', n, 1, a, n, pivots, x, n, info)
    return {'x': x.tolist(), 'info': info[0], 'seconds': time.perf_counter() - start}


def cholesky(library, task):
    """Factor scale^2 min(i, j) (dpotrf); return R w."""
    n, scale, w = task['n'], task['scale'] ** 2, task['w']
    a = array('d', [scale * min(i, j) for j in range(1, n + 1) for i in range(1, n + 1)])
    info = zeros(1, 'i')
    start = time.perf_counter()
    library.call('dpotrf', 'U', n, a, n, info)
    seconds = time.perf_counter() - start
    for j in range(n):
        a[j * n + j + 1 : (j + 1) * n] = zeros(n - j - 1)
    return {'product': times(a, n, w), 'info': info[0], 'seconds': seconds}


def eigen(library, task):
    """All eigenvalues and eigenvectors V (dsyevd); return V D V' w and V V' w as well."""
    n, w = len(task['matrix']), task['w']
    a, values, info = by_columns(task['matrix']), zeros(n), zeros(1, 'i')
    size = 1 + 6 * n + 2 * n * n
    start = time.perf_counter()
    library.call(
        'dsyevd', 'V', 'U', n, a, n, values, zeros(size), size, zeros(3 + 5 * n, 'i'), 3 + 5 * n,
        info,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    inner = [sum(x * y for x, y in zip(a[j * n : (j + 1) * n], w)) for j in range(n)]
    scaled = [d * x for d, x in zip(values, inner)]
    return {
        'values': values.tolist(), 'product': times(a, n, scaled),
        'identity': times(a, n, inner), 'info': info[0], 'seconds': seconds,
    }  # fmt: skip


def singular(library, task):
    """Singular values and vectors (dgesdd, thin); return U S V' w as well."""
    m, n, w = len(task['matrix']), len(task['matrix'][0]), task['w']
    a, s, info = by_columns(task['matrix']), zeros(n), zeros(1, 'i')
    u, vt = zeros(m * n), zeros(n * n)
    size = 4 * n * n + 7 * n + m * 32 + 1024
    start = time.perf_counter()
    library.call(
        'dgesdd', 'S', m, n, a, m, s, u, m, vt, n, zeros(size), size, zeros(8 * n, 'i'), info
    )
    seconds = time.perf_counter() - start
    scaled = [d * x for d, x in zip(s, times(vt, n, w))]
    return {
        'values': s.tolist(), 'product': times(u, m, scaled), 'info': info[0], 'seconds': seconds,
    }  # fmt: skip


def kernel_threads():
    """Threads of this process as the kernel counts them."""
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('Threads:'))


def main():
    not_ours = kernel_threads() - 1  # an emulator has threads of its own
    with open(sys.argv[1]) as file:
        task = json.load(file)
    path = find_library(os.path.expandvars(task['root']), task['names'])
    library = Library(path, task['library'])
    result = {'nonce': task['nonce'], 'library': library.path, **library.about()}
    for kind in 'dszc':
        result[kind + 'gemm'] = gemm(library, task['gemm'], kind)
    for name, function in (
        ('solve', solve), ('cholesky', cholesky), ('eigen', eigen), ('singular', singular)
    ):  # fmt: skip
        result[name] = function(library, task[name])
    result['threads'] = library.threads()
    result['kernel_threads'] = kernel_threads() - not_ours
    with open(sys.argv[2], 'w') as file:
        json.dump(result, file)


if __name__ == '__main__':
    main()
