"""Does the release's init script pick the right CPU target for the CPU that it is told of?

The script is run on a shadow of the release: a directory with its init scripts, its compat layer
by link, and an empty module tree for each CPU target. What it is told (EESSI_PROC_CPUINFO,
EESSI_MACHINE_TYPE) comes from recorded CPUs (cpuinfo.json), what is right from the same table.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from .model import Observation, Release, Severity

LIMIT_SECONDS: Final = 60

_SCRIPT: Final = """\
source "$1" >&2 || exit 90
printf '%s' "$EESSI_SOFTWARE_SUBDIR"
"""


@dataclass(frozen=True, slots=True)
class RecordedCpu:
    """A CPU: the machine's name, what /proc/cpuinfo says, and the best target of the eight."""

    name: str
    machine: str
    cpuinfo: str
    target: str


@cache
def recorded_cpus() -> tuple[RecordedCpu, ...]:
    """Return the recorded CPUs; flags that decide and some that must not."""
    data: Any = json.loads(resources.files(__package__).joinpath('cpuinfo.json').read_bytes())
    return tuple(
        RecordedCpu(row['name'], row['machine'], '\n'.join(row['lines']) + '\n', row['target'])
        for row in data['cpus']
    )


def targets() -> tuple[str, ...]:
    """Return the CPU targets that the recorded CPUs stand for."""
    return tuple(sorted({cpu.target for cpu in recorded_cpus()}))


def shadow(release: Release, top: str, wanted: tuple[str, ...]) -> str:
    """Make the shadow of a release below ``top`` with these targets; returns its init script."""
    path = f'{top}/shadow.eessi.io/versions/{os.path.basename(release.path)}'
    shutil.copytree(release.located(f'{release.path}/init'), f'{path}/init', symlinks=True)
    for script in Path(path, 'init').rglob('*'):
        if script.is_file() and not script.is_symlink():
            text = script.read_bytes()
            script.write_bytes(text.replace(release.path.encode(), path.encode()))
    os.makedirs(f'{path}/compat/linux')
    for family in {target.split('/')[0] for target in wanted}:
        os.symlink(release.located(release.compat), f'{path}/compat/linux/{family}')
    for target in wanted:
        os.makedirs(f'{path}/software/linux/{target}/modules/all')
        os.makedirs(f'{path}/software/linux/{target}/software')
    return f'{path}/init/bash'


def selected(init: str, environment: Mapping[str, str]) -> tuple[str, str]:
    """Run an init script in a clean shell; returns the target it picks ('' on failure), its words.

    The environment holds what it is told; nothing else of this process reaches it.
    """
    done = subprocess.run(
        ['bash', '--noprofile', '--norc', '-c', _SCRIPT, 'init-check', init],
        env={'PATH': '/usr/bin:/bin', 'HOME': '/nonexistent', **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return (done.stdout if done.returncode == 0 else ''), ' '.join(done.stderr.split())[-300:]


def check_init(release: Release, scratch: str) -> Iterator[Observation]:
    """Yield every recorded CPU for which the init script picks a wrong target."""
    every = targets()
    init = shadow(release, f'{scratch}/all', every)
    generic = shadow(release, f'{scratch}/generic', tuple(t for t in every if 'generic' in t))
    for cpu in recorded_cpus():
        file = Path(scratch, f'{cpu.name}.cpuinfo')
        file.write_text(cpu.cpuinfo, encoding='utf-8')
        told = {'EESSI_PROC_CPUINFO': str(file), 'EESSI_MACHINE_TYPE': cpu.machine}
        yield from _compare('selects', cpu.name, selected(init, told), cpu.target)
        fallback = f'{cpu.machine}/generic'
        yield from _compare('falls-back', cpu.name, selected(generic, told), fallback)
        override = {**told, 'EESSI_SOFTWARE_SUBDIR_OVERRIDE': fallback}
        yield from _compare('override', cpu.name, selected(init, override), fallback)
    yield from _native(init)


def _native(init: str) -> Iterator[Observation]:
    """Yield when the CPU here, of which nobody tells the script, is not recognised as it is."""
    target, words = selected(init, {})
    told = selected(init, {'EESSI_PROC_CPUINFO': '/proc/cpuinfo'})
    yield from _compare('native', 'the CPU of this host', (target, words), told[0])


def _compare(what: str, cpu: str, picked: tuple[str, str], wanted: str) -> Iterator[Observation]:
    target, words = picked
    if target != wanted:
        said = f'picks {target}' if target else f'fails: {words}'
        reason = f'for {cpu} it {said}, right is {wanted}'
        yield Observation(f'init/{what}', Severity.ERROR, 'init/bash', wanted, reason)
