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
    """Return the exception that ended a Python program, from what it printed, or None. Pure."""
    _, found, trace = output.rpartition(_TRACEBACK)
    if not found:
        return None
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
