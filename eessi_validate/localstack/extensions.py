"""The extensions of an installation as EasyBuild names them in a module: ``numpy-1.24.2``.

Wheels are named by the provenance document, packages of R by their own ``DESCRIPTION``.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any


def extensions_of(record: Mapping[str, Any], installation: Path) -> list[str]:
    """Return ``<name>-<version>`` of each wheel and each package of R, sorted by name.

    :arg record: the provenance document of the installation.
    :arg installation: where its files are now.
    """
    found = [f'{wheel["name"]}-{wheel["version"]}' for wheel in record.get('wheels', ())]
    for description in installation.glob('lib/R/site-library/*/DESCRIPTION'):
        fields = HeaderParser().parsestr(description.read_text(encoding='utf-8', errors='replace'))
        found.append(f'{fields["Package"]}-{fields["Version"]}')
    return sorted(found, key=str.lower)
