"""Library tests whose work is done by a Python program under the stack's own Python."""

from __future__ import annotations

from pathlib import Path

from eessi_library.interpreter import last_exception
from eessi_library.library_test import LibraryTest


class PythonProgramTest(LibraryTest, pin_prefix=True):
    """What these tests share; abstract. The program lies beside the class that sends it."""

    def send_program(self, beside: str, name: str, program: str = 'program.py') -> None:
        """Write `program`, which lies beside the file `beside`, as `name`."""
        text = Path(beside).with_name(program).read_text(encoding='utf-8')
        self.write(name, text)

    def last_words(self, output: str) -> str | None:
        """Return the exception that ended the program."""
        return last_exception(output)
