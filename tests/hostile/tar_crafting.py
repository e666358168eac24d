"""Builds tarballs byte by byte: sound ones, and whatever a hostile one needs."""

from __future__ import annotations

import gzip
import io
import json
import struct
import sys
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 512
END = bytes(2 * BLOCK)
RELEASE = '2023.06'
TARGET = 'x86_64/amd/zen2'
SOFTWARE = f'{RELEASE}/software/linux/{TARGET}'
FOO = f'{SOFTWARE}/software/Foo/1.0-foss-2022b'
NAME = 'eessi-2023.06-software-linux-x86_64-amd-zen2-1700000000.tar.zst'
COMPAT_NAME = 'eessi-2023.06-compat-linux-x86_64-1700000000.tar.gz'
INIT_NAME = 'eessi-2023.06-init-1700000000.tar.gz'


class Archive:
    """A tar archive that is added to member by member."""

    def __init__(self, fmt: int = tarfile.GNU_FORMAT) -> None:
        self.format = fmt
        self.data = bytearray()
        self.end = END

    def add(self, name: str | bytes, content: bytes = b'', **fields: Any) -> Archive:
        """Add a member; ``fields`` are attributes of ``TarInfo``."""
        text = name.decode('utf-8', 'surrogateescape') if isinstance(name, bytes) else name
        info = tarfile.TarInfo(text)
        info.mode, info.uid, info.gid, info.mtime = 0o644, 1000, 1000, 1_700_000_000
        info.size = len(content)
        for key, value in fields.items():
            setattr(info, key, value)
        self.data += info.tobuf(self.format, 'utf-8', 'surrogateescape')
        return self.raw(content)

    def raw(self, content: bytes) -> Archive:
        """Add bytes, filled up to whole blocks."""
        self.data += content + bytes(-len(content) % BLOCK)
        return self

    def header(self, name: str, edit: dict[tuple[int, int], bytes], **fields: Any) -> Archive:
        """Add a header of which some fields (offset, length) have other bytes, checksum right."""
        start = len(self.data)
        self.add(name, **fields)
        block = bytearray(self.data[start : start + BLOCK])
        for (offset, length), value in edit.items():
            block[offset : offset + length] = value.ljust(length, b'\0')[:length]
        self.data[start : start + BLOCK] = with_checksum(bytes(block))
        return self

    def directory(self, name: str, mode: int = 0o755) -> Archive:
        """Add a directory."""
        return self.add(name, type=tarfile.DIRTYPE, mode=mode)

    def symlink(self, name: str, target: str) -> Archive:
        """Add a symbolic link."""
        return self.add(name, type=tarfile.SYMTYPE, linkname=target, mode=0o777)

    def hardlink(self, name: str, target: str) -> Archive:
        """Add a hard link."""
        return self.add(name, type=tarfile.LNKTYPE, linkname=target)

    def long(self, typeflag: bytes, text: bytes) -> Archive:
        """Add an extended header of GNU tar."""
        return self.header(
            '././@LongLink', {(124, 12): b'%011o\0' % len(text), (156, 1): typeflag}
        ).raw(text)

    def pax(self, *records: bytes, typeflag: bytes = b'x') -> Archive:
        """Add a pax header; records are ``key=value``."""
        payload = b''.join(pax_record(record) for record in records)
        return self.header('pax', {(124, 12): b'%011o\0' % len(payload), (156, 1): typeflag}).raw(
            payload
        )

    def bytes(self) -> bytes:
        """Return the archive with its end marker."""
        return bytes(self.data) + self.end


def with_checksum(block: bytes) -> bytes:
    """Return a header block with the right checksum."""
    total = sum(block[:148]) + 256 + sum(block[156:])
    return block[:148] + b'%06o\0 ' % total + block[156:]


def pax_record(text: bytes) -> bytes:
    """Return a record of a pax header with its length."""
    length = len(text) + 3
    while len(b'%d ' % length) + len(text) + 1 != length:
        length += 1
    return b'%d ' % length + text + b'\n'


def elf(machine: int = 62, kind: int = 3, interpreter: bytes = b'', bits: int = 2) -> bytes:
    """Return the first bytes of an ELF file."""
    ident = b'\x7fELF' + bytes([bits, 1, 1]) + bytes(9)
    header = struct.pack(
        '<HHIQQQIHHHHHH',
        kind,
        machine,
        1,
        0,
        64 if interpreter else 0,
        0,
        0,
        64,
        56,
        1 if interpreter else 0,
        0,
        0,
        0,
    )
    if not interpreter:
        return ident + header + bytes(64)
    length = len(interpreter) + 1
    segment = struct.pack('<IIQQQQQQ', 3, 4, 120, 120, 120, length, length, 1)
    return ident + header + segment + interpreter + b'\0'


def edited_elf(interpreter: bytes) -> bytes:
    """Return a program whose headers and loader are at its end, as patchelf leaves it."""
    plain = elf(interpreter=interpreter)
    gap = 20_000
    segment = bytearray(plain[64:120])
    struct.pack_into('<QQQ', segment, 8, 64 + gap + 56, 64 + gap + 56, 64 + gap + 56)
    header = bytearray(plain[:64])
    struct.pack_into('<Q', header, 32, 64 + gap)
    return bytes(header) + bytes(gap) + bytes(segment) + plain[120:]


def loader(family: str = 'x86_64', top: str = RELEASE) -> bytes:
    """Return the path of the compat layer's loader."""
    return f'/cvmfs/software.eessi.io/versions/{top}/compat/linux/{family}/lib64/ld.so'.encode()


def module(software: str = SOFTWARE, name: str = 'Foo/1.0-foss-2022b') -> bytes:
    """Return a module file that points to its installation."""
    root = f'/cvmfs/software.eessi.io/versions/{software}/software/{name}'
    return f'whatis([==[Foo]==])\nlocal root = "{root}"\n'.encode()


def sound(
    software: str = SOFTWARE,
    name: str = 'Foo/1.0-foss-2022b',
    *,
    machine: int = 62,
    archive: Archive | None = None,
) -> Archive:
    """Return an archive with one complete installation."""
    made = archive or Archive()
    top = software.split('/')[0] if software[0] == '2' else RELEASE
    family = software.split('/linux/')[1].split('/')[0]
    base = f'{software}/software/{name}'
    stem = name.replace('/', '-')
    made.add(f'{software}/modules/all/{name}.lua', module(software, name))
    made.directory(base).directory(f'{base}/bin').directory(f'{base}/easybuild')
    made.add(f'{base}/bin/foo', elf(machine, 3, loader(family, top)), mode=0o755)
    made.add(f'{base}/easybuild/{stem}.eb', b"name = 'Foo'\n")
    made.add(f'{base}/easybuild/easybuild-{stem}.log.bz2', b'BZh9')
    made.directory(f'{software}/reprod/{name}/20231114_221320UTC/easybuild')
    made.add(f'{software}/reprod/{name}/20231114_221320UTC/easybuild/{stem}.eb', b"name = 'Foo'\n")
    return made


def sound_compat(top: str = RELEASE, family: str = 'x86_64') -> Archive:
    """Return an archive with a small compat layer."""
    root = f'{top}/compat/linux/{family}'
    made = Archive().directory(root).directory(f'{root}/etc').directory(f'{root}/lib64')
    made.add(f'{root}/startprefix', b'#!/bin/bash\n', mode=0o755)
    made.add(f'{root}/lib64/ld-linux-x86-64.so.2', elf(), mode=0o755)
    made.symlink(f'{root}/lib64/ld.so', 'ld-linux-x86-64.so.2')
    return made.symlink(f'{root}/etc/passwd', '/etc/passwd')


def sound_init(top: str = RELEASE, kind: str = 'init') -> Archive:
    """Return an archive with init or scripts files."""
    return Archive().directory(f'{top}/{kind}').add(f'{top}/{kind}/bash', b'# init\n')


def pack(archive: bytes, name: str = NAME) -> bytes:
    """Compress as the name says."""
    return gzip.compress(archive, mtime=0) if name.endswith('gz') else zstd.compress(archive)


@dataclass
class Tarball:
    """A file to inspect, and what it is inspected with."""

    packed: bytes
    name: str = NAME
    #: Content of the metadata file; bytes are taken as they are.
    metadata: dict[str, Any] | bytes | None = None
    with_base: bool = False
    limits: dict[str, Any] = field(default_factory=dict)


def tarball(archive: Archive | bytes, name: str = NAME, **rest: Any) -> Tarball:
    """Return an archive as a tarball."""
    content = archive if isinstance(archive, bytes) else archive.bytes()
    return Tarball(pack(content, name), name, **rest)


def metadata_of(packed: bytes, name: str = NAME, **other: Any) -> dict[str, Any]:
    """Return the metadata that describe a file, with some values changed."""
    import hashlib

    payload = {
        'filename': name,
        'size': str(len(packed)),
        'sha256sum': hashlib.sha256(packed).hexdigest(),
        'url': f'https://bucket.example/new/EESSI/1/{name}',
        'ctime': 'Mon May 25 08:12:27 UTC 2026',
    }
    link = {'repo': 'EESSI/software-layer', 'pr': '1', 'pr_comment_id': '2'}
    return {'uploader': {'username': 'bot'}, 'payload': payload | other, 'link2pr': link}


def as_json(metadata: dict[str, Any] | bytes) -> bytes:
    """Return the content of a metadata file."""
    return metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()


def bomb(size: int, name: str = NAME) -> bytes:
    """Return a small file that decompresses to an archive with one file of so many zeros."""
    stream = io.BytesIO()
    opened: Any = (
        gzip.GzipFile(fileobj=stream, mode='wb', mtime=0)
        if name.endswith('gz')
        else zstd.ZstdFile(stream, 'w')
    )
    with opened as packed:
        packed.write(Archive().add(f'{FOO}/zeros', size=size).data)
        for _ in range(size // (1 << 20)):
            packed.write(bytes(1 << 20))
        packed.write(END)
    return stream.getvalue()


Build = Callable[[], Tarball]
