"""Packs one installation of a stack as an EESSI tarball, as a build node does.

Members and their order are those of EESSI's ``create_tarball.sh`` (software-layer-scripts): files
of ``.lmod``, then module files, then the installation and its ``reprod`` directory, all relative
to the directory of releases. Unlike there, order, owner and compression are reproducible.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from eessi_validate.errors import UsageError
from eessi_validate.stack.layout import Release, open_stack
from eessi_validate.stack.targets import find_target

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: As zstd(1) does by default and the module does not: a damaged byte is seen by any reader.
_CHECKED: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}

#: Owner of all members: that of an unprivileged build account, the same everywhere.
_OWNER = 1000


def pack_installation(
    root: str | os.PathLike[str],
    release: str,
    target: str,
    module: str,
    out_dir: str | os.PathLike[str],
    *,
    suffix: str = '',
    compression: str = 'zst',
    timestamp: int | None = None,
) -> Path:
    """Pack one module and its installation, and return the tarball.

    An installation without ``reprod`` directory gets one with what its ``easybuild`` directory
    holds, as the build hooks of EESSI do.

    :arg target: CPU target, e.g. ``x86_64/generic``.
    :arg module: full name, e.g. ``GROMACS/2022.5-foss-2022b``.
    :arg out_dir: existing directory for the tarball.
    :arg suffix: of the release in the paths of the tarball, e.g. ``-001``.
    :arg compression: ``zst`` or ``gz``.
    :arg timestamp: seconds since 1970 in the file name; now, if not given.
    :raises UsageError: if there is no such stack, release, CPU target, module or installation.
    """
    stack = open_stack(root)
    found = stack.release(release)
    # An alias is a directory of its own, so the name is taken as it is given.
    find_target(target)
    if compression not in ('gz', 'zst'):
        raise UsageError(f'unknown compression {compression!r}: zst or gz')
    stamp = int(time.time()) if timestamp is None else timestamp
    name = f'eessi-{release}-software-linux-{target.replace("/", "-")}-{stamp}.tar.{compression}'
    path = Path(out_dir) / name
    members = list(_members(found, target, module))
    # The format of GNU tar, which is what EESSI's tarballs are written with.
    with (
        _compressed(path, compression, stamp) as stream,
        tarfile.open(fileobj=stream, mode='w', format=tarfile.GNU_FORMAT) as archive,
    ):
        for inside, outside in members:
            _add(archive, f'{release}{suffix}/{inside}', outside)
    return path


def pack_compat(
    root: str | os.PathLike[str],
    release: str,
    family: str,
    out_dir: str | os.PathLike[str],
    *,
    compression: str = 'gz',
    timestamp: int | None = None,
) -> Path:
    """Pack the compat layer of an architecture, as the compatibility-layer repository does.

    :arg family: architecture, e.g. ``x86_64``.
    :arg out_dir: existing directory for the tarball.
    :arg compression: ``gz``, which is what compat tarballs are ingested as, or ``zst``.
    :arg timestamp: seconds since 1970 in the file name; now, if not given.
    :raises UsageError: if there is no such stack, release or compat layer.
    """
    found = open_stack(root).release(release)
    layer = found.compat(family)
    if not layer.is_dir():
        raise UsageError(f'no compat layer {layer}')
    if compression not in ('gz', 'zst'):
        raise UsageError(f'unknown compression {compression!r}: zst or gz')
    stamp = int(time.time()) if timestamp is None else timestamp
    path = Path(out_dir) / f'eessi-{release}-compat-linux-{family}-{stamp}.tar.{compression}'
    with (
        _compressed(path, compression, stamp) as stream,
        tarfile.open(fileobj=stream, mode='w', format=tarfile.GNU_FORMAT) as archive,
    ):
        for outside in _below(layer):
            _add(archive, f'{release}/{outside.relative_to(found.path).as_posix()}', outside)
    return path


def _members(release: Release, target: str, module: str) -> Iterator[tuple[str, Path]]:
    """Iterate over what to pack: path below the release, and where it is now."""
    software = release.software(target)
    layer = software.relative_to(release.path).as_posix()
    installation = software / 'software' / module
    modules = [each for each in release.modules(target) if each.full_name == module]
    if not modules:
        raise UsageError(f'no module {module} for {target} in release {release.name}')
    if not installation.is_dir():
        raise UsageError(f'no installation {installation}')
    for path in _below(software / '.lmod'):
        if path.is_file() and not path.name.startswith(('.wh.', 'spiderT.old.')):
            yield f'{layer}/{path.relative_to(software).as_posix()}', path
    name, _, version = module.partition('/')
    for path in sorted((software / 'modules').glob(f'*/{name}/*')):
        if path.name.removesuffix('.lua') == version:
            yield path.relative_to(release.path).as_posix(), path
    for directory in (installation, software / 'reprod' / module):
        for path in _below(directory):
            yield path.relative_to(release.path).as_posix(), path
    if not (software / 'reprod' / module).is_dir() and (installation / 'easybuild').is_dir():
        built = time.strftime(
            '%Y%m%d_%H%M%SUTC', time.gmtime((installation / 'easybuild').stat().st_mtime)
        )
        for path in _below(installation / 'easybuild'):
            inside = path.relative_to(installation).as_posix()
            yield f'{layer}/reprod/{module}/{built}/{inside}', path


def _below(directory: Path) -> Iterator[Path]:
    """Iterate over a directory and everything in it, not following links, in a fixed order."""
    if directory.is_dir():
        yield directory
        for entry in sorted(directory.iterdir()):
            if entry.is_dir() and not entry.is_symlink():
                yield from _below(entry)
            else:
                yield entry


def _add(archive: tarfile.TarFile, name: str, path: Path) -> None:
    info = archive.gettarinfo(path, name)
    # Every file on its own: hard links may lead to what is not packed.
    if info.islnk():
        info.type, info.linkname, info.size = tarfile.REGTYPE, '', path.stat().st_size
    info.uid = info.gid = _OWNER
    info.uname = info.gname = ''
    info.mtime = int(info.mtime)
    if info.isreg():
        with path.open('rb') as content:
            archive.addfile(info, content)
    else:
        archive.addfile(info)


@contextmanager
def _compressed(path: Path, compression: str, stamp: int) -> Iterator[IO[bytes]]:
    """Open a compressed file for writing; it is there as a whole or not at all."""
    partial = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        with partial.open('wb') as raw:
            if compression == 'gz':
                with gzip.GzipFile('', 'wb', fileobj=raw, mtime=stamp, compresslevel=6) as packed:
                    yield packed  # type: ignore[misc]
            else:
                # Buffered: every call of the compressor costs as much as a block of the archive.
                with (
                    zstd.ZstdFile(raw, 'w', options=_CHECKED) as packed_raw,
                    io.BufferedWriter(packed_raw, 1 << 20) as buffered,
                ):
                    yield buffered
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
