"""FlexiBLAS and its faults, on a STAND-IN: a small library of our own over the stack's OpenBLAS.

No distribution that the local stack takes packages from has FlexiBLAS. What runs here is the real
library test, with ReFrame and the stack's Python; only ``libflexiblas.so.3`` is the stand-in of
``flexiblas_standin.c``, and its fallback is the reference BLAS and LAPACK of the stack. What
FlexiBLAS' own code said in its place once: docs/linear-algebra.md.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from eessi_library.linear_algebra.flexiblas import troubles, wrong_backend

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]

FALLBACK = (
    '\x1b[1;2;31mflexiblas Failed to load /s/libflexiblas_openblas.so - error: libopenblas.so.0: '
    'cannot open shared object file: No such file or directory \n\x1b[0m'
    '<flexiblas> No suitable BLAS backend could be loaded. Trying Fallback instead.\n'
)


# Sentences


@pytest.mark.parametrize('found', ['OPENBLAS', 'OpenBLAS', 'openblas'])
def test_wanted_backend_is_accepted_in_any_case(found: str) -> None:
    assert wrong_backend(found, 'OpenBLAS', None, FALLBACK) is None


def test_fallback_names_both_backends_and_what_flexiblas_said() -> None:
    sentence = wrong_backend('__FALLBACK__', 'OPENBLAS', None, FALLBACK)
    assert sentence is not None
    assert 'uses the backend __FALLBACK__, wanted OPENBLAS' in sentence
    assert 'slow reference implementation' in sentence
    assert 'libopenblas.so.0: cannot open shared object file' in sentence
    assert '\x1b' not in sentence


def test_backend_that_the_environment_chose_says_so() -> None:
    sentence = wrong_backend('NETLIB', 'OPENBLAS', 'NETLIB', '')
    assert sentence is not None
    assert sentence.endswith('the environment has FLEXIBLAS=NETLIB')
    other = wrong_backend('BLIS', 'OPENBLAS', None, '')
    assert other == 'FlexiBLAS uses the backend BLIS, wanted OPENBLAS'


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        (
            'flexiblas Failed to get the BLAS backend (BLIS) from the configuration.',
            'Failed to get the BLAS backend (BLIS) from the configuration.',
        ),
        (
            '<flexiblas> BLAS backend  "X" not found. Loading default (NETLIB) instead.',
            'BLAS backend  "X" not found. Loading default (NETLIB) instead.',
        ),
        # Of FlexiBLAS 3.3.1: a build for debugging, no space behind the name, the name twice, a
        # line of the configuration, a routine that neither backend nor fallback has.
        (
            '\x1b[1;2;31m<flexiblas:sh_utils.c:00128> Failed to load /s/a.so - error: too short ',
            'Failed to load /s/a.so - error: too short',
        ),
        (
            'flexiblasUnable to open any BLAS library (chosen: OPENBLAS). Abort!',
            'Unable to open any BLAS library (chosen: OPENBLAS). Abort!',
        ),
        (
            '<flexiblas> flexiblas Initialization of the backend library "OPENBLAS" failed. ',
            'Initialization of the backend library "OPENBLAS" failed.',
        ),
        ('Invalid line (   1) = "default OpenBLAS"', 'Invalid line (   1) = "default OpenBLAS"'),
        ('\x1b[0m\x1b[1;2;31mflexiblas Can not load dgemm', 'Can not load dgemm'),
    ],
)
def test_troubles_are_read_and_chatter_is_not(line: str, said: str) -> None:
    chatter = '<flexiblas> Load system config /s/etc/flexiblasrc\nCannot: not of flexiblas\n'
    assert troubles(f'{chatter}{line}\n{line}\n') == [said]


@pytest.mark.skipif(not shutil.which('gcc'), reason='no gcc on this host')
def test_routine_that_openblas_lacks_is_told(tmp_path: Path) -> None:
    names = ['dgemm', 'sgemm', 'zgemm', 'cgemm', 'dgesv', 'dpotrf', 'dsyevd', 'dgesdd']
    program = runpy.run_path(
        str(REPOSITORY / 'library/eessi_library/linear_algebra/blas_program.py')
    )
    for lacking in ([], ['dgemm'], ['dgesv', 'dgesdd']):
        library = tmp_path / f'libopenblas{len(lacking)}.so'
        text = 'const char *openblas_get_corename(void) { return "Haswell"; }\n'
        text += ''.join(f'void {name}_(void) {{}}\n' for name in names if name not in lacking)
        library.with_suffix('.c').write_text(text)
        command = ['gcc', '-shared', '-fPIC', '-o', str(library), str(library.with_suffix('.c'))]
        subprocess.run(command, check=True)
        found = program['openblas_in_memory'](['/s/libflexiblas.so.3.3', str(library)])
        assert found == {'core': 'Haswell', 'lacking': lacking}
    assert program['openblas_in_memory'](['/s/libblas.so.3']) == {'core': None, 'lacking': []}


# The library test


@dataclass(frozen=True)
class StandIn:
    """Stack and directory that a stand-in is built for."""

    software: Path
    python: Path
    place: Path

    def file(self, name: str) -> Path:
        return next(iter(sorted((self.software / 'software/OpenBLAS').rglob(name))))

    def build(self, **settings: str | int | float | Path) -> Path:
        """Compile the stand-in, sound but for what is given, and return where it is installed."""
        macros = {
            'BACKEND': self.file('libopenblas.so.0'),
            'NAME': 'OPENBLAS',
            'REFERENCE_BLAS': self.file('blas/libblas.so.3'),
            'REFERENCE_LAPACK': self.file('lapack/liblapack.so.3'),
            **{'MAJOR': 3, 'MINOR': 2, 'PATCH': 1, 'THREADS': 0, 'ERROR': 0.0},
            **settings,
        }
        library = self.place / 'FlexiBLAS/lib/libflexiblas.so.3'
        library.parent.mkdir(parents=True, exist_ok=True)
        texts = {k: v if isinstance(v, int | float) else f'"{v}"' for k, v in macros.items()}
        defined = [f'-D{name}={value}' for name, value in texts.items()]
        source = str(HERE / 'flexiblas_standin.c')
        command = ['gcc', '-shared', '-fPIC', '-O1', *defined, '-o', str(library), source, '-ldl']
        subprocess.run(command, check=True, capture_output=True, text=True)
        return library.parents[1]

    def python_that(self, body: str) -> Path:
        """Return a Python that runs the shell code, in which ``"$real" "$@"`` is the sound one."""
        script = self.place / 'python3'
        script.write_text(f'#!/bin/bash\nset -e\nreal={shlex.quote(str(self.python))}\n{body}\n')
        script.chmod(0o755)
        return script


@pytest.fixture
def stand_in(request: pytest.FixtureRequest, tmp_path: Path) -> StandIn:
    if not shutil.which('gcc'):
        pytest.skip('no gcc on this host: the stand-in cannot be built')
    given = os.environ.get('EESSI_VALIDATE_TEST_STACK')
    root = Path(given) if given else request.getfixturevalue('local_stack')
    release, machine = root / 'versions/2023.06', os.uname().machine
    software = release / f'software/linux/{machine}/generic'
    return StandIn(software, release / f'compat/linux/{machine}/usr/bin/python3', tmp_path)


@pytest.fixture
def judged(stand_in: StandIn) -> Callable[..., tuple[str, str]]:
    """Return a function that runs the library test once: its result and reason."""

    def run(
        root: Path, *, variables: dict[str, str] | None = None, **settings: object
    ) -> tuple[str, str]:
        place = stand_in.place / f'run{len(list(stand_in.place.glob("run*")))}'
        place.mkdir()
        settings = {'executable': stand_in.python, 'library_root': root, **settings}
        command = [str(Path(sys.executable).with_name('reframe')), '--prefix', str(place)]
        command += ['--report-file', str(place / 'report.json'), '--keep-stage-files', '-r']
        command += ['-c', str(HERE / 'checks/called_flexiblas.py')]
        for name, value in settings.items():
            command += ['-S', f'{name}={value}']
        source = os.pathsep.join([str(REPOSITORY / 'library'), str(REPOSITORY)])
        kept = {k: v for k, v in os.environ.items() if not k.startswith('FLEXIBLAS')}
        environment = {**kept, 'PYTHONPATH': source, 'RFM_COLORIZE': 'no', **(variables or {})}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=place)
        file = place / 'report.json'
        assert file.exists(), f'ReFrame ran nothing:\n{done.stdout}\n{done.stderr}'
        [case] = json.loads(file.read_text())['runs'][0]['testcases']
        return case['result'], case['fail_reason'] or ''

    return run


def of_runs(function: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that runs ReFrame with the stack's Python."""
    return pytest.mark.stack(pytest.mark.slow(function))


@of_runs
def test_sound_flexiblas_is_accepted(stand_in: StandIn, judged) -> None:
    root = stand_in.build()
    assert judged(root, library_version='3.2.1', backend='OpenBLAS') == ('pass', '')
    assert judged(root, program_root='/') == ('pass', '')


@of_runs
@pytest.mark.parametrize(
    ('built', 'settings', 'reason'),
    [
        pytest.param(
            {'BACKEND': '/nowhere/libopenblas.so.0'},
            {},
            r'uses the backend __FALLBACK__, wanted OPENBLAS: the slow reference.*'
            r'Failed to load /nowhere/libopenblas\.so\.0.*cannot open',
            id='fallback',
        ),
        pytest.param(
            {'BACKEND': '/nowhere/a.so', 'REFERENCE_BLAS': '/nowhere/b.so'},
            {},
            r'Failed to load the BLAS fallback.*(?:signal 6|SIGABRT|status 134)',
            id='no backend at all',
        ),
        pytest.param(
            {'NAME': 'BLIS'}, {}, r'uses the backend BLIS, wanted OPENBLAS$', id='another backend'
        ),
        pytest.param({'THREADS': 1}, {}, r'FlexiBLAS counts 1 thread\(s\), asked for 2', id='one'),
        pytest.param(
            {'ERROR': 1e-10}, {}, r'scaled error of eigenvalues is .* outside', id='1e-10 off'
        ),
        pytest.param(
            {},
            {'library_version': '3.3.1'},
            r'reports version 3\.2\.1, expected 3\.3\.1',
            id='version of another module',
        ),
        pytest.param(
            {},
            {'program_root': '/nowhere'},
            r'/lib[^/ ]*blas[^/ ]* was loaded, which is not in /nowhere',
            id='from elsewhere',
        ),
    ],
)
def test_fault_of_the_library_is_named(stand_in, judged, built, settings, reason) -> None:
    result, said = judged(stand_in.build(**built), **settings)
    assert result == 'fail'
    assert re.search(reason, said), said


@of_runs
def test_reference_under_the_name_of_openblas_is_seen(stand_in: StandIn, judged) -> None:
    result, said = judged(stand_in.build(BACKEND=''), num_cpus_per_task=1)
    assert result == 'fail'
    assert 'calls its backend OPENBLAS, but no OpenBLAS is in memory' in said


@of_runs
def test_threads_that_only_flexiblas_counts_are_seen(stand_in: StandIn, judged) -> None:
    one = stand_in.python_that('OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "$real" "$@"')
    root = stand_in.build()
    result, said = judged(root, executable=one)
    assert (result, 'FlexiBLAS counts 1 thread(s), asked for 2' in said) == ('fail', True), said
    result, said = judged(stand_in.build(THREADS=2), executable=one)
    assert (result, 'the kernel counts 1 thread(s), asked for 2' in said) == ('fail', True), said


@of_runs
def test_missing_library_is_named(stand_in: StandIn, judged) -> None:
    result, said = judged(stand_in.place)
    assert (result, 'no libflexiblas.so.3 or libflexiblas.so below' in said) == ('fail', True), said
    root = stand_in.build()
    library = root / 'lib/libflexiblas.so.3'
    library.write_bytes(library.read_bytes()[:500])
    result, said = judged(root)
    assert (result, bool(re.search(r'OSError: .*libflexiblas\.so\.3', said))) == ('fail', True), (
        said
    )


@of_runs
def test_another_library_by_that_name_is_named(stand_in: StandIn, judged) -> None:
    root = stand_in.build()
    shutil.copy(stand_in.file('libopenblas.so.0'), root / 'lib/libflexiblas.so.3')
    result, said = judged(root)
    assert result == 'fail'
    assert 'undefined symbol: flexiblas_current_backend' in said


@of_runs
def test_backend_of_the_environment_is_named(stand_in: StandIn, judged) -> None:
    result, said = judged(stand_in.build(), variables={'FLEXIBLAS': 'NETLIB'})
    assert result == 'fail'
    assert 'uses the backend NETLIB, wanted OPENBLAS' in said
    assert 'the environment has FLEXIBLAS=NETLIB' in said


@of_runs
def test_replayed_result_is_refused(stand_in: StandIn, judged) -> None:
    store = stand_in.place / 'result.json'
    replay = f'if [ -f {store} ]; then cp {store} .; else "$real" "$@"; cp result.json {store}; fi'
    root, python = stand_in.build(), stand_in.python_that(replay)
    assert judged(root, executable=python) == ('pass', '')
    result, said = judged(root, executable=python)
    assert result == 'fail'
    assert "does not reflect this run's nonce" in said
