"""Take users, hosts and paths out of rows that leave the house."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_PATH = re.compile(r'(?<![\w:/])(?:/[\w.+@:=,~-]+)+/?')
_ADDRESS = re.compile(r'\b(?:\d{1,3}\.){3}\d{1,3}\b|[\w.+-]+@[\w-]+(?:\.[\w-]+)+')

#: Columns of free text, in which any of it may be quoted.
_TEXTS = ('reason', 'signature', 'waivers')


def scrub(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with users and hosts numbered and paths cut out; equal stays equal.

    System and partition stay: without them no site fault can be told from a fault of the stack.
    """
    frame = frame.copy()
    users = _numbered('user', frame['user'].tolist())
    nodes = [node for nodes in frame['nodes'].tolist() for node in nodes.split(',')]
    hosts = _numbered('host', [*frame['hostname'].tolist(), *nodes])
    frame['user'] = [users.get(value, '') for value in frame['user']]
    frame['hostname'] = [hosts.get(value, '') for value in frame['hostname']]
    frame['nodes'] = [
        ','.join(hosts[node] for node in value.split(',') if node) for value in frame['nodes']
    ]
    frame['job_id'] = ''
    names = {**users, **hosts}
    word = None
    if names:
        longest = sorted(names, key=len, reverse=True)
        word = re.compile(r'(?<![\w-])(?:' + '|'.join(map(re.escape, longest)) + r')(?![\w-])')
    for column in _TEXTS:
        frame[column] = [_clean(text, names, word) for text in frame[column]]
    return frame


def _numbered(kind: str, values: list[str]) -> dict[str, str]:
    return {value: f'{kind}-{i}' for i, value in enumerate(sorted(set(values) - {''}), 1)}


def _clean(text: str, names: dict[str, str], word: re.Pattern[str] | None) -> str:
    text = _PATH.sub('<path>', text)
    text = _ADDRESS.sub('<address>', text)
    return word.sub(lambda found: names[found[0]], text) if word else text
