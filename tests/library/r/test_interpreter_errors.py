"""The interpreter's own words behind an exit status of 1."""

from __future__ import annotations

from eessi_library.interpreter import python_error, r_error


def test_last_exception_of_python_is_kept() -> None:
    text = 'Traceback (most recent call last):\n  File "x", line 1\nImportError: no IPython\n'
    assert python_error(text) == 'ImportError: no IPython'
    assert python_error('all is well\n') is None


def test_first_error_of_r_is_kept_on_one_line() -> None:
    text = (
        'Error in library(name, character.only = TRUE) : \n'
        "  there is no package called 'limma'\n"
        'Calls: suppressMessages\nExecution halted\n'
    )
    assert r_error(text) == (
        "Error in library(name, character.only = TRUE) : there is no package called 'limma'"
    )
    assert r_error('fine') is None
