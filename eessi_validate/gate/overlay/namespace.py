"""Lays a directory over another in a namespace of this process alone. Standard library only.

What is mounted here is seen by this process and its children, and vanishes with the last of them,
however they end. Nothing outside changes, and no privilege is needed where the kernel lets a user
namespace mount overlay file systems (Linux 5.11 or later; overlayfs(5) of the kernel documentation,
user_namespaces(7)).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

#: From ``<sched.h>``, ``<sys/mount.h>``, ``<linux/magic.h>``.
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REC, _MS_SLAVE = 1, 2, 4, 16384, 1 << 19

_LIBC = ctypes.CDLL(None, use_errno=True)


class OverlayUnavailable(Exception):
    """This host does not let an ordinary process lay one directory over another."""


def enter_namespace() -> None:
    """Move this process into user and mount namespaces of its own, under its own ids.

    :raises OverlayUnavailable: if the host does not allow it.
    """
    uid, gid = os.geteuid(), os.getegid()
    _check(_LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), 'user and mount namespaces')
    try:
        Path('/proc/self/setgroups').write_text('deny', encoding='ascii')
        Path('/proc/self/uid_map').write_text(f'{uid} {uid} 1', encoding='ascii')
        Path('/proc/self/gid_map').write_text(f'{gid} {gid} 1', encoding='ascii')
    except OSError as error:
        raise OverlayUnavailable(f'no user id can be mapped: {error}') from error
    # Mounts made here stay here; those made outside (CernVM-FS on demand) still arrive.
    _mount(None, '/', None, _MS_REC | _MS_SLAVE, None, 'propagation')


def lay_over(upper: Path, base: Path) -> str:
    """Mount ``upper`` over ``base`` at the place of ``base``, read-only; return the method.

    Both stay as they are: neither the tests nor anything else can write to what is mounted.

    :raises OverlayUnavailable: if the host does not allow it.
    """
    options = f'lowerdir={_escaped(upper)}:{_escaped(base)}'
    flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV
    try:
        _mount('overlay', str(base), 'overlay', flags, f'{options},userxattr', 'overlay')
    except OverlayUnavailable as refusal:
        if not shutil.which('fuse-overlayfs'):
            raise
        command = ['fuse-overlayfs', '-o', f'ro,{options}', str(base)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OverlayUnavailable(f'{refusal}; fuse-overlayfs: {done.stderr.strip()}') from None
        return 'fuse-overlayfs'
    return 'overlay'


def overlay_support() -> tuple[str, str]:
    """Try it in a process of its own; return the method and, where there is none, why ('' first).

    Tried with two empty directories, because no version number tells what a host allows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, '-m', __name__, scratch]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return '', str(error)
    if done.returncode == 0:
        return done.stdout.strip(), ''
    return '', (done.stderr.strip().splitlines() or ['no message'])[-1]


def _mount(
    source: str | None,
    target: str,
    kind: str | None,
    flags: int,
    options: str | None,
    what: str,
) -> None:
    values = [v.encode() if v is not None else None for v in (source, target, kind, options)]
    _check(_LIBC.mount(values[0], values[1], values[2], ctypes.c_ulong(flags), values[3]), what)


def _escaped(path: Path) -> str:
    """Return a path as the option ``lowerdir`` takes it."""
    text = str(path)
    for special in ('\\', ':', ','):
        text = text.replace(special, f'\\{special}')
    return text


def _check(result: int, what: str) -> None:
    if result:
        raise OverlayUnavailable(f'{what}: {os.strerror(ctypes.get_errno())}')


def _try(scratch: Path) -> int:
    upper, base = scratch / 'upper', scratch / 'base'
    upper.mkdir()
    base.mkdir()
    (upper / 'seen').touch()
    try:
        enter_namespace()
        method = lay_over(upper, base)
    except OverlayUnavailable as refusal:
        print(refusal, file=sys.stderr)
        return 1
    if not (base / 'seen').exists():
        print('what was mounted is not seen', file=sys.stderr)
        return 1
    print(method)
    return 0


if __name__ == '__main__':
    sys.exit(_try(Path(sys.argv[1])))
