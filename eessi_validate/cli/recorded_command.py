"""The command line as reports record it: without what is secret in it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

#: Options whose value is never recorded.
_SECRET = ('--notify',)


def recorded_command(arguments: Sequence[str]) -> str:
    """Return the command line with the given arguments."""
    words = ['eessi-validate']
    hide = False
    for argument in arguments:
        name, equals, _ = argument.partition('=')
        if hide:
            words.append('***')
        elif equals and name in _SECRET:
            words.append(f'{name}=***')
        else:
            words.append(argument)
        hide = not hide and argument in _SECRET
    return shlex.join(words)
