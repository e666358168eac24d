"""A directory of the tarball that takes the place of the base's, rather than being merged with it.

An ingested compat layer is such a one: the old layer is moved away first (EESSI filesystem-layer,
``scripts/ingest-tarball.sh``). A test over both together would find there what the new one lacks.
"""

from __future__ import annotations

import os
from pathlib import Path

from eessi_validate.gate.overlay.refusal import OverlayUnavailable

#: Extended attributes of an opaque directory: overlayfs(5) with ``userxattr``, fuse-overlayfs(1).
_OPAQUE = ('user.overlay.opaque', 'user.fuseoverlayfs.opaque')


def take_the_place(directory: Path) -> None:
    """Have a directory hide what is below it once it is mounted.

    :raises OverlayUnavailable: if the file system cannot remember it.
    """
    try:
        for name in _OPAQUE:
            os.setxattr(directory, name, b'y', follow_symlinks=False)
    except OSError as error:
        raise OverlayUnavailable(
            f'{directory.name} cannot take the place of the one in the base: {error.strerror}'
        ) from error


def require_in_place(shipped: Path, seen: Path) -> None:
    """Make sure that what is seen is what ships, and nothing of the base.

    :raises OverlayUnavailable: if it is not.
    """
    for directory, directories, files in os.walk(shipped):
        below = os.path.relpath(directory, shipped)
        if set(os.listdir(seen / below)) != {*directories, *files}:
            raise OverlayUnavailable(
                f'{seen / below} shows what the base has, although the tarball replaces it'
            )
