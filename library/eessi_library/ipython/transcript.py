"""Reads the transcript of IPython 7 to 9 with simple prompts. Pure: text in, answers out."""

from __future__ import annotations

import re

#: Control sequences of terminals (ECMA-48 CSI; OSC as xterm sets titles with).
_CONTROL = re.compile(r'\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*(?:\x07|\x1b\\)')
_PROMPT = re.compile(r'^In \[(?P<number>\d+)\]: ', re.MULTILINE)
_CONTINUATION = re.compile(r'^(?: +\.\.\.: ?)+')


def answers(text: str) -> dict[int, str]:
    """Return what followed each input prompt, by its number, without surrounding blank lines.

    Input comes from a file and is not echoed, so that an answer begins on the line of its prompt.
    """
    plain = _CONTROL.sub('', text).replace('\r\n', '\n')
    found = list(_PROMPT.finditer(plain))
    result = {}
    ends = [prompt.start() for prompt in found[1:]] + [len(plain)]
    for prompt, end in zip(found, ends, strict=False):
        answer = plain[prompt.end() : end]
        result[int(prompt['number'])] = _CONTINUATION.sub('', answer).strip()
    return result


def value(answer: str) -> str:
    """Return the value shown after ``Out[n]:``; '' if the answer shows none."""
    found = re.search(r'^Out ?\[\d+\]:\s*(?P<value>.*)\Z', answer, re.MULTILINE | re.DOTALL)
    return found['value'].strip() if found else ''
