"""The error that Python or R printed last: what lies behind an exit status of 1. Pure functions."""

from __future__ import annotations

import re

#: The last line of a traceback: an exception and its message.
_RAISED = re.compile(r'^(?P<message>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)\b.*)$')
_TRACEBACK = 'Traceback (most recent call last):'
_LONGEST = 300

_R = re.compile(r'^(?P<message>Error.*(?:\n(?!Calls:|Execution halted).+)*)', re.MULTILINE)


def last_exception(output: str) -> str | None:
    """Return the exception that ended a Python program, from what it printed, or None. Pure.

    Of chained exceptions it is the last one that says something: NumPy, for one, wraps the
    loader's message into an ImportError that begins with empty lines.
    """
    if _TRACEBACK not in output:
        return None
    _, _, traces = output.partition(_TRACEBACK)
    raised = [m['message'] for line in traces.splitlines() if (m := _RAISED.match(line))]
    telling = [message for message in raised if message.rstrip().rpartition(':')[2]]
    if raised and telling and raised[-1].rstrip().endswith(':'):
        return telling[-1][:_LONGEST]
    return _first_of_last(output)


def _first_of_last(output: str) -> str | None:
    _, _, trace = output.rpartition(_TRACEBACK)
    for line in trace.splitlines():
        if raised := _RAISED.match(line):
            return raised['message'][:_LONGEST]
    return None


def r_error(output: str) -> str | None:
    """Return the first error that R printed, on one line."""
    found = _R.search(output)
    return ' '.join(found['message'].split()) if found else None
