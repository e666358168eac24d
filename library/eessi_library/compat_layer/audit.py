"""Compares a compat layer with its package database, and looks at the modes of its files.

Run in the job, ``python -m eessi_library.compat_layer.audit packages|modes COMPAT_PATH NONCE``, by
a Python that does not belong to the compat layer; prints JSON. Standard library only.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from eessi_library.compat_layer.layout import detect_package_manager
from eessi_library.compat_layer.package_model import (
    DIRECTORY,
    FILE,
    LINK,
    DatabaseError,
    Entry,
    Package,
)
from eessi_library.compat_layer.packages import python_files, read_packages

#: Where programs and libraries are: what is unowned there can be run or loaded.
_CODE: Final = ('bin', 'sbin', 'lib', 'lib64', 'libexec')

#: Files that an administrator may change: dpkg's conffiles, Portage's CONFIG_PROTECT.
_CONFIGURATION: Final = 'etc/'

#: Programs and libraries that tools generate after installation, by package manager.
#: Portage: wrappers of gcc-config and links of eselect are copies (gcc-config(1)); not verified
#: on a real EESSI compat layer.
UNOWNED_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    'portage': ('usr/bin/*-pc-linux-gnu-*', 'usr/bin/gcc*', 'usr/bin/[gc]++*', 'usr/bin/c[p89]*'),
    # Programs of a local stack behind wrappers of the same name that set their data paths.
    'dpkg': ('usr/libexec/eessi-validate/*',),
}


def md5_of(path: str) -> str:
    """Return the MD5 of a file in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, 'rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fault_of(compat_path: str, entry: Entry) -> str:
    """Return what is wrong with an entry: ``missing``, ``modified``, ``link changed``, or ''."""
    path = os.path.join(compat_path, entry.path)
    if not os.path.lexists(path):
        return 'missing'
    if entry.kind == DIRECTORY:
        return '' if os.path.isdir(path) else 'not a directory'
    if entry.kind == LINK and entry.target:
        return '' if os.path.islink(path) and os.readlink(path) == entry.target else 'link changed'
    if entry.kind == FILE and entry.md5:
        if not os.path.isfile(path):
            return 'no file'
        return '' if md5_of(path) == entry.md5 else 'modified'
    return ''


def compare_packages(compat_path: str, packages: Iterable[Package]) -> dict[str, Any]:
    """Return the faults of all files of all packages, configuration apart."""
    faults: list[str] = []
    configuration: list[str] = []
    checked = checksums = 0
    for package in packages:
        for entry in package.entries:
            checked += 1
            checksums += bool(entry.md5)
            if fault := fault_of(compat_path, entry):
                text = f'{entry.path} of {package.name} is {fault}'
                is_changed_configuration = (
                    entry.path.startswith(_CONFIGURATION) and fault != 'missing'
                )
                (configuration if is_changed_configuration else faults).append(text)
    return {
        'checked': checked,
        'checksums': checksums,
        'faults': faults,
        'configuration': configuration,
    }


def code_files(compat_path: str) -> Iterator[str]:
    """Yield the programs and libraries of a compat layer, relative, each by its real path."""
    root = os.path.realpath(compat_path)
    seen: set[str] = set()
    for place in [*_CODE, *(f'usr/{name}' for name in _CODE)]:
        top = os.path.realpath(os.path.join(root, place))
        if top in seen or not top.startswith(f'{root}/') or not os.path.isdir(top):
            continue
        seen.add(top)
        for directory, _, names in os.walk(top):
            for name in names:
                path = os.path.join(directory, name)
                if not os.path.islink(path) and _is_code(path, name):
                    yield os.path.relpath(path, root)


def _is_code(path: str, name: str) -> bool:
    return '.so' in name or bool(os.stat(path).st_mode & 0o111)


def unowned(compat_path: str, packages: Iterable[Package], package_manager: str) -> list[str]:
    """Return the programs and libraries that belong to no package."""
    root = os.path.realpath(compat_path)
    directories: dict[str, str] = {}

    def real(path: str) -> str:
        above, _, name = path.rpartition('/')
        if above not in directories:
            directories[above] = os.path.relpath(os.path.realpath(f'{root}/{above}'), root)
        return name if directories[above] == '.' else f'{directories[above]}/{name}'

    owned = {real(entry.path) for package in packages for entry in package.entries}
    owned.update(python_files(compat_path))
    allowed = UNOWNED_ALLOWED.get(package_manager, ())
    return sorted(
        {
            path
            for path in code_files(compat_path)
            if path not in owned and not any(fnmatch.fnmatch(path, a) for a in allowed)
        }
    )


def mode_faults(compat_path: str) -> dict[str, Any]:
    """Return the faults in the modes of all files and directories, links apart."""
    faults: list[str] = []
    counts = {'files': 0, 'directories': 0, 'links': 0, 'others': 0}
    for directory, names, files in os.walk(compat_path):
        for name in [*names, *files]:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            kind = _kind(mode)
            counts[kind] += 1
            faults += [
                f'{os.path.relpath(path, compat_path)} is {fault}' for fault in _modes(mode, kind)
            ]
    return {'counts': counts, 'faults': sorted(faults)}


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return 'links'
    if stat.S_ISDIR(mode):
        return 'directories'
    return 'files' if stat.S_ISREG(mode) else 'others'


def _modes(mode: int, kind: str) -> Iterator[str]:
    if kind == 'links':
        return
    if kind == 'others':
        yield 'neither file, directory nor link'
    if kind == 'files' and mode & stat.S_ISUID:
        yield 'setuid'
    if kind == 'files' and mode & stat.S_ISGID:
        yield 'setgid'
    if mode & stat.S_IWOTH and not (kind == 'directories' and mode & stat.S_ISVTX):
        yield 'world-writable'
    if kind == 'files' and not mode & stat.S_IROTH:
        yield 'not readable by everybody'
    if kind == 'files' and mode & stat.S_IXUSR and not mode & stat.S_IXOTH:
        yield 'not executable by everybody'


def audit_packages(compat_path: str, nonce: str) -> dict[str, Any]:
    """Return everything the packages check judges."""
    manager = detect_package_manager(compat_path)
    try:
        packages = read_packages(compat_path, manager)
    except DatabaseError as error:
        return {'nonce': nonce, 'error': str(error)}
    return {
        'nonce': nonce,
        'names': [package.name for package in packages],
        'unowned': unowned(compat_path, packages, manager),
        **compare_packages(compat_path, packages),
    }


def main(what: str, compat_path: str, nonce: str) -> None:
    """Print the audit as JSON."""
    if not Path(compat_path).is_dir():
        sys.exit(f'{compat_path} is not a directory')
    if what == 'packages':
        report = audit_packages(compat_path, nonce)
    else:
        report = {'nonce': nonce, **mode_faults(compat_path)}
    json.dump(report, sys.stdout, indent=1)


if __name__ == '__main__':
    main(*sys.argv[1:])
