"""The second reading: what another program makes of the same bytes.

GNU tar is the reader of record: it is what ingestion uses to look at a tarball, it is written in
another language by other people, and it lists half a million members in about a second. Where it
is missing, Python's own ``tarfile`` takes its place. Either runs in a process of its own, gets the
decompressed bytes through a pipe while the first reading goes on, and only lists.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

#: Waiting longer for the second reader to take a piece means that it hangs.
_PATIENCE_SECONDS = 120
_PIPE_BYTES = 1 << 20
_BLOCK_TO_SPARE = 1 << 20
#: Bytes of the archive that the second reader may be behind.
_FAR_BEHIND = 32 << 20
_F_SETPIPE_SZ = 1031

_GNU_OPTIONS = (
    '--list',
    '--verbose',
    '--numeric-owner',
    '--quoting-style=c',
    '--blocking-factor=2048',
    '--file=-',
)
#: A line of ``tar --list --verbose``: mode, owner, size, date, time, then names in quotes.
_GNU_LINE = re.compile(rb'^(\S{10})\S* \S+ +(\S+) \S+(?: \S+)? (?=")', re.MULTILINE)
_BARE_DIRECTORY = re.compile(rb'^(d[^\n]*[^/"\n])"$', re.MULTILINE)


@cache
def gnu_tar() -> str:
    """Return the path of GNU tar; '' if there is none."""
    path = shutil.which('tar') or ''
    if not path:
        return ''
    shown = subprocess.run([path, '--version'], capture_output=True, check=False)
    return path if b'GNU tar' in shown.stdout else ''


class SecondReading:
    """A process that lists the archive it is fed."""

    def __init__(self) -> None:
        self._listing = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        tar = gnu_tar()
        #: Program that reads, for the report.
        self.reader = 'GNU tar' if tar else 'tarfile of Python'
        ours = [sys.executable, '-I', '-m', 'eessi_validate.gate.inspection.tarfile_reading']
        command = [tar, *_GNU_OPTIONS] if tar else ours
        self._is_gnu = bool(tar)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self._listing,
            stderr=subprocess.DEVNULL,
            env={'LC_ALL': 'C', 'TZ': 'UTC', 'PATH': os.defpath},
            cwd='/',
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        _enlarge(self._pipe)
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLOUT)
        self._takes = True
        self._pending: deque[memoryview] = deque()
        self._behind = 0

    def feed(self, chunk: bytes) -> None:
        """Give the reader more of the archive; it takes it when it can.

        The reading goes on meanwhile, unless the reader is far behind.

        :raises TimeoutError: if it hangs.
        """
        self._pending.append(memoryview(chunk))
        self._behind += len(chunk)
        self._hand_over(_FAR_BEHIND)

    def _hand_over(self, most_behind: int) -> None:
        """Write what the pipe takes, and wait until no more than so many bytes are left."""
        while self._takes and self._pending:
            try:
                written = os.write(self._pipe, self._pending[0])
            except BlockingIOError:
                if self._behind <= most_behind:
                    return
                if not self._poll.poll(_PATIENCE_SECONDS * 1000):
                    raise TimeoutError(f'{self.reader} takes nothing any more') from None
                continue
            except BrokenPipeError:
                self._takes = False
                break
            self._behind -= written
            rest = self._pending.popleft()[written:]
            if rest:
                self._pending.appendleft(rest)
        if not self._takes:
            self._pending.clear()
            self._behind = 0

    def finish(self) -> int:
        """End the archive and return the reader's exit code.

        :raises OSError: if it hangs, was killed, or has no space left for its list: none of that
            says anything of the archive.
        """
        assert self._process.stdin is not None
        self._hand_over(0)
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            code = self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f'{self.reader} does not end') from None
        if code < 0:
            raise OSError(f'{self.reader} was ended by signal {-code}')
        if code:
            # A full disk says nothing of the archive: this fails then, too.
            size = os.fstat(self._listing.fileno()).st_size
            os.posix_fallocate(self._listing.fileno(), size, _BLOCK_TO_SPARE)
        return code

    def stop(self) -> None:
        """End the reader, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._listing.close()

    def records(self) -> Iterator[bytes]:
        """Iterate over whole lines of the listing, in the form of ``agreement.record``."""
        self._listing.seek(0)
        rest = b''
        while block := self._listing.read(1 << 20):
            lines, newline, tail = (rest + block).rpartition(b'\n')
            rest = tail
            yield self._canonical(lines + newline)
        yield self._canonical(rest)

    def _canonical(self, lines: bytes) -> bytes:
        if not self._is_gnu:
            return lines
        return _BARE_DIRECTORY.sub(rb'\1/"', _GNU_LINE.sub(rb'\1 \2 ', lines))


def _enlarge(pipe: int) -> None:
    import fcntl

    try:
        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:  # the limit of unprivileged users is used up: it works with a small one too
        return
