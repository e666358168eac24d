"""Prints the figures of the inspection: python benchmarks/inspection.py [SCRATCH].

Makes its tarballs in a directory below SCRATCH (3.5 GB at most, removed afterwards). Every ratio
is of medians of things timed in turn in this one run, all with the file in the page cache.
"""

from __future__ import annotations

import random
import sys
import tarfile
import tempfile
from pathlib import Path

from measure import machine, median, peak_memory, row, timed

from eessi_validate.gate.packing import zstd

PREFIX = '2023.06/software/linux/x86_64/amd/zen2'
INSPECT = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'inspect']
ROUNDS = 3


def many_members(path: Path, members: int = 500_000) -> None:
    """Write a tarball like one of many Python and R packages: small files, long names."""
    generator = random.Random(1)
    blob = generator.randbytes(1 << 16)
    left, number = members, 0
    with zstd.ZstdFile(path, 'w') as packed, tarfile.open(
        fileobj=packed, mode='w|', format=tarfile.GNU_FORMAT, bufsize=1 << 20
    ) as archive:  # fmt: skip
        while left > 0:
            number += 1
            top = f'{PREFIX}/software/Package{number}/1.{number}-foss-2022b'
            for package in range(40):
                directory = f'{top}/lib/python3.11/site-packages/package{package}'
                _add(archive, directory, type=tarfile.DIRTYPE, mode=0o755)
                for file in range(24):
                    size = generator.randrange(1, 1500)
                    start = generator.randrange(60_000)
                    name = f'{directory}/module_{file}_{generator.randrange(1 << 20)}.py'
                    _add(archive, name, blob[start : start + size])
                left -= 25
            # The archive keeps all members otherwise.
            archive.members = []  # type: ignore[attr-defined]


def large_files(path: Path, size: int = 2 << 30) -> None:
    """Write a tarball of ``size`` bytes: files of 16 MiB of which two thirds do not compress."""
    generator = random.Random(2)
    count = 0
    with path.open('wb') as raw, zstd.ZstdFile(raw, 'w') as packed, tarfile.open(
        fileobj=packed, mode='w|', format=tarfile.GNU_FORMAT, bufsize=1 << 20
    ) as archive:  # fmt: skip
        while raw.tell() < size:
            part = generator.randbytes(11 << 20)
            name = f'{PREFIX}/software/Large/1.0/lib/lib{count}.so'
            _add(archive, name, part + part[: 5 << 20])
            archive.members = []  # type: ignore[attr-defined]
            count += 1


def _add(archive: tarfile.TarFile, name: str, content: bytes = b'', **fields: object) -> None:
    import io

    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.size = 0o644, 1000, 1000, len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    archive.addfile(info, io.BytesIO(content))


def inspect_time(tarball: Path) -> tuple[float, float]:
    """Return wall and user CPU seconds of the whole command.

    The tarballs have no modules, so they are held; but they are read to their end.
    """
    runs = [timed([*INSPECT, str(tarball)]) for _ in range(ROUNDS)]
    assert {run.code for run in runs} == {75}, runs
    return median([run.wall for run in runs]), median([run.user for run in runs])


def compare_members(scratch: Path) -> None:
    """Compare with ``tar -t`` of the same file, and measure memory."""
    tarball = scratch / 'eessi-2023.06-software-linux-x86_64-amd-zen2-1700000000.tar.zst'
    many_members(tarball)
    lists = [timed(['tar', '-tf', str(tarball)]) for _ in range(ROUNDS)]
    listed, listed_user = median([run.wall for run in lists]), median([run.user for run in lists])
    inspected, user = inspect_time(tarball)
    ratio = inspected / listed
    row(
        'inspect 500,000 members (both readings), against `tar -t`',
        f'{ratio:.1f} x ({inspected:.1f} s / {listed:.1f} s; '
        f'user CPU {user:.1f} s / {listed_user:.1f} s)',
        '<= 8 x', ratio <= 8,
    )  # fmt: skip
    memory = peak_memory([*INSPECT, str(tarball)])
    row('memory of it, all processes together', f'{memory:.0f} MB', '<= 300 MB', memory <= 300)
    tarball.unlink()


def compare_large(scratch: Path) -> None:
    """Compare with ``zstd -dc | sha256sum`` of the same file."""
    tarball = scratch / 'eessi-2023.06-software-linux-x86_64-amd-zen2-1700000001.tar.zst'
    large_files(tarball)
    pipe = ['sh', '-c', f'zstd -dc {tarball} | sha256sum']
    plain = median([timed(pipe).wall for _ in range(ROUNDS)])
    inspected, user = inspect_time(tarball)
    ratio, gigabytes = inspected / plain, tarball.stat().st_size / 1e9
    row(
        f'inspect a zstd tarball of {gigabytes:.1f} GB, against `zstd -dc | sha256sum`',
        f'{ratio:.2f} x ({inspected:.1f} s / {plain:.1f} s; user CPU {user:.1f} s)',
        '<= 1.5 x', ratio <= 1.5,
    )  # fmt: skip
    tarball.unlink()


def main() -> None:
    """Print the table."""
    print(machine())
    print('| what | measured | reach | |\n|---|---|---|---|')
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        compare_members(Path(scratch))
        compare_large(Path(scratch))


if __name__ == '__main__':
    main()
