"""What a watcher has taken: one file, whole at any moment, for one watcher at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi_validate.errors import HoldError, UsageError


class Taken(BaseModel):
    """An object that was taken; of each key the last version."""

    model_config = ConfigDict(frozen=True, extra='forbid')
    etag: str
    version_id: str
    #: Time of its last change, as the listing had it.
    modified: str
    #: ``taken``: no verdict yet; ``done``: its verdict is published.
    status: Literal['taken', 'done']
    attempts: int = 1
    verdict: str = ''
    sha256: str = ''
    reason: str = ''
    #: When, in ISO 8601.
    at: str = ''


class WatchRecord(BaseModel):
    """Content of the file."""

    model_config = ConfigDict(extra='forbid')
    schema_version: Literal[1] = 1
    #: What it is about: endpoint, bucket and prefix.
    watches: str
    objects: dict[str, Taken] = Field(default_factory=dict)


class WatchState:
    """The file of a watcher; see :func:`watch_state`."""

    def __init__(self, path: Path, record: WatchRecord) -> None:
        self._path = path
        self._record = record

    def of(self, key: str) -> Taken | None:
        """Return what is known of an object."""
        return self._record.objects.get(key)

    def note(self, key: str, taken: Taken) -> None:
        """Write down what became of an object; on the disk when this returns.

        :raises HoldError: if it cannot be written.
        """
        self._record.objects[key] = taken
        self.write()

    def forget(self, key: str) -> None:
        """Take an object as if it had never been there."""
        if self._record.objects.pop(key, None):
            self.write()

    def write(self) -> None:
        """Write the file anew."""
        part = self._path.with_name(f'.{self._path.name}.part')
        try:
            with part.open('w', encoding='utf-8') as stream:
                stream.write(self._record.model_dump_json())
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(self._path)
        except OSError as error:
            raise HoldError(f'cannot write {self._path}: {error.strerror}') from error


@contextmanager
def watch_state(path: Path, watches: str) -> Iterator[WatchState]:
    """Hold the state of a watcher.

    :arg watches: endpoint, bucket and prefix, which must be those of the file.
    :raises UsageError: if the file is about something else.
    :raises HoldError: if another watcher has it, or it cannot be read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(path.with_name(f'{path.name}.lock'), flags, 0o600)
    except OSError as error:
        raise HoldError(f'cannot lock {path}: {error.strerror}') from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        state = WatchState(path, _read(path, watches))
        state.write()
        yield state
    except BlockingIOError:
        raise HoldError(f'another watcher works with {path}') from None
    finally:
        os.close(lock)


def _read(path: Path, watches: str) -> WatchRecord:
    try:
        record = WatchRecord.model_validate(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return WatchRecord(watches=watches)
    except OSError as error:
        raise HoldError(f'cannot read {path}: {error.strerror}') from error
    except (ValueError, ValidationError) as error:
        raise HoldError(f'{path} is no state of a watcher: move it away to start anew') from error
    if record.watches != watches:
        raise UsageError(f'{path} is about {record.watches}: give another --state')
    return record
