"""Calls FFTW through ctypes; standard library only.

Usage: python3 fft_program.py task.json result.json. A program, not a module: it runs under the
Python of the stack. It judges nothing; the test that wrote the task does.
"""

import ctypes
import glob
import json
import os
import sys
import time
import traceback

FORWARD, BACKWARD, ESTIMATE, MEASURE = -1, 1, 1 << 6, 0
#: Kinds of threads: POSIX and OpenMP. An installation has either or both, and they are used
#: by different programs.
KINDS = ('threads', 'omp')
PRECISIONS = {'double': ('fftw_', '', ctypes.c_double), 'single': ('fftwf_', 'f', ctypes.c_float)}


def find_library(root, names):
    """Return the library below root (a directory), or a plain name for the loader."""
    if not root:
        return names[0]
    for name in names:
        found = glob.glob(os.path.join(root, '**', name), recursive=True)
        if found:
            return os.path.realpath(sorted(found, key=lambda p: (p.count('/'), p))[0])
    raise FileNotFoundError(f'no {" or ".join(names)} below {root}')


class Library:
    """FFTW in one precision, with threads of one kind."""

    def __init__(self, root, precision, kind, threads):
        self.prefix, suffix, self.real = PRECISIONS[precision]
        stem = 'libfftw3' + suffix
        self.path = find_library(root, [stem + '.so.3', stem + '.so'])
        self.base = ctypes.CDLL(self.path, mode=ctypes.RTLD_GLOBAL)
        names = [stem + '_' + kind + '.so.3', stem + '_' + kind + '.so']
        self.threaded = ctypes.CDLL(find_library(root, names), mode=ctypes.RTLD_GLOBAL)
        if not self.function('init_threads', ctypes.c_int, self.threaded)():
            raise RuntimeError('fftw_init_threads failed')
        self.function('plan_with_nthreads', None, self.threaded)(threads)
        self.version = ctypes.string_at(
            ctypes.addressof(ctypes.c_char.in_dll(self.base, self.prefix + 'version'))
        ).decode()

    def function(self, name, restype=None, library=None):
        function = getattr(library or self.base, self.prefix + name)
        function.restype = restype
        return function

    def threads(self):
        """Threads that plans will use (since FFTW 3.3.9); None before."""
        try:
            return self.function('planner_nthreads', ctypes.c_int, self.threaded)()
        except AttributeError:
            return None

    def buffer(self, values):
        return (self.real * len(values))(*values)

    def run(self, name, arguments, repeats=1):
        """Plan, execute, destroy; return the best time."""
        plan = self.function('plan_' + name, ctypes.c_void_p)(*arguments)
        if not plan:
            raise RuntimeError(f'{self.prefix}plan_{name} returned no plan')
        execute, best = self.function('execute'), float('inf')
        for _ in range(repeats):
            start = time.perf_counter()
            execute(ctypes.c_void_p(plan))
            best = min(best, time.perf_counter() - start)
        self.function('destroy_plan')(ctypes.c_void_p(plan))
        return best


def complex_case(library, shape, values):
    """Forward, then backward; values are real and imaginary parts in turn."""
    out = library.buffer([0.0] * len(values))
    back = library.buffer([0.0] * len(values))
    dims = (ctypes.c_int * len(shape))(*shape)
    library.run(
        'dft', (len(shape), dims, library.buffer(values), out, FORWARD, ctypes.c_uint(ESTIMATE))
    )
    forward = list(out)
    library.run('dft', (len(shape), dims, out, back, BACKWARD, ctypes.c_uint(ESTIMATE)))
    return {'forward': forward, 'back': list(back)}


def real_case(library, values):
    n = len(values)
    out = library.buffer([0.0] * (2 * (n // 2 + 1)))
    back = library.buffer([0.0] * n)
    source = library.buffer(values)
    library.run('dft_r2c_1d', (n, source, out, ctypes.c_uint(ESTIMATE)))
    forward = list(out)
    library.run('dft_c2r_1d', (n, out, back, ctypes.c_uint(ESTIMATE)))
    return {'forward': forward, 'back': list(back)}


def timed_case(library, n, tone, repeats):
    """A pure tone of n points: after the transform all its power is in one place."""
    data = (library.real * (2 * n))()
    out = (library.real * (2 * n))()
    arguments = (n, data, out, FORWARD, ctypes.c_uint(ESTIMATE))
    # exp(2 pi i tone k / n), by FFTW's own backward transform of a delta: a round trip.
    out[2 * tone] = 1.0
    library.run('dft_1d', (n, out, data, BACKWARD, ctypes.c_uint(ESTIMATE)))
    samples = [[k, data[2 * k], data[2 * k + 1]] for k in (1, n // 3, n - 1)]
    seconds = library.run('dft_1d', arguments, repeats)
    peak = max(range(n), key=lambda k: abs(out[2 * k]))
    power = sum(x * x for x in out)
    return {
        'samples': samples, 'peak': peak, 'peak_value': out[2 * peak], 'power': power,
        'seconds': seconds,
    }  # fmt: skip


def kernel_threads():
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('Threads:'))


def kinds_below(root):
    """Kinds of threads that the installation has in any precision: each needs them in all."""
    if not root:
        return KINDS[-1:]
    found = [k for k in KINDS if glob.glob(f'{root}/**/libfftw3*_{k}.so*', recursive=True)]
    if not found:
        raise FileNotFoundError(f'no library of threads of FFTW below {root}')
    return found


def computed(task, root, kind):
    """Everything with one kind of threads."""
    not_ours = kernel_threads() - 1  # an emulator has threads of its own
    result = {}
    for precision in PRECISIONS:
        library = Library(root, precision, kind, task['threads'])
        found = {'library': library.path, 'version': library.version, 'cases': {}}
        for name, case in task['cases'].items():
            if case['kind'] == 'real':
                found['cases'][name] = real_case(library, case['values'])
            else:
                found['cases'][name] = complex_case(library, case['shape'], case['values'])
        found['timed'] = timed_case(library, **task['timed'])
        found['threads'] = library.threads()
        result[precision] = found
    result['kernel_threads'] = kernel_threads() - not_ours
    return result


def apart(task, root, kind):
    """The same in a process of its own: both kinds have the same symbols."""
    name = f'threads.{kind}.json'
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with open(name, 'w') as file:
                json.dump(computed(task, root, kind), file)
            status = 0
        except (OSError, AttributeError, RuntimeError, ValueError, LookupError):
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    if status & 127:
        os.kill(os.getpid(), status & 127)
    if status:
        sys.exit(f'the transforms with threads of kind "{kind}" ended with {status >> 8}')
    with open(name) as file:
        return json.load(file)


def main():
    with open(sys.argv[1]) as file:
        task = json.load(file)
    root = os.path.expandvars(task['root'])
    first, *others = kinds_below(root)
    result = {'nonce': task['nonce'], 'kind': first, **apart(task, root, first)}
    result['others'] = {kind: apart(task, root, kind) for kind in others}
    with open(sys.argv[2], 'w') as file:
        json.dump(result, file)


if __name__ == '__main__':
    main()
