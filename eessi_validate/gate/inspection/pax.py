"""Extended headers of the pax format (POSIX.1-2017, pax, "pax Extended Header")."""

from __future__ import annotations

import re

from eessi_validate.gate.inspection.faults import ReadingStopped

_LENGTH = re.compile(rb'[1-9][0-9]{0,6} ')
_DECIMAL = re.compile(rb'[0-9]{1,18}')
_TIME = re.compile(rb'-?[0-9]{1,18}(\.[0-9]{0,18})?')

#: Keys that say what a header says, and how their values look.
_KNOWN = {
    b'path': re.compile(rb'[^\0]+', re.DOTALL),
    b'linkpath': re.compile(rb'[^\0]+', re.DOTALL),
    b'size': _DECIMAL,
    b'uid': _DECIMAL,
    b'gid': _DECIMAL,
    b'uname': re.compile(rb'[^\0]*', re.DOTALL),
    b'gname': re.compile(rb'[^\0]*', re.DOTALL),
    b'mtime': _TIME,
    b'atime': _TIME,
    b'ctime': _TIME,
    b'LIBARCHIVE.creationtime': _TIME,
}
_ATTRIBUTES = (b'SCHILY.xattr.', b'LIBARCHIVE.xattr.', b'SCHILY.acl.', b'SCHILY.fflags', b'RHT.')


def parse_pax(payload: bytes, number: int) -> dict[bytes, bytes]:
    """Return the records of an extended header.

    :arg number: of the header's block in the archive, for messages.
    :raises ReadingStopped: for what is malformed, repeated, or not to be in a tarball.
    """
    records: dict[bytes, bytes] = {}
    rest = payload
    while rest:
        found = _LENGTH.match(rest)
        record = rest[: int(found[0])] if found else b''
        key, equals, value = record[found.end() if found else 0 : -1].partition(b'=')
        if not found or len(record) != int(found[0]) or record[-1:] != b'\n' or not equals:
            raise ReadingStopped('pax-malformed', f'the pax header in block {number} is malformed')
        rest = rest[len(record) :]
        if key in records:
            raise ReadingStopped(
                'pax-repeated', f'the pax header in block {number} says {_shown(key)} twice'
            )
        _check(key, value, number)
        records[key] = value
    return records


def _check(key: bytes, value: bytes, number: int) -> None:
    if key.startswith(_ATTRIBUTES):
        raise ReadingStopped(
            'pax-attributes',
            f'the pax header in block {number} sets {_shown(key)}: extended attributes, access '
            f'lists, capabilities and file flags do not belong in a tarball',
        )
    if key.startswith(b'GNU.sparse.'):
        raise ReadingStopped('member-sparse', f'the pax header in block {number} is of sparse data')
    pattern = _KNOWN.get(key)
    if pattern is None:
        raise ReadingStopped(
            'pax-unknown', f'the pax header in block {number} has the unknown key {_shown(key)}'
        )
    if not pattern.fullmatch(value):
        raise ReadingStopped(
            'pax-malformed', f'the {_shown(key)} in the pax header in block {number} is malformed'
        )


def _shown(key: bytes) -> str:
    return repr(key[:60])[1:]
