"""Unpacked and relocated trees of a build, in its stage, at their final search paths."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from eessi_validate.localstack import host, relocate, unpack
from eessi_validate.localstack.apt import Apt, check_archive
from eessi_validate.localstack.catalogue import dependencies
from eessi_validate.localstack.job import COMPAT, Job
from eessi_validate.localstack.packages import Package
from eessi_validate.localstack.progress import Progress
from eessi_validate.localstack.relocate import Place
from eessi_validate.localstack.wheels import Wheel, install


def unpack_trees(
    job: Job,
    apt: Apt,
    progress: Progress,
    trees: Mapping[str, Path],
    owned: Mapping[str, Sequence[str]],
    chosen: Mapping[str, Package],
) -> dict[str, list[str]]:
    """Unpack every package, largest first; returns the names of the compat layer's files."""
    for name, final in trees.items():
        job.staged(final).mkdir(parents=True)
        if name == COMPAT:
            unpack.make_skeleton(job.staged(final))
    work = [(chosen[p], n) for n in trees for p in owned[n]]
    work.sort(key=lambda w: -w[0].size)
    names: dict[str, list[str]] = {}

    def one(package: Package, owner: str) -> tuple[Package, str, list[str]]:
        archive = apt.archives / package.file
        check_archive(archive, package)
        own = job.catalogue.compat.exclude if owner == COMPAT else job.table[owner].exclude
        exclude = (*job.catalogue.exclude_files, *own)
        into = job.staged(trees[owner])
        return package, owner, unpack.unpack(archive, into, exclude, strip_usr=owner != COMPAT)

    total = sum(p.size for p, _ in work)
    done = 0
    with progress.phase('unpack', total, 'B') as advance, ThreadPoolExecutor(job.workers) as pool:
        running = [pool.submit(one, *w) for w in work]
        try:
            for future in as_completed(running):
                package, owner, unpacked = future.result()
                done += package.size
                advance(done)
                if owner == COMPAT:
                    names[package.name] = unpacked
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return names


def relocate_trees(
    job: Job, progress: Progress, trees: Mapping[str, Path], versions: Mapping[str, str]
) -> None:
    compat = job.place(job.compat)
    patchelf = host.patchelf_program()
    interpreter = f'{compat.final}/{job.arch.loader}'
    own_dirs = {COMPAT: _library_dirs(job, COMPAT, versions)}
    own_dirs |= {n: _library_dirs(job, n, versions) for n in job.names}
    with progress.phase('relocate', 0):
        for name, final in trees.items():
            place = job.place(final)
            _make_links(job, name, place)
            tree = relocate.scan(place.now)
            relocate.relink(tree, place, compat, strip_usr=name != COMPAT)
            _make_compat_links(job, name, place)
            if name == COMPAT:
                relocate.isolate_loader(place.now, job.arch)
                rpath = own_dirs[COMPAT]
                first = []
                rewrites = job.catalogue.compat.rewrite
            else:
                order = [name, *dependencies(name, job.table), COMPAT]
                rpath = list(dict.fromkeys(d for n in order for d in own_dirs[n]))
                first = [job.mpi_of_the_site]
                rewrites = (*job.table[name].rewrite, *job.catalogue.rewrite)
            wheels = name != COMPAT and job.table[name].pypi is not None
            for files, loader in ((tree.executables, interpreter), (tree.libraries, '')):
                # wheels bring libraries of their own, beside those that need them
                groups = relocate.by_own_dirs(files) if wheels else {(): files}
                for own, some in groups.items():
                    relocate.patch_elf(patchelf, some, [*first, *own, *rpath], loader, job.workers)
            relocate.fix_shebangs(tree, compat)
            relocate.rewrite_text(place, compat, rewrites)


def unpack_wheels(
    job: Job, progress: Progress, trees: Mapping[str, Path], wheels: Mapping[str, Sequence[Wheel]]
) -> None:
    """Lay out the wheels of every installation that has some, without what the table removes."""
    work = [(name, wheel) for name in wheels for wheel in wheels[name]]
    if not work:
        return
    python = job.release.words['python']
    sizes = {wheel.path: wheel.path.stat().st_size for _, wheel in work}
    done = 0
    with progress.phase('wheels', sum(sizes.values()), 'B') as advance:
        for name, wheel in work:
            install(wheel, job.staged(trees[name]), python)
            done += sizes[wheel.path]
            advance(done)
    for name in wheels:
        for pattern in job.table[name].remove:
            for path in job.staged(trees[name]).glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def compile_python(job: Job, progress: Progress, trees: Sequence[Path]) -> None:
    """Byte code for read-only stacks, by the layer's own Python; none for a foreign layer."""
    if not trees or host.machine() != job.arch.name:
        return
    usr = job.place(job.compat).now / 'usr'
    libraries = f'{usr}/lib/{job.arch.triplet}:{usr}/lib'
    loader = [str(usr.parent / job.arch.loader), '--library-path', libraries]
    python = [*loader, str(usr / 'bin' / f'python{job.release.words["python"]}')]
    places = [job.place(tree) for tree in trees]
    with progress.phase('compile', 0):
        for place in places:
            options = ['-j', str(job.workers), '-s', str(place.now), '-p', str(place.final)]
            subprocess.run(
                [*python, '-B', '-m', 'compileall', '-qq', *options, str(place.now / 'lib')],
                env={'PATH': '/usr/bin:/bin', 'PYTHONHOME': str(usr)},
                capture_output=True,
                check=False,
            )


def _library_dirs(job: Job, name: str, versions: Mapping[str, str]) -> list[str]:
    if name == COMPAT:
        extra = [d.format(triplet=job.arch.triplet) for d in job.catalogue.compat.library_dirs]
        extra = [f'usr/lib/{d}' for d in extra]
        place = job.place(job.compat)
        found = relocate.library_dirs(place, job.arch, (), 'usr/lib')
        return found + relocate.library_dirs(place, job.arch, extra, 'none')
    place = job.place(job.installation(name, versions[name]))
    return relocate.library_dirs(place, job.arch, job.table[name].library_dirs, 'lib')


def _make_links(job: Job, name: str, place: Place) -> None:
    if name == COMPAT:
        for link, targets in job.catalogue.compat.links.items():
            relocate.make_link(place.now, link, targets)
        return
    software = job.table[name]
    for link, targets in software.links.items():
        relocate.make_link(place.now, link, targets)
    for copy, original in software.copy.items():
        if (place.now / original).is_file():
            (place.now / copy).unlink(missing_ok=True)
            shutil.copyfile(place.now / original, place.now / copy)
    for file, text in software.append.items():
        if (place.now / file).is_file():
            with open(place.now / file, 'a', encoding='utf-8') as stream:
                stream.write(text)


def _make_compat_links(job: Job, name: str, place: Place) -> None:
    """Links into the compat layer, which may be published already: they fit the final place."""
    links = job.table[name].compat_links if name != COMPAT else {}
    for link, original in links.items():
        if os.path.lexists(job.place(job.compat).now / original):
            path = place.now / link
            path.parent.mkdir(parents=True, exist_ok=True)
            here = place.final / os.path.dirname(link)
            path.symlink_to(os.path.relpath(job.compat / original, here))
