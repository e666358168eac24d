"""Names the fault behind a job that did not end well, from what the job itself said.

A test that only says "pattern not found" buries the message that explains it. These functions
look for the messages of the module system, the dynamic loader, the shell and the kernel, and keep
them. Pure: text in, one sentence out.
"""

from __future__ import annotations

import re
import signal as signals
from collections.abc import Callable

#: Line that the job script prints last, and only if every command before it ended with status 0.
END_MARKER = 'eessi-library: every command ended with status 0, nonce'

_LOADER = re.compile(
    r'^(?P<program>\S+?): (?P<message>error while loading shared libraries: .+'
    r'|symbol lookup error: .+|relocation error: .+)$',
    re.MULTILINE,
)
_BAD_INTERPRETER = re.compile(
    r'^.*?: (?P<message>\S+: (?:cannot execute: required file not found'
    r'|bad interpreter: .+|cannot execute binary file.*|Exec format error.*))$',
    re.MULTILINE,
)
_LMOD = re.compile(
    r'^Lmod has detected the following error:\s*(?P<message>.+?)(?=\n\s*\n|\nWhile processing|\Z)',
    re.MULTILINE | re.DOTALL,
)
_MODULE_FILE = re.compile(
    r'^Module fullname\s+Module Filename\n-+\s+-+\n(?P<name>\S+)', re.MULTILINE
)
_SHELL_SIGNAL = re.compile(
    r'(?P<message>Segmentation fault|Illegal instruction|Bus error|Floating point exception'
    r'|Aborted|Killed)(?: \(core dumped\))?',
)
_MPI_SIGNAL = re.compile(r'exited on signal (?P<number>\d+) \((?P<name>[^)]+)\)')
_NOT_FOUND = re.compile(r'^.*?: (?P<message>(?:line \d+: )?\S+: command not found)$', re.MULTILINE)
_DENIED = re.compile(r'^.*?: (?P<message>\S+: Permission denied)$', re.MULTILINE)
#: Applications that print a heading and explain below it, such as GROMACS.
_FATAL = re.compile(
    r'^(?P<heading>Fatal error|File input/output error|Error in user input|Inconsistency in user'
    r' input|Internal error[^:]*|System I/O error): ?\n(?P<message>(?:.+\n?){1,4})',
    re.MULTILINE,
)
_SLURM = re.compile(
    # The daemon is slurmstepd-NODE where several run on one machine. A step without a cause was
    # ended by its own tasks (MPI_Abort, a crash), a job without one by scancel.
    r'^slurmstepd\S*: error: \*\*\* (?:JOB \S+ ON \S+ CANCELLED AT \S+'
    r'|STEP \S+ ON \S+ CANCELLED AT \S+(?= DUE TO ))(?: DUE TO (?P<cause>.+?))? \*\*\*',
    re.MULTILINE,
)
_NO_SPACE = re.compile(r'^.*No space left on device.*$', re.MULTILINE)
_FAILED_COMMANDS = (
    re.compile(r'^eessi-library: status (?P<code>\d+) from: (?P<command>.+)$', re.MULTILINE),
    re.compile(r"^-reframe: command `(?P<command>.+?)' failed \(exit code: (?P<code>\d+)\)", re.M),
)

#: Shell code that makes a job script name the command that failed; functions name their own.
ERROR_TRAP = (
    """trap 's=$?; case $BASH_COMMAND in return*) ;; """
    """*) echo "eessi-library: status $s from: $BASH_COMMAND" >&2;; esac' ERR"""
)

#: Shell function ``logged FILE COMMAND...``: output goes to the file, its end is shown on failure.
LOGGED = (
    'logged() { local file=$1 status=0; shift; "$@" >>"$file" 2>&1 || status=$?; '
    'if [ $status != 0 ]; then tail -n 20 "$file" >&2; '
    'echo "eessi-library: status $status from: $*" >&2; fi; return $status; }'
)


def guarded(command: str) -> str:
    """Return shell code that ends the script with a message if ``command`` fails.

    For shell functions: under ``set -e`` they end the script before any trap can name them.
    """
    quoted = command.replace("'", "'\\''")
    return f"""{command} || {{ echo "eessi-library: status $? from: "'{quoted}' >&2; exit 1; }}"""


def comes_from(program: str, root: str) -> str:
    """Return shell code that ends the script if ``program`` is found outside ``root``.

    A shell's own command has no place to come from; what is not found fails when it is started.
    """
    message = f'eessi-library: {program} comes from $found, not from {root}'
    return (
        f'found=$(command -v {program} || true); case $found in ""|"{root}"/*|[!/]*) ;; '
        f'*) echo "{message}" >&2; exit 1;; esac'
    )


def _squeeze(text: str) -> str:
    return ' '.join(text.split())


def _foreign(text: str) -> str | None:
    found = re.search(r'^eessi-library: (\S+ comes from .+)$', text, re.MULTILINE)
    return found[1] if found else None


def _slurm(text: str) -> str | None:
    found = _SLURM.search(text)
    return f'Slurm ended the job: {found["cause"] or "CANCELLED"}' if found else None


def taken_away(output: str) -> bool:
    """Say whether the scheduler took the job away for a reason that is not the job's own."""
    found = _SLURM.search(output)
    return bool(found) and 'TIME LIMIT' not in (found['cause'] or '')


def _lmod(text: str) -> str | None:
    if not (found := _LMOD.search(text)):
        return None
    where = _MODULE_FILE.search(text)
    suffix = f' (in module {where["name"]})' if where else ''
    return f'module load failed: {_squeeze(found["message"])}{suffix}'


def _loader(text: str) -> str | None:
    found = _LOADER.search(text)
    return f'dynamic loader: {found["program"]}: {found["message"]}' if found else None


def _interpreter(text: str) -> str | None:
    found = _BAD_INTERPRETER.search(text)
    return f'cannot start: {found["message"]}' if found else None


def _mpi_signal(text: str) -> str | None:
    found = _MPI_SIGNAL.search(text)
    return f'killed by signal {found["number"]} ({found["name"]})' if found else None


def _shell_signal(text: str) -> str | None:
    found = _SHELL_SIGNAL.search(text)
    return f'crashed: {found["message"]}' if found else None


def _not_found(text: str) -> str | None:
    found = _NOT_FOUND.search(text)
    return found['message'] if found else None


def _denied(text: str) -> str | None:
    found = _DENIED.search(text)
    return f'cannot start: {found["message"]}' if found else None


def _fatal(text: str) -> str | None:
    found = _FATAL.search(text)
    return f'{found["heading"]}: {_squeeze(found["message"])}' if found else None


def _no_space(text: str) -> str | None:
    found = _NO_SPACE.search(text)
    return _squeeze(found[0]) if found else None


#: Checked in this order: the first cause explains those that follow from it.
_FAULTS: tuple[Callable[[str], str | None], ...] = (
    _foreign,
    _slurm,
    _no_space,
    _lmod,
    _loader,
    _interpreter,
    _mpi_signal,
    _shell_signal,
    _denied,
    _not_found,
    _fatal,
)


def known_fault(output: str) -> str | None:
    """Return one sentence for the first known fault in ``output`` (stdout and stderr), or None."""
    for fault in _FAULTS:
        if sentence := fault(output):
            return sentence
    return None


def failed_command(output: str) -> str | None:
    """Return the command of the job script that failed, as trapped by the shell, or None."""
    for pattern in _FAILED_COMMANDS:
        if found := pattern.search(output):
            return f'`{found["command"]}` ended with {status_sentence(int(found["code"]))}'
    return None


def signal_name(number: int) -> str:
    """Return e.g. ``SIGSEGV`` for 11; the number itself if the platform does not know it."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f'signal {number}'


def status_sentence(code: int) -> str:
    """Say what a shell exit status means; statuses above 128 are signals (POSIX sh, 2.8.2)."""
    if code > 128 and (name := signal_name(code - 128)).startswith('SIG'):
        return f'exit status {code} ({name})'
    return f'exit status {code}'


def unclean_end(
    *, output: str, exit_code: int | None, signal: int | None, nonce: str
) -> str | None:
    """Return why a job did not end cleanly, or None if it did.

    :arg output: standard output and standard error of the job.
    :arg exit_code: exit status if the scheduler knows it.
    :arg signal: signal that killed the job script, if the scheduler knows it.
    :arg nonce: nonce of the run, which the end marker must carry.
    """
    ended = f'{END_MARKER} {nonce}' in output.splitlines()
    if ended and not exit_code and not signal and not _LMOD.search(output):
        return None
    details = []
    if fault := known_fault(output):
        details.append(fault)
    if signal:
        details.append(f'the job was killed by {signal_name(signal)}')
    if command := failed_command(output):
        details.append(command)
    elif exit_code:
        details.append(f'the job ended with {status_sentence(exit_code)}')
    if not details:
        details.append('the job script did not reach its end')
    return '; '.join(details)
