"""Which files of a directory make a bundle."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError

_TARBALLS = ('.tar', '.tar.gz', '.tgz', '.tar.zst', '.tar.xz', '.tar.bz2')


@dataclass(frozen=True)
class BundleFile:
    """A tarball and what lies beside it, by the names that EESSI gives."""

    tarball: Path
    #: ``<tarball>.meta.txt`` and ``<tarball>.sig``.
    metadata: Path | None
    signature: Path | None
    #: ``<tarball>.meta.txt.sig``.
    metadata_signature: Path | None
    #: ``<tarball>.attestation.json``: what a gate has signed.
    attestation: Path | None


def collect(directory: Path) -> tuple[BundleFile, ...]:
    """Return the tarballs directly in a directory, by name.

    :raises UsageError: if there is no such directory.
    :raises HoldError: if it cannot be read.
    """
    if not directory.is_dir():
        raise UsageError(f'no directory at {directory}')
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        raise HoldError(f'cannot read {directory}: {error.strerror}') from error
    there = frozenset(names)

    def beside(name: str, extension: str) -> Path | None:
        return directory / f'{name}{extension}' if f'{name}{extension}' in there else None

    return tuple(
        BundleFile(
            tarball=directory / name,
            metadata=beside(name, '.meta.txt'),
            signature=beside(name, '.sig'),
            metadata_signature=beside(name, '.meta.txt.sig'),
            attestation=beside(name, '.attestation.json'),
        )
        for name in names
        if name.endswith(_TARBALLS)
    )
