"""The error of an interpreter, found in what it printed."""

import pytest

from eessi_library.interpreter import last_exception, r_error

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n'


@pytest.mark.parametrize(
    ('output', 'expected'),
    [
        ('all is well\n', None),
        (f'{TRACE}ImportError: libx.so: cannot open\nmore\n', 'ImportError: libx.so: cannot open'),
        (f'{TRACE}a.b.SomeError: first\n\n{TRACE}ValueError\n', 'ValueError'),
        ('Error: nothing was raised\n', None),
        (
            f'{TRACE}ImportError: libblas.so: cannot open\n\nDuring handling ...\n\n'
            f'{TRACE}ImportError: \n\nPLEASE READ THIS\n',
            'ImportError: libblas.so: cannot open',
        ),
    ],
)
def test_the_last_exception_is_named(output, expected):
    assert last_exception(output) == expected


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
