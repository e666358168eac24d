"""Identity of the base that a tarball is tested on, and how it is recognised later."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eessi_validate.stack.identity import release_digest
from eessi_validate.stack.layout import Release

#: Databases of a compat layer's packages: Portage's, dpkg's.
_PACKAGE_DATABASES = ('var/db/pkg/*/*/COUNTER', 'var/lib/dpkg/status')


def base_digest(release: Release) -> str:
    """Return the CernVM-FS root hash, or a digest of what the release holds.

    The digest covers the modules and the provenance of all CPU targets, the package databases of
    the compat layers, and the init scripts.
    """
    software = release_digest(release, release.cpu_targets)
    if software.startswith('cvmfs:'):
        return software
    digest = hashlib.sha256(software.encode())
    paths: list[Path] = []
    for family in release.compat_families():
        for pattern in _PACKAGE_DATABASES:
            paths += release.compat(family).glob(pattern)
    for area in ('init', 'scripts'):
        paths += (path for path in (release.path / area).rglob('*') if path.is_file())
    for path in sorted(paths):
        digest.update(f'{path.relative_to(release.path).as_posix()}\0'.encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f'sha256:{digest.hexdigest()}'
