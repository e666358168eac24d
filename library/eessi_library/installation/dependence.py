"""What an answer depended on outside of its installation, and whether that is still the same.

A signature of a file or directory is its size, inode and times of modification and change, or
that it is not there: a directory's time changes with every name that is added or removed. A
signature of a tree is the fingerprint of all its members.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache

from .inventory import fingerprint, walk

#: Marks a path that stands for everything below it.
TREE = 'tree:'


def signature(path: str) -> str:
    """Return what a path is now."""
    if path.startswith(TREE):
        return tree_signature(path[len(TREE) :])
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return '-'
    return f'{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}'


@lru_cache(maxsize=4096)
def tree_signature(top: str) -> str:
    """Return the fingerprint of a tree; remembered for as long as the process runs one check."""
    try:
        return fingerprint(list(walk(top)))
    except OSError:
        return '-'


def signatures(paths: Iterable[str]) -> dict[str, str]:
    """Return the signatures of paths."""
    return {path: signature(path) for path in sorted(set(paths))}


class Unchanged:
    """Compares signatures; each path is looked at once."""

    def __init__(self, look: Callable[[str], str] = signature) -> None:
        self._look = lru_cache(maxsize=20_000)(look)

    def __call__(self, seen: dict[str, str]) -> bool:
        """True when everything is as it was."""
        return all(self._look(path) == text for path, text in seen.items())
