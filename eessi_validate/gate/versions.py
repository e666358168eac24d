"""What decided a result: recorded with each gate, pinned for official ones."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

from eessi_validate.gate.decision.policy_file import PolicyFile
from eessi_validate.run.host import tool_versions

#: Packages whose files decide.
_PACKAGES = ('eessi_validate', 'eessi_library', 'eessi_implementations', 'eessi_configs')
#: Digest of all those files, under which reports record it.
SOURCE = 'source'
#: What an official run must pin at least.
_MUST_PIN = (SOURCE, 'reframe', 'python')


def gate_versions() -> dict[str, str]:
    """Return the versions that decide, with a digest of the files of tool and library."""
    return {**tool_versions(), SOURCE: source_digest()}


def source_digest() -> str:
    """Return a digest over path and content of the files of tool, library and tables."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        root = Path(str(files(package)))
        for path in sorted(root.rglob('*')):
            if '__pycache__' in path.parts or not path.is_file():
                continue
            digest.update(f'{package}/{path.relative_to(root).as_posix()}\0'.encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f'sha256:{digest.hexdigest()}'


def why_trial(policy: PolicyFile, versions: dict[str, str]) -> str:
    """Return why a run with these versions is a trial; '' if it is official."""
    missing = [name for name in _MUST_PIN if name not in policy.pins]
    if missing:
        return f'the policy {policy.name} pins no {", ".join(missing)}'
    for name, pinned in sorted(policy.pins.items()):
        if versions.get(name) != pinned:
            return f'{name} is {versions.get(name)}, the policy pins {pinned}'
    return ''
