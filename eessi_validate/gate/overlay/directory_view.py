"""A directory over its base, for others than the gate: what it must be, and how to look at it."""

from __future__ import annotations

import sys
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.stack.layout import open_stack


def view_directory(directory: Path, stack: Path, release: str) -> tuple[str, ...]:
    """Return words before a command, which then sees a directory over a stack, at its place.

    Directories are merged and files of the directory hide those of the stack, as overlayfs does
    (overlayfs(5)); nothing of either changes. Unlike a tarball it is not inspected.

    :arg directory: in the layout of a repository, ``versions/RELEASE/...`` or ``RELEASE/...``.
    :arg release: release that is looked at.
    :raises UsageError: if the directory has nothing of that release, or is part of the stack.
    :raises HoldError: if this host lays nothing over anything.
    """
    base, upper = open_stack(stack), open_stack(directory)
    if release not in upper.release_names:
        shipped = ', '.join(upper.release_names) or 'no release'
        raise UsageError(f'{directory} has nothing of release {release}: it has {shipped}')
    one, other = upper.releases_path, base.releases_path
    if one == other or one in other.parents or other in one.parents:
        raise UsageError(f'{directory} is part of {base.root}, or that of it: it lies over nothing')
    method, why_not = overlay_support()
    if not method:
        raise HoldError(f'no overlay on this host: {why_not}')
    program = (sys.executable, '-m', 'eessi_validate.gate.overlay.under')
    return (*program, str(one), str(other))
