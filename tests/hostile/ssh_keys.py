"""Keys and signatures as people and bots make them, by ``ssh-keygen``."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make_key(path: Path) -> str:
    """Make a key and return its public half."""
    command = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.with_suffix('.pub').read_text().strip()


def sign(path: Path, key: Path, namespace: str) -> Path:
    """Sign as EESSI's build bot does, and return the signature beside the file."""
    signature = path.with_name(f'{path.name}.sig')
    signature.unlink(missing_ok=True)
    command = ['ssh-keygen', '-Y', 'sign', '-f', str(key), '-n', namespace, str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return signature
