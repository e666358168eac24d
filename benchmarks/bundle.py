"""Prints the figures of a bundle's static part: python benchmarks/bundle.py [--size MB] [SCRATCH].

Makes 16 tarballs (or --targets N) of --size MB each below SCRATCH, removed afterwards. Reads them
in one process and in two, from the page cache as far as it holds them, against
``zstd -dc | sha256sum`` of the same files, in this one run. --size 1000 takes 16 GB of disk.
"""

from __future__ import annotations

import argparse
import random
import struct
import sys
import tarfile
import tempfile
from pathlib import Path

from measure import machine, peak_at_once, row, timed

from eessi_validate.gate.packing import zstd

TARGETS = (
    'x86_64/generic', 'x86_64/intel/haswell', 'x86_64/intel/skylake_avx512',
    'x86_64/intel/sapphirerapids', 'x86_64/intel/icelake', 'x86_64/intel/cascadelake',
    'x86_64/amd/zen2', 'x86_64/amd/zen3', 'x86_64/amd/zen4',
    'aarch64/generic', 'aarch64/neoverse_n1', 'aarch64/neoverse_v1', 'aarch64/nvidia/grace',
    'aarch64/a64fx', 'ppc64le/generic', 'ppc64le/power9le',
)  # fmt: skip
MACHINES = {'x86_64': 62, 'aarch64': 183, 'ppc64le': 21}
GATE = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate', '--bundle']
PIECE = 256 << 10


def write(path: Path, target: str, size: int) -> None:
    """Write a tarball like one of a large application: ELF files, texts, a module, a record."""
    import io

    generator = random.Random(1)
    top = f'2023.06/software/linux/{target}'
    base = f'{top}/software/Large/1.0'
    machine_number = MACHINES[target.split('/')[0]]
    head = b'\x7fELF\x02\x01\x01' + bytes(9) + struct.pack('<HHI', 3, machine_number, 1)
    with path.open('wb') as raw, zstd.ZstdFile(raw, 'w') as packed, tarfile.open(
        fileobj=packed, mode='w|', format=tarfile.GNU_FORMAT, bufsize=1 << 20
    ) as archive:  # fmt: skip

        def add(name: str, content: bytes, mode: int = 0o644) -> None:
            info = tarfile.TarInfo(name)
            info.mode, info.uid, info.gid, info.size = mode, 1000, 1000, len(content)
            archive.addfile(info, io.BytesIO(content))

        root = f'/cvmfs/software.eessi.io/versions/{base}'
        add(f'{top}/modules/all/Large/1.0.lua', f'local root = "{root}"\n'.encode())
        add(f'{base}/easybuild/Large-1.0.eb', b'name = "Large"\n')
        count = 0
        while raw.tell() < size:
            part = generator.randbytes(PIECE * 2 // 3)
            body = part + part[: PIECE // 3]
            add(f'{base}/lib/lib{count}.so', head + body[len(head) :], 0o755)
            for number in range(6):
                add(f'{base}/share/{count}/{number}.txt', body[: 1000 + 100 * number])
            archive.members = []  # type: ignore[attr-defined]
            count += 1


def main() -> None:
    """Make the bundle, read it, print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--size', type=int, default=20, help='MB of each tarball, compressed')
    parser.add_argument('--targets', type=int, default=len(TARGETS))
    parser.add_argument('scratch', nargs='?', default=None)
    asked = parser.parse_args()
    targets = TARGETS[: asked.targets]
    print(machine())
    with tempfile.TemporaryDirectory(dir=asked.scratch) as scratch:
        base = Path(scratch) / 'software.eessi.io'
        bundle = Path(scratch) / 'bundle'
        bundle.mkdir()
        for target in targets:
            tree = base / 'versions/2023.06/software/linux' / target / 'modules/all'
            tree.mkdir(parents=True)
            dashed = target.replace('/', '-')
            path = bundle / f'eessi-2023.06-software-linux-{dashed}-1700000000.tar.zst'
            write(path, target, asked.size << 20)
        files = sorted(map(str, bundle.iterdir()))
        plain = timed(['sh', '-c', 'for f do zstd -dc "$f" | sha256sum; done', 'sh', *files])
        command = [*GATE, str(bundle), '--stack', str(base)]
        megabytes = sum(path.stat().st_size for path in bundle.iterdir()) / 1e6
        # The goal is for 16 x 1 GB: 10 minutes are 27 MB/s of compressed data.
        for processes in (1, 2):
            run = timed([*command, '--processes', str(processes)])
            assert run.code == 75, run
            speed = megabytes / run.wall
            figure = (
                f'{run.wall:.1f} s ({run.user:.1f} s of CPU): {speed:.0f} MB/s, '
                f'{run.wall / plain.wall:.2f} x sha256sum'
            )
            row(f'{len(files)} x {asked.size} MB, {processes} at a time', figure,
                '>= 27 MB/s', speed >= 27)  # fmt: skip
        # One tarball peaks now here, now there: of several the largest peak is what is seen.
        whole = peak_at_once(command)
        for file in files[len(files) // 2 :]:
            Path(file).unlink()
        half = peak_at_once(command)
        row('memory at once, all of them and half', f'{whole:.0f} and {half:.0f} MB', '<= 100 MB',
            whole <= 100)  # fmt: skip


if __name__ == '__main__':
    main()
