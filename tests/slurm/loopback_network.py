"""A network that has the loopback device and nothing else: what listens in it, nobody else reaches.

Slurm's daemons have no option to listen on one address only. In such a network they need none.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNET = 0x40000000  # <linux/sched.h>
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR = 0x8913, 0x8914, 0x8916  # <linux/sockios.h>
_IFF_UP = 1  # <linux/if.h>
#: Not 127.0.0.1: where that is the only address, getaddrinfo(3) with AI_ADDRCONFIG, as in Slurm,
#: takes IPv4 for switched off. All of 127.0.0.0/8 stays local, 127.0.0.1 included.
_ADDRESS = '127.0.0.2'
_OWN_NETWORK = Path('/proc/thread-self/ns/net')


def _libc(function: str, *arguments: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, f'{function}: {os.strerror(error)}')


def _switch_on(device: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack('16sh14x', device.encode(), 0)
        flags = struct.unpack('16sh14x', fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        request = struct.pack('16sh14x', device.encode(), flags | _IFF_UP)
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, request)
        address = struct.pack('=h2x4s8x', socket.AF_INET, socket.inet_aton(_ADDRESS))
        fcntl.ioctl(any_socket, _SIOCSIFADDR, device.encode().ljust(16, b'\0') + address)


class LoopbackNetwork:
    """A network namespace of its own (network_namespaces(7)); needs CAP_SYS_ADMIN."""

    def __init__(self) -> None:
        self._descriptor = -1
        # A thread of its own makes it, so that this thread never leaves the host's network.
        maker = threading.Thread(target=self._make)
        maker.start()
        maker.join()
        if self._descriptor < 0:
            raise RuntimeError('no network namespace can be made here: CAP_SYS_ADMIN is missing')

    def _make(self) -> None:
        _libc('unshare', _CLONE_NEWNET)
        _switch_on('lo')
        self._descriptor = os.open(_OWN_NETWORK, os.O_RDONLY)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be in this network with the calling thread and with every process that it starts."""
        home = os.open(_OWN_NETWORK, os.O_RDONLY)
        try:
            _libc('setns', self._descriptor, _CLONE_NEWNET)
            yield
        finally:
            _libc('setns', home, _CLONE_NEWNET)
            os.close(home)
