"""Text in scripts that is no code: here-documents of shells, documentation of Perl. Pure.

Line by line, in one pass: what never ends costs no more than what does.
"""

from __future__ import annotations

import re
from typing import Final

_HERE: Final = re.compile(r'(?<!<)<<-?[ \t]*["\']?(?P<end>[A-Za-z_]\w*)')


def without_here_documents(text: str) -> str:
    """Return a script of a shell without its here-documents; one without an end is none."""
    lines = text.split('\n')
    last = {line.strip(): number for number, line in enumerate(lines)}
    found: list[str] = []
    end = ''
    for number, line in enumerate(lines):
        if end:
            end = '' if line.strip() == end else end
            continue
        found.append(line)
        match = _HERE.search(line)
        if match and last.get(match['end'], 0) > number:
            end = match['end']
    return '\n'.join(found)


def without_pod(text: str) -> str:
    """Return a script of Perl without its documentation, and without what follows its end."""
    found: list[str] = []
    is_pod = False
    for line in text.split('\n'):
        if line.startswith(('__END__', '__DATA__')):
            break
        is_pod = is_pod or re.match(r'=[a-z]', line) is not None
        if not is_pod:
            found.append(line)
        is_pod = is_pod and not line.startswith('=cut')
    return '\n'.join(found)
