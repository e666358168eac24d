"""Says whether the gate can lay a tarball over a base on this host, and by what."""

from __future__ import annotations

import shutil

from eessi_validate.gate.overlay.namespace import FUSE, try_overlay
from eessi_validate.run.doctor import Finding


def examine_overlay() -> Finding:
    """Return what ``doctor`` tells of the overlay."""
    support = try_overlay()
    if support.method:
        how = f'by {FUSE}, not by the kernel' if support.method == FUSE else 'by the kernel'
        return Finding('ok', 'overlay', f'{support.method}: the gate can test tarballs here, {how}')
    found = f'the gate holds tarballs here: {support.why_not}'
    if shutil.which('apptainer'):
        found += ' (there is apptainer: gate --in-place inside a container)'
    return Finding('note', 'overlay', found, support.fix)
