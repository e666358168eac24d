"""The network that the cluster lives in."""

from __future__ import annotations

import os
import socket

import pytest
from loopback_network import LoopbackNetwork

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason='only root makes a network of its own'),
]


def test_it_has_a_loopback_device_and_nothing_else() -> None:
    with LoopbackNetwork().entered():
        assert [name for _, name in socket.if_nameindex()] == ['lo']
        with socket.create_server(('127.0.0.1', 0)) as server:
            socket.create_connection(server.getsockname(), timeout=1).close()


def test_what_listens_in_it_cannot_be_reached_from_outside() -> None:
    with LoopbackNetwork().entered():
        server = socket.create_server(('0.0.0.0', 0))
    with server, pytest.raises(ConnectionRefusedError):
        socket.create_connection(('127.0.0.1', server.getsockname()[1]), timeout=1)
