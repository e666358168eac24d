"""Lays a directory over another in a namespace of this process alone. Standard library only.

What is mounted here is seen by this process and its children, and vanishes with the last of them,
however they end. Nothing outside changes, and no privilege is needed where the kernel lets a user
namespace mount overlay file systems (Linux 5.11 or later; overlayfs(5) of the kernel documentation,
user_namespaces(7)), or where there is fuse-overlayfs, which needs user namespaces as well.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eessi_validate.gate.overlay.fuse import mount_by_fuse
from eessi_validate.gate.overlay.refusal import (
    OverlayUnavailable,
    to_allow_namespaces,
    to_have_an_overlay,
)

#: Ways to lay a directory over another, the better one first.
WAYS = ('overlay', 'fuse-overlayfs')
FUSE = 'fuse-overlayfs'

#: From ``<sched.h>``, ``<sys/mount.h>``, ``<linux/magic.h>``.
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REC, _MS_SLAVE = 1, 2, 4, 16384, 1 << 19

_LIBC = ctypes.CDLL(None, use_errno=True)


def enter_namespace() -> None:
    """Move this process into user and mount namespaces of its own, under its own ids.

    :raises OverlayUnavailable: if the host does not allow it.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        _check(_LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), 'user and mount namespaces')
    except OverlayUnavailable as refusal:
        raise OverlayUnavailable(refusal.reason, to_allow_namespaces()) from None
    try:
        Path('/proc/self/setgroups').write_text('deny', encoding='ascii')
        Path('/proc/self/uid_map').write_text(f'{uid} {uid} 1', encoding='ascii')
        Path('/proc/self/gid_map').write_text(f'{gid} {gid} 1', encoding='ascii')
    except OSError as error:
        reason = f'no user id can be mapped: {error}'
        raise OverlayUnavailable(reason, to_allow_namespaces()) from error
    # Mounts made here stay here; those made outside (CernVM-FS on demand) still arrive.
    _mount(None, '/', None, _MS_REC | _MS_SLAVE, None, 'propagation')


def lay_over(upper: Path, base: Path, ways: Sequence[str] = WAYS) -> str:
    """Mount ``upper`` over ``base`` at the place of ``base``, read-only; return the method.

    Both stay as they are: neither the tests nor anything else can write to what is mounted.

    :arg ways: those of :data:`WAYS` to try, in this order.
    :raises OverlayUnavailable: if the host does not allow it.
    """
    refusals = []
    for way in ways:
        try:
            (mount_by_fuse if way == FUSE else _mount_by_kernel)(upper, base)
        except OverlayUnavailable as refusal:
            refusals.append(refusal.reason)
        else:
            return way
    raise OverlayUnavailable('; '.join(refusals), to_have_an_overlay())


def _mount_by_kernel(upper: Path, base: Path) -> None:
    options = f'lowerdir={_escaped(upper)}:{_escaped(base)},userxattr'
    flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV
    _mount('overlay', str(base), 'overlay', flags, options, 'overlay')


class Support(NamedTuple):
    """Whether this host can overlay."""

    #: One of :data:`WAYS`; '' if none works.
    method: str
    #: Why none works, and what would change that.
    why_not: str = ''
    fix: str = ''


def overlay_support() -> tuple[str, str]:
    """Return the method of this host and, where there is none, why and what to do ('' first)."""
    method, why_not, fix = try_overlay()
    return method, str(OverlayUnavailable(why_not, fix)) if why_not else ''


def try_overlay(ways: Sequence[str] = WAYS) -> Support:
    """Try it in a process of its own.

    Tried with two empty directories, because no version number tells what a host allows.
    """
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, '-m', __name__, scratch, *ways]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            return Support(**json.loads(done.stdout))
        except (OSError, subprocess.TimeoutExpired) as error:
            return Support('', str(error))
        except (ValueError, TypeError):
            return Support('', (done.stderr.strip().splitlines() or ['no message'])[-1])


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


def _try(scratch: Path, ways: Sequence[str]) -> Support:
    upper, base = scratch / 'upper', scratch / 'base'
    upper.mkdir()
    base.mkdir()
    (upper / 'seen').touch()
    try:
        enter_namespace()
        method = lay_over(upper, base, ways)
    except OverlayUnavailable as refusal:
        return Support('', refusal.reason, refusal.fix)
    seen = (base / 'seen').exists()
    return Support(method) if seen else Support('', 'what was mounted is not seen')


if __name__ == '__main__':
    print(json.dumps(_try(Path(sys.argv[1]), sys.argv[2:])._asdict()))
