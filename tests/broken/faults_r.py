"""Ways to break R and Bioconductor, and what the verdict must say about each."""

from __future__ import annotations

import struct
from pathlib import Path

from faults import Application, Fault
from tampering import Tampering

R = ('--test', 'EESSI_R_LinearAlgebra', '--scale', 'cores_1')
R_TWO_THREADS = ('--test', 'EESSI_R_LinearAlgebra', '--scale', 'cores_2')
LIMMA = ('--test', 'EESSI_Bioconductor_Limma', '--scale', 'cores_1')
TWICE = ('--repeat', '2')

_PNORM = (
    *(2.2352520354606839287, 161.02823106855587881, 1067.6894854603709582, 18154.981253343561249),
    *(0.39894151208813466764, 8.8831497943883759412, 93.506656132177855979, 597.27027639480026226),
    *(2494.5375852903726711, 6848.1904505362823326, 11602.651437647350124, 9842.7148383839780218),
)


def _rscript(stack: Tampering) -> Path:
    return stack.installation('R') / 'bin' / 'Rscript'


def _package(stack: Tampering, name: str) -> Path:
    return stack.installation('R-bundle-Bioconductor') / 'lib/R/site-library' / name


def _stub(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(
        _rscript(stack), f'#!{shell}\necho "eessi-r: solve = 1 2 3"\necho "all tests passed"\n'
    )


def _stub_that_knows_the_nonce(stack: Tampering) -> None:
    shell = stack.compat / 'usr/bin/bash'
    echo = 'sed -n "s/^nonce <- \'\\(.*\\)\'/eessi-r: nonce = \\1/p" "$2"'
    stack.replace(_rscript(stack), f'#!{shell}\n{echo}\necho "eessi-r: solve = 1 2 3"\n')


def _stub_of_front_end(stack: Tampering) -> None:
    """Replace what users type by something that knows its version; Rscript starts another file."""
    version = stack.installation('R').name.partition('-')[0]
    shell = stack.compat / 'usr/bin/bash'
    stack.replace(stack.installation('R') / 'bin' / 'R', f'#!{shell}\necho "R version {version}"\n')


def _crash_after_result(stack: Tampering) -> None:
    stack.wrap(_rscript(stack), after='kill -SEGV $$')


def _status_after_success(stack: Tampering) -> None:
    stack.wrap(_rscript(stack), after='status=3')


def _scale(stack: Tampering, name: str, factor: float, digits: int = 17) -> None:
    """Multiply every number of one result, and print it with so many digits."""
    program = (
        'index($0, head) == 1 { n = split(substr($0, length(head) + 1), v, " "); line = head; '
        'for (i = 1; i <= n; i++) line = line sprintf(form, v[i] * factor); print line; next } '
        '{ print }'
    )
    options = f'-v head="eessi-r: {name} = " -v factor={factor!r} -v form="%.{digits}g "'
    stack.wrap(_rscript(stack), call=f'"$real" "$@" | awk {options} \'{program}\'')


def _wrong_eigenvalues(stack: Tampering) -> None:
    _scale(stack, 'eigenvalues', 1.001)


def _almost_right_solution(stack: Tampering) -> None:
    """Off by 1e-9: a loose comparison would pass, HPL's criterion does not."""
    _scale(stack, 'solve', 1 + 1e-9)


def _single_precision(stack: Tampering) -> None:
    """Keep as many digits as float32 has: a solution of whole numbers would be the same."""
    _scale(stack, 'solve', 1, digits=8)


def _subtly_wrong_library(stack: Tampering) -> None:
    """Change the numerators of pnorm (Cody 1969, arrays a and c of pnorm.c) in libR.so by 1e-9."""
    _change_constants(stack, _PNORM, 1e-9)


def _change_constants(stack: Tampering, constants: tuple[float, ...], by: float) -> None:
    path = stack.installation('R') / 'lib/R/lib/libR.so'
    content = path.read_bytes()
    for constant in constants:
        right, wrong = (struct.pack('<d', c) for c in (constant, constant * (1 + by)))
        if right not in content:
            raise RuntimeError(f'libR.so has no constant {constant}')
        content = content.replace(right, wrong)
    stack.replace(path, content)


def _one_thread_only(stack: Tampering) -> None:
    stack.wrap(_rscript(stack), call='OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "$real" "$@"')


def _foreign_blas(stack: Tampering) -> None:
    """Let R take its BLAS from a directory outside the stack's OpenBLAS."""
    reference = stack.installation('OpenBLAS') / 'lib/x86_64-linux-gnu/blas/libblas.so.3'
    stray = stack.directory('stray-blas') / 'libblas.so.3'
    stray.write_bytes(reference.read_bytes())
    stack.wrap(_rscript(stack), call=f'LD_PRELOAD={stray} "$real" "$@"')


def _reference_blas(stack: Tampering) -> None:
    """Put the reference BLAS in the place of OpenBLAS: right numbers, only slowly."""
    top = stack.installation('OpenBLAS') / 'lib/x86_64-linux-gnu'
    reference = (top / 'blas/libblas.so.3').read_bytes()
    stack.replace(top / 'openblas-pthread/libblas.so.3', reference)


def _missing_blas(stack: Tampering) -> None:
    for path in sorted(stack.installation('OpenBLAS').rglob('libblas.so.3')):
        stack.remove(path)


def _played_back(stack: Tampering) -> None:
    """Answer every run after the first with the output of the first."""
    store = stack.directory('played-back') / 'output'
    stack.wrap(
        _rscript(stack),
        call=f'if [ -f {store} ]; then cat {store}; else "$real" "$@" | tee {store}; fi',
    )


def _missing_limma(stack: Tampering) -> None:
    stack.remove(_package(stack, 'limma'))


def _missing_compiled_code(stack: Tampering) -> None:
    stack.remove(_package(stack, 'limma') / 'libs' / 'limma.so')


def _broken_ranges(stack: Tampering) -> None:
    """Leave of a package that is used where present no more than its description."""
    package = _package(stack, 'GenomicRanges')
    description = (package / 'DESCRIPTION').read_bytes()
    stack.remove(package)
    stack.tree(package)
    stack.add(package / 'DESCRIPTION', description)


def _missing_code_of_ranges(stack: Tampering) -> None:
    stack.remove(_package(stack, 'IRanges') / 'libs' / 'IRanges.so')


def _wrong_overlaps(stack: Tampering) -> None:
    _scale(stack, 'overlaps', 2.0)


def _almost_right_base(stack: Tampering) -> None:
    _scale(stack, 'base t', 1 + 1e-9)


def _wrong_digamma(stack: Tampering) -> None:
    """Change the second Bernoulli number of polygamma.c (Amos 1983) in libR.so by 1e-4."""
    _change_constants(stack, (1 / 6,), 1e-4)


def _wrong_t(stack: Tampering) -> None:
    _scale(stack, 't', 1.001)


def _almost_right_p(stack: Tampering) -> None:
    _scale(stack, 'p', 1 + 1e-8)


def _ordinary_t(stack: Tampering) -> None:
    """Report the ordinary t with no prior: what limma would print without its empirical Bayes."""
    _scale(stack, 'df prior', 0.0)


FAULTS = (
    Fault('R: stub that prints success', _stub, r"did not print 'nonce'", R),
    Fault('R: stub that echoes the nonce', _stub_that_knows_the_nonce, r'did not print .blas', R),
    Fault('R: stub of R alone', _stub_of_front_end, r"R: the script did not print 'nonce'", R),
    Fault('R: crash after the result', _crash_after_result, r'signal 11|SIGSEGV', R),
    Fault('R: non-zero status after success', _status_after_success, r'exit status 3', R),
    Fault('R: eigenvalues off by 1e-3', _wrong_eigenvalues, r'scaled error of eigenvalues', R),
    Fault('R: solution in single precision', _single_precision, r'scaled error of solve', R),
    Fault('R: solution off by 1e-9', _almost_right_solution, r'scaled error of solve', R),
    Fault('R: library off by 1e-9', _subtly_wrong_library, r'error of [pq]norm in R', R),
    Fault('R: one thread instead of two', _one_thread_only, r'counts 1 thread', R_TWO_THREADS),
    Fault('R: BLAS from elsewhere', _foreign_blas, r'BLAS from outside .*stray-', R),
    Fault('R: reference BLAS', _reference_blas, r'from no optimised BLAS: .*libblas', R),
    Fault('R: BLAS missing', _missing_blas, r'libblas\.so\.3', R),
    Fault('R: played back', _played_back, r"reflect this run's nonce", (*R, *TWICE)),
    Fault('limma: package missing', _missing_limma, r'no package called .limma', LIMMA),
    Fault('limma: compiled code missing', _missing_compiled_code, r'limma\.so', LIMMA),
    Fault('limma: GenomicRanges broken', _broken_ranges, r'Error.*GenomicRanges', LIMMA),
    Fault(
        'limma: code of IRanges missing',
        _missing_code_of_ranges,
        r'package .IRanges. could not be loaded',
        LIMMA,
    ),
    Fault('limma: overlaps off', _wrong_overlaps, r'GenomicRanges: overlaps is', LIMMA),
    Fault('limma: digamma of R off', _wrong_digamma, r"relative error of base R's", LIMMA),
    Fault('limma: base R off by 1e-9', _almost_right_base, r"base R's t is", LIMMA),
    Fault('limma: t off by 1e-3', _wrong_t, r"limma's t is 0\.001", LIMMA),
    Fault('limma: p off by 1e-8', _almost_right_p, r"limma's p is", LIMMA),
    Fault('limma: no prior', _ordinary_t, r"limma's df prior is 1,", LIMMA),
    Fault('limma: stub', _stub_that_knows_the_nonce, r'did not print .version of', LIMMA),
    Fault('limma: crash after the result', _crash_after_result, r'signal 11|SIGSEGV', LIMMA),
    Fault('limma: played back', _played_back, r"reflect this run's nonce", (*LIMMA, *TWICE)),
)

APPLICATION = Application(
    'R',
    'full',
    FAULTS,
    sound=(R_TWO_THREADS, LIMMA),
)
