"""The first reading: members of a tar stream, one after the other, in one pass.

Nothing is extracted. The reader is strict: what GNU tar, libarchive and Python's ``tarfile`` could
take differently ends the reading with a finding, instead of being repaired or guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eessi_validate.gate.inspection.faults import ReadingStopped, Report
from eessi_validate.gate.inspection.header import BLOCK, ZERO_BLOCK, Header, parse_header
from eessi_validate.gate.inspection.limits import Limits
from eessi_validate.gate.inspection.pax import parse_pax

SLASH = ord('/')
_MOST_KNOWN_HEADERS = 1000

#: What a type flag stands for; the first letter is that of ``ls -l``.
_KINDS = {b'0': '-', b'1': 'h', b'2': 'l', b'5': 'd'}
_REFUSED_KINDS = {
    b'\0': 'a file in the notation of before 1988',
    b'3': 'a character device',
    b'4': 'a block device',
    b'6': 'a named pipe',
    b'7': 'a contiguous file',
    b'D': 'a directory dump of GNU tar',
    b'M': 'the rest of a file of another volume',
    b'S': 'a sparse file',
    b'V': 'a volume label',
}
#: Types whose form depends on the reader: after one of them, nothing is certain.
_ENDING_KINDS = {b'M': 'member-multi-volume', b'S': 'member-sparse'}


class Member:
    """One member, as the archive states it."""

    __slots__ = ('block', 'gid', 'kind', 'link', 'mode', 'name', 'size', 'uid')

    def __init__(
        self, kind: str, name: bytes, link: bytes, header: Header, size: int, block: int
    ) -> None:
        #: ``-`` file, ``d`` directory, ``l`` symbolic link, ``h`` hard link, ``?`` refused.
        self.kind = kind
        self.name = name
        self.link = link
        self.mode = header.mode
        self.uid = header.uid
        self.gid = header.gid
        #: Bytes of content.
        self.size = size
        #: Number of its header block in the archive.
        self.block = block


class TarReader:
    """Reads the members of a decompressed tar stream.

    :arg next_chunk: returns the next bytes of the stream, ``b''`` at its end.
    :arg report: takes faults that do not end the reading.
    """

    def __init__(self, next_chunk: Callable[[], bytes], report: Report, limits: Limits) -> None:
        self._next_chunk = next_chunk
        self._report = report
        self._limits = limits
        self._buffer = b''
        self._offset = 0
        #: Bytes of the stream before the buffer.
        self._before = 0
        #: Bytes of the current member's content not read yet, and of its padding.
        self._left = 0
        self._padding = 0

    def __iter__(self) -> Iterator[Member]:
        """Iterate over all members.

        Content of a member that was not taken with :meth:`content` is skipped.

        :raises ReadingStopped: where the archive cannot be read any further.
        """
        limits = self._limits
        known_headers: dict[bytes, Header] = {}
        long_name: bytes | None = None
        long_link: bytes | None = None
        pax: dict[bytes, bytes] | None = None
        while True:
            if self._left or self._padding:
                self._skip_content()
            buffer, offset = self._buffer, self._offset
            block = buffer[offset : offset + BLOCK]
            if len(block) < BLOCK:
                block = self._take_block()
            else:
                self._offset = offset + BLOCK
            number = (self._before + self._offset) // BLOCK - 1
            if block == ZERO_BLOCK:
                if long_name is not None or long_link is not None or pax is not None:
                    raise ReadingStopped(
                        'extended-header-lonely', 'an extended header is followed by no member'
                    )
                self._read_end(number)
                return
            header = known_headers.get(block)
            if header is None:
                header = parse_header(block, number)
                # GNU tar writes the same header before every long name of a length.
                if header.typeflag == b'L' and len(known_headers) < _MOST_KNOWN_HEADERS:
                    known_headers[block] = header
            flag = header.typeflag
            if flag in b'LKx':
                payload = self._payload(header, number)
                if flag == b'x' and pax is None:
                    pax = parse_pax(payload, number)
                elif flag == b'L' and long_name is None:
                    long_name = _long_text(payload, number)
                elif flag == b'K' and long_link is None:
                    long_link = _long_text(payload, number)
                else:
                    raise ReadingStopped(
                        'extended-header-repeated',
                        f'the extended header in block {number} repeats the one before',
                    )
                continue
            if flag in b'gX':
                self._report(
                    'pax-global', b'', f'block {number} is a pax header for all members to come'
                )
                self._payload(header, number)
                continue
            if long_name is None and pax is None and long_link is None:
                member = Member(
                    _KINDS.get(flag, '?'), header.name, header.link, header, header.size, number
                )
            else:
                member = _with_extended(header, number, long_name, long_link, pax)
                long_name = long_link = pax = None
            if member.kind == '-':
                size = self._left = member.size
                self._padding = -size % BLOCK
            else:
                self._judge_contentless(member, header)
            name = member.name
            if not name or (name[-1] == SLASH and member.kind != 'd'):
                raise ReadingStopped(
                    'header-ambiguous',
                    f'the member in block {number} has no name'
                    if not name
                    else 'a member that is no directory has a name that ends in a slash',
                    name,
                )
            if len(name) > limits.name or len(member.link) > limits.name:
                raise ReadingStopped(
                    'name-too-long',
                    f'a name in block {number} is longer than {limits.name} bytes',
                    name,
                )
            yield member

    def head(self, length: int) -> bytes:
        """Return the first bytes of the current member's content, without taking them."""
        wanted = min(length, self._left)
        if len(self._buffer) - self._offset < wanted:
            self._fill(wanted)
        return self._buffer[self._offset : self._offset + wanted]

    def content(self) -> Iterator[bytes]:
        """Iterate over the rest of the current member's content, in pieces.

        :raises ReadingStopped: if the archive ends before.
        """
        while self._left:
            if self._offset == len(self._buffer):
                self._refill()
            piece = self._buffer[self._offset : self._offset + self._left]
            self._offset += len(piece)
            self._left -= len(piece)
            yield piece

    def _judge_contentless(self, member: Member, header: Header) -> None:
        flag = header.typeflag
        if flag in _ENDING_KINDS:
            raise ReadingStopped(
                _ENDING_KINDS[flag], f'the member is {_REFUSED_KINDS[flag]}', member.name
            )
        if member.kind == '?':
            what = _REFUSED_KINDS.get(flag) or f'of the unknown type {flag!r}'
            self._report('member-type', member.name, f'the member is {what}')
        if member.size:
            if member.kind in 'dlh':
                raise ReadingStopped(
                    'size-without-content',
                    f'the member has a size of {member.size} bytes but no content by its type',
                    member.name,
                )
            self._left, self._padding = member.size, -member.size % BLOCK

    def _payload(self, header: Header, number: int) -> bytes:
        if header.size > self._limits.extended_header:
            raise ReadingStopped(
                'extended-header-too-long',
                f'the extended header in block {number} has {header.size} bytes, more than '
                f'{self._limits.extended_header}',
            )
        padded = header.size + -header.size % BLOCK
        if len(self._buffer) - self._offset < padded:
            self._fill(padded)
        start = self._offset
        self._offset = start + padded
        return self._buffer[start : start + header.size]

    def _skip_content(self) -> None:
        left = self._left + self._padding
        self._left = self._padding = 0
        have = len(self._buffer) - self._offset
        while left > have:
            left -= have
            self._offset = len(self._buffer)
            self._refill()
            have = len(self._buffer)
        self._offset += left

    def _take_block(self) -> bytes:
        if len(self._buffer) - self._offset < BLOCK:
            self._fill(BLOCK, at_block=True)
        self._offset += BLOCK
        return self._buffer[self._offset - BLOCK : self._offset]

    def _refill(self) -> None:
        """Go on to the next chunk; the buffer must be used up."""
        self._before += len(self._buffer)
        self._buffer, self._offset = self._next_chunk(), 0
        if not self._buffer:
            raise ReadingStopped('archive-truncated', 'the archive ends inside a member')

    def _fill(self, wanted: int, *, at_block: bool = False) -> None:
        """Have at least ``wanted`` bytes in the buffer from the offset on."""
        pieces = [self._buffer[self._offset :]]
        self._before += self._offset
        have = len(pieces[0])
        while have < wanted:
            chunk = self._next_chunk()
            if not chunk:
                raise ReadingStopped(
                    *(
                        ('end-marker-missing', 'the archive ends without its end marker')
                        if at_block and not have
                        else ('archive-truncated', 'the archive ends inside a block or a member')
                    )
                )
            pieces.append(chunk)
            have += len(chunk)
        self._buffer, self._offset = b''.join(pieces), 0

    def _read_end(self, number: int) -> None:
        """Read on from the first zero block to the end of the stream."""
        try:
            second = self._take_block()
        except ReadingStopped as stop:
            if stop.finding != 'end-marker-missing':
                raise
            raise ReadingStopped(
                'end-marker-missing', 'the archive ends after half of its end marker'
            ) from None
        if second != ZERO_BLOCK:
            raise ReadingStopped(
                'zero-block-inside', f'a single block of zeros, block {number}, is amid the archive'
            )
        rest = self._buffer[self._offset :] or self._next_chunk()
        length = 0
        while rest:
            length += len(rest)
            if rest.count(0) != len(rest):
                raise ReadingStopped(
                    'data-after-end',
                    'there is data after the end of the archive: another archive, or hidden bytes',
                )
            if length > self._limits.padding:
                raise ReadingStopped(
                    'padding-too-long',
                    f'more than {self._limits.padding} zeros follow the end of the archive',
                )
            rest = self._next_chunk()


def _with_extended(
    header: Header,
    number: int,
    long_name: bytes | None,
    long_link: bytes | None,
    pax: dict[bytes, bytes] | None,
) -> Member:
    """Return a member whose header is completed by extended headers before it."""
    name, link, size = header.name, header.link, header.size
    if pax is not None:
        if long_name is not None or long_link is not None:
            raise ReadingStopped(
                'header-ambiguous',
                f'the member in block {number} has extended headers of two formats',
            )
        long_name, long_link = pax.get(b'path'), pax.get(b'linkpath')
        if b'size' in pax:
            size = int(pax[b'size'])
            if header.size not in (0, size) or header.typeflag != b'0':
                raise ReadingStopped(
                    'header-ambiguous',
                    f'header and pax header of the member in block {number} give different sizes',
                )
        header = header._replace(
            uid=int(pax.get(b'uid', header.uid)), gid=int(pax.get(b'gid', header.gid))
        )
    if long_name is not None:
        _agree(name, long_name, number)
        name = long_name
    if long_link is not None:
        if header.typeflag not in b'12':
            raise ReadingStopped(
                'header-ambiguous', f'the member in block {number} is no link but has a link target'
            )
        link = long_link
    return Member(_KINDS.get(header.typeflag, '?'), name, link, header, size, number)


def _agree(short: bytes, long: bytes, number: int) -> None:
    """Refuse a short name that leads a reader without extended headers to another place."""
    if long.startswith(short) and b'..' not in short:
        return
    first = short.partition(b'/')[0]
    if first != long.partition(b'/')[0][: len(first)] or b'..' in short.split(b'/'):
        raise ReadingStopped(
            'header-ambiguous',
            f'header and extended header of the member in block {number} give unlike names',
            long,
        )


def _long_text(payload: bytes, number: int) -> bytes:
    if payload[-1:] != b'\0' or payload.count(0) != 1 or len(payload) < 2:
        raise ReadingStopped(
            'extended-header-malformed', f'the long name in block {number} is malformed'
        )
    return payload[:-1]
