"""Does a compiler or MPI wrapper of an installation build a program that runs on the stack?

A small program for each compiler in ``bin/`` that goes by its plain name, and for each one that the
module of a build environment names (``CC``), with the options that it names, in the environment of
the module: compiled, linked, looked at (interpreter inside the release) and run.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from typing import Final

from eessi_library.diagnosis import known_fault
from eessi_library.elf import ElfError, read_elf

from .model import InstallationRequest, Observation, Severity

#: Seconds for one command on a busy machine.
LIMIT_SECONDS: Final = 120

#: Printed by each program; the sum is computed when it runs.
_ANSWER: Final = 'sum 5050'

_C: Final = """\
#include <stdio.h>
#include <math.h>
int main(int argc, char **argv) {
    double sum = 0.0;
    for (int i = 1; i <= 100; i++) sum += sqrt((double)i * i) * argc;
    printf("sum %.0f\\n", sum);
    return 0;
}
"""
_CXX: Final = """\
#include <iostream>
#include <numeric>
#include <vector>
int main(int argc, char **) {
    std::vector<long> values(100);
    std::iota(values.begin(), values.end(), argc);
    std::cout << "sum " << std::accumulate(values.begin(), values.end(), 0L) << std::endl;
}
"""
_FORTRAN: Final = """\
program total
  implicit none
  integer :: i
  real(8), allocatable :: values(:)
  allocate(values(100))
  values = [(real(i, 8), i = 1, 100)]
  print '(a,i0)', 'sum ', nint(sum(values))
end program
"""
_MPI: Final = """\
#include <stdio.h>
#include <mpi.h>
int main(int argc, char **argv) {
    int ranks = 0; long one = 5050, sum = 0;
    MPI_Init(&argc, &argv);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Allreduce(&one, &sum, 1, MPI_LONG, MPI_SUM, MPI_COMM_WORLD);
    printf("sum %ld\\n", sum / ranks);
    MPI_Finalize();
    return 0;
}
"""
_MPI_FORTRAN: Final = """\
program total
  use mpi
  implicit none
  integer :: error, mine, all, ranks
  call MPI_Init(error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  mine = 5050
  call MPI_Allreduce(mine, all, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
  print '(a,i0)', 'sum ', all / ranks
  call MPI_Finalize(error)
end program
"""

#: Name of the program -> (source, its suffix, options).
COMPILERS: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    'gcc': (_C, 'c', ('-lm',)),
    'clang': (_C, 'c', ('-lm',)),
    'icx': (_C, 'c', ('-lm',)),
    'g++': (_CXX, 'cpp', ()),
    'clang++': (_CXX, 'cpp', ()),
    'icpx': (_CXX, 'cpp', ()),
    'gfortran': (_FORTRAN, 'f90', ()),
    'flang': (_FORTRAN, 'f90', ()),
    'ifx': (_FORTRAN, 'f90', ()),
    'mpicc': (_MPI, 'c', ()),
    'mpicxx': (_MPI, 'cpp', ()),
    'mpifort': (_MPI_FORTRAN, 'f90', ()),
}


#: Variable that a build environment sets -> (like which compiler, variables with its options).
#: EasyBuild's buildenv sets them all, as its toolchains do while they build.
_VARIABLES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    'CC': ('gcc', ('CFLAGS', 'LDFLAGS')),
    'CXX': ('g++', ('CXXFLAGS', 'LDFLAGS')),
    'FC': ('gfortran', ('FCFLAGS', 'LDFLAGS')),
    'MPICC': ('mpicc', ('CFLAGS', 'LDFLAGS')),
    'MPICXX': ('mpicxx', ('CXXFLAGS', 'LDFLAGS')),
    'MPIFC': ('mpifort', ('FCFLAGS', 'LDFLAGS')),
}


def check_compilers(
    request: InstallationRequest, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every compiler of an installation that does not build, or not for this release."""
    for name, (source, suffix, options) in COMPILERS.items():
        program = f'{request.path}/bin/{name}'
        if not os.access(program, os.X_OK):
            continue
        problem = _build_and_run(request, [program], source, suffix, options, environment, scratch)
        if problem:
            check, reason = problem
            yield Observation(f'build/{check}', Severity.ERROR, f'bin/{name}', check, reason)
    yield from _check_variables(request, environment, scratch)


def _check_variables(
    request: InstallationRequest, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Yield every compiler that the module itself names in a variable and that does not build."""
    inside = (f'{request.release.software}/', f'{request.release.compat}/')
    for variable in _set_variables(request):
        like, flags = _VARIABLES[variable]
        source, suffix, options = COMPILERS[like]
        words = shlex.split(environment.get(variable, ''))
        program = shutil.which(words[0], path=environment.get('PATH')) if words else None
        problem: tuple[str, str] | None
        if program is None or not program.startswith(inside):
            problem = (
                'compile',
                f'{variable} is {words[:1]}: {program or "nowhere"}, not of the stack',
            )
        else:
            given = [word for name in flags for word in shlex.split(environment.get(name, ''))]
            command = [program, *words[1:], *given]
            problem = _build_and_run(
                request, command, source, suffix, options, environment, scratch
            )
        if problem:
            check, reason = problem
            yield Observation(f'build/{check}', Severity.ERROR, variable, check, reason)


def _set_variables(request: InstallationRequest) -> list[str]:
    """Return the variables with compilers that the module file itself sets."""
    if request.module_file is None:
        return []
    try:
        with open(request.release.located(request.module_file), encoding='utf-8') as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return []  # the module check says so
    set_here = set(re.findall(r"""^\s*setenv\s*\(?\s*["']?(\w+)""", text, re.MULTILINE))
    return [name for name in _VARIABLES if name in set_here]


def _build_and_run(
    request: InstallationRequest,
    compiler: list[str],
    source: str,
    suffix: str,
    options: tuple[str, ...],
    environment: Mapping[str, str],
    scratch: str,
) -> tuple[str, str] | None:
    name = os.path.basename(compiler[0])
    text, built = f'{scratch}/{name}-total.{suffix}', f'{scratch}/{name}-total'
    with open(text, 'w', encoding='utf-8') as file:
        file.write(source)
    status, output = _run([*compiler, '-O1', text, '-o', built, *options], environment, scratch)
    if status != 0:
        return 'compile', f'compiling a small program {_how(status)}: {_words(output)}'
    try:
        elf = read_elf(built)
    except (ElfError, OSError) as error:
        return 'compile', f'what it builds cannot be read: {error}'
    compat = f'{request.release.compat}/'
    if elf is not None and elf.interpreter and not elf.interpreter.startswith(compat):
        return 'interpreter', (
            f'what it builds runs with {elf.interpreter}, not with the loader of the release'
        )
    status, output = _run([built], environment, scratch)
    if status != 0:
        return 'run', f'what it builds {_how(status)}: {_words(output)}'
    if _ANSWER not in output:
        return 'run', f'what it builds says {_words(output)!r}, right is {_ANSWER!r}'
    return None


def _run(
    command: list[str], environment: Mapping[str, str], scratch: str
) -> tuple[int | None, str]:
    try:
        done = subprocess.run(
            command,
            env={'OMPI_ALLOW_RUN_AS_ROOT': '1', 'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1'}
            | dict(environment),
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except OSError as error:
        return 126, str(error)
    except subprocess.TimeoutExpired:
        return None, f'not done within {LIMIT_SECONDS} s'
    return done.returncode, done.stdout


def _how(status: int | None) -> str:
    if status is None:
        return 'does not end'
    if status < 0:
        return f'dies by {signal.Signals(-status).name}'
    return f'ends with status {status}'


def _words(output: str) -> str:
    return known_fault(output) or ' '.join(output.split())[:240]
