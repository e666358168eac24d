"""What runs inside the compat layer: scripts in, statuses and outputs out. Pure."""

from __future__ import annotations

import re
import shlex
from typing import Final

from eessi_library.compat_layer.layout import search_path
from eessi_library.diagnosis import known_fault, status_sentence

#: File that receives a line ``<check> <exit status> <nonce>`` for each check, one
#: ``<check>.out <bytes> <nonce>`` for what it printed, and a last one for the session.
STATUSES: Final = 'statuses.txt'

#: Name in that last line.
END: Final = 'session'

_LEAVING = re.compile(r'^Leaving Gentoo Prefix with exit status (\d+)\s*$', re.MULTILINE)


def session_script(compat_path: str, stage: str, nonce: str, checks: list[str]) -> str:
    """Return the commands that run the script of each check, one process each.

    A check that fails stops neither the others nor the session: its status and its output are
    judged one by one. Programs come from the compat layer alone, never from the host.
    """
    lines = [
        f'cd {shlex.quote(stage)} || exit 97',
        f'export COMPAT={shlex.quote(compat_path)} NONCE={shlex.quote(nonce)}',
        # A check must not write into the compat layer, not even as its owner.
        'export SESSION_PATH="$PATH" PYTHONDONTWRITEBYTECODE=1',
        f'export PATH={shlex.quote(search_path(compat_path))}',
        f': >{STATUSES}',
    ]
    for name in checks:
        lines += [
            f'"$COMPAT"/bin/bash -e -o pipefail ./{name}.sh >{name}.out 2>{name}.err </dev/null',
            f'echo "{name} $? $NONCE" >>{STATUSES}',
            f'if type -P wc >/dev/null; then echo "{name}.out $(wc -c <{name}.out) $NONCE"'
            f' >>{STATUSES}; fi',
        ]
    return '\n'.join([*lines, f'echo "{END} 0 $NONCE" >>{STATUSES}', 'exit 0', ''])


def bare_environment(compat_path: str) -> str:
    """Return the command that stands in for a startprefix that is not there."""
    return (
        f'env -i HOME="$HOME" TERM=dumb EPREFIX={shlex.quote(compat_path)}'
        f' PATH={shlex.quote(search_path(compat_path))} {shlex.quote(compat_path)}/bin/bash'
    )


def leaving_status(output: str) -> int | None:
    """Return the exit status that startprefix reports last, or None."""
    found = _LEAVING.findall(output)
    return int(found[-1]) if found else None


def parse_statuses(text: str, nonce: str) -> dict[str, int]:
    """Return check -> exit status, and output -> bytes, from lines that carry this run's nonce."""
    found = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[2] == nonce and fields[1].isdigit():
            found[fields[0]] = int(fields[1])
    return found


def failure_of(name: str, status: int | None, error_text: str) -> str | None:
    """Return why the script of a check failed, or None if its status is 0."""
    if status == 0:
        return None
    if status is None:
        return f'{name}: did not run'
    message = known_fault(error_text) or _last_line(error_text)
    return f'{name}: {status_sentence(status)}' + (f': {message}' if message else '')


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ''
