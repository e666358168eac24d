"""Where every file comes from: one JSON document per installation and per compat layer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eessi_validate import __version__
from eessi_validate.localstack.packages import Package
from eessi_validate.localstack.wheels import Wheel, sha256

#: Raised whenever the same packages give another installation; what an older one built stays.
BUILDER = 4

#: Relative to an installation; EasyBuild keeps its own records in a directory of this name.
INSTALLATION = 'easybuild/provenance.json'
#: Relative to a compat layer.
COMPAT = 'reprod/provenance.json'
HONESTY = (
    'Binaries of the Debian archive in EESSI layout, put there by eessi-validate; '
    'not built by EasyBuild, not part of software.eessi.io.'
)
HONESTY_PYPI = (
    'Wheels of the Python Package Index in EESSI layout, put there by eessi-validate; '
    'not built by EasyBuild, not part of software.eessi.io.'
)


def document(
    *,
    kind: str,
    name: str,
    version: str,
    release: str,
    suite: str,
    arch: str,
    cpu_target: str | None,
    packages: Iterable[Package],
    wheels: Iterable[Wheel] = (),
    **more: Any,
) -> dict[str, Any]:
    """The provenance document; sizes in bytes, digests of the .deb files as in the signed index."""
    listed = [
        {
            'name': w.name,
            'version': w.version,
            'file': w.path.name,
            'sha256': sha256(w.path),
            'size': w.path.stat().st_size,
            **_compiled(w.path),
        }
        for w in wheels
    ]
    if listed:
        more['wheels'] = listed
    return {
        'schema': 'eessi-validate/localstack-provenance/1',
        'what': HONESTY_PYPI if listed else HONESTY,
        'built_by': f'eessi-validate {__version__}',
        'builder': BUILDER,
        'kind': kind,
        'name': name,
        'version': version,
        'release': release,
        'debian_suite': suite,
        'architecture': arch,
        'cpu_target': cpu_target,
        **more,
        'packages': [
            {
                'name': p.name,
                'version': p.version,
                'arch': p.arch,
                'sha256': p.sha256,
                'size': p.size,
            }
            for p in sorted(packages, key=lambda p: p.name)
        ],
    }


def _compiled(wheel: Path) -> dict[str, Any]:
    """How the wheel was compiled, which stands beside it if it was."""
    try:
        return {'compiled': json.loads(wheel.with_suffix('.json').read_text(encoding='utf-8'))}
    except OSError:
        return {}


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write one provenance document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')


def read(path: Path) -> dict[str, Any] | None:
    """Read a provenance document; None when there is none or it is not one."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and 'packages' in content else None
