"""Starts ReFrame in a fresh directory and follows it, case by case."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eessi_validate.errors import HoldError
from eessi_validate.rfm.partitions import reframe_command, shipped_config
from eessi_validate.rfm.records import CaseRecord, read_journal, read_report

#: Variables of the caller's session that must not leak into ReFrame or its jobs.
_FOREIGN = re.compile(
    r'^(MODULE.*|__?LMOD.*|LMOD.*|LOADEDMODULES|_LMFILES_|_ModuleTable.*|LD_LIBRARY_PATH|LD_PRELOAD'
    r'|PYTHONPATH|PYTHONHOME|EESSI_.*|EB.*|RFM_.*|BASH_ENV|ENV|BASH_FUNC_.*|OMP_.*|OMPI_.*'
    r'|PRTE_.*|PMIX_.*|GMX.*|SBATCH_.*|SLURM_(?!CONF$|CLUSTERS$).*)$'
)
_STATUS = re.compile(
    r'^\[ +(?P<status>[A-Z]+) *\] .*%case=(?P<key>\S+) /(?P<hash>\w+) @\S+(?P<rest>.*)$'
)
_COUNTED = re.compile(r'^\[ +(?P<status>[A-Z]+) +\] \( *\d+/\d+\) (?P<test>\w+)')
_STARTED = re.compile(r'^\[ RUN +\] (?P<test>\w+).*%case=(?P<key>\S+) ')
_UNDEFINED = re.compile(
    r"skipping test '(?P<test>\w+)': the following parameters are undefined: case"
)

#: Seconds between looks at the journal, and seconds that ReFrame gets to end after an interrupt.
_POLL_SECONDS = 0.1
_GRACE_SECONDS = 20.0

#: Loaded once: a forked child of a process with threads should load nothing.
_LIBC = ctypes.CDLL(None)

#: From ``<linux/prctl.h>``.
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Invocation:
    """One ReFrame process: cases of one kind that share an environment."""

    #: Fresh directory for everything this process writes.
    directory: Path
    check_files: tuple[str, ...]
    #: Test classes that have cases in this invocation.
    tests: tuple[str, ...]
    #: Cases as the implementations read them: ``{'test': ..., 'case': {...}}``.
    cases: tuple[Mapping[str, Any], ...]
    configs: tuple[Path, ...]
    system: str
    environment: Mapping[str, str]
    #: Run the cases one after the other.
    serial: bool
    job_options: tuple[str, ...] = ()
    #: Words before the command itself.
    prefix: tuple[str, ...] = ()


@dataclass
class Completion:
    """What is left when a ReFrame process has ended."""

    return_code: int
    records: tuple[CaseRecord, ...]
    #: Messages of ReFrame that say why tests are absent.
    problems: tuple[str, ...]
    #: ``(test, key)`` -> reason, for cases that were skipped.
    skipped: dict[tuple[str, str], str] = field(default_factory=dict)
    interrupted: bool = False


def clean_environment(additions: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what a session's modules left, plus additions."""
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    return {**kept, **additions}


def command_line(invocation: Invocation) -> list[str]:
    """Return ReFrame's arguments for an invocation."""
    command = [*invocation.prefix, *reframe_command(), '--nocolor', '--run', '--keep-stage-files']
    for config in (*invocation.configs, shipped_config('journal')):
        command += ['-C', str(config)]
    command += ['--system', invocation.system, '--prefix', str(invocation.directory)]
    command += ['--report-file', str(invocation.directory / 'report.json')]
    command += ['--exec-policy', 'serial' if invocation.serial else 'async']
    for path in invocation.check_files:
        command += ['-c', path]
    command += ['-n', f'^({"|".join(invocation.tests)})(%|$)']
    command += [word for option in invocation.job_options for word in ('-J', option)]
    return command


def run_reframe(
    invocation: Invocation,
    *,
    on_start: Callable[[str, str], None],
    on_record: Callable[[CaseRecord], None],
    stop: threading.Event,
) -> Completion:
    """Run ReFrame to its end, calling back as cases start and end.

    When ``stop`` is set, ReFrame is asked to cancel its jobs; what is known by then is returned.
    """
    directory = invocation.directory
    directory.mkdir(parents=True, exist_ok=False)
    cases_file, journal = directory / 'cases.json', directory / 'journal.jsonl'
    cases_file.write_text(json.dumps({'cases': list(invocation.cases)}), encoding='utf-8')
    environment = clean_environment(
        {
            **invocation.environment,
            'EESSI_VALIDATE_CASES': str(cases_file),
            'EESSI_VALIDATE_JOURNAL': str(journal),
            # The defaults back off to one look in ten seconds, which costs more than short cases.
            'RFM_POLL_RATE_MIN': '10',
            'RFM_POLL_RATE_MAX': '20',
        }
    )
    follower = _Follower(on_start, frozenset(invocation.tests))
    with (directory / 'reframe.out').open('w', encoding='utf-8') as copy:
        process = subprocess.Popen(
            command_line(invocation),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        reader = threading.Thread(target=follower.read, args=(process, copy), daemon=True)
        reader.start()
        try:
            records = _follow(process, journal, on_record, stop)
        finally:
            _end(process)
            reader.join(timeout=5)
    settled, problems = _settle(records, directory / 'report.json')
    return Completion(
        return_code=process.returncode,
        records=settled,
        problems=(*follower.problems, *problems),
        skipped=follower.skipped,
        interrupted=stop.is_set(),
    )


def _follow(
    process: subprocess.Popen[str],
    journal: Path,
    on_record: Callable[[CaseRecord], None],
    stop: threading.Event,
) -> list[CaseRecord]:
    seen: list[CaseRecord] = []
    asked_at: float | None = None
    read = 0
    while True:
        ended = process.poll() is not None
        size = journal.stat().st_size if journal.exists() else 0
        if size != read:
            read = size
            for record in read_journal(journal)[len(seen) :]:
                seen.append(record)
                on_record(record)
        if ended:
            return seen
        if stop.is_set() and asked_at is None:
            asked_at = time.monotonic()
            process.send_signal(signal.SIGINT)
        if asked_at is not None and time.monotonic() - asked_at > _GRACE_SECONDS:
            return seen
        time.sleep(_POLL_SECONDS)


def _end(process: subprocess.Popen[str]) -> None:
    """Make sure that neither ReFrame nor a job it started locally outlives this call."""
    if process.poll() is not None:
        return
    # Local jobs are sessions of their own: they are found by descent, while there is a parent.
    family = [process.pid, *_descendants(process.pid)]
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in family:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def _descendants(pid: int) -> list[int]:
    """Return the children of a process, their children, and so on (proc(5), ``stat``)."""
    parents: dict[int, list[int]] = {}
    for entry in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = entry.read_text(errors='replace').rpartition(')')[2].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, queue = [], [pid]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def _die_with_parent() -> None:
    """Let the kernel send SIGTERM to this process when the driver dies (prctl(2))."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _settle(
    journal: Sequence[CaseRecord], report: Path
) -> tuple[tuple[CaseRecord, ...], tuple[str, ...]]:
    """Return the report's cases, what only the journal has, and what is wrong with the report."""
    if not report.exists():
        return tuple(journal), ()
    try:
        reported = read_report(report)
    except HoldError as error:
        return tuple(journal), (str(error),)
    known = {(r.test, r.key, r.hashcode) for r in reported}
    rest = (r for r in journal if (r.test, r.key, r.hashcode) not in known)
    return (*reported, *rest), ()


class _Follower:
    """Reads ReFrame's output: starts, skips, and what it says about tests it left out."""

    def __init__(self, on_start: Callable[[str, str], None], planned: frozenset[str]) -> None:
        self._on_start = on_start
        self._planned = planned
        self.problems: list[str] = []
        self.skipped: dict[tuple[str, str], str] = {}

    def read(self, process: subprocess.Popen[str], copy: Any) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            copy.write(line)
            copy.flush()
            self._take(line.rstrip('\n'))

    def _take(self, line: str) -> None:
        if started := _STARTED.match(line):
            self._on_start(started['test'], started['key'])
        elif (status := _STATUS.match(line)) and status['status'] == 'SKIP':
            test = counted['test'] if (counted := _COUNTED.match(line)) else ''
            reason = status['rest'].strip().removeprefix('[').removesuffix(']')
            self.skipped[test, status['key']] = reason
        elif line.startswith(('WARNING: ', 'ERROR: ')) and self._matters(line):
            self.problems.append(line.partition(': ')[2])

    def _matters(self, line: str) -> bool:
        if undefined := _UNDEFINED.search(line):
            return undefined['test'] in self._planned
        return line.startswith('ERROR: ') or 'skipping' in line or 'not set' in line
