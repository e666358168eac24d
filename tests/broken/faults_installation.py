"""Faults of any installation and of the release: found without a test of an application."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

from eessi_validate.localstack.host import patchelf_program

FILES, START, INIT, MPI = (
    f'EESSI_{name}'
    for name in ('installation_files', 'installation_start', 'init_selection', 'mpi_injection')
)


def arguments(test: str, *modules: str) -> tuple[str, ...]:
    return ('--test', test, *(word for name in modules for word in ('--module', name)))


def _library(stack: Tampering, software: str, pattern: str) -> Path:
    path = next(p for p in sorted(stack.installation(software).rglob(pattern)) if p.is_file())
    return path.resolve()


def _gmx(stack: Tampering) -> Path:
    return stack.installation('GROMACS') / 'bin' / 'gmx_mpi'


def _patched(*options: str) -> Callable[[Tampering], None]:
    """Return a fault: the FFTW library with other entries of its dynamic section."""

    def apply(stack: Tampering) -> None:
        path = _library(stack, 'FFTW', 'libfftw3.so.3*')
        stack.replace(path, path.read_bytes())
        subprocess.run([str(patchelf_program()), *options, str(path)], check=True)

    return apply


def _wrong_machine(stack: Tampering) -> None:
    path = _library(stack, 'FFTW', 'libfftw3.so.3*')
    data = bytearray(path.read_bytes())
    data[18:20] = (183).to_bytes(2, 'little')  # EM_AARCH64
    stack.replace(path, bytes(data))


def _cut_library(stack: Tampering) -> None:
    path = _library(stack, 'FFTW', 'libfftw3.so.3*')
    stack.replace(path, path.read_bytes()[:5000])


def _too_new_instructions(stack: Tampering) -> None:
    code = 'void f(float *x) { for (int i = 0; i < 64; i++) x[i] = x[i] * 2 + 1; }'
    place = stack.installation('hwloc') / 'lib' / 'libextra.so'
    options = ('-O3', '-mavx512f', '-mprefer-vector-width=512', '-nostdlib')
    stack.add(place, b'', 0o755)
    command = ['gcc', '-x', 'c', '-', '-shared', '-fPIC', *options, '-o', str(place)]
    subprocess.run(command, input=code.encode(), check=True)


def _archive(*flags: str, machine: int = 62) -> Callable[[Tampering], None]:
    """Return a fault: a static archive in the installation of hwloc, its object made like this."""

    def apply(stack: Tampering) -> None:
        code = 'void f(float *x) { for (int i = 0; i < 64; i++) x[i] = x[i] * 2 + 1; }'
        place = stack.installation('hwloc') / 'lib' / 'libextra.a'
        stack.add(place, b'')
        with tempfile.TemporaryDirectory() as scratch:
            made = Path(scratch, 'extra.o')
            command = ['gcc', '-x', 'c', '-', '-c', '-O3', *flags, '-o', str(made)]
            subprocess.run(command, input=code.encode(), check=True)
            data = bytearray(made.read_bytes())
            data[18:20] = machine.to_bytes(2, 'little')
            made.write_bytes(data)
            place.unlink()
            subprocess.run(['ar', 'rcS', str(place), str(made)], check=True)

    return apply


def _text(
    name: str, text: str, mode: int = 0o644, software: str = 'hwloc'
) -> Callable[[Tampering], None]:
    """Return a fault: a further text file in an installation."""

    def apply(stack: Tampering) -> None:
        text_here = text.replace('@release@', str(stack.release))
        stack.add(stack.installation(software) / name, text_here, mode)

    return apply


def _link_to_nothing(stack: Tampering) -> None:
    path = _library(stack, 'FFTW', 'libfftw3f.so.3*')
    stack.remove(path)


def _host_interpreter(stack: Tampering) -> None:
    path = _gmx(stack).resolve()
    stack.replace(path, path.read_bytes())
    loader = '/lib64/ld-linux-x86-64.so.2'
    subprocess.run([str(patchelf_program()), '--set-interpreter', loader, str(path)], check=True)


def _module(text: str) -> Callable[[Tampering], None]:
    """Return a fault: a further line in the module file of GROMACS."""

    def apply(stack: Tampering) -> None:
        stack.edit(stack.module_file('GROMACS'), lambda old: f'{old}\n{text}\n')

    return apply


def _program(text: str) -> Callable[[Tampering], None]:
    def apply(stack: Tampering) -> None:
        stack.replace(_gmx(stack), f'#!{stack.compat}/usr/bin/bash\n{text}\n')

    return apply


def _other_target(stack: Tampering) -> None:
    script = stack.release / 'init' / 'bash'
    stack.edit(script, lambda old: f'{old}\nexport EESSI_SOFTWARE_SUBDIR=x86_64/generic\n')


def _foreign_mpi(stack: Tampering) -> None:
    """An MPI of another family that carries the same SONAME and a part of the symbols."""
    place = stack.release.parent.parent / 'host_injections' / stack.release.name
    place = place / 'software/linux/x86_64/generic/rpath_overrides/OpenMPI/system/lib'
    stack.tree(place)
    library = place / 'libmpi.so.40'
    code = 'int MPI_Init(int *c, char ***v) { return 0; }'
    stack.add(library, b'')
    options = ('-shared', '-fPIC', '-nostdlib', '-Wl,-soname,libmpi.so.40', '-o', str(library))
    subprocess.run(['gcc', '-x', 'c', '-', *options], input=code.encode(), check=True)


FAULTS = [
    Fault(
        'RPATH into a temporary directory', _patched('--force-rpath', '--set-rpath', '/tmp/eb/lib'),
        r'linkage/rpath-foreign: \S+libfftw3\S+: RPATH element /tmp/eb/lib .*temporary directory',
        arguments(FILES, 'FFTW'),
    ),
    Fault(
        'RPATH into a host directory',
        _patched('--force-rpath', '--set-rpath', '/usr/lib/x86_64-linux-gnu'),
        r'linkage/rpath-foreign: .*directory of the host', arguments(FILES, 'FFTW'),
    ),
    Fault(
        'library that is nowhere in the stack', _patched('--add-needed', 'libgone.so.7'),
        r'linkage/missing-library: .*libgone\.so\.7', arguments(FILES, 'FFTW'),
    ),
    Fault(
        'library of another machine', _wrong_machine,
        r'linkage/wrong-machine: .*aarch64', arguments(FILES, 'FFTW'),
    ),
    Fault(
        'library that is cut', _cut_library, r'linkage/malformed: \S+libfftw3',
        arguments(FILES, 'FFTW'),
    ),
    Fault(
        'interpreter of the host', _host_interpreter,
        r'linkage/interpreter: bin/gmx_mpi: .*/lib64/ld-linux-x86-64\.so\.2 is not the loader',
        arguments(FILES, 'GROMACS'),
    ),
    Fault(
        'instructions beyond the target', _too_new_instructions,
        r'isa/beyond-target: lib/libextra\.so: \d+ instructions of avx512',
        arguments(FILES, 'hwloc'),
    ),
    Fault(
        'archive with instructions beyond the target',
        _archive('-mavx512f', '-mprefer-vector-width=512'),
        r'isa/beyond-target: lib/libextra\.a\(extra\.o\): \d+ instructions of avx512',
        arguments(FILES, 'hwloc'),
    ),
    Fault(
        'archive of another machine', _archive(machine=183),
        r'linkage/wrong-machine: lib/libextra\.a\(extra\.o\): is for aarch64',
        arguments(FILES, 'hwloc'),
    ),
    Fault(
        'libtool file with a build path',
        _text('lib/libx.la', "dependency_libs=' -L/tmp/eb-build/x/lib -lx'\n"),
        r'text/build-path: lib/libx\.la: names /tmp/eb-build/x/lib', arguments(FILES, 'hwloc'),
    ),
    Fault(
        'libtool file with a sysroot path',
        _text('lib/libx.la', "dependency_libs=' =/cvmfs/x/lib/liby.la'\n"),
        r'text/sysroot-path: lib/libx\.la', arguments(FILES, 'hwloc'),
    ),
    Fault(
        'script of another CPU target',
        _text(
            'lib/start.sh',
            '#!/bin/sh\nexec @release@/software/linux/x86_64/amd/zen2/software/x/1/bin/x\n', 0o755,
        ),
        r'text/other-target: lib/start\.sh: names \S+/amd/zen2', arguments(FILES, 'hwloc'),
    ),
    Fault(
        'wrapper with a program of the host in a variable',
        _text('bin/wrap', '#!/bin/sh\nCC=/usr/bin/gcc\nexec "$CC" "$@"\n', 0o755, 'GROMACS'),
        r'text/host-program: bin/wrap: names /usr/bin/gcc by its variable CC',
        arguments(FILES, 'GROMACS'),
    ),
    Fault(
        'CMake package with a library of elsewhere',
        _text('lib/xConfig.cmake', 'set(X_LIBRARY "/project/x/lib/libx.so")\n'),
        r'text/foreign-path: lib/xConfig\.cmake: names /project/x/lib/libx\.so',
        arguments(FILES, 'hwloc'),
    ),
    Fault(
        'module that names an extension that is not there',
        _module('setenv("EBEXTSLISTGROMACS", "gmxapi-0.4.2")'),
        r'extension/missing: gmxapi: the module names gmxapi 0\.4\.2', arguments(FILES, 'GROMACS'),
    ),
    Fault(
        'file that others cannot read', _text('lib/data.txt', 'x', 0o600),
        r'files/unreadable: lib/data\.txt: mode 0600', arguments(FILES, 'hwloc'),
    ),
    Fault(
        'program that only its owner can execute', _text('lib/wrapper', '#!/bin/sh\n', 0o744),
        r'files/not-executable: lib/wrapper', arguments(FILES, 'hwloc'),
    ),
    Fault(
        'link to nothing', _link_to_nothing, r'files/dangling-link: \S+libfftw3f',
        arguments(FILES, 'FFTW'),
    ),
    Fault(
        'module that sets LD_LIBRARY_PATH', _module('prepend_path("LD_LIBRARY_PATH", "/opt/x")'),
        r'module/library-path: .*sets LD_LIBRARY_PATH', arguments(START, 'GROMACS'),
    ),
    Fault(
        'module with a dependency that is not there', _module('depends_on("Gone/1.0")'),
        r'module/dependency: .*Gone/1\.0', arguments(START, 'GROMACS'),
    ),
    Fault(
        'module that does not load', _module('LmodError("no licence")'),
        r'module/load: .*no licence', arguments(START, 'GROMACS'),
    ),
    Fault(
        'program that crashes', _program('kill -SEGV $$'),
        r'start-up/crash: bin/gmx_mpi: .*SIGSEGV',
        arguments(START, 'GROMACS'),
    ),
    Fault(
        'program of another version', _program('echo GROMACS 2019.3'),
        r'version/differs: bin/gmx_mpi: reports 2019\.3', arguments(START, 'GROMACS'),
    ),
    Fault(
        'program of a later release of the series', _program('echo GROMACS version: 2022.5.1'),
        r'version/differs: bin/gmx_mpi: reports 2022\.5\.1', arguments(START, 'GROMACS'),
    ),
    Fault(
        'program whose library is gone',
        lambda stack: stack.remove(_library(stack, 'GROMACS', 'libgromacs_mpi.so.*')) and None,
        r'start-up/loader: bin/gmx_mpi: .*libgromacs_mpi', arguments(START, 'GROMACS'),
    ),
    Fault(
        'init script that picks one target for all', _other_target,
        r'init/\S+: init/bash.*: for \S+ it picks x86_64/generic, right is', arguments(INIT),
    ),
    Fault(
        'injected MPI without symbols of the stack', _foreign_mpi,
        r'mpi/missing-symbol: .*libmpi\.so\.40 has no \w+', arguments(MPI),
    ),
]  # fmt: skip

APPLICATION = Application(
    'installation',
    'minimal',
    FAULTS,
    sound=((*arguments(FILES), *arguments(START), *arguments(INIT)),),
    always=len(FAULTS),
)
