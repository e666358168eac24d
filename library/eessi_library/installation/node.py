"""What of this node decides whether and how software runs on it."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from pathlib import Path

from .isa import features
from .model import Release


def cannot_run(release: Release) -> str | None:
    """Say why nothing of a release can be run here, None when it can."""
    if release.places:
        return 'the stack does not lie at its own prefix here: files are read, not run'
    machine = {'arm64': 'aarch64', 'amd64': 'x86_64'}.get(platform.machine(), platform.machine())
    if machine != release.family:
        if is_emulated(release.family):
            return None
        return f'this host is {machine}: files of {release.cpu_target} are read, not run'
    lacking = sorted(features.lacking_here(release.cpu_target))
    if lacking:
        return f"this host's CPU has no {lacking[0]}: files are read, not run"
    return None


def is_emulated(family: str) -> bool:
    """True when qemu-user is registered for programs of a CPU family (binfmt_misc of Linux)."""
    try:
        text = Path(f'/proc/sys/fs/binfmt_misc/qemu-{family}').read_text(encoding='ascii')
    except OSError:
        return False
    return text.startswith('enabled')


@cache
def node_identity() -> str:
    """Return a digest of host name, kernel and CPU: what ran here may not run elsewhere."""
    try:
        text = Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace')
    except OSError:
        text = ''
    cpu = [line for line in text.split('\n\n')[0].splitlines() if 'MHz' not in line]
    facts = [*os.uname(), *cpu]
    return hashlib.sha256('\n'.join(facts).encode()).hexdigest()
