"""Prints the figures of the installation checks: python benchmarks/installation_checks.py ROOT.

``--many`` after ROOT prints those of many installations only.

ROOT is a local stack with release 2023.06, all applications. Wall time depends on what else runs
here: CPU time of all processes divided by the cores says what idle ones would need at best.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measure import machine, row

from eessi_library.installation import Release, check_installations, installations
from eessi_library.installation.model import STATIC_GROUPS

CORES = len(os.sched_getaffinity(0))

#: For one large installation, and for many small ones.
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
    reports = list(check_installations(installations(release), cache))
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


@dataclass(frozen=True)
class Pass:
    """One pass over a layer, in a process of its own: peak memory (RSS) in MB, seconds."""

    own: float
    largest_worker: float
    installations: int
    cached: int
    seconds: float


def run_pass(release: Release, cache: str, killed_after: int = 0) -> Pass:
    """Check every installation; with ``killed_after``, SIGKILL after so many reports."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        start, count, cached = time.perf_counter(), 0, 0
        requests = installations(release, ('files', 'text', 'linkage'))
        for report in check_installations(requests, cache, WORKERS):
            count, cached = count + 1, cached + report.cached
            if count == killed_after:
                break
        own, worker = (
            resource.getrusage(who).ru_maxrss / 1024
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        text = f'{own} {worker} {count} {cached} {time.perf_counter() - start}'
        os.write(writing, text.encode())
        # In the middle of its work, with no chance to put anything in order.
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writing)
    os.waitpid(child, 0)
    own, worker, count, cached, seconds = os.read(reading, 200).decode().split()
    os.close(reading)
    return Pass(float(own), float(worker), int(count), int(cached), float(seconds))


def main() -> None:
    """Print all figures."""
    root = Path(sys.argv[1]).absolute()
    release = Release(f'{root}/versions/2023.06', 'x86_64/generic')
    print(f'{machine()}\n\n| what | figure | goal | reached |\n|---|---|---|---|')
    with tempfile.TemporaryDirectory() as scratch:
        if '--many' in sys.argv:
            many_rows(release, Path(scratch))
            return
        cache = f'{scratch}/cache.sqlite'
        wall, used, errors, count = check(release, cache)
        row(
            f'first time, {count} installations, {CORES} cores',
            f'{wall:.1f} s (CPU {used:.1f} s, {used / CORES:.1f} s each), {errors} errors',
            '<= 60 s, 0', wall <= 60 and errors == 0,
        )  # fmt: skip
        wall, used, errors, _ = check(release, cache)
        row('cached', f'{wall:.2f} s (CPU {used:.2f} s), {errors} errors', '<= 3 s', wall <= 3)
        large(Path(scratch), cache)
        many_rows(release, Path(scratch))


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


def many_rows(release: Release, scratch: Path) -> None:
    """Print the figures of few and of many installations."""
    least = 0.0
    for count in COUNTS:
        peak = many(release, scratch, count, least)
        least = least or peak


def many(release: Release, scratch: Path, count: int, least: float) -> float:
    """Print memory and time of many installations: first time, killed in the middle, cached.

    Returns the peak memory of the first time in MB, which is compared with ``least``.
    """
    layer = many_installations(release, scratch, count)
    cache = f'{scratch}/cache-{count}.sqlite'
    half = run_pass(layer, cache, killed_after=count // 2)
    rest = run_pass(layer, cache)
    again = run_pass(layer, cache)
    peak = max(half.own, rest.own)
    row(
        f'{count:,} installations, killed after {half.installations:,}, and the rest',
        f'{half.seconds:.0f} s and {rest.seconds:.0f} s, {rest.cached:,} of them remembered',
        'goes on', rest.installations == count and rest.cached >= half.installations,
    )  # fmt: skip
    row(
        f'{count:,} installations, cached', f'{again.seconds:.0f} s, {again.cached:,} remembered',
        '(all)', again.cached == count,
    )  # fmt: skip
    row(
        f'peak memory, {count:,} installations, first time / cached',
        f'{peak:.0f} MB, largest worker {rest.largest_worker:.0f} MB / {again.own:.0f} MB',
        'does not grow', max(peak, again.own) < 1.5 * (least or peak),
    )  # fmt: skip
    return peak


if __name__ == '__main__':
    main()
