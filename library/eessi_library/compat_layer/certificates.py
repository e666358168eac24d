"""Certificates in a PEM file, as bytes. Pure.

Source: RFC 7468 (textual encodings of PKIX structures).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

_BLOCK = re.compile(
    r'-----BEGIN (?:TRUSTED )?CERTIFICATE-----\n(.*?)-----END (?:TRUSTED )?CERTIFICATE-----',
    re.DOTALL,
)


def blocks(text: str) -> list[str]:
    """Return each certificate of a PEM file as PEM text of its own."""
    return [match[0] + '\n' for match in _BLOCK.finditer(text)]


def digest(block: str, nonce: str) -> str:
    """Return the SHA-256 of nonce and binary certificate; '' if it is no base64."""
    body = _BLOCK.search(block)
    try:
        binary = base64.b64decode(''.join((body[1] if body else '!').split()), validate=True)
    except binascii.Error:
        return ''
    return hashlib.sha256(nonce.encode() + binary).hexdigest()
