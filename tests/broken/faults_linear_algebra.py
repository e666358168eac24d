"""Ways to break OpenBLAS, FFTW and HPC Challenge, and what the verdict must say about each."""

from __future__ import annotations

import struct
from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

BLAS = ('--test', 'EESSI_OpenBLAS_DenseLinearAlgebra', '--scale', 'cores_1')
BLAS_TWO = ('--test', 'EESSI_OpenBLAS_DenseLinearAlgebra', '--scale', 'cores_2')
FFT = ('--test', 'EESSI_FFTW_FourierTransforms', '--scale', 'cores_1')
FFT_TWO = ('--test', 'EESSI_FFTW_FourierTransforms', '--scale', 'cores_2')
HPCC = ('--test', 'EESSI_HPCC_Challenge', '--scale', 'cores_1')
HPCC_TWO = ('--test', 'EESSI_HPCC_Challenge', '--scale', 'cores_2')
TWICE = ('--repeat', '2')


def _python(stack: Tampering) -> Path:
    return stack.compat / 'usr/bin/python3'


def _hpcc(stack: Tampering) -> Path:
    return stack.installation('HPCC') / 'bin' / 'hpcc'


def _library(stack: Tampering, software: str, name: str) -> Path:
    return next(iter(sorted(stack.installation(software).rglob(name)))).resolve()


def _stub(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(_python(stack), f'#!{shell}\necho "all residuals PASSED"\n')


def _stub_that_knows_the_nonce(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    nonce = 'sed \'s/.*"nonce": "\\([0-9a-f]*\\)".*/{"nonce": "\\1", "passed": true}/\' "$2"'
    stack.replace(_python(stack), f'#!{shell}\n{nonce} >"$3"\n')


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_python(stack), after='kill -SEGV $$')


def _change_result(stack: Tampering, change: str) -> None:
    """Let a sound run be followed by a change of its result ``r``."""
    code = f'import json; r = json.load(open("result.json")); {change}; '
    code += 'json.dump(r, open("result.json", "w"))'
    stack.wrap(_python(stack), after=f'"$real" -c \'{code}\'')


def _wrong_product(stack: Tampering) -> None:
    _change_result(stack, 'r["dgemm"]["product"][0][7] *= 1.001')


def _one_wrong_digit(stack: Tampering) -> None:
    _change_result(stack, 'r["sgemm"]["product"][0][-1] += 1')


def _almost_right_eigenvalues(stack: Tampering) -> None:
    _change_result(stack, 'r["eigen"]["values"] = [v * (1 + 1e-10) for v in r["eigen"]["values"]]')


def _one_thread_only(stack: Tampering) -> None:
    stack.wrap(_python(stack), call='OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "$real" "$@"')


def _missing_blas(stack: Tampering) -> None:
    for path in sorted(stack.installation('OpenBLAS').rglob('libopenblas*')):
        stack.remove(path)


def _other_blas(stack: Tampering) -> None:
    """Put the reference BLAS in the place of OpenBLAS."""
    path = _library(stack, 'OpenBLAS', 'libopenblas.so.0')
    stack.replace(path, _library(stack, 'OpenBLAS', 'blas/libblas.so.3').read_bytes())


def _truncated_blas(stack: Tampering) -> None:
    path = _library(stack, 'OpenBLAS', 'libopenblas.so.0')
    stack.replace(path, path.read_bytes()[:4000])


def _played_back(stack: Tampering) -> None:
    """Answer every run after the first with the result of the first."""
    store = stack.directory('played-back') / 'result.json'
    stack.wrap(
        _python(stack),
        call=f'if [ -f {store} ]; then cp {store} .; else "$real" "$@"; cp result.json {store}; fi',
    )


def _subtly_wrong_fft(stack: Tampering) -> None:
    """Change sqrt(1/2) inside libfftw3.so by 1e-9: a wrong build that still looks right."""
    path = _library(stack, 'FFTW', 'libfftw3.so.3')
    right, wrong = (struct.pack('<d', 0.5**0.5 * factor) for factor in (1.0, 1 + 1e-9))
    content = path.read_bytes()
    if right not in content:
        raise RuntimeError('libfftw3.so has no constant sqrt(1/2)')
    stack.replace(path, content.replace(right, wrong))


def _wrong_transform(stack: Tampering) -> None:
    _change_result(stack, 'c = r["double"]["cases"]["prime"]["forward"]; c[0] *= 1.001')


def _missing_fft(stack: Tampering) -> None:
    for path in sorted(stack.installation('FFTW').rglob('libfftw3f.so*')):
        stack.remove(path)


def _swapped_precision(stack: Tampering) -> None:
    path = _library(stack, 'FFTW', 'libfftw3.so.3')
    stack.replace(path, _library(stack, 'FFTW', 'libfftw3f.so.3').read_bytes())


def _openmp_of_other_precision(stack: Tampering) -> None:
    """Swap the library that only programs with OpenMP load."""
    path = _library(stack, 'FFTW', 'libfftw3_omp.so.3')
    stack.replace(path, _library(stack, 'FFTW', 'libfftw3f_omp.so.3').read_bytes())


def _openmp_of_one_precision(stack: Tampering) -> None:
    for path in sorted(stack.installation('FFTW').rglob('libfftw3f_omp.so*')):
        stack.remove(path)


def _fewer_plan_threads(stack: Tampering) -> None:
    """Ask for one thread in the task that the program reads."""
    edit = 'sed -i \'s/"threads": 2/"threads": 1/\' task.json'
    stack.wrap(_python(stack), before=edit)


def _hpcc_stub(stack: Tampering) -> None:
    lines = ('Success=1', 'HPL_Tflops=1.5', '||Ax-b|| = 0.004 ...... PASSED')
    lines += ('End of HPC Challenge tests.',)
    body = '\n'.join(f'echo "{line}" >>hpccoutf.txt' for line in lines)
    stack.replace(_hpcc(stack), f'#!{stack.compat / "usr/bin/bash"}\n{body}\n')


def _on_first_rank(command: str) -> str:
    return f'if [ "${{OMPI_COMM_WORLD_RANK:-0}}" = 0 ]; then {command}; fi'


def _change_output(stack: Tampering, expression: str) -> None:
    stack.wrap(_hpcc(stack), after=_on_first_rank(f"sed -i '{expression}' hpccoutf.txt"))


def _hpcc_crash(stack: Tampering) -> None:
    stack.wrap(_hpcc(stack), after='kill -SEGV $$')


def _wrong_norm(stack: Tampering) -> None:
    awk = 'awk -F= \'/^HPL_XnormI=/{printf "HPL_XnormI=%.6g\\n",$2*1.001;next}{print}\''
    command = f'{awk} hpccoutf.txt >changed && mv changed hpccoutf.txt'
    stack.wrap(_hpcc(stack), after=_on_first_rank(command))


def _failed_residual(stack: Tampering) -> None:
    _change_output(stack, r's/^\(||Ax-b.*=\) .* PASSED/\1 17.2 ...... FAILED/')


def _failed_table(stack: Tampering) -> None:
    _change_output(stack, 's/^Found 0 errors/Found 3 errors/')


def _smaller_problem(stack: Tampering) -> None:
    """Solve a small system whatever was asked for: faster, and every check of its own passes."""
    stack.wrap(_hpcc(stack), before=_on_first_rank("sed -i '6s/.*/64 Ns/' hpccinf.txt"))


def _fewer_ranks(stack: Tampering) -> None:
    """Start one rank and change the grid accordingly, so that hpcc is content."""
    stack.wrap(
        stack.installation('OpenMPI') / 'bin' / 'mpirun',
        call='shift 2; sed -i \'12s/.*/1 Qs/\' hpccinf.txt; "$real" -np 1 "$@"',
    )


def _hpcc_played_back(stack: Tampering) -> None:
    store = stack.directory('played-back') / 'hpccoutf.txt'
    stack.wrap(
        _hpcc(stack),
        call=f'if [ -f {store} ]; then cp {store} .; else "$real" "$@"; '
        f'{_on_first_rank(f"cp hpccoutf.txt {store}")}; fi',
    )


def _hpcc_cut_short(stack: Tampering) -> None:
    stack.wrap(_hpcc(stack), after=_on_first_rank('truncate -s -4000 hpccoutf.txt'))


FAULTS = (
    Fault('OpenBLAS: stub that prints success', _stub, r'did not write result\.json', BLAS),
    Fault('OpenBLAS: stub with nonce', _stub_that_knows_the_nonce, r'incomplete: .*threads', BLAS),
    Fault('OpenBLAS: crash after the result', _crash_after_result, r'signal 11|SIGSEGV', BLAS),
    Fault('OpenBLAS: product off by 1e-3', _wrong_product, r'dgemm: 1 of \d+ row sums', BLAS),
    Fault('OpenBLAS: one digit wrong', _one_wrong_digit, r'sgemm: 1 of \d+ row sums', BLAS),
    Fault('OpenBLAS: 1e-10 off', _almost_right_eigenvalues, r'scaled error of eigenvalues', BLAS),
    Fault('OpenBLAS: one thread', _one_thread_only, r'counts 1 thread.*asked for 2', BLAS_TWO),
    Fault('OpenBLAS: missing', _missing_blas, r'libopenblas.*cannot open', BLAS),
    Fault('OpenBLAS: another BLAS', _other_blas, r'undefined symbol: openblas_get', BLAS),
    Fault('OpenBLAS: truncated', _truncated_blas, r'OSError: .*libopenblas|Bus error', BLAS),
    Fault('OpenBLAS: played back', _played_back, r"reflect this run's nonce", (*BLAS, *TWICE)),
    Fault('FFTW: stub that prints success', _stub, r'did not write result\.json', FFT),
    Fault('FFTW: library off by 1e-9', _subtly_wrong_fft, r'error of the .*double', FFT),
    Fault('FFTW: number off by 1e-3', _wrong_transform, r'double precision, prime', FFT),
    Fault('FFTW: missing', _missing_fft, r'no libfftw3f\.so', FFT),
    Fault('FFTW: single for double', _swapped_precision, r'undefined symbol: fftw_', FFT),
    Fault('FFTW: OpenMP swapped', _openmp_of_other_precision, r'undefined symbol: fftw_', FFT),
    Fault('FFTW: OpenMP of one precision', _openmp_of_one_precision, r'no libfftw3f_omp', FFT),
    Fault('FFTW: one thread', _fewer_plan_threads, r'plans for 1 thread.*asked for 2', FFT_TWO),
    Fault('FFTW: played back', _played_back, r"reflect this run's nonce", (*FFT, *TWICE)),
    Fault('HPCC: stub that prints success', _hpcc_stub, r'no success', HPCC),
    Fault('HPCC: crash after the result', _hpcc_crash, r'signal 11|SIGSEGV', HPCC),
    Fault('HPCC: solution off by 1e-3', _wrong_norm, r'HPL_XnormI is .*off by 0\.001', HPCC),
    Fault('HPCC: residual of 17', _failed_residual, r'rejects its scaled residual of 17', HPCC),
    Fault('HPCC: wrong words', _failed_table, r'report \d+ error', HPCC),
    Fault('HPCC: smaller problem', _smaller_problem, r'nonce: HPL_N is 64, not', HPCC),
    Fault('HPCC: cut short', _hpcc_cut_short, r'cut short', HPCC),
    Fault('HPCC: fewer ranks', _fewer_ranks, r'reports 1 rank.*asked for 2', HPCC_TWO),
    Fault('HPCC: played back', _hpcc_played_back, r"reflect this run's nonce", (*HPCC, *TWICE)),
)

APPLICATION = Application(
    'linear algebra',
    'full',
    FAULTS,
    sound=(BLAS_TWO, FFT_TWO, HPCC_TWO),
)
