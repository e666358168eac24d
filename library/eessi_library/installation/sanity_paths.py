"""Files that an easyconfig says its installation must have (EasyBuild's ``sanity_check_paths``).

EasyBuild leaves the easyconfig in ``easybuild/`` of the installation. It is Python; only literal
strings are read here, nothing of it is run. Templates (``%(namelower)s``) are passed by.
"""

from __future__ import annotations

import ast
import glob
import os
from collections.abc import Iterator

from .model import InstallationRequest


def sanity_files(request: InstallationRequest) -> list[str]:
    """Return the files of ``sanity_check_paths``, relative to the installation, sorted.

    Of a tuple of alternatives, those that are there.
    """
    found: set[str] = set()
    for easyconfig in glob.glob(f'{glob.escape(request.real_path)}/easybuild/*.eb'):
        try:
            with open(easyconfig, encoding='utf-8', errors='replace') as file:
                tree = ast.parse(file.read())
        except (OSError, SyntaxError, ValueError):
            continue  # not what EasyBuild writes
        for node in tree.body:
            if isinstance(node, ast.Assign) and _names(node) == ['sanity_check_paths']:
                found.update(_files(node.value))
    return sorted(path for path in found if '%' not in path and '..' not in path.split('/'))


def sanity_programs(request: InstallationRequest) -> list[str]:
    """Return those of them that are programs and do not lie in ``bin``."""
    return [
        path
        for path in sanity_files(request)
        if not path.startswith('bin/')
        and os.path.isfile(f'{request.real_path}/{path}')
        and os.access(f'{request.real_path}/{path}', os.X_OK)
        and '.so' not in os.path.basename(path)
    ]


def _names(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


def _files(value: ast.expr) -> Iterator[str]:
    if not isinstance(value, ast.Dict):
        return
    for key, entries in zip(value.keys, value.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == 'files':
            for node in ast.walk(entries):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
