"""What any package database says: packages, versions and files. Pure, standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FILE: Final = 'file'
DIRECTORY: Final = 'directory'
LINK: Final = 'link'


class DatabaseError(Exception):
    """A package database that is not there or cannot be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, directory or link of a package; paths are relative to the compat layer."""

    path: str
    kind: str
    #: MD5 of a file in hexadecimal, '' if none is recorded.
    md5: str = ''
    #: Target of a link, '' if none is recorded.
    target: str = ''


@dataclass(frozen=True, slots=True)
class Package:
    """A package that the database calls installed."""

    name: str
    version: str
    entries: tuple[Entry, ...] = ()
