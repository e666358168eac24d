"""Build a release of the local stack: resolve, download, unpack, relocate, publish."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from eessi_validate.errors import UsageError
from eessi_validate.localstack import (
    assemble,
    compiled,
    host,
    inventory,
    provenance,
    publish,
    pypi,
    records,
    sources,
)
from eessi_validate.localstack.apt import Apt, open_apt
from eessi_validate.localstack.catalogue import (
    Architecture,
    Compiled,
    Release,
    Software,
    dependencies,
    load_catalogue,
)
from eessi_validate.localstack.compat import finish_compat
from eessi_validate.localstack.errors import DiskFull, LocalStackError
from eessi_validate.localstack.job import COMPAT, Job
from eessi_validate.localstack.packages import Package, partition
from eessi_validate.localstack.progress import Progress, Silent
from eessi_validate.localstack.targets import check_targets, stage_target
from eessi_validate.localstack.versions import module_versions
from eessi_validate.localstack.wheels import Wheel
from eessi_validate.user_cache import cache_home


@dataclass(frozen=True)
class BuildRequest:
    """What is wanted. `software` holds names and sets; `arch` None is the host's.

    `targets` are CPU targets besides generic, as hard links of it (see targets.py).
    """

    release: str = '2023.06'
    arch: str | None = None
    software: tuple[str, ...] = ('minimal',)
    root: Path | None = None
    mirror: str | None = None
    security: bool = False
    cache: Path | None = None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class BuildReport:
    """What a build did; `added` is empty when there was nothing to do. Seconds by phase."""

    root: Path
    release: str
    arch: str
    added: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    packages: int = 0
    downloaded: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def init(self) -> Path:
        """The file to source."""
        return inventory.prefix_of(self.root, self.release) / 'init' / 'bash'


def build_stack(request: BuildRequest, progress: Progress | None = None) -> BuildReport:
    """Make what is asked for be there; what is there already is kept as it is.

    Raises UsageError for unknown names, MirrorError, SuiteMissing, ChecksumError, DiskFull or
    another LocalStackError; then nothing half-built is visible and downloads are kept.
    """
    progress = progress or Silent()
    catalogue = load_catalogue()
    release = catalogue.release(request.release, security=request.security)
    name = request.arch or host.machine()
    arch = catalogue.architecture(name)
    selected = catalogue.select(request.software)
    table = catalogue.software(release, arch)
    _check_available(selected, table, request.release)
    first = [n for n in selected if not _is_compiled(n, table)]
    root = _root(request)
    before = BuildReport(Path(), '', '')
    if len(first) < len(selected):
        # what is compiled is linked to installations that are in their final place
        before = build_stack(replace(request, software=tuple(first)), progress)
    check_targets(catalogue, arch, request.targets)
    job = Job(
        catalogue=catalogue,
        release=release,
        arch=arch,
        root=root,
        names=tuple(selected),
        table=table,
        stage=root / publish.WORK / f'{_stages(release, arch)}{uuid.uuid4().hex[:8]}',
    )
    key = inventory.build_lock(root, release.name, arch.name)
    with (
        _disk_errors(root),
        publish.lock(key, lambda: progress.say(f'waiting for another build in {root}')),
    ):
        present = {i.name: i for i in inventory.installations(root, release.name, job.target)}
        has_compat = provenance.read(job.compat / provenance.COMPAT) is not None
        missing = [n for n in job.names if n not in present]
        _tell_of_older(job, present, progress)
        report = BuildReport(
            root, release.name, arch.name, modules=tuple(i.module for i in present.values())
        )
        # what a killed build left; its last children may still write there, hence the new name
        for stale in (root / publish.WORK).glob(f'{_stages(release, arch)}*'):
            publish.clear(stale)
        try:
            if missing or not has_compat:
                report = _build(job, request, progress, missing, present, has_compat)
            # what generic got, the targets that are there get as well: they hide generic
            there = inventory.cpu_targets(root, release.name, arch.name)
            targets = sorted({*there, *request.targets} - {job.target})
            added = [_add_target(job, target) for target in targets]
        finally:
            publish.clear(job.stage)
        news = (*before.added, *report.added, *(m for each in added for m in each))
        return replace(
            report,
            added=news,
            packages=before.packages + report.packages,
            downloaded=before.downloaded + report.downloaded,
        )


def _tell_of_older(
    job: Job, present: Mapping[str, inventory.Installed], progress: Progress
) -> None:
    older = [i.module for i in present.values() if i.record.get('builder') != provenance.BUILDER]
    if older:
        progress.say(
            f'{len(older)} installations, e.g. {older[0]}, were built by another eessi-validate '
            'and stay as they are: '
            f'`eessi-validate stack remove {job.release.name} --root {job.root}` and build again'
            ' for those of today'
        )


def _is_compiled(name: str, table: Mapping[str, Software]) -> bool:
    every = (table[n].pypi for n in (name, *dependencies(name, table)))
    return any(source and source.compiled for source in every)


def _check_available(names: Sequence[str], table: Mapping[str, Software], release: str) -> None:
    """UsageError for what the release does not have, with the reason that the table gives."""
    for name in names:
        for prefix, reason in table[name].unavailable.items():
            if release.startswith(prefix):
                raise UsageError(f'{name} is not to be had in release {release}: {reason}')


def _add_target(job: Job, target: str) -> list[str]:
    names = stage_target(job.root, job.release.name, job.arch.name, target, job.table, job.stage)
    if names:
        work = job.root / publish.WORK
        publish.publish(job.stage / 'versions', job.root / 'versions', work)
    return [f'{name} ({target})' for name in names]


def _stages(release: Release, arch: Architecture) -> str:
    return f'stage-{release.name}_{arch.name}-'


def _root(request: BuildRequest) -> Path:
    """The root that was asked for; UsageError if it cannot be that of a local stack."""
    root = Path(os.path.abspath(request.root or inventory.default_root()))
    if any(c in str(root) for c in ' :"\'\\$'):
        raise UsageError(f'{root}: the root of a stack cannot have blanks, colons or quotes')
    name = inventory.default_root().name
    if root.name != name:  # what is known of a local stack is bound to its name
        raise UsageError(f'{root}: a local stack is named {name}; give --root {root / name}')
    return root


@contextmanager
def _disk_errors(root: Path) -> Iterator[None]:
    """One line for what the file system refuses."""
    try:
        yield
    except OSError as failed:
        where = failed.filename or root
        if failed.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f'no space left at {where}') from failed
        if failed.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise LocalStackError(
                f'{where} cannot be written: {failed.strerror}; choose another --root or --cache'
            ) from failed
        raise


def _build(
    job: Job,
    request: BuildRequest,
    progress: Progress,
    missing: Sequence[str],
    present: Mapping[str, inventory.Installed],
    has_compat: bool,
) -> BuildReport:
    host.require_programs()
    mirrors = _mirrors(request, job.release)
    cache = (request.cache or cache_home()) / 'packages'
    directory = Path(os.path.abspath(cache / f'{job.release.name}-{job.arch.name}'))
    busy = 'waiting for another download of the same packages'
    with publish.lock(directory / 'lock', lambda: progress.say(busy)):
        apt = open_apt(directory, job.release, job.arch, mirrors)
        with progress.phase('resolve', 0):
            chosen, owned = _resolve(job, apt, present)
        wanted = [*([] if has_compat else [COMPAT]), *missing]
        packages = {p: chosen[p] for n in wanted for p in owned[n]}
        due = sum(p.size for p in apt.missing(packages.values()))
        with progress.phase('download', due, 'B') as advance:
            apt.download(list(packages.values()), advance)
    with progress.phase('index', 0):
        wheels = _wheels(job, apt, cache, progress, missing, present)

    recorded = {n: i.version for n, i in present.items()}
    upstream = {n: p.version for n, p in chosen.items()}
    wheeled = pypi.distributions([i.record for i in present.values()])
    wheeled |= {w.name: w.version for some in wheels.values() for w in some}
    upstream |= {f'pypi:{name}': version for name, version in wheeled.items()}
    versions = recorded | {
        n: v
        for n, v in module_versions(list(job.names), job.table, job.release, upstream).items()
        if n in missing
    }
    trees = {n: job.compat if n == COMPAT else job.installation(n, versions[n]) for n in wanted}
    names = assemble.unpack_trees(job, apt, progress, trees, owned, chosen)
    assemble.unpack_wheels(job, progress, trees, wheels)
    assemble.relocate_trees(job, progress, trees, versions)
    assemble.compile_python(job, progress, [trees[n] for n in wheels])
    with progress.phase('finish', 0):
        if not has_compat:
            notes = finish_compat(job.place(job.compat), job.catalogue.compat, job.arch)
            records.record_compat(job, [chosen[p] for p in owned[COMPAT]], names, notes)
        for name in missing:
            records.record_installation(
                job, name, versions, [chosen[p] for p in owned.get(name, ())], wheels.get(name, ())
            )
        records.record_release(job)
    with progress.phase('publish', 0):
        work = job.root / publish.WORK
        publish.publish(job.stage / 'versions', job.root / 'versions', work)
        os.replace(job.stage / 'README.md', job.root / 'README.md')
    return BuildReport(
        root=job.root,
        release=job.release.name,
        arch=job.arch.name,
        added=tuple(('compat layer' if n == COMPAT else f'{n}/{versions[n]}') for n in wanted),
        modules=tuple(sorted(f'{n}/{v}' for n, v in versions.items())),
        packages=len(packages),
        downloaded=due,
        seconds=dict(getattr(progress, 'seconds', {})),
    )


def _wheels(
    job: Job,
    apt: Apt,
    cache: Path,
    progress: Progress,
    missing: Sequence[str],
    present: Mapping[str, inventory.Installed],
) -> dict[str, list[Wheel]]:
    """What comes from PyPI, dependencies first: they decide the versions of what they bring."""
    found: dict[str, list[Wheel]] = {}
    index = pypi.open_index(cache, job.release, job.arch)
    for name in (n for n in missing if job.table[n].pypi):
        depends = dependencies(name, job.table)
        provided = pypi.distributions([present[d].record for d in depends if d in present])
        provided |= {w.name: w.version for d in depends for w in found.get(d, ())}
        recipe = job.table[name].pypi
        make = _compiler(job, apt, recipe.compiled, present, name, progress) if recipe else None
        found[name] = index.fetch(job.table[name], provided, progress.say, make)
    return found


def _compiler(
    job: Job,
    apt: Apt,
    recipe: Compiled | None,
    present: Mapping[str, inventory.Installed],
    name: str,
    progress: Progress,
) -> pypi.Compiler | None:
    if recipe is None:
        return None

    def make(sdist: Path, into: Path) -> Path:
        compiled.check_host(job, name)
        progress.say(f'compiling {sdist.name}: some minutes, once')
        return compiled.compile_wheel(job, apt, recipe, sdist, present, into)

    return make


def _mirrors(request: BuildRequest, release: Release) -> sources.Mirrors:
    if request.mirror:
        return sources.mirrors_from_option(request.mirror)
    found = sources.host_mirrors(Path('/etc/apt'))
    if not found.main or (release.security and not found.security):
        which = 'Debian security archive' if found.main else 'Debian archive'
        raise UsageError(f"the host's apt sources name no {which}: give one with --mirror URL")
    return found


def _resolve(
    job: Job, apt: Apt, present: Mapping[str, inventory.Installed]
) -> tuple[dict[str, Package], dict[str, list[str]]]:
    """One call of the resolver for everything; then the partition is ours."""
    apt.update()
    every = list(dict.fromkeys([*job.names, *present]))
    seeds = {n: job.table[n].packages for n in every if n in job.table}
    layer = job.catalogue.compat.packages
    chosen = apt.resolve(dict.fromkeys([*layer, *(p for s in seeds.values() for p in s)]))
    depends = {n: dependencies(n, job.table) for n in seeds}
    return chosen, partition(layer, seeds, depends, chosen, job.catalogue.drop_packages)
