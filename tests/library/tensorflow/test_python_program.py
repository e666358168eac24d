"""The exception of a program, found in what it printed."""

import pytest

from eessi_library.python_program import last_exception

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
