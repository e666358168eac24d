"""ReFrame configuration fragment, chained after any other: writes down which files are opened.

``eessi-validate prove`` learns from it which files the judgement of a test reads. One line for each
call of ``open``: ``r`` or ``w`` and the path. It uses an audit hook (PEP 578) of this process only.
"""

import os
import sys
from typing import Any

#: Environment variable that names the file; without it this fragment does nothing.
OPENED_VARIABLE = 'EESSI_VALIDATE_OPENED'


def _watch(file: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == 'open' and isinstance(arguments[0], str):
            flags = arguments[2] if isinstance(arguments[2], int) else 0
            writes = flags & (os.O_WRONLY | os.O_RDWR)
            os.write(descriptor, f'{"w" if writes else "r"} {arguments[0]}\n'.encode())

    sys.addaudithook(note)


if OPENED_VARIABLE in os.environ:
    _watch(os.environ[OPENED_VARIABLE])

site_configuration: Any
site_configuration = {}
