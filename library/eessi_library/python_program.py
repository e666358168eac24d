"""Library tests whose work is done by a Python program under the stack's own Python."""

from __future__ import annotations

import re
from pathlib import Path

from reframe.core.exceptions import SanityError

from eessi_library.library_test import LibraryTest

#: The last line of a traceback: an exception and its message.
_RAISED = re.compile(r'^(?P<message>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)\b.*)$')
_TRACEBACK = 'Traceback (most recent call last):'
_LONGEST = 300


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


class PythonProgramTest(LibraryTest, pin_prefix=True):
    """What these tests share; abstract. The program lies beside the class that sends it."""

    def send_program(self, beside: str, name: str, program: str = 'program.py') -> None:
        """Write `program`, which lies beside the file `beside`, as `name`."""
        text = Path(beside).with_name(program).read_text(encoding='utf-8')
        self.write(name, text)

    def expect_clean_end(self) -> None:
        """As for every library test; the reason also names the exception of the program."""
        try:
            super().expect_clean_end()
        except SanityError as error:
            output = self.read_output(str(self.stdout)) + self.read_output(str(self.stderr))
            raised = last_exception(output)
            if raised is None:
                raise
            raise SanityError(f'{raised}; {error}') from None
