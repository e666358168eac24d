"""Messages of the module system, loader, shell, MPI and application become one sentence."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_library.diagnosis import (
    END_MARKER,
    ERROR_TRAP,
    LOGGED,
    failed_command,
    guarded,
    known_fault,
    status_sentence,
    unclean_end,
)

NONCE = '0123456789abcdef'

LMOD_UNKNOWN = """\
Lmod has detected the following error:  The following module(s) are unknown:
"GROMACS/2099.1-foss-2099a"

Please check the spelling or version number. Also try "module spider ..."
It is also possible your cache file is out-of-date; it may help to try:
  $ module --ignore_cache load "GROMACS/2099.1-foss-2099a"

Also make sure that all modulefiles written in TCL start with the string
#%Module



"""

LMOD_SYNTAX = """\
Lmod has detected the following error: Unable to load module because of error when evaluating
modulefile:
     /stack/modules/all/GROMACS/2022.5-foss-2022b.lua: [string "help([==[..."]:21: unexpected symbol
near '<eof>'
     Please check the modulefile and especially if there is a line number specified in the above
message
While processing the following module(s):
    Module fullname            Module Filename
    ---------------            ---------------
    GROMACS/2022.5-foss-2022b  /stack/modules/all/GROMACS/2022.5-foss-2022b.lua

"""

LMOD_DEPENDENCY = """\
Lmod has detected the following error: These module(s) or extension(s) exist but cannot be loaded as
requested: "FFTW/3.3.10-GCC-12.2.0"
   Try: "module spider FFTW/3.3.10-GCC-12.2.0" to see how to load the module(s).



"""

OPENMPI = """\
--------------------------------------------------------------------------
Primary job  terminated normally, but 1 process returned
a non-zero exit code. Per user-direction, the job has been aborted.
--------------------------------------------------------------------------
--------------------------------------------------------------------------
mpirun noticed that process rank 1 with PID 4021 on node node1 exited on signal 11 (Segmentation fault).
--------------------------------------------------------------------------
"""  # noqa: E501

GROMACS_FATAL = """\
-------------------------------------------------------
Program:     gmx mdrun, version 2022.5-Debian_2022.5_2
Source file: src/gromacs/domdec/domdec.cpp (line 2255)
MPI rank:    0 (out of 2)

Fatal error:
There is no domain decomposition for 2 ranks that is compatible with the given
box and a minimum cell size of 1.9 nm

For more information and tips for troubleshooting, please check the GROMACS
website at http://www.gromacs.org/Documentation/Errors
-------------------------------------------------------
"""


@pytest.mark.parametrize(
    ('output', 'sentence'),
    [
        (
            LMOD_UNKNOWN,
            'module load failed: The following module(s) are unknown: "GROMACS/2099.1-foss-2099a"',
        ),
        (
            LMOD_DEPENDENCY,
            'module load failed: These module(s) or extension(s) exist but cannot be loaded as '
            'requested: "FFTW/3.3.10-GCC-12.2.0" Try: "module spider FFTW/3.3.10-GCC-12.2.0" to '
            'see how to load the module(s).',
        ),
        (
            'gmx_mpi: error while loading shared libraries: libfftw3f.so.3: '
            'cannot open shared object file: No such file or directory\n',
            'dynamic loader: gmx_mpi: error while loading shared libraries: libfftw3f.so.3: '
            'cannot open shared object file: No such file or directory',
        ),
        (
            '/stack/bin/gmx_mpi: symbol lookup error: /stack/lib/libgromacs.so.7: '
            'undefined symbol: fftwf_plan_many_dft\n',
            'dynamic loader: /stack/bin/gmx_mpi: symbol lookup error: /stack/lib/libgromacs.so.7: '
            'undefined symbol: fftwf_plan_many_dft',
        ),
        (
            'a.out: relocation error: a.out: symbol f, version V1 not defined in file libf.so '
            'with link time reference\n',
            'dynamic loader: a.out: relocation error: a.out: symbol f, version V1 not defined in '
            'file libf.so with link time reference',
        ),
        (
            '/stage/rfm_job.sh: line 9: /stack/bin/gmx: cannot execute: required file not found\n',
            'cannot start: /stack/bin/gmx: cannot execute: required file not found',
        ),
        (
            'bash: ./tool: /no/such/sh: bad interpreter: No such file or directory\n',
            'cannot start: /no/such/sh: bad interpreter: No such file or directory',
        ),
        (
            'rfm_job.sh: line 3: /stack/bin/gmx: cannot execute binary file: Exec format error\n',
            'cannot start: /stack/bin/gmx: cannot execute binary file: Exec format error',
        ),
        (OPENMPI, 'killed by signal 11 (Segmentation fault)'),
        (
            'rfm_job.sh: line 12:  4711 Illegal instruction     (core dumped) gmx mdrun\n',
            'crashed: Illegal instruction',
        ),
        ('rfm_job.sh: line 12:  4711 Killed                  gmx mdrun\n', 'crashed: Killed'),
        (
            '/stage/rfm_job.sh: line 14: gmx_mpi: command not found\n',
            'line 14: gmx_mpi: command not found',
        ),
        (
            'cp: error writing ./x: No space left on device\n',
            'cp: error writing ./x: No space left on device',
        ),
    ],
)
def test_message_becomes_its_sentence(output: str, sentence: str) -> None:
    assert known_fault(f'something before\n{output}something after\n') == sentence


def test_syntax_error_of_a_module_names_the_module() -> None:
    sentence = known_fault(LMOD_SYNTAX) or ''
    assert sentence.startswith('module load failed: Unable to load module because of error')


def test_cause_comes_before_what_follows_from_it() -> None:
    output = 'x.sh: line 3: gmx: command not found\n' + LMOD_UNKNOWN
    assert (known_fault(output) or '').startswith('module load failed')


def test_sound_output_has_no_fault() -> None:
    assert known_fault('Performance: 12.3 ns/day\nFinished mdrun on rank 0\n') is None


def test_fatal_error_of_an_application_is_kept() -> None:
    assert 'There is no domain decomposition for 2 ranks' in (known_fault(GROMACS_FATAL) or '')


def test_time_limit_of_slurm_is_named() -> None:
    output = (
        'slurmstepd: error: *** JOB 17 ON node1 CANCELLED AT 2025-06-01T12:00:00 '
        'DUE TO TIME LIMIT ***\n'
    )
    assert 'TIME LIMIT' in (unclean_end(output=output, exit_code=None, signal=None, nonce='') or '')


@pytest.mark.parametrize(
    ('code', 'sentence'),
    [
        (1, 'exit status 1'),
        (127, 'exit status 127'),
        (137, 'exit status 137 (SIGKILL)'),
        (139, 'exit status 139 (SIGSEGV)'),
    ],
)
def test_status_above_128_is_a_signal(code: int, sentence: str) -> None:
    assert status_sentence(code) == sentence


@pytest.mark.parametrize('code', [213, 255])
def test_status_that_is_no_signal_is_just_a_status(code: int) -> None:
    assert status_sentence(code) == f'exit status {code}'


CLEAN = f'42\n{END_MARKER} {NONCE}\n'


def test_clean_end_is_the_marker_with_the_nonce() -> None:
    assert unclean_end(output=CLEAN, exit_code=0, signal=None, nonce=NONCE) is None
    assert unclean_end(output=CLEAN, exit_code=None, signal=None, nonce=NONCE) is None


@pytest.mark.parametrize(
    ('output', 'exit_code', 'signal', 'sentence'),
    [
        ('', 0, None, 'the job script did not reach its end'),
        (f'{END_MARKER} another', 0, None, 'the job script did not reach its end'),
        (f'x{END_MARKER} {NONCE}', 0, None, 'the job script did not reach its end'),
        (CLEAN, 3, None, 'the job ended with exit status 3'),
        (CLEAN, None, 9, 'the job was killed by SIGKILL'),
        (
            'eessi-library: status 139 from: gmx mdrun\n',
            139,
            None,
            '`gmx mdrun` ended with exit status 139 (SIGSEGV)',
        ),
    ],
)
def test_anything_else_is_unclean(
    output: str, exit_code: int | None, signal: int | None, sentence: str
) -> None:
    found = unclean_end(output=output, exit_code=exit_code, signal=signal, nonce=NONCE)
    assert found == sentence


def test_module_error_is_unclean_even_where_the_script_went_on() -> None:
    found = unclean_end(output=LMOD_UNKNOWN + CLEAN, exit_code=0, signal=None, nonce=NONCE)
    assert (found or '').startswith('module load failed')


@given(st.text(max_size=200))
def test_output_without_the_marker_is_never_clean(output: str) -> None:
    assert unclean_end(output=output, exit_code=0, signal=None, nonce=NONCE) is not None


def _bash(script: str) -> subprocess.CompletedProcess[str]:
    guards = ['set -eo pipefail', ERROR_TRAP, LOGGED]
    return subprocess.run(
        ['bash', '-c', '\n'.join([*guards, script])], capture_output=True, text=True
    )


@pytest.mark.parametrize(
    ('command', 'code'),
    [
        ('false', 1),
        ('(exit 7)', 7),
        ('echo x | (exit 3) | cat', 3),
        ("bash -c 'kill -SEGV $$'", 139),
        ("echo 'it'; (exit 5)", 5),
    ],
)
def test_shell_stops_at_the_failing_command_and_names_its_status(command: str, code: int) -> None:
    done = _bash(f'{command}\necho went on')
    assert done.returncode == code
    assert 'went on' not in done.stdout
    assert f'exit status {code}' in (failed_command(done.stderr) or '')


def test_guarded_function_ends_the_script_and_is_named() -> None:
    done = _bash('f() { return 4; }\n' + guarded("f 'x'") + '\necho went on')
    assert (done.returncode, done.stdout) == (1, '')
    assert failed_command(done.stderr) == "`f 'x'` ended with exit status 4"


def test_guarded_function_that_succeeds_lets_the_script_go_on() -> None:
    done = _bash(f'f() {{ return 0; }}\n{guarded("f")}\necho went on')
    assert (done.returncode, done.stdout, done.stderr) == (0, 'went on\n', '')


def test_logged_command_keeps_its_output_in_the_file_and_shows_its_end(tmp_path: object) -> None:
    log = shlex.quote(f'{tmp_path}/log')
    done = _bash(f"logged {log} bash -c 'echo the cause; exit 6'\necho went on")
    assert done.returncode == 6
    assert 'the cause' in done.stderr
    assert (
        failed_command(done.stderr) == '`bash -c echo the cause; exit 6` ended with exit status 6'
    )
