"""Prints the figures of the installation checks: python benchmarks/installation_checks.py ROOT.

ROOT is a local stack with release 2023.06, all applications. Wall time depends on what else runs
here: CPU time of all processes divided by two says what two idle cores would need at best.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from measure import machine, row

from eessi_library.installation import Release, check_installations, installations
from eessi_library.installation.model import STATIC_GROUPS

WORKERS = 2


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
        big = large_installation(Path(scratch))
        requests = list(installations(big, STATIC_GROUPS))
        start = time.perf_counter()
        report = next(check_installations(requests, cache, WORKERS))
        first = time.perf_counter() - start
        start = time.perf_counter()
        again = next(check_installations(requests, cache, WORKERS))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row(
            f'one installation of {report.files:,} files, first time / cached',
            f'{first:.1f} s / {time.perf_counter() - start:.1f} s, {peak:.0f} MB',
            '(works)', report.is_sound and again.cached,
        )  # fmt: skip


if __name__ == '__main__':
    main()
