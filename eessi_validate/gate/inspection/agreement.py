"""Whether two readings of an archive found the same members."""

from __future__ import annotations

import re
import stat
import tempfile
from collections.abc import Iterable
from functools import lru_cache

_NEEDS_QUOTES = re.compile(rb'[^ !#-\[\]-~]')
_SHORT = {7: 'a', 8: 'b', 9: 't', 10: 'n', 11: 'v', 12: 'f', 13: 'r', 34: '"', 92: '\\'}
_BATCH = 4096


def record(kind: str, mode: int, size: int, name: bytes, link: bytes) -> bytes:
    """Return one line with all that both readings must agree on: type, mode, size and names."""
    if kind == '-':
        return b'%b %d "%b"\n' % (_mode('-', mode), size, quoted(name))
    if kind == 'd':
        return b'%b 0 "%b/"\n' % (_mode('d', mode), quoted(name.removesuffix(b'/')))
    arrow = b'->' if kind == 'l' else b'link to'
    return b'%b 0 "%b" %b "%b"\n' % (_mode(kind, mode), quoted(name), arrow, quoted(link))


def quoted(name: bytes) -> bytes:
    """Return a name as a C string without its quotes, non-ASCII bytes in octal."""
    return _NEEDS_QUOTES.sub(_escape, name)


def _escape(found: re.Match[bytes]) -> bytes:
    byte = found[0][0]
    return f'\\{_SHORT[byte]}'.encode() if byte in _SHORT else b'\\%03o' % byte


@lru_cache(maxsize=4096)
def _mode(kind: str, mode: int) -> bytes:
    return kind.encode() + stat.filemode(mode)[1:].encode()


class FirstReading:
    """What the first reading found, kept on disk until the second one is complete."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._batch: list[bytes] = []
        #: Takes the next record.
        self.add = self._batch.append
        self.count = 0

    def flush_if_full(self) -> None:
        """Write out what was added when it is much."""
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write out what was added."""
        self._file.write(b''.join(self._batch))
        self.count += len(self._batch)
        self._batch.clear()

    def close(self) -> None:
        """Let go of the disk space."""
        self._file.close()

    def difference(self, other: Iterable[bytes]) -> tuple[str, str] | None:
        """Return the first record that differs, here and there; None if all are the same."""
        self.flush()
        self._file.seek(0)
        for theirs in other:
            ours = self._file.read(len(theirs))
            if ours != theirs:
                return self._first_difference(ours, theirs)
        if left := self._file.read(8192):
            return _line(left, 0), ''
        return None

    def _first_difference(self, ours: bytes, theirs: bytes) -> tuple[str, str]:
        ours += self._file.read(8192 * 5)
        shorter = min(len(ours), len(theirs))
        start = next((i for i in range(shorter) if ours[i] != theirs[i]), shorter)
        start = theirs.rfind(b'\n', 0, start) + 1
        return _line(ours, start), _line(theirs, start)


def _line(records: bytes, start: int) -> str:
    return records[start : start + 600].partition(b'\n')[0].decode('ascii', 'backslashreplace')
