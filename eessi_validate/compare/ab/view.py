"""Planning a side as its runs will see it, where words before a command give them another view.

What lies over a stack is seen only by processes that were started with these words, so the plan is
made by such a process, and handed over in a file that only its user can write.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eessi_validate.compare.ab.sides import Side
from eessi_validate.errors import EessiValidateError, HoldError, UsageError
from eessi_validate.run.prepare import Prepared, Request, prepare
from eessi_validate.stack.identity import directory_identity, release_digest

_REQUEST, _PLANNED, _REFUSED = 'request.json', 'planned', 'refused.json'


def prepare_side(side: Side) -> tuple[Prepared, str]:
    """Return the plan of a side and the digest of what it stands on.

    :raises UsageError: for what the side names and is not there, or if a scheduler would run it
        on nodes that do not see it.
    :raises HoldError: if the view cannot be had.
    """
    if not side.prefix:
        prepared = prepare(side.request)
        return prepared, _digest(prepared)
    prepared, digest = _through_prefix(side)
    if side.over:
        digest += f' under {directory_identity(Path(side.over))}'
    if any(partition.scheduler != 'local' for partition in prepared.partitions):
        raise UsageError(
            f'{side.label} lies over the stack on this host only: start ab inside an allocation, '
            'with partitions of the local scheduler'
        )
    return prepared, digest


def request_of(saved: dict[str, Any]) -> Request:
    """Return a request from its JSON form."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items()}
    return Request(**values)


def _through_prefix(side: Side) -> tuple[Prepared, str]:
    with tempfile.TemporaryDirectory(prefix='eessi-validate-ab-') as scratch:
        place = Path(scratch)
        (place / _REQUEST).write_text(json.dumps(asdict(side.request)), encoding='utf-8')
        command = [*side.prefix, sys.executable, '-m', __name__, scratch]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if (place / _REFUSED).exists():
            refused = json.loads((place / _REFUSED).read_text(encoding='utf-8'))
            kind = UsageError if refused['usage'] else HoldError
            raise kind(f'{side.label}: {refused["reason"]}')
        if done.returncode or not (place / _PLANNED).exists():
            last = (done.stderr.strip().splitlines() or [f'exit code {done.returncode}'])[-1]
            raise HoldError(f'{side.label} cannot be planned: {last}')
        planned: tuple[Prepared, str] = pickle.loads((place / _PLANNED).read_bytes())
    return planned


def _digest(prepared: Prepared) -> str:
    return release_digest(prepared.release, [tree.directory for tree in prepared.trees])


def _plan(place: Path) -> int:
    try:
        saved = json.loads((place / _REQUEST).read_text(encoding='utf-8'))
        prepared = prepare(request_of(saved))
        (place / _PLANNED).write_bytes(pickle.dumps((prepared, _digest(prepared))))
    except EessiValidateError as error:
        refused = {'usage': isinstance(error, UsageError), 'reason': str(error)}
        (place / _REFUSED).write_text(json.dumps(refused), encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(_plan(Path(sys.argv[1])))
