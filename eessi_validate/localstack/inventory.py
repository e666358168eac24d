"""What is installed below the root of a local stack. Reads and removes; builds nothing."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eessi_validate.errors import unknown_name
from eessi_validate.localstack import provenance, publish
from eessi_validate.localstack.catalogue import load_catalogue
from eessi_validate.localstack.errors import LocalStackError
from eessi_validate.user_cache import cache_home


@dataclass(frozen=True)
class Installed:
    """One installation that has a module file."""

    name: str
    version: str
    cpu_target: str
    path: Path
    module_file: Path
    record: dict[str, Any]

    @property
    def module(self) -> str:
        return f'{self.name}/{self.version}'


@dataclass(frozen=True)
class ReleaseArch:
    """One architecture of one release: a compat layer and its installations."""

    release: str
    arch: str
    compat: Path
    record: dict[str, Any]
    installed: tuple[Installed, ...]


def default_root() -> Path:
    """``$XDG_CACHE_HOME/eessi-validate/local.eessi.io``, or below ``~/.cache``."""
    return cache_home() / load_catalogue().repository


def prefix_of(root: Path, release: str) -> Path:
    return root / 'versions' / release


def compat_of(root: Path, release: str, arch: str) -> Path:
    return prefix_of(root, release) / 'compat' / 'linux' / arch


def target_of(root: Path, release: str, target: str) -> Path:
    return prefix_of(root, release) / 'software' / 'linux' / target


def mpi_of_the_site(root: Path, release: str, target: str) -> Path:
    """Where the objects of a software layer look for MPI first, as those of EESSI do."""
    place = root / 'host_injections' / release / 'software' / 'linux' / target
    return place / 'rpath_overrides' / 'OpenMPI' / 'system' / 'lib'


def installations(root: Path, release: str, target: str) -> list[Installed]:
    """What one CPU target of a release has: module file and provenance, both there."""
    top = target_of(root, release, target)
    found = []
    for module in sorted(top.glob('modules/all/*/*.lua')):
        name, version = module.parent.name, module.name.removesuffix('.lua')
        path = top / 'software' / name / version
        record = provenance.read(path / provenance.INSTALLATION)
        if record is not None:
            found.append(Installed(name, version, target, path, module, record))
    return found


def cpu_targets(root: Path, release: str, arch: str) -> list[str]:
    """CPU targets of one architecture that have modules, ``generic`` among them."""
    top = prefix_of(root, release) / 'software' / 'linux'
    shapes = ('*/modules/all', '*/*/modules/all')  # with and without a vendor
    found = (p.parent.parent for s in shapes for p in (top / arch).glob(s) if p.is_dir())
    return sorted(str(p.relative_to(top)) for p in found)


def installed_releases(root: Path) -> list[ReleaseArch]:
    """Everything below `root`, by release and architecture."""
    return sorted(_walk(root), key=lambda r: (r.release, r.arch))


def _walk(root: Path) -> Iterator[ReleaseArch]:
    for compat in root.glob('versions/*/compat/linux/*'):
        record = provenance.read(compat / provenance.COMPAT)
        if record is not None:
            release, arch = compat.parent.parent.parent.name, compat.name
            targets = cpu_targets(root, release, arch)
            every = [i for t in targets for i in installations(root, release, t)]
            yield ReleaseArch(release, arch, compat, record, tuple(every))


def find_installation(root: Path, release: str, target: str, module: str) -> Installed:
    """One installation by its module, e.g. ``GROMACS/2022.5-foss-2022b``, or by its name alone.

    Raises UsageError that names the nearest ones.
    """
    every = installations(root, release, target)
    found = [i for i in every if module in (i.module, i.name)]
    if len(found) != 1:
        raise unknown_name(f'module of {target} in {root}', module, {i.module for i in every})
    return found[0]


def find_release(root: Path, release: str) -> list[ReleaseArch]:
    """All architectures of one release; UsageError names the nearest releases."""
    every = installed_releases(root)
    found = [r for r in every if r.release == release]
    if not found:
        raise unknown_name(f'release in {root}', release, {r.release for r in every})
    return found


def disk_bytes(path: Path) -> int:
    """Bytes on disk of a tree, hard links counted once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, names, files in os.walk(path):
        for name in [*names, *files]:
            status = os.lstat(os.path.join(folder, name))
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_blocks * 512
    return total


def remove_release(root: Path, release: str, arch: str | None = None) -> list[Path]:
    """Remove a release, or one architecture of it; returns what went. Modules go first."""
    if not any((root / publish.WORK).glob('*')) and not (root / 'versions').is_dir():
        raise LocalStackError(f'{root} is not a local stack')
    found = find_release(root, release)
    if arch is not None and arch not in {r.arch for r in found}:
        raise unknown_name(f'architecture in release {release}', arch, {r.arch for r in found})
    chosen = [r for r in found if arch in (None, r.arch)]
    prefix, work = prefix_of(root, release), root / publish.WORK
    paths = [
        path
        for r in chosen
        for path in (prefix / 'software' / 'linux' / r.arch, r.compat)
        if path.exists()
    ]
    if len(chosen) == len(found):
        paths = [prefix]
    for path in paths:
        publish.discard(path, work)
    return paths


def keep_build_record(root: Path, release: str, arch: str, installed: Installed) -> None:
    """Copy what the installation records of its build to ``reprod``, as EESSI's build hook does.

    There it has the time of its making in its path; what is there already is kept.
    """
    source = installed.path / Path(provenance.INSTALLATION).parent
    made = time.strftime('%Y%m%d_%H%M%SUTC', time.gmtime(source.stat().st_mtime))
    place = _reprod(root, release, installed)
    with publish.lock(build_lock(root, release, arch)):
        if not place.exists():
            stage = root / publish.WORK / f'reprod-{uuid.uuid4().hex[:8]}'
            shutil.copytree(source, stage / made / source.name, symlinks=True)
            publish.publish(stage, place, root / publish.WORK)


def take_out(root: Path, release: str, arch: str, installed: Installed) -> None:
    """Remove one installation, its module file first; building again brings it back."""
    work = root / publish.WORK
    with publish.lock(build_lock(root, release, arch)):
        installed.module_file.unlink()
        for path in (installed.path, _reprod(root, release, installed)):
            if path.exists():
                publish.discard(path, work)


def _reprod(root: Path, release: str, installed: Installed) -> Path:
    return target_of(root, release, installed.cpu_target) / 'reprod' / installed.module


def build_lock(root: Path, release: str, arch: str) -> Path:
    """What a process holds while it changes one architecture of a release."""
    return root / publish.WORK / f'{release}-{arch}.lock'
