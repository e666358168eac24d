"""What the exit code of a command says; the same for every command."""

from __future__ import annotations

from typing import Final

ACCEPTED: Final = 0
REJECTED: Final = 1
USAGE: Final = 2
#: Not known: retry or ask.
HELD: Final = 75

_OF_VERDICT: Final = {'ACCEPT': ACCEPTED, 'ACCEPT_WAIVED': ACCEPTED, 'REJECT': REJECTED}


def verdict_code(verdict: str) -> int:
    """Return the exit code of a verdict; whatever is not decided is HELD."""
    return _OF_VERDICT.get(verdict, HELD)
