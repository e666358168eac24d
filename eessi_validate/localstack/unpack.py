"""Packages to directories: ``dpkg-deb`` for the format, ``tar`` for the files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from eessi_validate.localstack.errors import DiskFull, LocalStackError

#: In an installation `usr/` is stripped, but not from the targets of symbolic links (flags rSh).
STRIP_USR = ('--transform', r's,^\./usr/,./,rSh', '--transform', r's,^\./usr$,.,rSh')
#: The merged layout of Debian since bookworm.
MERGED = ('bin', 'sbin', 'lib', 'lib64')


def make_skeleton(compat: Path) -> None:
    """Lay out a compat layer whose /bin, /sbin, /lib, /lib64 are links into /usr."""
    for name in MERGED:
        (compat / 'usr' / name).mkdir(parents=True)
        (compat / name).symlink_to(f'usr/{name}')


def unpack(deb: Path, into: Path, exclude: Sequence[str], *, strip_usr: bool) -> list[str]:
    """Unpack one package without owners, special permissions and excluded paths.

    Returns the names as unpacked, relative to `into`. Raises DiskFull or LocalStackError.
    """
    command = ['tar', '-x', '-v', '--show-transformed-names', '--keep-directory-symlink']
    command += ['--no-same-owner', '--no-same-permissions', '--no-overwrite-dir', '-C', str(into)]
    command += [f'--exclude={pattern}' for pattern in exclude]
    command += STRIP_USR if strip_usr else ()
    with subprocess.Popen(
        ['dpkg-deb', '--fsys-tarfile', str(deb)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as source:
        done = subprocess.run(
            command, stdin=source.stdout, capture_output=True, check=False, umask=0o022
        )
        if source.stdout:
            source.stdout.close()
        complaint = (source.stderr.read() if source.stderr else b'').decode(errors='replace')
    if done.returncode:
        complaint = done.stderr.decode(errors='replace')
    if done.returncode or source.returncode not in (0, -13):
        if 'No space left' in complaint or 'quota exceeded' in complaint:
            raise DiskFull(f'no space left below {into} while unpacking {deb.name}')
        first = next(iter(complaint.strip().splitlines()), 'no message')
        raise LocalStackError(f'{deb.name} cannot be unpacked: {first}')
    names = (os.path.normpath(n) for n in os.fsdecode(done.stdout).splitlines())
    return [n for n in names if n != '.']
