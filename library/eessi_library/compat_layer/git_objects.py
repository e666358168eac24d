"""Names of git objects from their content, so that a commit can be known before git makes it.

Source: gitformat, "Git Internals - Git Objects" (git-scm.com/book); object name is the SHA-1 of
``<type> <size>\\0<content>``.
"""

from __future__ import annotations

import hashlib


def object_name(kind: str, content: bytes) -> str:
    """Return the name of an object of type ``blob``, ``tree`` or ``commit``."""
    return hashlib.sha1(f'{kind} {len(content)}\0'.encode() + content).hexdigest()


def commit_name(file: str, content: bytes, author: str, date: int, message: str) -> str:
    """Return the name of a first commit of one file; author is ``Name <address>``, date in UTC."""
    blob = object_name('blob', content)
    tree = object_name('tree', f'100644 {file}\0'.encode() + bytes.fromhex(blob))
    stamp = f'{author} {date} +0000'
    text = f'tree {tree}\nauthor {stamp}\ncommitter {stamp}\n\n{message}\n'
    return object_name('commit', text.encode())
