"""What exactly was decided on: an identity of a release or directory that changes when it does."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from eessi_validate.stack.layout import Release

#: Extended attribute in which CernVM-FS gives the hash of the mounted root catalog
#: (CernVM-FS documentation, "Getting File Attributes").
_ROOT_HASH = 'user.root_hash'

#: Directories inside an installation that hold its provenance.
_PROVENANCE = ('easybuild',)


def release_digest(release: Release, cpu_targets: Sequence[str]) -> str:
    """Return ``cvmfs:<root hash>`` on CernVM-FS, else ``sha256:<digest>``.

    The digest covers path and content of the module files and of the provenance that each
    installation carries, for the CPU targets decided on. It is cheap: the files themselves are
    covered by that provenance, and checked by ``stack verify`` and by the gate.
    """
    if root_hash := _cvmfs_root_hash(release):
        return f'cvmfs:{root_hash}'
    digest = hashlib.sha256()
    for cpu_target in sorted(cpu_targets):
        for module in release.modules(cpu_target):
            directory = release.software(cpu_target) / 'software' / module.full_name
            paths = [module.path]
            for name in _PROVENANCE:
                paths += sorted(str(p) for p in (directory / name).glob('*') if p.is_file())
            for path in paths:
                digest.update(os.path.relpath(path, release.path).encode())
                digest.update(_content(path))
    return f'sha256:{digest.hexdigest()}'


def directory_identity(directory: Path) -> str:
    """Return ``sha256:<digest>`` of all paths below, with kind, size, time of change and link.

    Contents are not read: an overlay may hold gigabytes, and whoever writes to a file changes its
    time.
    """
    digest = hashlib.sha256()
    for place, directories, files in os.walk(directory):
        directories.sort()
        for name in sorted((*directories, *files)):
            path = os.path.join(place, name)
            found = os.lstat(path)
            link = os.readlink(path) if stat.S_ISLNK(found.st_mode) else ''
            kind = (oct(found.st_mode), found.st_rdev, link)
            # A directory changes its time and size with its files.
            more = () if stat.S_ISDIR(found.st_mode) else (found.st_size, found.st_mtime_ns)
            digest.update(repr((os.path.relpath(path, directory), *kind, *more)).encode())
    return f'sha256:{digest.hexdigest()}'


def _cvmfs_root_hash(release: Release) -> str:
    try:
        return os.getxattr(release.path, _ROOT_HASH).decode('ascii', errors='replace').strip()
    except OSError:
        return ''


def _content(path: str) -> bytes:
    try:
        with open(path, 'rb') as stream:
            return hashlib.sha256(stream.read()).digest()
    except OSError as error:
        return str(error.errno).encode()
