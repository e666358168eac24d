"""That a host lays nothing over anything, why, and what would mend it. Standard library only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: What works wherever the stack can be made to be the tarball over its base beforehand.
_IN_PLACE = 'gate --in-place in a build container'
#: Settings that keep user namespaces from ordinary users, their value then, and what to set
#: (user_namespaces(7); Debian's and Ubuntu's kernels).
_SETTINGS = (
    ('kernel/unprivileged_userns_clone', '0', 'sysctl kernel.unprivileged_userns_clone=1'),
    ('user/max_user_namespaces', '0', 'sysctl user.max_user_namespaces=10000'),
    (
        'kernel/apparmor_restrict_unprivileged_userns',
        '1',
        'sysctl kernel.apparmor_restrict_unprivileged_userns=0',
    ),
)


class OverlayUnavailable(Exception):
    """This host does not let an ordinary process lay one directory over another.

    :arg fix: what would change that; '' if nothing is known to.
    """

    def __init__(self, reason: str, fix: str = '') -> None:
        super().__init__(f'{reason}; to mend this, {fix}' if fix else reason)
        self.reason = reason
        self.fix = fix


def to_allow_namespaces(settings: Path = Path('/proc/sys')) -> str:
    """Return what lets users have namespaces, by the settings of this kernel."""
    for name, closed, fix in _SETTINGS:
        try:
            value = (settings / name).read_text(encoding='ascii').strip()
        except OSError:
            continue
        if value == closed:
            return f'{fix}, or {_IN_PLACE}'
    return f'allow user namespaces (a container may need other options), or {_IN_PLACE}'


def to_have_an_overlay(device: Path = Path('/dev/fuse')) -> str:
    """Return what lets a user lay directories over each other, in a namespace that there is."""
    if not shutil.which('fuse-overlayfs'):
        return f'install fuse-overlayfs, use Linux 5.11 or later, or {_IN_PLACE}'
    if not os.access(device, os.R_OK | os.W_OK):
        return f'let users open {device}, use Linux 5.11 or later, or {_IN_PLACE}'
    return f'use Linux 5.11 or later, or {_IN_PLACE}'
