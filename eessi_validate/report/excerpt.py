"""Untrusted text made fit to show: printable, and no longer than the place it goes to."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Terminal escape sequences (ECMA-48: CSI, OSC and two-character ones).
_ESCAPE = re.compile(r'\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])')

#: Control characters that XML 1.0 forbids, C1 controls, lone surrogates, non-characters, and the
#: bidirectional overrides that can make a line read as something else (Unicode TR 36).
_UNPRINTABLE = re.compile(
    '[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069'
    '\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]'
)

REPLACEMENT = '\ufffd'


def printable(text: str) -> str:
    """Text without escape sequences; control characters shown as U+FFFD, line ends as LF."""
    text = _ESCAPE.sub('', text.replace('\r\n', '\n').replace('\r', '\n'))
    return _UNPRINTABLE.sub(REPLACEMENT, text)


def one_line(text: str, limit: int = 400) -> str:
    """Printable text on one line, cut at ``limit`` characters with an ellipsis."""
    line = ' '.join(printable(text[: 4 * limit + 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + '…'


@dataclass(frozen=True)
class Excerpt:
    """Part of a longer text, and how much of it is not here."""

    text: str
    #: Lines of the original that are not in ``text``.
    lines_left_out: int = 0

    def __bool__(self) -> bool:
        return bool(self.text)


def last_lines(text: str, lines: int = 20, chars: int = 4000) -> Excerpt:
    """The end of an output, where the fault is; lines longer than 500 characters are cut."""
    return _cut(text, lines, chars, keep_end=True)


def first_lines(text: str, lines: int = 200, chars: int = 8000) -> Excerpt:
    """The beginning of a job script."""
    return _cut(text, lines, chars, keep_end=False)


def _cut(text: str, lines: int, chars: int, *, keep_end: bool) -> Excerpt:
    every = printable(text).rstrip('\n').split('\n') if text.strip() else []
    order = reversed(every) if keep_end else iter(every)
    kept: list[str] = []
    room = chars
    for line in order:
        shown = line if len(line) <= 500 else line[:499] + '…'
        if len(kept) == lines or (kept and len(shown) > room):
            break
        kept.append(shown)
        room -= len(shown) + 1
    if keep_end:
        kept.reverse()
    return Excerpt('\n'.join(kept), len(every) - len(kept))
