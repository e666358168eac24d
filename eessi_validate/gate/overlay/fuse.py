"""Lays a directory over another by fuse-overlayfs, where the kernel does not let a user do so.

It serves as long as the process that started it, and what that process becomes by ``exec``; in the
namespace of both, nothing outside sees it. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from eessi_validate.gate.overlay.refusal import OverlayUnavailable

#: From ``<linux/prctl.h>`` and ``<linux/capability.h>``.
_PR_SET_PDEATHSIG, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 47, 2
_CAPABILITY_VERSION_3, _CAP_SYS_ADMIN = 0x20080522, 21

#: Seconds until it must have mounted.
_PATIENCE = 20.0

_LIBC = ctypes.CDLL(None, use_errno=True)


class _Head(ctypes.Structure):
    _fields_ = (('version', ctypes.c_uint32), ('pid', ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ('effective', ctypes.c_uint32),
        ('permitted', ctypes.c_uint32),
        ('inheritable', ctypes.c_uint32),
    )


def mount_by_fuse(upper: Path, base: Path) -> None:
    """Mount ``upper`` over ``base`` at the place of ``base``, read-only.

    :raises OverlayUnavailable: if there is no such program, or it cannot.
    """
    program = shutil.which('fuse-overlayfs')
    if program is None:
        raise OverlayUnavailable('fuse-overlayfs is not installed')
    lower: list[int] = []
    try:
        before = os.stat(base).st_dev
        # Descriptors, because it takes no path with a colon or a comma.
        lower += (os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (upper, base))
        dirs = ':'.join(f'/proc/self/fd/{descriptor}' for descriptor in lower)
        command = [program, '-f', '-o', f'ro,nosuid,nodev,lowerdir={dirs}', str(base)]
        with tempfile.TemporaryFile() as said:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=lower,
                preexec_fn=_serve_for(os.getpid()),
            )
            _wait_for(base, before, server, said)
    except OSError as error:
        raise OverlayUnavailable(f'fuse-overlayfs: {error}') from error
    finally:
        for descriptor in lower:
            os.close(descriptor)


def _wait_for(base: Path, before: int, server: subprocess.Popen[bytes], said: IO[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < end:
        if os.stat(base).st_dev != before:
            # It ends with this process, whatever becomes of this object.
            server.returncode = 0
            return
        time.sleep(0.01)
    server.kill()
    server.wait()
    said.seek(0)
    lines = said.read(1 << 16).decode(errors='replace').strip().splitlines()
    raise OverlayUnavailable(f'fuse-overlayfs: {lines[-1] if lines else "it does not mount"}')


def _serve_for(parent: int) -> Callable[[], None]:
    """Return what makes a child able to mount, and end with its parent."""

    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(75)
        # Capabilities of a namespace are lost by starting a program, unless its user is root's.
        head, sets = _Head(_CAPABILITY_VERSION_3, 0), (_Sets * 2)()
        _LIBC.capget(ctypes.byref(head), sets)
        sets[0].inheritable |= 1 << _CAP_SYS_ADMIN
        _LIBC.capset(ctypes.byref(head), sets)
        _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_SYS_ADMIN, 0, 0)

    return prepare
