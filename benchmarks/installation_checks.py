"""Prints the figures of the installation checks: python benchmarks/installation_checks.py ROOT.

ROOT is a local stack with release 2023.06, all applications. Wall time depends on what else runs
here: CPU time of all processes divided by two says what two idle cores would need at best.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from measure import machine, row

from eessi_library.installation import Release, check_installations, installations
from eessi_library.installation.model import STATIC_GROUPS

WORKERS = 2

#: Installations for which peak memory is printed.
COUNTS = (1_000, 100_000)


def cpu() -> float:
    """Return CPU seconds of this process and its finished children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def check(release: Release, cache: str) -> tuple[float, float, int, int]:
    """Check every installation; returns wall and CPU seconds, errors, installations."""
    wall, used = time.perf_counter(), cpu()
    reports = list(check_installations(installations(release), cache, WORKERS))
    errors = sum(len(report.errors) + len(report.not_run) for report in reports)
    return time.perf_counter() - wall, cpu() - used, errors, len(reports)


def large_installation(top: Path, files: int = 200_000) -> Release:
    """Make a release with one installation of many files."""
    release = Release(f'{top}/big.eessi.io/versions/2023.06', 'x86_64/generic')
    path = Path(release.software, 'software', 'Big', '1.0')
    for number in range(files // 1000):
        folder = path / 'share' / f'{number:03}'
        folder.mkdir(parents=True)
        for name in range(1000):
            (folder / f'{name:03}.txt').write_text('data\n')
    os.makedirs(release.compat)
    return release


def many_installations(real: Release, top: Path, count: int) -> Release:
    """Make a layer of many installations of three files each, hard links of the same ones."""
    layer = top / f'many-{count}'
    real_file = Path(real.compat, 'usr/bin/true')
    first = layer / 'software' / 'App0' / '0.0'
    (first / 'bin').mkdir(parents=True)
    (first / 'bin' / 'app').write_bytes(real_file.read_bytes())
    (first / 'bin' / 'app').chmod(0o755)
    (first / 'lib.la').write_text("dependency_libs=''\n")
    (first / 'readme.txt').write_text('text\n')
    for number in range(1, count):
        path = f'{layer}/software/App{number // 100}/{number % 100}.0'
        os.makedirs(f'{path}/bin')
        for name in ('bin/app', 'lib.la', 'readme.txt'):
            # a file system allows some ten thousand links to one file
            if number % 20_000 == 0:
                shutil.copy2(f'{first}/{name}', f'{path}/{name}')
            else:
                os.link(f'{first}/{name}', f'{path}/{name}')
        if number % 20_000 == 0:
            first = Path(path)
    return Release(real.path, real.cpu_target, places=((real.software, (str(layer),)),))


def peak_memory(release: Release, cache: str) -> tuple[float, float, int, float]:
    """Check every installation in a process of its own.

    Returns the peak memory (RSS) of it and of its largest worker in MB, installations, seconds.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        start = time.perf_counter()
        requests = installations(release, ('files', 'text', 'linkage'))
        count = sum(1 for _ in check_installations(requests, cache, WORKERS))
        own, worker = (
            resource.getrusage(who).ru_maxrss / 1024
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        text = f'{own} {worker} {count} {time.perf_counter() - start}'
        os.write(writing, text.encode())
        os._exit(0)
    os.waitpid(child, 0)
    own, worker, count, seconds = os.read(reading, 200).decode().split()
    os.close(reading)
    os.close(writing)
    return float(own), float(worker), int(count), float(seconds)


def main() -> None:
    """Print all figures."""
    root = Path(sys.argv[1]).absolute()
    release = Release(f'{root}/versions/2023.06', 'x86_64/generic')
    print(f'{machine()}\n\n| what | figure | goal | reached |\n|---|---|---|---|')
    with tempfile.TemporaryDirectory() as scratch:
        cache = f'{scratch}/cache.sqlite'
        wall, used, errors, count = check(release, cache)
        row(
            f'first time, {count} installations, {WORKERS} workers',
            f'{wall:.1f} s (CPU {used:.1f} s, {used / WORKERS:.1f} s each), {errors} errors',
            '<= 60 s, 0', wall <= 60 and errors == 0,
        )  # fmt: skip
        wall, used, errors, _ = check(release, cache)
        row('cached', f'{wall:.2f} s (CPU {used:.2f} s), {errors} errors', '<= 3 s', wall <= 3)
        large(Path(scratch), cache)
        memory(release, Path(scratch))


def large(scratch: Path, cache: str) -> None:
    """Print the figures of one installation of 200,000 files."""
    requests = list(installations(large_installation(scratch), STATIC_GROUPS))
    start = time.perf_counter()
    report = next(check_installations(requests, cache, WORKERS))
    first = time.perf_counter() - start
    start = time.perf_counter()
    again = next(check_installations(requests, cache, WORKERS))
    row(
        f'one installation of {report.files:,} files, first time / cached',
        f'{first:.1f} s / {time.perf_counter() - start:.1f} s', '(works)',
        report.is_sound and again.cached,
    )  # fmt: skip


def memory(release: Release, scratch: Path) -> None:
    """Print the peak memory for few and for many installations."""
    seen = []
    for count in COUNTS:
        many = many_installations(release, scratch, count)
        own, worker, found, seconds = peak_memory(many, f'{scratch}/cache-{count}.sqlite')
        seen.append((own, worker))
        row(
            f'peak memory, {found:,} installations',
            f'{own:.0f} MB, largest worker {worker:.0f} MB ({seconds:.0f} s)',
            'does not grow', found == count and own < seen[0][0] * 1.5,
        )  # fmt: skip


if __name__ == '__main__':
    main()
