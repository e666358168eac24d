"""Reads logs of icoFoam, of openfoam.com and of openfoam.org. Pure: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PROCESSES = re.compile(r'^nProcs *: *(\d+)$', re.MULTILINE)
_BUILD_COM = re.compile(r'^Build *:.*OPENFOAM=(?P<version>\d+)', re.MULTILINE)
_BUILD = re.compile(r'^Build *: *(?P<version>\S+)', re.MULTILINE)
_BANNER = re.compile(r'Version: +(?P<version>[\w.-]+)')
#: openfoam.org prints the unit since version 10.
_TIME = re.compile(r'^Time = (\S+?)s?$', re.MULTILINE)
_CONTINUITY = re.compile(
    r'^time step continuity errors : sum local = (\S+), global = (\S+), cumulative = (\S+)$',
    re.MULTILINE,
)
_EXECUTION = re.compile(r'^ExecutionTime = (\S+) s', re.MULTILINE)
_END = re.compile(r'^End$', re.MULTILINE)
_FATAL = re.compile(
    r'^(?:\[\d+\] )?--> (?P<kind>FOAM FATAL (?:IO )?ERROR)[^\n]*\n(?P<message>(?:.*\n){1,4})',
    re.MULTILINE,
)
#: ``trapFpe: Floating point exception trapping enabled`` and the like, of every sound run.
_TRAP_NOTICE = re.compile(r'^(?:trapFpe|sigFpe) *:.*\n', re.MULTILINE)


class LogError(ValueError):
    """The log holds something that is not a number where a number belongs."""


@dataclass(frozen=True)
class SolverLog:
    """What a run of icoFoam printed."""

    #: ``v1912`` (openfoam.com) or ``10`` (openfoam.org); '' if the header has none.
    version: str
    #: Processes that the header reports; 0 if it reports none.
    processes: int
    finished: bool
    #: Simulated times in s, one for each step.
    times: tuple[float, ...]
    #: Sum of the local continuity errors, and the cumulative one, after the last corrector of
    #: each step; dimensionless.
    local_errors: tuple[float, ...]
    cumulative_errors: tuple[float, ...]
    #: CPU time in s of the first process, at the end of each step.
    execution_times: tuple[float, ...]


def _version(text: str) -> str:
    if found := _BUILD_COM.search(text):
        return f'v{found["version"]}'
    if found := _BANNER.search(text):
        # openfoam.com prints ``v2406`` or ``2212`` here, openfoam.org ``10``.
        version = found['version']
        return f'v{version}' if 'openfoam.com' in text and version.isdigit() else version
    found = _BUILD.search(text)
    return found['version'].partition('-')[0] if found else ''


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise LogError(f'not a number in the log: {text!r}') from error


def parse_log(text: str) -> SolverLog:
    """Parse what icoFoam printed; text of other commands around it is ignored.

    :raises LogError: if a time or an error is not a number.
    """
    start = _TIME.search(text)
    header = text[: start.start()] if start else text
    processes = _PROCESSES.search(header)
    steps = [text[a:b] for a, b in _step_ranges(text)]
    errors = [_CONTINUITY.findall(step)[-1] for step in steps if _CONTINUITY.search(step)]
    return SolverLog(
        version=_version(header),
        processes=int(processes[1]) if processes else 0,
        finished=bool(_END.search(text)),
        times=tuple(_number(found) for found in _TIME.findall(text)),
        local_errors=tuple(_number(local) for local, _, _ in errors),
        cumulative_errors=tuple(_number(cumulative) for _, _, cumulative in errors),
        execution_times=tuple(_number(found) for found in _EXECUTION.findall(text)),
    )


def _step_ranges(text: str) -> list[tuple[int, int]]:
    starts = [found.start() for found in _TIME.finditer(text)]
    ends = [*starts[1:], len(text)] if starts else []
    return list(zip(starts, ends, strict=True))


def without_trap_notice(text: str) -> str:
    """Return the text without the line that announces what happens on a floating-point exception.

    Who looks for the shell's word about a crash must not find this one.
    """
    return _TRAP_NOTICE.sub('', text)


def fatal_error(text: str) -> str | None:
    """Return OpenFOAM's own message about why it gave up, on one line; None if it did not."""
    if not (found := _FATAL.search(text)):
        return None
    message = re.sub(r'^\[\d+\] ?', '', found['message'], flags=re.MULTILINE)
    return f'{found["kind"]}: {" ".join(message.split())}'
