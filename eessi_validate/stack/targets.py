"""CPU targets: the table, aliases, and how this host can run each of them."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from eessi_validate.errors import unknown_name
from eessi_validate.stack.tables import read_table


@dataclass(frozen=True)
class CpuTarget:
    """One row of the table of CPU targets."""

    #: Path below ``software/linux``, e.g. ``x86_64/intel/haswell``.
    name: str
    #: Architecture: ``x86_64``, ``aarch64``, ``ppc64le`` ...
    family: str
    #: Name in archspec's database.
    archspec: str
    status: str
    aliases: tuple[str, ...] = ()
    #: qemu-user CPU model with exactly the target's instructions; '' if it cannot be emulated.
    qemu: str = ''


class Tier(str, Enum):
    """Execution tier: how this host can run a CPU target."""

    NATIVE = 'native'
    EMULATED = 'emulated'
    STATIC = 'static'


@cache
def cpu_targets() -> tuple[CpuTarget, ...]:
    """Return all known CPU targets, in the order of the table."""
    return tuple(
        CpuTarget(**{**row, 'aliases': tuple(row.get('aliases', ()))})
        for row in read_table('cpu_targets', 'targets')
    )


def find_target(name: str) -> CpuTarget:
    """Return the target called ``name`` or with that alias.

    :raises UsageError: naming the nearest valid targets.
    """
    for target in cpu_targets():
        if name == target.name or name in target.aliases:
            return target
    raise unknown_name('CPU target', name, (t.name for t in cpu_targets()))


def host_family() -> str:
    """Return the architecture of this host in the table's words."""
    machine = platform.machine()
    return {'arm64': 'aarch64', 'amd64': 'x86_64'}.get(machine, machine)


def runs_natively(target: CpuTarget, host: str | None = None) -> bool:
    """Say whether the host's CPU has all instructions of ``target``.

    By archspec's ordering, or by its feature lists: the vendor does not matter for running.

    :arg host: archspec name of the host's CPU; detected if not given.
    """
    import archspec.cpu.detect  # imported here: detection reads files and costs 30 ms

    if host is None and target.family != host_family():
        return False
    if target.name.endswith('/generic') and host is None:
        return True
    here = archspec.cpu.TARGETS[host] if host else archspec.cpu.host()
    features = here.features if host else archspec.cpu.detect.detected_info().features
    wanted = archspec.cpu.TARGETS.get(target.archspec)
    if wanted is None or wanted.family != here.family:
        return False
    if here == wanted or wanted in here.ancestors:
        return True
    # Some families (POWER) have no feature lists: nothing follows from an empty one.
    return bool(wanted.features) and wanted.features <= features


@cache
def emulator(family: str) -> str:
    """Return the registered or installed qemu-user binary for ``family``; '' if there is none.

    Only an interpreter registered with binfmt_misc covers the children of a process, so only that
    makes whole job scripts run.
    """
    if _binfmt_registered(family):
        return shutil.which(f'qemu-{family}-static') or shutil.which(f'qemu-{family}') or 'binfmt'
    return ''


def _binfmt_registered(family: str) -> bool:
    entry = Path(f'/proc/sys/fs/binfmt_misc/qemu-{family}')
    try:
        return entry.read_text(encoding='ascii').startswith('enabled')
    except OSError:
        return False


def execution_tier(target: CpuTarget) -> tuple[Tier, str]:
    """Return how this host can run ``target``, and why not better."""
    if runs_natively(target):
        return Tier.NATIVE, ''
    if target.family == host_family():
        return Tier.STATIC, f"this host's CPU lacks instructions of {target.name}"
    if emulator(target.family):
        return Tier.EMULATED, f'run through qemu-user on {host_family()}'
    return (
        Tier.STATIC,
        f'this host is {host_family()} and no emulator for {target.family} is registered with '
        f'binfmt_misc (install qemu-user-static and binfmt-support)',
    )


def usable_cpus() -> int:
    """Return the number of CPUs this process may use."""
    return len(os.sched_getaffinity(0))
