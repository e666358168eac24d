"""Locks, and the step from a finished stage to its place: renames only, nothing half-visible."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eessi_validate.localstack import provenance

#: Below the root of a local stack: stages, locks and what is on its way out.
WORK = '.build'
#: Within one directory: what must be there before what. Module files come last.
_ORDER = {'compat': 0, 'software': 1, 'reprod': 2, '.lmod': 3, 'modules': 8, 'init': 9}


@contextmanager
def lock(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold an exclusive lock (flock(2)); `waiting` is called once if another process has it.

    The kernel lets go of it when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', encoding='ascii') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def is_unit(path: Path) -> bool:
    """Whether a directory is an installation or compat layer: replaced as a whole, never merged."""
    return any((path / p).exists() for p in (provenance.INSTALLATION, provenance.COMPAT))


def publish(stage: Path, final: Path, work: Path) -> None:
    """Move everything below `stage` to `final`, largest pieces first by single renames.

    A directory that is not there yet comes with one rename; one that is there is entered, or
    exchanged if it is a unit. `work` takes what is replaced; both must be on one file system.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    if stage.is_symlink() or not stage.is_dir():
        os.replace(stage, final)
        return
    if is_unit(stage) and final.exists():
        discard(final, work)
    try:
        if not final.exists():
            os.rename(stage, final)
            return
    except OSError:
        if not final.is_dir():
            raise
    for child in sorted(stage.iterdir(), key=lambda p: (_ORDER.get(p.name, 5), p.name)):
        publish(child, final / child.name, work)


def discard(path: Path, work: Path) -> None:
    """Take a tree out of sight with one rename, then delete it."""
    work.mkdir(parents=True, exist_ok=True)
    bin_ = work / f'trash-{uuid.uuid4().hex[:12]}'
    os.rename(path, bin_)
    shutil.rmtree(bin_, ignore_errors=True)


def clear(path: Path) -> None:
    """Delete a stage, if there is one."""
    if path.exists():
        shutil.rmtree(path, ignore_errors=True)
