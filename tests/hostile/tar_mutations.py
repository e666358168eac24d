"""Archives for the fuzz run: sound ones of every format, and what can be done to them."""

from __future__ import annotations

import io
import tarfile

from hypothesis import strategies as st

BLOCK = 512

#: Offset and length of the fields of a header.
FIELDS = {
    'name': (0, 100),
    'mode': (100, 8),
    'uid': (108, 8),
    'gid': (116, 8),
    'size': (124, 12),
    'mtime': (136, 12),
    'checksum': (148, 8),
    'typeflag': (156, 1),
    'link': (157, 100),
    'magic': (257, 8),
    'uname': (265, 32),
    'gname': (297, 32),
    'devices': (329, 16),
    'prefix': (345, 155),
    'tail': (500, 12),
}

_WORDS = ['a', 'lib', '..', '.', '', 'x' * 99, 'y' * 101, 'z' * 200, 'é', 'sp ace', 'a"b', 'n\nl']
_VALUES = [
    b'',
    b'0',
    b'5',
    b'L',
    b'K',
    b'x',
    b'g',
    b'S',
    b'M',
    b'1',
    b'2',
    b'7',
    b'\0',
    b'0000644\0',
    b'   644 \0',
    b'0000000512\0 ',
    b'00000001000',
    b'-0000001000',
    b'+000001000 ',
    b'0o00001000 ',
    b'0_0_0_1_0_0',
    b'00000000999',
    b'\x80' + bytes(10) + b'\x0a',
    b'\xff' * 12,
    b'\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff',
    b'ustar\x0000',
    b'ustar  \0',
    b'ustar\0\0\0',
    b'../../etc/passwd',
    b'/etc/passwd',
    b'a\0b',
    b'a/',
    b'././@LongLink',
    b'tar\0',
    b' ' * 8,
    b'\0' * 155,
]
_PAX_RECORDS = [
    b'path=other/name',
    b'path=',
    b'path=a\0b',
    b'linkpath=elsewhere',
    b'size=512',
    b'size=0',
    b'size=99999999999999999999',
    b'uid=1',
    b'mtime=1.5',
    b'mtime=-1',
    b'GNU.sparse.major=1',
    b'GNU.sparse.name=evil',
    b'GNU.sparse.realsize=4096',
    b'SCHILY.xattr.security.capability=x',
    b'hdrcharset=BINARY',
    b'comment=hi',
    b'uname=x',
    b'path=a\npath=b',
]


@st.composite
def sound_archives(draw: st.DrawFn) -> bytes:
    """Archives of up to six members in GNU, pax and ustar format."""
    fmt = draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT]))
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode='w', format=fmt) as archive:
        for number in range(draw(st.integers(0, 6))):
            words = draw(st.lists(st.sampled_from(_WORDS), min_size=1, max_size=4))
            info = tarfile.TarInfo(f'2023.06/{number}/' + '/'.join(words))
            info.mode = draw(st.sampled_from([0o644, 0o755, 0o4755, 0, 0o1777]))
            info.mtime = draw(st.sampled_from([0, 1_700_000_000, 1 << 34]))
            info.uid = draw(st.sampled_from([0, 1000, 1 << 22]))
            kind = draw(st.sampled_from([b'0', b'0', b'0', b'5', b'2', b'1', b'3', b'6']))
            info.type = kind
            if kind in b'12':
                info.linkname = draw(st.sampled_from(['a', 'l' * 120, '../x', 'é']))
            info.size = draw(st.integers(0, 1200)) if kind == b'0' else 0
            try:
                archive.addfile(info, io.BytesIO(b'C' * info.size))
            except ValueError:  # ustar cannot say it
                continue
    return stream.getvalue()


def _with_checksum(block: bytes) -> bytes:
    total = sum(block[:148]) + 256 + sum(block[156:])
    return block[:148] + b'%06o\0 ' % total + block[156:]


def _pax_member(records: list[bytes], typeflag: bytes) -> bytes:
    payload = b''
    for text in records:
        length = len(text) + 3
        while len(b'%d ' % length) + len(text) + 1 != length:
            length += 1
        payload += b'%d ' % length + text + b'\n'
    header = bytearray(tarfile.TarInfo('pax').tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b'%011o\0' % len(payload)
    header[156:157] = typeflag
    return _with_checksum(bytes(header)) + payload + bytes(-len(payload) % BLOCK)


@st.composite
def mutated_archives(draw: st.DrawFn) -> bytes:
    """Archives with up to four things done to them, mostly with sound checksums."""
    archive = draw(sound_archives())
    for _ in range(draw(st.integers(0, 4))):
        blocks = max(1, len(archive) // BLOCK)
        # Most blocks of a small archive are its closing zeros: aim at those before.
        used = max(1, len(archive.rstrip(b'\0')) // BLOCK + 2)
        at = draw(st.integers(0, min(blocks, used) - 1)) * BLOCK
        block = archive[at : at + BLOCK]
        what = draw(st.sampled_from(['field', 'field', 'field', 'byte', 'pax', 'blocks', 'cut']))
        if what == 'field' and len(block) == BLOCK:
            start, length = FIELDS[draw(st.sampled_from(sorted(FIELDS)))]
            value = draw(st.sampled_from(_VALUES) | st.binary(max_size=length))[:length]
            fill = draw(st.sampled_from([b'\0', b' ', b'0']))
            block = block[:start] + value.ljust(length, fill) + block[start + length :]
            if draw(st.integers(0, 9)):
                block = _with_checksum(block)
            archive = archive[:at] + block + archive[at + BLOCK :]
        elif what == 'byte' and archive:
            place = draw(st.integers(0, len(archive) - 1))
            archive = (
                archive[:place] + draw(st.binary(min_size=1, max_size=3)) + archive[place + 1 :]
            )
        elif what == 'pax':
            records = draw(st.lists(st.sampled_from(_PAX_RECORDS), min_size=1, max_size=3))
            typeflag = draw(st.sampled_from([b'x', b'x', b'g', b'X']))
            archive = archive[:at] + _pax_member(records, typeflag) + archive[at:]
        elif what == 'blocks':
            other = draw(st.integers(0, blocks - 1)) * BLOCK
            insert = draw(
                st.sampled_from([b'', bytes(BLOCK), bytes(2 * BLOCK), archive[other:], block])
            )
            keep = draw(st.sampled_from([0, BLOCK]))
            archive = archive[:at] + insert + archive[at + keep :]
        else:
            archive = archive[: draw(st.integers(0, len(archive)))]
        archive = archive[: 1 << 17]
    return archive
