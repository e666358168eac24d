"""Prints the figures of one large tarball: python benchmarks/static_part.py ROOT [SCRATCH].

ROOT is a local stack with all applications: its ELF files fill the tarball, which has 1 GB and
20,000 files, 3,000 of them ELF, and is read from the page cache. What is made below SCRATCH, 4 GB
at most, is removed afterwards. Every ratio is of things timed in turn in this one run.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import resource
import shutil
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import machine, median, peak_at_once, row, timed

from eessi_library.elf import read_elf
from eessi_library.installation import (
    STATIC_GROUPS,
    Release,
    check_installations,
    installations,
)
from eessi_validate.gate import flow
from eessi_validate.gate.attestation.signature import sign_file
from eessi_validate.gate.attestation.statement import make_statement
from eessi_validate.gate.overlay.extraction import extract_tarball
from eessi_validate.gate.packing import zstd

sys.path.insert(0, str(Path(__file__).parents[1] / 'tests' / 'hostile'))
from gated import MODULE, Player, official_policy
from ssh_keys import make_key
from tar_crafting import NAME, SOFTWARE, module

SIZE, FILES, ELF_FILES = 1 << 30, 20_000, 3_000
LARGEST = 8 << 20
ROUNDS = 3
#: The command line; how often it opens the tarball, and what it reads of it, go to the first file.
COUNTED = """
import os
import sys
from pathlib import Path
counted, tarball = Path(sys.argv.pop(1)), sys.argv[2]
opened, read = [], []
def look(event, arguments):
    if event == 'open' and str(arguments[0]) == tarball:
        opened.append(tarball)
def read_and_count(descriptor, size, plain=os.read):
    piece = plain(descriptor, size)
    if os.readlink(f'/proc/self/fd/{descriptor}') == tarball:
        read.append(len(piece))
    return piece
sys.addaudithook(look)
os.read = read_and_count
from eessi_validate.cli import main
try:
    main()
finally:
    counted.write_text(f'{len(opened)} {sum(read)}')
"""


def libraries(root: Path) -> Iterator[bytes]:
    """Yield ELF files of a stack that name no loader, again and again, no two of them the same."""
    copies = 0
    while True:
        for directory, _, names in os.walk(root):
            for name in sorted(names):
                path = Path(directory, name)
                if path.is_symlink() or not 4096 < path.stat().st_size <= LARGEST:
                    continue
                content = path.read_bytes()
                elf = read_elf(path) if content[:4] == b'\x7fELF' else None
                if elf and elf.interpreter is None:
                    yield content + bytes(copies)
        copies += 1


def write(path: Path, root: Path) -> None:
    """Write a tarball of one installation: modules, records, ELF files, data of every size."""
    generator = random.Random(1)
    base = f'{SOFTWARE}/software/{MODULE}'
    with path.open('wb') as raw, zstd.ZstdFile(raw, 'w') as packed, tarfile.open(
        fileobj=packed, mode='w|', format=tarfile.GNU_FORMAT, bufsize=1 << 20
    ) as archive:  # fmt: skip

        def add(name: str, content: bytes, mode: int = 0o644) -> None:
            info = tarfile.TarInfo(name)
            info.mode, info.uid, info.gid, info.size = mode, 1000, 1000, len(content)
            archive.addfile(info, io.BytesIO(content))
            archive.members = []  # type: ignore[attr-defined]

        add(f'{SOFTWARE}/modules/all/{MODULE}.lua', module(SOFTWARE, MODULE))
        add(f'{base}/easybuild/Foo-1.0-foss-2022b.eb', b'name = "Foo"\n')
        add(f'{base}/easybuild/easybuild-Foo-1.0.log', b'built\n')
        real = libraries(root)
        for number in range(ELF_FILES):
            add(f'{base}/lib/d{number // 100}/lib{number}.so', next(real), 0o755)
        data = FILES - ELF_FILES - 3
        for number in range(data):
            # Two thirds of what is left, evenly: random bytes do not compress.
            wanted = max(0, SIZE - raw.tell()) // (data - number)
            part = generator.randbytes(min(wanted, 4 << 20))
            add(f'{base}/share/d{number // 100}/{number}.dat', part + part[: len(part) // 2])


def static_part(tarball: Path, root: Path, base: Path, scratch: Path) -> None:
    """Print what the gate needs before and beside the run of its cases."""
    command = gate_command(tarball, base)
    runs = [timed([*command, str(scratch / f'out{number}')]) for number in range(ROUNDS)]
    assert {run.code for run in runs} == {75}, (scratch / 'out0' / 'report.txt').read_text()
    inspected, user = median([run.wall for run in runs]), median([run.user for run in runs])
    tree = scratch / 'tree' / 'software.eessi.io'
    versions = tree / 'versions'
    versions.mkdir(parents=True)
    with tarball.open('rb') as stream:
        digest = hashlib.sha256()
        while piece := stream.read(1 << 20):
            digest.update(piece)
    start = time.perf_counter()
    extract_tarball(tarball, digest.hexdigest(), versions)
    extraction = time.perf_counter() - start
    elf_files = sum(1 for _ in (tree / 'versions' / SOFTWARE / 'software' / MODULE).rglob('*.so'))
    checked, cpu = check(tree, root)
    whole = inspected + extraction + checked
    row(
        f'static part of the gate, {tarball.stat().st_size / 1e9:.2f} GB, {FILES:,} files, '
        f'{elf_files:,} of them ELF',
        f'{whole:.1f} s: inspection {inspected:.1f} s (user CPU {user:.1f} s), extraction '
        f'{extraction:.1f} s, checks of the installation {checked:.1f} s (CPU {cpu:.1f} s)',
        '<= 60 s', whole <= 60,
    )  # fmt: skip
    memory = peak_at_once([*command, str(scratch / 'out-memory')])
    row('memory of the inspection, all processes at once', f'{memory:.0f} MB', '-', True)
    shutil.rmtree(scratch / 'tree')


def gate_command(tarball: Path, base: Path) -> list[str]:
    """Return the command of the inspection but for the directory of its results."""
    return [
        sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'gate', str(tarball),
        '--stack', str(base), '--static-only', '--quiet', '--out',
    ]  # fmt: skip


def check(tree: Path, root: Path) -> tuple[float, float]:
    """Check the extracted installation over a real compat layer; return wall and CPU seconds."""
    prefix = '/cvmfs/software.eessi.io'
    layers = (str(tree), str(root))
    target = SOFTWARE.partition('/linux/')[2]
    release = Release(f'{prefix}/versions/2023.06', target, places=((prefix, layers),))
    wanted = [each for each in installations(release, STATIC_GROUPS) if each.name == MODULE]
    start, used = time.perf_counter(), _cpu()
    (report,) = check_installations(wanted, None, 2)
    assert not report.not_run, report.not_run
    return time.perf_counter() - start, _cpu() - used


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def verification(tarball: Path, base: Path, scratch: Path) -> None:
    """Print what ``verify`` needs, against digests of the file and of what is in it."""
    command = attested(tarball, base, scratch)
    counted = scratch / 'read'
    digests = f'sha256sum {tarball}; zstd -dc {tarball} | sha256sum'
    plain, verified = [], []
    for _ in range(ROUNDS):
        plain.append(timed(['sh', '-c', digests]).wall)
        verified.append(timed([sys.executable, '-c', COUNTED, str(counted), *command]))
    assert {run.code for run in verified} == {0}, verified
    opened, read = map(int, counted.read_text().split())
    wall, user = median([run.wall for run in verified]), median([run.user for run in verified])
    ratio = wall / median(plain)
    row(
        f'verify {tarball.stat().st_size / 1e9:.2f} GB, against sha256sum of file and content',
        f'{ratio:.2f} x ({wall:.1f} s / {median(plain):.1f} s; user CPU {user:.1f} s)',
        '<= 1.5 x', ratio <= 1.5,
    )  # fmt: skip
    passes = read / tarball.stat().st_size
    row(
        'how often verify opens and reads the file', f'{opened} and {passes:.3f}',
        'one pass', (opened, passes) == (1, 1.0),
    )  # fmt: skip


def attested(tarball: Path, base: Path, scratch: Path) -> list[str]:
    """Gate the tarball, but that nothing is run; return the words that verify its attestation."""
    flow.run_job = Player()
    policy = official_policy(scratch)
    request = flow.GateRequest(tarball, base, scratch / 'gated', policy, sign=True, quiet=True)
    report = flow.gate_tarball(request)
    assert report.judgement.verdict.value == 'ACCEPT', report.judgement
    statement, allowed = scratch / 'attestation.json', scratch / 'allowed'
    statement.write_bytes(make_statement(report, 'c' * 64))
    allowed.write_text(f'gate@example.org {make_key(scratch / "key")}\n')
    sign_file(statement, scratch / 'key')
    return [
        'verify', str(tarball), '--attestation', str(statement), '--policy', str(policy),
        '--allowed-signers', str(allowed),
    ]  # fmt: skip


def main() -> None:
    """Make the tarball, print the table."""
    root = Path(sys.argv[1]).absolute()
    print(machine())
    print('| what | measured | reach | |\n|---|---|---|---|')
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as directory:
        scratch = Path(directory)
        base = scratch / 'software.eessi.io'
        (base / 'versions' / SOFTWARE / 'modules' / 'all').mkdir(parents=True)
        tarball = scratch / NAME
        write(tarball, root)
        static_part(tarball, root, base, scratch)
        verification(tarball, base, scratch)


if __name__ == '__main__':
    main()
