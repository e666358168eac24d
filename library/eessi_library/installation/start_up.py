"""Does each program in ``bin/`` or of the sanity paths start, in the environment of its module?

Started with ``--version``, ``--help``, ``-V`` and ``-h`` until one is answered with status 0. Many
scientific programs know none of them: one that starts, says something and ends is sound. One that
dies by a signal, cannot be executed or is stopped by the loader is not.
"""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from eessi_library.diagnosis import known_fault

from .inventory import Kind, kind_of
from .model import InstallationRequest, Observation, Severity
from .rules import table
from .sanity_paths import sanity_programs
from .versions.recorded import recorded_versions
from .versions.reported import judge_version, version_of

OPTIONS: Final = ('--version', '--help', '-V', '-h')

#: Seconds that one start may take on a busy machine.
LIMIT_SECONDS: Final = 30

#: Bytes of output that are kept.
MOST_OUTPUT: Final = 64_000

#: What the loader says when it stops a program.
_LOADER: Final = re.compile(
    r'error while loading shared libraries|symbol lookup error|undefined symbol'
    r'|version `[^\']+\' not found|CPU ISA level is lower than required'
)

#: What the kernel and the shell say of a file that they cannot execute.
_KERNEL: Final = re.compile(
    r'cannot execute|Exec format error|bad interpreter|required file not found'
)

#: What interpreters say of a program whose own code they do not find, and what is missing.
_LACKS: Final = re.compile(
    r"^(?:ModuleNotFoundError|ImportError): (?P<python>.+)|Can't locate (?P<perl>\S+) in @INC.*? at"
    r' (?P<at>\S+)|Could not find or load main class (?P<java>\S+)|Fatal Python error: (?P<own>.+)',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One start: exit status (negative: signal; None: time limit), and everything it said."""

    option: str
    status: int | None
    output: str

    @property
    def fault(self) -> str | None:
        """Say why the program cannot be said to start, None when it does."""
        said = _LOADER.search(self.output)
        if said:
            lines = [line for line in self.output.splitlines() if said[0] in line]
            return f'the loader stops it: {lines[0].strip()[:240]}'
        if self.status is not None and (self.status < 0 or 128 < self.status <= 128 + 64):
            number = -self.status if self.status < 0 else self.status - 128
            try:
                name = signal.Signals(number).name
            except ValueError:
                name = f'signal {number}'
            return f'died by {name}'
        if self.status in (126, 127) or (self.status and _KERNEL.search(self.output)):
            return f'cannot be executed (exit status {self.status}): {self.output.strip()[:200]}'
        return None


def programs(request: InstallationRequest) -> list[str]:
    """Return the names of all executable files in bin, sorted; links to the same file once."""
    top = f'{request.real_path}/bin'
    found: dict[tuple[int, int], str] = {}
    try:
        names = sorted(os.listdir(top))
    except OSError:
        return []
    for name in names:
        path = f'{top}/{name}'
        if os.path.isfile(path) and os.access(path, os.X_OK):
            status = os.stat(path)
            # a program that acts by its name (busybox style) is started under its first one
            found.setdefault((status.st_dev, status.st_ino), name)
    return sorted(found.values())


def start(
    path: str,
    environment: Mapping[str, str],
    scratch: str,
    *,
    thorough: bool = False,
    first: Iterable[str] = (),
) -> list[Answer]:
    """Start a program with one option after the other until one is answered or it crashes.

    ``thorough`` goes on after words with another status: it started, and may know another option.
    Silence with status 0 is no answer. ``first`` are options of its own that it knows.
    """
    answers = []
    for option in (*first, *OPTIONS):
        answer = _start(path, option, environment, scratch)
        answers.append(answer)
        answered = bool(answer.output.strip()) and (answer.status == 0 or not thorough)
        if answer.status is None or answer.fault or answered:
            break
    return answers


def _is_text(path: str) -> bool:
    with open(path, 'rb') as file:
        return kind_of(file.read(1024)) is Kind.TEXT


def _start(path: str, option: str, environment: Mapping[str, str], scratch: str) -> Answer:
    try:
        return run_program([path], option, environment, scratch)
    except OSError as error:
        if error.errno == errno.ENOEXEC and _is_text(path):
            # A script without "#!": shells run it themselves (POSIX, Shell Command Language 2.9.1)
            return run_program(['/bin/sh', path], option, environment, scratch)
        return Answer(option, 126, f'{path}: {error.strerror}')


def run_program(
    command: list[str],
    option: str,
    environment: Mapping[str, str],
    scratch: str,
    patience: int = 1,
) -> Answer:
    """Start a command with one option, its input closed, in a session of its own.

    ``patience`` multiplies the time limit. Raises OSError when it cannot be executed.
    """
    process = subprocess.Popen(
        [*command, option],
        env={**environment, 'PYTHONDONTWRITEBYTECODE': '1'},
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LIMIT_SECONDS * patience)
        status: int | None = process.returncode
    except subprocess.TimeoutExpired:
        # the whole session that was started here: a wrapper leaves children behind
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        status = None
    return Answer(option, status, output[:MOST_OUTPUT].decode('utf-8', 'replace'))


def check_programs(
    request: InstallationRequest, environment: Mapping[str, str], scratch: str
) -> Iterator[Observation]:
    """Start every program of an installation; yield those that do not start, and wrong versions."""
    wanted = version_of(request.name)
    software = request.name.split('/')[0]
    reporters = table('version_reporters').get(software, {})
    members = [f'bin/{name}' for name in programs(request)]
    for member in [*members, *sanity_programs(request)]:
        name = os.path.basename(member)
        if any(fnmatchcase(f'{software}/{name}', row) for row in table('not_started')):
            continue
        reports = name in reporters.get('programs', [software.lower()])
        program = f'{request.path}/{member}'
        first = reporters.get('options', ()) if reports else ()
        answers = start(program, environment, scratch, thorough=reports, first=first)
        yield from judge_answers(member, answers)
        if reports:
            said = '\n'.join(answer.output for answer in answers)
            recorded = [record.version for record in recorded_versions(request)]
            yield from judge_version(member, wanted, said, reporters, request.name, recorded)


def judge_answers(member: str, answers: list[Answer]) -> Iterator[Observation]:
    """Yield what the last answer of a program says about it. Pure."""
    last = answers[-1]
    if last.status is None:
        reason = f'did not answer {last.option} within {LIMIT_SECONDS} s with its input closed'
        yield Observation('start-up/no-answer', Severity.WARNING, member, 'time', reason)
    elif last.fault:
        subject = re.sub(r'0x[0-9a-f]+|\d+', 'N', last.fault)
        known = known_fault(last.output)
        more = f' ({known})' if known and known not in last.fault else ''
        check = 'start-up/loader' if 'loader' in last.fault else 'start-up/crash'
        reason = f'started with {last.option} it {last.fault}{more}'
        yield Observation(check, Severity.ERROR, member, subject, reason.replace('it the', 'the'))
    elif last.status and (lacks := _LACKS.search(last.output)):
        # What is missing further inside may be an extra that nobody has asked for.
        deeper = last.output.count('  File "') > 1
        if lacks['perl']:
            deeper = os.path.basename(lacks['at']) != os.path.basename(member)
        severity = Severity.WARNING if deeper and not lacks['own'] else Severity.ERROR
        said = ' '.join(lacks[0].split())[:240]
        reason = f'started with {last.option} it ends with status {last.status}: {said}'
        yield Observation('start-up/incomplete', severity, member, said, reason)
    elif not any(answer.output.strip() for answer in answers):
        reason = f'says nothing to any of {", ".join(OPTIONS)}'
        yield Observation('start-up/silent', Severity.WARNING, member, 'silent', reason)
