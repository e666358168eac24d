"""Facts about the host that a run records."""

from __future__ import annotations

import os
import platform
import re
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from eessi_validate import __version__
from eessi_validate.results.model import HostFacts
from eessi_validate.stack.targets import usable_cpus


def host_facts() -> HostFacts:
    """Return what this host is, as a later comparison needs it."""
    import archspec.cpu

    return HostFacts(
        hostname=socket.gethostname(),
        cpu_model=_cpu_model(),
        cpu_target=str(archspec.cpu.host()),
        cpus=usable_cpus(),
        kernel=platform.release(),
        os=_os_name(),
        load_before=round(os.getloadavg()[0], 2),
    )


def tool_versions() -> dict[str, str]:
    """Return the versions that decide a result."""
    found = {'eessi-validate': __version__, 'python': platform.python_version()}
    try:
        found['reframe'] = version('reframe-hpc')
    except PackageNotFoundError:
        found['reframe'] = 'not installed as a package'
    return found


def _cpu_model() -> str:
    text = Path('/proc/cpuinfo').read_text(encoding='utf-8', errors='replace')
    found = re.search(r'^(?:model name|cpu|Model)\s*:\s*(.+)$', text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get('PRETTY_NAME', platform.system())
    except OSError:
        return platform.system()
