"""Untrusted text for GitHub and GitLab Markdown: code spans, fences, prose; and a byte budget."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eessi_validate.report.excerpt import Excerpt, one_line

_MARKUP = re.compile(r'[\\`*_{}\[\]<>|~&$^#]|^[^A-Za-z0-9]|^\d(?=\d*[.)])')
_LINK = re.compile(r'@|:(?=//)|\bw(?=ww\.)|#(?=\w)|\b[Gg](?=[Hh]-\d)')
_NOT_WORD = re.compile(r'[^A-Za-z0-9_ ]')

#: Breaks mentions, links and references; takes no room on the page (U+200B).
_BREAK = '\u200b'


def code(text: str, limit: int = 200) -> str:
    """One line of untrusted text as a code span, also fit for a table cell."""
    line = one_line(text, limit)
    if not line:
        return '-'
    if '`' in line or '|' in line:
        # A backtick or a pipe would end the span or the table cell; entities end neither.
        return f'<code>{_entities(_NOT_WORD, line)}</code>'
    return f'`{line}`'


def prose(text: str, limit: int = 400) -> str:
    """One line of untrusted text as plain words: no markup, link, mention or reference in it."""
    line = _LINK.sub(lambda match: match[0] + _BREAK, one_line(text, limit))
    return _entities(_MARKUP, line)


def fence(excerpt: Excerpt, language: str = '') -> str:
    """Untrusted lines in a fence that is longer than any run of backticks in them."""
    longest = max(map(len, re.findall('`+', excerpt.text)), default=0)
    marks = '`' * max(3, longest + 1)
    return f'{marks}{language}\n{excerpt.text}\n{marks}'


def fits(blocks: Sequence[str], budget: int) -> int:
    """How many of the blocks, from the first on, fit into ``budget`` bytes of UTF-8."""
    used = 0
    for place, block in enumerate(blocks):
        used += len(block.encode('utf-8')) + 2
        if used > budget:
            return place
    return len(blocks)


def _entities(pattern: re.Pattern[str], line: str) -> str:
    """An entity is never read as markup, unlike the character it stands for (CommonMark 2.5)."""
    return pattern.sub(lambda match: f'&#{ord(match[0])};', line)
