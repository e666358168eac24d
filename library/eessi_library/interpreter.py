"""Keeps what Python or R said last: the exception behind an exit status of 1. Pure functions,
and one that adds their sentence to the reason of a test."""

from __future__ import annotations

import re

from reframe.core.exceptions import SanityError

from eessi_library.library_test import LibraryTest

_PYTHON = re.compile(
    r'^(?P<message>(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt)(?:: .+)?)$', re.MULTILINE
)
_R = re.compile(r'^(?P<message>Error.*(?:\n(?!Calls:|Execution halted).+)*)', re.MULTILINE)


def python_error(output: str) -> str | None:
    """Return the last exception that Python printed, e.g. ``ImportError: ...``."""
    found = _PYTHON.findall(output)
    return ' '.join(found[-1].split()) if found else None


def r_error(output: str) -> str | None:
    """Return the first error that R printed, on one line."""
    found = _R.search(output)
    return ' '.join(found['message'].split()) if found else None


def expect_clean_end(test: LibraryTest) -> None:
    """Fail as :meth:`LibraryTest.expect_clean_end` does, with the interpreter's own words added."""
    try:
        test.expect_clean_end()
    except SanityError as error:
        output = test.read_output(str(test.stdout)) + '\n' + test.read_output(str(test.stderr))
        said = r_error(output) or python_error(output)
        raise SanityError(f'{error}; {said}' if said else str(error)) from None
