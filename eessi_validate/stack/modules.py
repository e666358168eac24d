"""Modules of one CPU target, read from the module tree without the module system."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eessi_validate.stack.tables import read_table

#: Hidden files that are not modules: defaults of Lmod and Tcl modules, whiteouts, CernVM-FS.
_NO_MODULES = ('.version', '.modulerc', '.wh.', '.cvmfs')


@dataclass(frozen=True, order=True)
class Module:
    """One module of EasyBuild's flat naming scheme."""

    #: Full name, ``<name>/<version>[-<toolchain>][<suffix>]``.
    full_name: str
    software: str
    version: str
    #: Toolchain and version suffix, e.g. ``foss-2022b`` or ``foss-2022b-CUDA-12.1.1``; may be ''.
    toolchain: str
    #: The module file.
    path: str


@cache
def _toolchain_pattern() -> re.Pattern[str]:
    names = '|'.join(sorted(map(re.escape, read_table('toolchains', 'toolchains')), key=len)[::-1])
    return re.compile(rf'^(?P<version>.+?)-(?P<toolchain>(?:{names})-[^-]+(?:-.+)?)$')


def split_version(text: str) -> tuple[str, str]:
    """Split ``2022.5-foss-2022b-CUDA-12`` into version and toolchain with suffix.

    A version without a known toolchain is returned whole, with ''.
    """
    found = _toolchain_pattern().match(text)
    return (found['version'], found['toolchain']) if found else (text, '')


def parse_module(full_name: str, path: str = '') -> Module:
    """Return the module called ``full_name``."""
    software, _, rest = full_name.partition('/')
    version, toolchain = split_version(rest)
    return Module(full_name, software, version, toolchain, path)


def discover_modules(tree: Path, *, hidden: bool = False) -> tuple[Module, ...]:
    """Return all modules below ``tree`` (``.../modules/all``), sorted by name.

    Lua modules end in ``.lua``; others are Tcl. Hidden modules (``zlib/.1.2.13``) are left out
    unless they are asked for; files of the module system or of CernVM-FS always.
    """
    found = []
    for software in _entries(tree):
        if not software.is_dir():
            continue
        for entry in _entries(Path(software.path), hidden=hidden):
            if entry.is_dir() or entry.name.startswith(_NO_MODULES):
                continue
            version = entry.name.removesuffix('.lua')
            found.append(parse_module(f'{software.name}/{version}', entry.path))
    return tuple(sorted(found))


def _entries(directory: Path, *, hidden: bool = False) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return [e for e in entries if hidden or not e.name.startswith('.')]
    except (FileNotFoundError, NotADirectoryError):
        return []
