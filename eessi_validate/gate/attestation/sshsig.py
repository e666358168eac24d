"""What an SSH signature says it was made for (OpenSSH, ``PROTOCOL.sshsig``)."""

from __future__ import annotations

import base64
import binascii
import re
import struct

_ARMOUR = re.compile(
    rb'-----BEGIN SSH SIGNATURE-----\r?\n([0-9A-Za-z+/=\r\n]+)-----END SSH SIGNATURE-----\s*'
)
_MAGIC = b'SSHSIG'
#: A signature of the largest keys takes a few kilobytes.
LARGEST = 1 << 16
_PLAIN = re.compile(r'[0-9A-Za-z][0-9A-Za-z@._+:/-]{0,254}', re.ASCII)


def namespace_of(signature: bytes) -> str:
    """Return the namespace of an armoured signature; nothing of it is verified by that.

    :raises ValueError: if it is no signature of that form.
    """
    found = _ARMOUR.fullmatch(signature) if len(signature) <= LARGEST else None
    if not found:
        raise ValueError('it is no SSH signature')
    try:
        blob = base64.b64decode(b''.join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise ValueError(f'it is no SSH signature: {error}') from error
    if blob[:6] != _MAGIC or blob[6:10] != struct.pack('>I', 1):
        raise ValueError('it is no SSH signature of version 1')
    _, rest = _string(blob[10:])
    namespace, _ = _string(rest)
    text = namespace.decode('utf-8', 'backslashreplace')
    if not _PLAIN.fullmatch(text):
        raise ValueError('its namespace is no plain name')
    return text


def _string(data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 4:
        raise ValueError('it is an SSH signature that was cut')
    (length,) = struct.unpack_from('>I', data)
    if len(data) < 4 + length:
        raise ValueError('it is an SSH signature that was cut')
    return data[4 : 4 + length], data[4 + length :]
