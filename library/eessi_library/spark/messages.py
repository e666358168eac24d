"""What Spark, its Java and its daemons said last: the fault behind an exit status. Pure."""

from __future__ import annotations

import re

#: Most telling first: a daemon that did not start, Java's root cause, what Java could not load.
_SAID = (
    re.compile(r'^(?P<message>\w+\.log: .+)$', re.MULTILINE),
    re.compile(r'^Caused by: (?P<message>[\w.$]+(?:Exception|Error)\b.*)$', re.MULTILINE),
    re.compile(r'^(?:Error|Error occurred.*): (?P<message>\S.+)$', re.MULTILINE),
    re.compile(
        r'^(?:Exception in thread "[^"]*" |\s*:\s*)?'
        r'(?P<message>(?:java|javax|scala|org)\.[\w.$]+(?:Exception|Error)\b.*)$',
        re.MULTILINE,
    ),
)
_LONGEST = 300


def failure(output: str) -> str | None:
    """Return the message that names the fault, on one line, or None."""
    for pattern in _SAID:
        if found := pattern.findall(output):
            return str(found[-1])[:_LONGEST].strip()
    return None
