"""Do the programs of an installation run on the CPU of their target, no more and no less?

Each ELF program in ``bin/`` is started by qemu-user with the CPU model of its target (rules.json,
``cpu_targets``), in an environment that nobody has prepared. What the code search cannot decide (is
an instruction beyond the target ever reached?) shows here: the emulated CPU refuses it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Final

from .inventory import Kind, kind_of
from .model import InstallationRequest, Observation, Release, Severity
from .rules import table
from .start_up import OPTIONS, programs, run_program

#: Starting is this much slower, or more.
_PATIENCE: Final = 4


def emulator(release: Release) -> tuple[str, ...] | None:
    """Return the command that emulates the CPU of a target; None when there is none here."""
    model = table('cpu_targets').get(release.cpu_target, {}).get('qemu')
    program = shutil.which(f'qemu-{release.family}-static') or shutil.which(
        f'qemu-{release.family}'
    )
    return (program, '-cpu', model) if program and model else None


def why_no_emulation(release: Release) -> str | None:
    """Say why the CPU of a target cannot be emulated here, None when it can."""
    if release.places:
        return 'the stack does not lie at its own prefix here'
    if not table('cpu_targets').get(release.cpu_target, {}).get('qemu'):
        return f'no CPU model of qemu-user is {release.cpu_target}'
    if emulator(release) is None:
        return f'no qemu-{release.family} here (install qemu-user-static)'
    return None


def check_emulated(request: InstallationRequest, scratch: str) -> Iterator[Observation]:
    """Yield every program that does not start on the emulated CPU."""
    command = emulator(request.release)
    if command is None:
        return
    environment = {'PATH': '/usr/bin:/bin', 'HOME': scratch, 'TMPDIR': scratch}
    for name in programs(request):
        path = f'{request.path}/bin/{name}'
        with open(path, 'rb') as file:
            if kind_of(file.read(64)) is not Kind.ELF:
                continue
        answer = run_program(
            [*command, os.path.realpath(path)], OPTIONS[0], environment, scratch, _PATIENCE
        )
        fault = answer.fault
        if answer.status is None:
            reason = f'did not answer {OPTIONS[0]} on an emulated {command[-1]}'
            yield _found('no-answer', name, 'time', reason, Severity.WARNING)
        elif fault and 'SIGILL' in fault:
            reason = f'needs an instruction that {command[-1]} does not have: it {fault}'
            yield _found('illegal-instruction', name, 'SIGILL', reason, Severity.ERROR)
        elif fault:
            severity = Severity.ERROR if 'loader' in fault else Severity.WARNING
            check = 'loader' if 'loader' in fault else 'crash'
            yield _found(check, name, check, f'on an emulated {command[-1]} it {fault}', severity)


def _found(check: str, name: str, subject: str, reason: str, severity: Severity) -> Observation:
    return Observation(f'emulation/{check}', severity, f'bin/{name}', subject, reason)
