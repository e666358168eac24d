"""Says whether the gate can lay a tarball over a base on this host."""

from __future__ import annotations

import shutil

from eessi_validate.gate.overlay.namespace import overlay_support
from eessi_validate.run.doctor import Finding


def examine_overlay() -> Finding:
    """Return what ``doctor`` tells of the overlay."""
    method, why_not = overlay_support()
    if method:
        return Finding('ok', 'overlay', f'{method}: the gate can test tarballs here')
    found = f'the gate holds tarballs here: {why_not}'
    if shutil.which('apptainer'):
        found += ' (there is apptainer: gate --in-place inside a container)'
    fix = 'allow user namespaces with Linux 5.11 or later, or gate --in-place in a build container'
    return Finding('note', 'overlay', found, fix)
