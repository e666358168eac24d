"""All packages of a compat layer, whatever manages them. Pure, standard library only."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from eessi_library.compat_layer import dpkg_database, portage_vdb
from eessi_library.compat_layer.package_model import DatabaseError, Package

#: Packages without which a compat layer cannot work.
ESSENTIAL: Final[dict[str, tuple[str, ...]]] = {
    'portage': ('sys-libs/glibc', 'app-shells/bash', 'sys-apps/coreutils', 'sys-cluster/lmod'),
    'dpkg': ('libc6', 'bash', 'coreutils', 'lmod'),
    'none': (),
}


def read_packages(compat_path: str, package_manager: str) -> list[Package]:
    """Return all packages of a compat layer, by name; raises DatabaseError."""
    readers = {
        'portage': portage_vdb.read_database,
        'dpkg': dpkg_database.read_database,
    }
    if package_manager not in readers:
        raise DatabaseError(
            f'{compat_path} has no package database: neither var/db/pkg nor var/lib/dpkg'
        )
    return sorted(readers[package_manager](compat_path), key=lambda p: (p.name, p.version))


def glibc_version(compat_path: str, package_manager: str) -> str:
    """Return ``<major>.<minor>`` of the glibc that the database records; '' if none."""
    names = {'portage': 'sys-libs/glibc', 'dpkg': 'libc6'}
    for package in read_packages(compat_path, package_manager):
        if package.name == names[package_manager]:
            found = re.match(r'(?:\d+:)?(\d+\.\d+)', package.version)
            return found[1] if found else package.version
    return ''


def python_files(compat_path: str) -> Iterator[str]:
    """Yield the files that Python's own records of installed distributions own.

    Source: PEP 376, the RECORD file; packages put there by pip belong to no system package.
    """
    root = Path(compat_path)
    for record in root.glob('usr/l*/python3*/*-packages/*.dist-info/RECORD'):
        base = record.parent.parent
        with record.open(encoding='utf-8', newline='') as stream:
            for row in csv.reader(stream):
                path = Path(row[0]) if row and row[0].startswith('/') else base / (row or [''])[0]
                try:
                    yield str(path.resolve().relative_to(root.resolve()))
                except ValueError:
                    continue
