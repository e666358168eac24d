"""Builds ReFrame configuration from what this host is; used by the generic configurations."""

from __future__ import annotations

import os
import platform
import shlex
from pathlib import Path
from typing import Any

from eessi_validate.stack.scales import fitting_scales

#: Environment variables that hand the stack to the configuration; the driver sets them, and a
#: session in which the stack's init script was sourced has equivalent ones.
RELEASE_VARIABLE = 'EESSI_VALIDATE_RELEASE_PATH'
TARGET_VARIABLE = 'EESSI_SOFTWARE_SUBDIR_OVERRIDE'


def processor() -> dict[str, Any]:
    """Return ReFrame's ``processor`` of this host, counting only the CPUs this process may use."""
    cpus = sorted(os.sched_getaffinity(0))
    cores = {_topology(cpu, 'core_cpus_list') or str(cpu) for cpu in cpus}
    sockets = {_topology(cpu, 'physical_package_id') or '0' for cpu in cpus}
    return {
        'arch': platform.machine(),
        'num_cpus': len(cpus),
        'num_cpus_per_core': max(len(cpus) // len(cores), 1),
        'num_cpus_per_socket': max(len(cpus) // len(sockets), 1),
        'num_sockets': len(sockets),
    }


def _topology(cpu: int, name: str) -> str:
    try:
        return Path(f'/sys/devices/system/cpu/cpu{cpu}/topology/{name}').read_text('ascii').strip()
    except OSError:
        return ''


def scale_features(cores_of_node: int, nodes: int) -> list[str]:
    """Return the names of the scales that fit, as ReFrame features."""
    return [scale.name for scale in fitting_scales(cores_of_node, nodes)]


def release_path() -> str:
    """Return the release that jobs must use; '' if none was named."""
    if path := os.environ.get(RELEASE_VARIABLE):
        return path
    repository, version = os.environ.get('EESSI_CVMFS_REPO'), os.environ.get('EESSI_VERSION')
    return f'{repository}/versions/{version}' if repository and version else ''


def prepare_commands() -> list[str]:
    """Return the shell commands that give a job the stack, whatever the caller's session had."""
    release = release_path()
    if not release:
        return []
    commands = ['export EESSI_SILENT=1']
    if target := os.environ.get(TARGET_VARIABLE):
        commands += _enter_emulation(release, target.partition('/')[0])
        commands.append(f'export {TARGET_VARIABLE}={shlex.quote(target)}')
    commands.append(f'source {shlex.quote(release + "/init/bash")}')
    return commands


def _enter_emulation(release: str, family: str) -> list[str]:
    """Let a job for another CPU family go on, emulated, in the shell of its compat layer.

    Else the script would ask the host's own ``uname`` which CPU family it is on.
    """
    if family == platform.machine():
        return []
    compat = shlex.quote(f'{release}/compat/linux/{family}')
    return [
        f'[ "$(uname -m)" = {family} ] || '
        f'PATH={compat}/usr/bin:{compat}/bin:$PATH exec {compat}/bin/bash "$0"'
    ]


def mpi_variables() -> list[list[str]]:
    """Return variables that let OpenMPI start as root, which it otherwise refuses."""
    if os.geteuid() == 0:
        return [['OMPI_ALLOW_RUN_AS_ROOT', '1'], ['OMPI_ALLOW_RUN_AS_ROOT_CONFIRM', '1']]
    return []
