"""The metadata that travel beside a tarball, against the tarball itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.model import Subject
from eessi_validate.gate.inspection.names import Add


def judge_metadata(path: Path, subject: Subject, add: Add, largest: int) -> str:
    """Report where a ``.meta.txt`` file (JSON) does not describe exactly this file.

    Returns the pull request that it names, e.g. ``EESSI/software-layer#12``; '' if it names none.

    :arg largest: bytes of a metadata file that are read at most.
    """
    try:
        stated = _read(path, largest)
        payload = stated.get('payload', {})
        if not isinstance(payload, dict):
            raise ValueError('its payload is no object')
    except (OSError, ValueError, RecursionError) as error:
        add('metadata-unreadable', b'', f'the metadata cannot be read: {error}')
        return ''
    missing = [k for k in ('filename', 'size', 'sha256sum') if not _text(payload.get(k))]
    if missing:
        add('metadata-incomplete', b'', f'the metadata have no payload {", ".join(missing)}')
    _compare(payload, subject, add)
    task = stated.get('task')
    action = task.get('action', 'add') if isinstance(task, dict) else 'add' if task is None else ''
    if action != 'add':
        add('metadata-action', b'', f'the metadata ask for the action {action!r:.60}, not add')
    return _change(stated.get('link2pr'))


def _change(link: object) -> str:
    if not isinstance(link, dict):
        return ''
    repository, number = _text(link.get('repo')), _text(link.get('pr'))
    if not repository or not number:
        return ''
    # Reports show it: a lone surrogate of the JSON could not even be written.
    return printable(f'{repository}#{number}'[:200].encode(errors='backslashreplace'))


def _compare(payload: dict[str, Any], subject: Subject, add: Add) -> None:
    digest, size = _text(payload.get('sha256sum')), _text(payload.get('size'))
    name, url = _text(payload.get('filename')), _text(payload.get('url'))
    if digest and digest.lower() != subject.sha256:
        add(
            'metadata-digest-differs',
            b'',
            f'the file has SHA-256 {subject.sha256}, its metadata say {_shown(digest)}',
        )
    if size and size != str(subject.size):
        add(
            'metadata-size-differs',
            b'',
            f'the file has {subject.size} bytes, its metadata say {_shown(size)}',
        )
    if name and name != subject.name:
        add(
            'metadata-filename-differs',
            b'',
            f'the file is called {subject.name}, its metadata say {_shown(name)}',
        )
    if url and os.path.basename(url.partition('?')[0]) != (name or subject.name):
        add('metadata-url-differs', b'', f'the metadata point to {_shown(url)}')


def _shown(text: str) -> str:
    return printable(text.encode('utf-8', 'backslashreplace'))


def _read(path: Path, largest: int) -> dict[str, Any]:
    with path.open('rb') as stream:
        content = stream.read(largest + 1)
    if len(content) > largest:
        raise ValueError(f'it is larger than {largest} bytes')
    stated = json.loads(content, object_pairs_hook=_unique)
    if not isinstance(stated, dict):
        raise ValueError('it is no JSON object')
    return stated


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError('it says something twice')
    return found


def _text(value: object) -> str:
    """Return a value as text; all values are strings in practice, numbers are taken too."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ''
