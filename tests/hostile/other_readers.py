"""Other programs' readings of an archive: the oracles of the fuzz run."""

from __future__ import annotations

import ctypes
import ctypes.util
import io
import subprocess
import tarfile
from functools import cache
from typing import Any

from eessi_validate.gate.inspection.agreement import record
from eessi_validate.gate.inspection.second_reading import SecondReading

_KINDS = {tarfile.REGTYPE: '-', tarfile.LNKTYPE: 'h', tarfile.SYMTYPE: 'l', tarfile.DIRTYPE: 'd'}
_FILE_TYPES = {0o100000: '-', 0o040000: 'd', 0o120000: 'l'}


def comparable(kind: str, mode: int, size: int, name: bytes, link: bytes) -> bytes:
    """Return what all readers must agree on; trailing slashes are a matter of taste."""
    return record(kind, mode & 0o7777, size, name.rstrip(b'/') or b'/', link)


def read_with_tarfile(archive: bytes) -> list[bytes]:
    """Read with Python's ``tarfile`` in streaming mode."""
    found = []
    with tarfile.open(
        fileobj=io.BytesIO(archive), mode='r|', encoding='utf-8', errors='surrogateescape'
    ) as opened:
        for info in opened:
            name, link = (
                text.encode('utf-8', 'surrogateescape') for text in (info.name, info.linkname)
            )
            found.append(comparable(_KINDS.get(info.type, '?'), info.mode, info.size, name, link))
    return found


def read_with_gnu_tar(archive: bytes) -> tuple[int, list[bytes]]:
    """Read with the gate's own second reading: exit code and records."""
    second = SecondReading()
    try:
        second.feed(archive)
        code = second.finish()
        lines = b''.join(second.records()).splitlines(keepends=True)
    finally:
        second.stop()
    return code, lines


@cache
def libarchive() -> Any:
    """Return libarchive, the reader inside ``cvmfs_server ingest``; None where it is missing."""
    path = ctypes.util.find_library('archive')
    if not path:
        return None
    ctypes.CDLL(None).setlocale(0, b'C.UTF-8')
    library = ctypes.CDLL(path)
    for name in ('archive_read_new', 'archive_entry_pathname', 'archive_entry_hardlink'):
        getattr(library, name).restype = ctypes.c_void_p
    for name in ('archive_entry_pathname', 'archive_entry_hardlink', 'archive_entry_symlink'):
        getattr(library, name).restype = ctypes.c_char_p
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.archive_entry_size.restype = ctypes.c_int64
    library.archive_entry_size.argtypes = [ctypes.c_void_p]
    for name in ('archive_entry_filetype', 'archive_entry_perm'):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    return library


def read_with_libarchive(archive: bytes) -> tuple[int, list[bytes]]:
    """Read with libarchive: its last status (1 is a proper end) and records."""
    library = libarchive()
    handle = ctypes.c_void_p(library.archive_read_new())
    library.archive_read_support_format_tar(handle)
    found: list[bytes] = []
    library.archive_read_open_memory(handle, archive, ctypes.c_size_t(len(archive)))
    entry = ctypes.c_void_p()
    while (status := library.archive_read_next_header(handle, ctypes.byref(entry))) in (0, -20):
        link = library.archive_entry_hardlink(entry)
        kind = 'h' if link else _FILE_TYPES.get(library.archive_entry_filetype(entry), '?')
        link = link or library.archive_entry_symlink(entry) or b''
        size = library.archive_entry_size(entry) if kind == '-' else 0
        name = library.archive_entry_pathname(entry) or b'?'
        found.append(comparable(kind, library.archive_entry_perm(entry), size, name, link))
    library.archive_read_free(handle)
    return status, found


def have_gnu_tar() -> bool:
    """Say whether ``tar`` is GNU's."""
    shown = subprocess.run(['tar', '--version'], capture_output=True, text=True, check=False)
    return 'GNU tar' in shown.stdout
