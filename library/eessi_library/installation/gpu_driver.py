"""Is the GPU driver of a node new enough for the CUDA of the stack? No GPU is a fact, no fault."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eessi_library.elf import ElfError, read_defaults, read_elf

from .model import Observation, Release, Severity
from .rules import table

PROC_FILE: Final = '/proc/driver/nvidia/version'

_PROC: Final = re.compile(r'^NVRM version:.*?\s(\d+(?:\.\d+)+)\s', re.MULTILINE)
_SMI: Final = re.compile(
    r'Driver Version:\s*(\d+(?:\.\d+)+)|^\s*(\d{3}(?:\.\d+)+)\s*$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class DriverAnswer:
    """Whether a driver serves a CUDA version; ``serves`` is None where there is no GPU driver."""

    serves: bool | None
    reason: str


def parse_driver_version(text: str) -> str | None:
    """Return the driver version in ``/proc/driver/nvidia/version`` or in nvidia-smi's output."""
    found = _PROC.search(text) or _SMI.search(text)
    return next((group for group in found.groups() if group), None) if found else None


def driver_version(proc_file: str = PROC_FILE) -> str | None:
    """Return the version of the driver that is loaded here, None when there is none."""
    try:
        return parse_driver_version(Path(proc_file).read_text(encoding='utf-8', errors='replace'))
    except OSError:
        return None


def minimum_driver(cuda: str) -> str | None:
    """Return the least driver version for a CUDA version, None when the table has none for it.

    The most exact row decides: ``11.0`` before ``11``.
    """
    rows = table('cuda_drivers')
    parts = cuda.split('.')
    for length in range(len(parts), 0, -1):
        found = rows.get('.'.join(parts[:length]))
        if found:
            return str(found)
    return None


def driver_serves(cuda: str, driver: str | None) -> DriverAnswer:
    """Say whether a driver is new enough for a CUDA version."""
    if driver is None:
        return DriverAnswer(None, 'no GPU: no NVIDIA driver is loaded on this node')
    least = minimum_driver(cuda)
    if least is None:
        return DriverAnswer(False, f'the least driver for CUDA {cuda} is not in the table')
    if _numbers(driver) >= _numbers(least):
        return DriverAnswer(True, f'driver {driver} serves CUDA {cuda} (at least {least})')
    return DriverAnswer(False, f'driver {driver} is older than {least}, which CUDA {cuda} needs')


def cuda_versions(release: Release) -> list[str]:
    """Return the versions of CUDA that are installed for the CPU target."""
    top = release.located(f'{release.software}/software/CUDA')
    try:
        names = sorted(os.listdir(top))
    except OSError:
        return []
    return [name.partition('-')[0] for name in names if name[0].isdigit()]


def injected_directories(release: Release) -> list[str]:
    """Return where the release's loader looks for what a site injects.

    EESSI's is built to trust ``host_injections/<release>/compat/linux/<family>/lib``, which the
    site links to the directory of its driver; a loader that trusts none is given the latter.
    """
    loader = f'{release.compat}/{table("machines")[release.family]["loader"]}'
    directories: tuple[str, ...] = ()
    with suppress(ElfError, OSError):
        directories = read_defaults(release.located(loader)).directories
    trusted = [d.rstrip('/') for d in directories if d.startswith(f'{release.host_injections}/')]
    return trusted or [f'{release.host_injections}/nvidia/{release.family}/latest/host']


def check_driver(release: Release, driver: str | None) -> Iterator[Observation]:
    """Yield each CUDA of the stack that a driver is too old for, and what is not injected of it."""
    for cuda in cuda_versions(release):
        answer = driver_serves(cuda, driver)
        if answer.serves is False:
            reason = answer.reason
            yield Observation('gpu/driver', Severity.ERROR, f'CUDA/{cuda}', cuda, reason)
    places = injected_directories(release)
    place = ' or '.join(places)
    for soname in table('injected_gpu_libraries'):
        elf = None
        for directory in places:
            with suppress(ElfError, OSError):
                elf = elf or read_elf(os.path.realpath(f'{release.located(directory)}/{soname}'))
        if elf is None:
            reason = f'the driver library {soname} is not in {place}, where the loader looks'
            yield Observation('gpu/not-injected', Severity.ERROR, soname, soname, reason)
        elif elf.soname != soname:
            reason = f'{place}/{soname} is {elf.soname}'
            yield Observation('gpu/not-injected', Severity.ERROR, soname, str(elf.soname), reason)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split('.'))
