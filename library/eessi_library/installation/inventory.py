"""Everything in an installation: walked once, in a fixed order, classified by content."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from eessi_library.elf import is_archive

#: Bytes that decide what a file is.
_HEAD: Final = 1024


class Kind(str, Enum):
    """What a member is."""

    ELF = 'elf'
    ARCHIVE = 'archive'
    SCRIPT = 'script'
    TEXT = 'text'
    OTHER = 'other'
    LINK = 'link'
    DIRECTORY = 'directory'
    SPECIAL = 'special'
    UNREADABLE = 'unreadable'


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an installation; ``path`` is relative to it, ``target`` that of a link."""

    path: str
    mode: int
    size: int
    mtime_ns: int
    inode: int
    target: str | None = None
    #: Time of the last change of anything; no program can set it, unlike that of the content.
    ctime_ns: int = 0

    @property
    def is_file(self) -> bool:
        """True for a regular file."""
        return stat.S_ISREG(self.mode)


def walk(top: str) -> Iterator[Member]:
    """Yield every member below a directory, sorted by name within each directory.

    Links are not followed. A directory that cannot be listed is yielded; its content is not.
    Raises OSError when ``top`` itself cannot be listed.
    """
    yield from _walk(top, '')


def _walk(top: str, below: str) -> Iterator[Member]:
    pending = [below]
    while pending:
        here = pending.pop()
        directories = []
        try:
            with os.scandir(os.path.join(top, here)) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except PermissionError:
            if not here:
                raise
            continue
        for entry in found:
            path = f'{here}/{entry.name}' if here else entry.name
            status = entry.stat(follow_symlinks=False)
            target = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else None
            yield Member(
                path,
                status.st_mode,
                status.st_size,
                status.st_mtime_ns,
                status.st_ino,
                target,
                status.st_ctime_ns,
            )
            if stat.S_ISDIR(status.st_mode):
                directories.append(path)
        pending.extend(reversed(directories))


def classify(path: str, member: Member) -> tuple[Kind, bytes]:
    """Return what a member is, and its first bytes when it is a file that can be read."""
    if stat.S_ISLNK(member.mode):
        return Kind.LINK, b''
    if stat.S_ISDIR(member.mode):
        return Kind.DIRECTORY, b''
    if not stat.S_ISREG(member.mode):
        return Kind.SPECIAL, b''
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            head = os.read(descriptor, _HEAD)
        finally:
            os.close(descriptor)
    except OSError:
        return Kind.UNREADABLE, b''
    return kind_of(head), head


def kind_of(head: bytes) -> Kind:
    """Return what the first bytes of a file say. A NUL byte makes it no text (as git does)."""
    if head.startswith(b'\x7fELF'):
        return Kind.ELF
    if is_archive(head):
        return Kind.ARCHIVE
    if b'\0' in head:
        return Kind.OTHER
    return Kind.SCRIPT if head.startswith(b'#!') else Kind.TEXT


def fingerprint(members: Sequence[Member]) -> str:
    """Return a digest of everything that tells whether members have changed.

    Content is not read: size, inode and the times of modification and change in nanoseconds stand
    for it, as in git's index. Two unpacked archives with equal file times may get the same inodes
    one after the other; the time of change tells them apart. Mode and link target are checked.
    """
    digest = hashlib.sha256()
    for m in members:
        directory = stat.S_ISDIR(m.mode)
        times = f'{m.mtime_ns}\0{m.ctime_ns}'
        line = f'{m.path}\0{m.mode}\0{0 if directory else m.size}\0{times}\0{m.inode}'
        digest.update(f'{line}\0{m.target or ""}\n'.encode('utf-8', 'surrogateescape'))
    return digest.hexdigest()
