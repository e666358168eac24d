"""Checks of a release as a whole: its init script, an injected MPI, the GPU driver.

Each returns observations like those of an installation; the plan facts (is there an injected MPI,
is there a GPU driver) have functions of their own, because their absence is no fault.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable

from .gpu_driver import check_driver, cuda_versions, driver_version
from .init_selection import check_init
from .layout import installations
from .linkage import ReleaseLinkage
from .model import Finding, Observation, Release, group
from .mpi_injection import (
    SOFTWARE,
    check_injected_mpi,
    check_use,
    injection_directory,
    linked_objects,
    mpi_directory,
)
from .rules import judge


def init_findings(release: Release) -> tuple[Finding, ...]:
    """Return the recorded CPUs for which the init script picks a wrong CPU target."""
    with tempfile.TemporaryDirectory(prefix='init-check-') as scratch:
        return _findings(release, 'init', check_init(release, scratch))


def why_no_mpi_check(release: Release) -> str:
    """Say why there is no injected MPI to check; '' when there is one."""
    place = release.located(injection_directory(release))
    if not os.path.lexists(place):
        return f'no MPI of the site is injected (there is no {place})'
    return ''


def mpi_findings(release: Release) -> tuple[Finding, ...]:
    """Return why the MPI that the site injects cannot stand in for each OpenMPI of the stack."""
    found: list[Observation] = []
    everything = [release.located(request.path) for request in installations(release)]
    injected = release.located(injection_directory(release))
    replaced = [top for top in everything if os.path.basename(os.path.dirname(top)) == SOFTWARE]
    own = [directory for top in replaced if (directory := mpi_directory(top))]
    for directory in own:
        found += check_injected_mpi(directory, injected, linked_objects(everything))
    if os.path.isdir(injected):
        found += check_use(ReleaseLinkage(release), own, injected, linked_objects(everything))
    return _findings(release, 'host_injections', found)


def why_no_gpu_check(release: Release) -> str:
    """Say why there is no GPU driver to check here; '' when there is one."""
    if not cuda_versions(release):
        return f'no CUDA in the stack for {release.cpu_target}'
    if driver_version() is None:
        return 'no GPU: no NVIDIA driver is loaded on this node'
    return ''


def gpu_findings(release: Release) -> tuple[Finding, ...]:
    """Return the CUDA versions that the driver here does not serve, and libraries not injected."""
    return _findings(release, 'gpu', check_driver(release, driver_version()))


def _findings(
    release: Release, subject: str, observations: Iterable[Observation]
) -> tuple[Finding, ...]:
    left, _ = judge(release.repository, subject, observations)
    return tuple(group(subject, left))
