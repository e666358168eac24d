"""The interpreters of a stack, run in the environment of a module."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Final

from ..model import InstallationRequest

#: Seconds for all extensions of one installation.
LIMIT_SECONDS: Final = 300


def run_interpreter(
    command: list[str], environment: Mapping[str, str], scratch: str
) -> tuple[int | None, str, str]:
    """Run an interpreter in the environment of a module; returns status, output, errors.

    The status is None when it cannot be started or does not end in time.
    """
    try:
        done = subprocess.run(
            command,
            env={**environment, 'PYTHONDONTWRITEBYTECODE': '1', 'PIP_NO_INPUT': '1'},
            cwd=scratch,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors='replace',
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, '', str(error)
    return done.returncode, done.stdout, done.stderr


def interpreter(
    request: InstallationRequest, environment: Mapping[str, str], names: tuple[str, ...]
) -> str | None:
    """Return the first program of these names on PATH, else in the compat layer; never a host's."""
    release = request.release
    inside = (f'{release.software}/', f'{release.compat}/')
    path = [d for d in environment.get('PATH', '').split(':') if f'{d}/'.startswith(inside)]
    for name in names:
        for directory in [*path, f'{release.compat}/usr/bin', f'{release.compat}/bin']:
            if os.access(f'{directory}/{name}', os.X_OK):
                return f'{directory}/{name}'
    return None
