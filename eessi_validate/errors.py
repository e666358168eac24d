"""One hierarchy of errors; only ``cli.py`` turns it into exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class EessiValidateError(Exception):
    """Something the reader must know: what was expected, what was found, where, what to do."""


class UsageError(EessiValidateError):
    """The request itself is wrong (exit code 2)."""


class HoldError(EessiValidateError):
    """No decision is possible now; a retry or a person may change that (exit code 75)."""


def unknown_name(kind: str, name: str, valid: Iterable[str], *, shown: int = 5) -> UsageError:
    """Build the one-line error for a name that is not known, with the nearest valid ones."""
    names = sorted(set(valid))
    if not names:
        return UsageError(f'unknown {kind} {name!r}: there is none here')
    lowered = {n.lower(): n for n in names}
    close = [lowered[n] for n in get_close_matches(name.lower(), lowered, n=shown, cutoff=0.4)]
    if close:
        return UsageError(f'unknown {kind} {name!r}: did you mean {", ".join(close)}?')
    rest = f' and {len(names) - shown} more' if len(names) > shown else ''
    return UsageError(f'unknown {kind} {name!r}: valid are {", ".join(names[:shown])}{rest}')
