"""The tarball as a file: opened once, hashed and decompressed in the same pass."""

from __future__ import annotations

import hashlib
import os
import queue
import sys
import threading
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol

from eessi_validate.gate.inspection.faults import ReadingStopped
from eessi_validate.gate.inspection.limits import Limits

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    # The module of Python 3.14 for older ones: the only binding that bounds what one call returns.
    from backports import zstd

_PIECE = 1 << 20
_AHEAD = 6

_ZSTD, _GZIP = b'\x28\xb5\x2f\xfd', b'\x1f\x8b'


class Decompressor(Protocol):
    """One compressed stream, decompressed in bounded pieces."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Iterate over what ``data`` decompresses to, at most a piece at once."""
        ...

    def finish(self) -> None:
        """Say that no more data comes."""
        ...


class TarballStream:
    """Hashes a file to its end, and hands out what it decompresses to.

    Only hashing has a thread of its own: it takes whole pieces outside the interpreter lock. All
    else happens in the reading thread, because half a million members take the lock so much that
    another thread would wait for it most of the time. When the reading stops early, the rest of
    the file is still hashed: the digest is always that of the whole file.

    :arg tee: takes every decompressed piece as well.
    """

    def __init__(self, descriptor: int, limits: Limits, tee: Callable[[bytes], None]) -> None:
        self._descriptor = descriptor
        self._limits = limits
        self._tee = tee
        self._hash = hashlib.sha256()
        self._queue: queue.Queue[bytes] = queue.Queue(_AHEAD)
        self._file_size = os.fstat(descriptor).st_size
        self._chunks = self._unpack()
        #: Bytes of the file.
        self.size = 0
        #: Decompressed bytes that were handed out.
        self.unpacked = 0
        #: ``zstd``, ``gzip``, ``none``, or '' if unknown.
        self.compression = ''
        self._thread = threading.Thread(target=self._hash_pieces, name='sha256', daemon=True)
        self._thread.start()

    def next_chunk(self) -> bytes:
        """Return the next decompressed bytes, ``b''`` at the end.

        :raises ReadingStopped: if the stream is faulty or goes beyond a limit.
        :raises OSError: if the file cannot be read.
        """
        return next(self._chunks, b'')

    def finish(self) -> str:
        """Read the file to its end and return its SHA-256.

        :raises OSError: if the file cannot be read.
        """
        self._chunks.close()
        try:
            while self._next_piece():
                pass
        finally:
            self._queue.put(b'')
            self._thread.join()
        return self._hash.hexdigest()

    def _hash_pieces(self) -> None:
        while piece := self._queue.get():
            self._hash.update(piece)

    def _next_piece(self) -> bytes:
        piece = os.read(self._descriptor, _PIECE)
        self.size += len(piece)
        if piece:
            self._queue.put(piece)
        return piece

    def _unpack(self) -> Generator[bytes, None, None]:
        piece = self._next_piece()
        stream = self._decompressor(piece)
        while piece:
            for chunk in stream.pieces(piece):
                self._count(chunk)
                self._tee(chunk)
                yield chunk
            piece = self._next_piece()
        stream.finish()

    def _count(self, chunk: bytes) -> None:
        self.unpacked += len(chunk)
        limits = self._limits
        if self.unpacked > limits.unpacked:
            raise ReadingStopped(
                'unpacked-too-large', f'the archive is larger than {limits.unpacked} bytes'
            )
        if self.unpacked > max(limits.ratio_from, limits.ratio * self._file_size):
            raise ReadingStopped(
                'ratio-too-high',
                f'{self._file_size} bytes decompress to more than {limits.ratio:g} times as many',
            )

    def _decompressor(self, first: bytes) -> Decompressor:
        if not first:
            raise ReadingStopped('compression-unknown', 'the file is empty')
        if first.startswith(_ZSTD):
            self.compression = 'zstd'
            options: dict[int, int] = {
                zstd.DecompressionParameter.window_log_max: self._limits.zstd_window_log
            }
            return _Compressed(zstd.ZstdDecompressor(options=options), 'zstd')
        if first.startswith(_GZIP):
            self.compression = 'gzip'
            return _Compressed(_Gzip(), 'gzip')
        if first[257:262] == b'ustar':
            self.compression = 'none'
            return _Plain()
        raise ReadingStopped(
            'compression-unknown', 'the file is neither a zstd nor a gzip stream nor a tar archive'
        )


class _Plain:
    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        return


class _Compressed:
    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name

    def pieces(self, data: bytes) -> Iterator[bytes]:
        stream = self._stream
        while True:
            if stream.eof:
                if data:
                    raise self._trailing()
                return
            try:
                chunk = stream.decompress(data, _PIECE)
            except (zlib.error, zstd.ZstdError) as error:
                if 'memory' in str(error):
                    raise ReadingStopped(
                        'window-too-large', f'the zstd stream needs too large a window: {error}'
                    ) from error
                raise ReadingStopped(
                    'compression-corrupt', f'the {self._name} stream is corrupt: {error}'
                ) from error
            data = b''
            if chunk:
                yield chunk
            if stream.eof:
                data = stream.unused_data
            elif stream.needs_input:
                return

    def finish(self) -> None:
        if not self._stream.eof:
            raise ReadingStopped(
                'compression-truncated', f'the {self._name} stream ends before its end'
            )

    def _trailing(self) -> ReadingStopped:
        return ReadingStopped(
            'compression-trailing',
            f'something follows the {self._name} stream: another stream, or hidden bytes',
        )


class _Gzip:
    """zlib's decompressor with the interface of zstd's."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        chunk = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        # A full piece may leave bytes inside zlib, even if all input is used up.
        self.needs_input = not self._stream.unconsumed_tail and len(chunk) < max_length
        return chunk
