"""Ways to break GROMACS and what lies below it, and what the verdict must say about each."""

from __future__ import annotations

from pathlib import Path

from faults import WATER_BOX, Application, Fault
from tampering import Tampering

EVERYTHING = ('--scale', 'cores_2')


def _gmx(stack: Tampering) -> Path:
    return stack.installation('GROMACS') / 'bin' / 'gmx_mpi'


def _library(stack: Tampering, software: str, pattern: str) -> Path:
    return next(p for p in sorted(stack.installation(software).rglob(pattern)) if p.is_file())


def _module_with_syntax_error(stack: Tampering) -> None:
    stack.edit(stack.module_file('GROMACS'), lambda text: text + '\nsetenv("BROKEN",\n')


def _missing_library(stack: Tampering) -> None:
    stack.remove(_library(stack, 'FFTW', 'libfftw3f.so.3'))


def _truncated_library(stack: Tampering) -> None:
    path = _library(stack, 'GROMACS', 'libgromacs_mpi.so.*').resolve()
    stack.replace(path, path.read_bytes()[:5000])


def _stub(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    lines = (f'#!{shell}', 'echo Performance: 166.731 0.144', 'echo Finished mdrun on rank 0')
    stack.replace(_gmx(stack), '\n'.join(lines) + '\n')


def _silent_stub(stack: Tampering) -> None:
    stack.replace(_gmx(stack), f'#!{stack.compat / "usr/bin/bash"}\nexit 0\n')


def _thread_mpi(stack: Tampering) -> Path:
    return stack.installation('GROMACS') / 'bin' / 'gmx'


def _thread_mpi_stub(stack: Tampering) -> None:
    """Replace the program that no other part of the test starts by one that knows its version."""
    lines = (f'#!{stack.compat / "usr/bin/bash"}', 'echo "GROMACS version:    2022.5-Debian"')
    stack.replace(_thread_mpi(stack), '\n'.join(lines) + '\n')


def _thread_mpi_energies(stack: Tampering) -> None:
    stack.wrap(
        _thread_mpi(stack),
        after=f'case "$*" in *thread_mpi*) {_SCALE.replace("LOG", "thread_mpi.log")};; esac',
    )


def _thread_mpi_crash(stack: Tampering) -> None:
    stack.wrap(
        _thread_mpi(stack), after='case "$*" in *"mdrun -deffnm thread_mpi"*) kill -SEGV $$;; esac'
    )


def _crash_before_result(stack: Tampering) -> None:
    stack.wrap(_gmx(stack), before='case "$*" in *mdrun*md*) kill -SEGV $$;; esac')


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_gmx(stack), after='case "$*" in *"mdrun -deffnm md"*) kill -SEGV $$;; esac')


def _status_after_success(stack: Tampering) -> None:
    stack.wrap(_gmx(stack), after='case "$*" in *"mdrun -deffnm md"*) status=3;; esac')


def _change_log(stack: Tampering, name: str, command: str) -> None:
    """Let each run of ``mdrun -deffnm <name>`` be followed by a change of its log, on rank 0."""
    stack.wrap(
        _gmx(stack),
        after=(
            f'if [ "${{OMPI_COMM_WORLD_RANK:-0}}" = 0 ]; then case "$*" in '
            f'*"mdrun -deffnm {name}"*) {command};; esac; fi'
        ),
    )


#: Multiplies every energy of a log by 1.001: awk rewrites the rows below "Energies (kJ/mol)".
_SCALE = (
    r"""awk '/Energies \(kJ/{n=6} n>0&&/^ +-?[0-9]/{s=""; for(i=1;i<=NF;i++) """
    r"""s=s sprintf("%15.5e",$i*1.001); print s; n--; next} {print}' """
    'LOG >LOG.new && mv LOG.new LOG'
)


def _wrong_energies(stack: Tampering) -> None:
    _change_log(stack, 'fixed', _SCALE.replace('LOG', 'fixed.log'))


def _not_a_number(stack: Tampering) -> None:
    _change_log(stack, 'md', "sed -i '/^   Energies/,/^$/s/-*[0-9.]*e+0[0-9]/    nan/' md.log")


def _no_metric(stack: Tampering) -> None:
    _change_log(stack, 'md', "sed -i '/^Performance:/d' md.log")


def _truncated_log(stack: Tampering) -> None:
    _change_log(stack, 'md', 'truncate -s -3000 md.log')


def _recorded_log(stack: Tampering) -> None:
    """Play the logs of an earlier, sound run back, files and all."""
    recorded = stack.recorded()
    stack.wrap(
        _gmx(stack),
        call=(
            f'case "$*" in *mdrun*fixed*) cat {recorded}/fixed.log >fixed.log ;; '
            f'*mdrun*md*) cat {recorded}/md.log >md.log ;; *) "$real" "$@";; esac'
        ),
    )


def _fewer_ranks(stack: Tampering) -> None:
    stack.wrap(stack.installation('OpenMPI') / 'bin' / 'mpirun', call='shift 2; "$real" -np 1 "$@"')


def _hung(stack: Tampering) -> None:
    stack.wrap(_gmx(stack), before='case "$*" in *"mdrun -deffnm md"*) sleep 600;; esac')


def _deleted_module(stack: Tampering) -> None:
    stack.remove(stack.module_file('GROMACS'))


def _deleted_dependency(stack: Tampering) -> None:
    stack.remove(stack.module_file('FFTW'))


def _deleted_installation(stack: Tampering) -> None:
    stack.remove(stack.installation('GROMACS'))


def _missing_data(stack: Tampering) -> None:
    stack.remove(_library(stack, 'GROMACS', 'oplsaa.ff/spce.itp'))


def _wrong_model(stack: Tampering) -> None:
    """Weaken the charges of the shipped water model by 2 %: everything runs, the physics is off."""
    path = _library(stack, 'GROMACS', 'oplsaa.ff/spce.itp')
    stack.edit(path, lambda t: t.replace('-0.8476', '-0.8306').replace('0.4238', '0.4153'))


def _missing_loader(stack: Tampering) -> None:
    stack.remove((stack.compat / 'lib64/ld-linux-x86-64.so.2').resolve())


def _other_architecture(stack: Tampering) -> None:
    path = _gmx(stack)
    content = bytearray(path.read_bytes())
    content[18:20] = (183).to_bytes(2, 'little')  # e_machine: EM_AARCH64
    stack.replace(path, bytes(content))


def _not_executable(stack: Tampering) -> None:
    path = _gmx(stack)
    stack.replace(path, path.read_bytes(), mode=0o644)


def _missing_binary(stack: Tampering) -> None:
    stack.remove(_gmx(stack))


def _broken_init(stack: Tampering) -> None:
    stack.replace(stack.release / 'init' / 'bash', 'echo "init is broken" >&2\nreturn 1\n', 0o644)


def _wrong_symbol(stack: Tampering) -> None:
    """Put a library of the same name without the symbols in place of FFTW."""
    path = _library(stack, 'FFTW', 'libfftw3f.so.3').resolve()
    other = _library(stack, 'FFTW', 'libfftw3f_threads.so.3').resolve()
    stack.replace(path, other.read_bytes())


FAULTS = (
    Fault(
        'module with a syntax error', _module_with_syntax_error, r'module load failed: .*GROMACS'
    ),
    Fault('missing library', _missing_library, r'dynamic loader: .*libfftw3f\.so\.3'),
    Fault(
        'truncated library',
        _truncated_library,
        r'dynamic loader: .*libgromacs_mpi|Bus error.*gmx_mpi',
    ),
    Fault('library without its symbols', _wrong_symbol, r'dynamic loader: .*symbol'),
    Fault('stub that prints success', _stub, r'did not write fixed\.log'),
    Fault('stub that does nothing', _silent_stub, r'did not write fixed\.log'),
    Fault('thread-MPI program a stub', _thread_mpi_stub, r'gmx, .* did not write thread_mpi\.log'),
    Fault(
        'thread-MPI program off by 1e-3',
        _thread_mpi_energies,
        r'fixed configuration \(thread-MPI\) is .*off by 0\.001',
    ),
    Fault('thread-MPI program crashes', _thread_mpi_crash, r'signal 11|SIGSEGV'),
    Fault('crash before the result', _crash_before_result, r'signal 11|SIGSEGV'),
    Fault('crash after the result', _crash_after_result, r'signal 11|SIGSEGV'),
    Fault('non-zero status after success', _status_after_success, r'exit status 3'),
    Fault(
        'energies off by 1e-3', _wrong_energies, r'of the fixed configuration is .*off by 0\.001'
    ),
    Fault('energies that are not numbers', _not_a_number, r'nan|not a number|no energy'),
    Fault('metric not printed', _no_metric, r'without its metric\(s\) speed'),
    Fault('truncated log', _truncated_log, r'cut short'),
    Fault('recorded log played back', _recorded_log, r"does not reflect this run's nonce"),
    Fault('fewer ranks than asked', _fewer_ranks, r'reports 1 rank.*asked for 2 x 1'),
    Fault('hung run', _hung, r'time limit', (*WATER_BOX, '--time-limit', '15s')),
    Fault('deleted module', _deleted_module, r'installation GROMACS/\S+ has no module', EVERYTHING),
    Fault('deleted dependency', _deleted_dependency, r'module load failed: .*FFTW'),
    Fault('deleted installation', _deleted_installation, r'gmx_mpi.*not found|exit status 127'),
    Fault('missing data file', _missing_data, r'spce\.itp'),
    Fault('water model off by 2 %', _wrong_model, r'potential energy per molecule is'),
    Fault('missing dynamic loader', _missing_loader, r'ld-linux|required file not found|not found'),
    Fault(
        'binary of another architecture',
        _other_architecture,
        r'cannot execute binary file|Exec format',
    ),
    Fault('binary not executable', _not_executable, r'Permission denied'),
    Fault('missing binary', _missing_binary, r'not found'),
    Fault('broken init script', _broken_init, r'init is broken|module'),
)

APPLICATION = Application(
    'GROMACS',
    'minimal',
    FAULTS,
    sound=(WATER_BOX,),
    recorded=('fixed.log', 'md.log'),
    always=len(FAULTS),
)
