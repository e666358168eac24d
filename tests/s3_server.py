"""A real S3 server (moto's) in a process of its own, on loopback and a free port.

One for all tests of a session: the fixture ``s3_address``.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CREDENTIALS = {
    'AWS_ACCESS_KEY_ID': 'test',
    'AWS_SECRET_ACCESS_KEY': 'test',
    'AWS_DEFAULT_REGION': 'us-east-1',
    'AWS_EC2_METADATA_DISABLED': 'true',
    'AWS_CONFIG_FILE': os.devnull,
    'AWS_SHARED_CREDENTIALS_FILE': os.devnull,
    'NO_PROXY': '127.0.0.1',
}


@contextmanager
def s3_server(log: Path) -> Iterator[str]:
    """Yield the address of a server; it ends with the block."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    command = [sys.executable, '-c', 'from moto.server import main; main()', '-H', '127.0.0.1',
               '-p', str(port)]  # fmt: skip
    with log.open('w') as stream:
        server = subprocess.Popen(command, stdout=stream, stderr=stream)
    try:
        _wait_for(port, server, log)
        yield f'http://127.0.0.1:{port}'
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def client(endpoint: str) -> Any:
    """Return a client of the test, not of what is tested."""
    import boto3

    return boto3.client(
        's3', endpoint_url=endpoint, aws_access_key_id='test', aws_secret_access_key='test',
        region_name='us-east-1',
    )  # fmt: skip


def empty(endpoint: str) -> None:
    """Remove all buckets of a server."""
    request = urllib.request.Request(f'{endpoint}/moto-api/reset', method='POST')
    urllib.request.urlopen(request, timeout=60).close()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(('127.0.0.1', port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f'no server on port {port}: {log.read_text()}')
