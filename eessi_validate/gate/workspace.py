"""The directory of a gate: one gate at a time, and a killed one leaves nothing that counts."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError

_LOCK, _EXTRACTED = '.gate.lock', 'extracted'
#: What a gate that was killed may have left; a report is written last, and is never removed.
_LEFTOVERS = (_EXTRACTED, 'run', 'run.job', 'base-modules', 'base-modules.job', 'base-stack',
              'base-stack.job', 'investigation')  # fmt: skip
#: Seconds to wait for what a killed gate has left running to end.
_PATIENCE = 30.0


class Workspace:
    """A directory that belongs to this gate until it is closed.

    :raises UsageError: if it holds something else, or a gate's report.
    :raises HoldError: if another gate is at work there, or it cannot be written.
    """

    def __init__(self, directory: Path, *, patience: float = _PATIENCE) -> None:
        self.directory = directory
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if any(entry.name not in (_LOCK, *_LEFTOVERS) for entry in directory.iterdir()):
                raise UsageError(f'{directory} is not empty: give a fresh --out')
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            #: Inherited by the process that runs the cases, so that it counts as being at work.
            self.lock = os.open(directory / _LOCK, flags, 0o600)
        except OSError as error:
            raise HoldError(f'cannot work in {directory}: {error}') from error
        try:
            _wait_for(self.lock, directory, patience)
            self._clear()
        except BaseException:
            os.close(self.lock)
            raise

    def fresh(self) -> Path:
        """Return a private, empty directory for what is extracted."""
        path = self.directory / _EXTRACTED
        try:
            path.mkdir(mode=0o700)
        except OSError as error:
            raise HoldError(f'cannot make {path}: {error}') from error
        return path

    def close(self) -> None:
        """Remove what was extracted, and let others in."""
        shutil.rmtree(self.directory / _EXTRACTED, ignore_errors=True)
        os.close(self.lock)

    def _clear(self) -> None:
        for name in _LEFTOVERS:
            path = self.directory / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            if os.path.lexists(path):
                raise HoldError(f'{path} of an earlier gate cannot be removed')


def _wait_for(lock: int, directory: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise HoldError(f'another gate is at work in {directory}') from None
            time.sleep(0.2)
        else:
            return
