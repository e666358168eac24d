"""A dpkg database that is true for the compat layer as it lies there, after relocation.

dpkg(1) reads it with ``--admindir``; paths are relative to the compat layer. Format: Debian
Policy chapter 5 and dpkg's own ``info`` directory (``NAME.list``, ``NAME.md5sums``).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from eessi_validate.localstack.packages import Package, without_source


def write_database(
    compat: Path, packages: Sequence[Package], names: Mapping[str, Sequence[str]]
) -> None:
    """Write ``var/lib/dpkg``; `names` are the unpacked paths of each package, relative."""
    admin = compat / 'var' / 'lib' / 'dpkg'
    info = admin / 'info'
    info.mkdir(parents=True)
    (admin / 'updates').mkdir()
    stanzas = []
    for package in sorted(packages, key=lambda p: p.name):
        stanzas.append(_stanza(package))
        stem = package.name
        if '\nMulti-Arch: same' in package.control:
            stem += f':{package.arch}'
        there = [n for n in sorted(names[package.name]) if os.path.lexists(compat / n)]
        listing = ''.join(f'/{n}\n' for n in there)
        (info / f'{stem}.list').write_text(f'/.\n{listing}', encoding='utf-8')
        sums = [
            f'{_md5(compat / n)}  {n}\n'
            for n in there
            if not (compat / n).is_symlink() and (compat / n).is_file()
        ]
        if sums:
            (info / f'{stem}.md5sums').write_text(''.join(sums), encoding='utf-8')
    (info / 'format').write_text('1\n', encoding='ascii')
    (admin / 'status').write_text('\n'.join(stanzas), encoding='utf-8')
    (admin / 'available').touch()
    (admin / 'arch').write_text(_native(packages) + '\n', encoding='ascii')


def _stanza(package: Package) -> str:
    first, _, rest = without_source(package.control).partition('\n')
    return f'{first}\nStatus: install ok installed\n{rest}\n'


def _native(packages: Sequence[Package]) -> str:
    return next((p.arch for p in packages if p.arch != 'all'), 'all')


def _md5(path: Path) -> str:
    """dpkg's own digest; it tells files apart, it protects nothing."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, 'rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
