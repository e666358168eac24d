"""The process that runs the cases: alone in its namespace, with the tarball over the base.

Started by :mod:`eessi_validate.gate.overlay.candidate`. Until it is in its namespace it imports the
standard library only, because a process with threads cannot leave its user namespace.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from eessi_validate.gate.overlay.namespace import enter_namespace, lay_over
from eessi_validate.gate.overlay.refusal import OverlayUnavailable
from eessi_validate.gate.overlay.replacing import require_in_place, take_the_place

#: From ``<linux/prctl.h>`` and ``<linux/magic.h>``.
_PR_SET_PDEATHSIG = 1


def main(job_file: Path) -> int:
    """Do the job in ``job_file`` and leave ``finished.json`` beside it."""
    job = json.loads(job_file.read_text(encoding='utf-8'))
    # A killed gate takes its tests along; entering a namespace may undo this, so it is said twice.
    _end_with(job['parent'])
    try:
        if job['extracted']:
            for path in job['replaces']:
                take_the_place(Path(job['extracted'], path))
            enter_namespace()
            method = lay_over(Path(job['extracted']), Path(job['base']))
            for path in job['replaces']:
                require_in_place(Path(job['extracted'], path), Path(job['base'], path))
            _see_what_ships(job)
        else:
            method = 'none'
        _end_with(job['parent'])
        answer = {'method': method, **_run(job)}
    except OverlayUnavailable as refusal:
        answer = {'hold': f'no overlay on this host: {refusal}', 'no_overlay': True}
    except OSError as error:
        answer = {'hold': f'cannot run over the base: {error}'}
    _write(job_file.with_name('finished.json'), answer)
    return 0


def _end_with(parent: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(75)


def _see_what_ships(job: dict[str, Any]) -> None:
    """Make sure that the tarball's own files are what is seen at the base's place."""
    for path in job['expected']:
        shipped, seen = Path(job['extracted'], path), Path(job['base'], path)
        if shipped.is_symlink():
            same = seen.is_symlink() and os.readlink(seen) == os.readlink(shipped)
        else:
            same = seen.is_file() and seen.read_bytes() == shipped.read_bytes()
        if not same:
            raise OverlayUnavailable(f'{path} of the tarball is not what is seen in the stack')


def _run(job: dict[str, Any]) -> dict[str, Any]:
    packages = job.get('packages', '')
    if packages:
        # Before anything of them is imported here; ReFrame is another process.
        sys.path.insert(0, packages)
    from eessi_validate.errors import EessiValidateError
    from eessi_validate.run.prepare import Request
    from eessi_validate.run.progress import progress_for
    from eessi_validate.run.session import Options, start_run

    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in job['request'].items()
    }
    options = Options(
        directory=Path(job['directory']),
        command=job['command'],
        nonce=job['nonce'],
        retries=job['retries'],
        environment={'PYTHONPATH': packages} if packages else {},
    )
    try:
        done = start_run(Request(**values), options, progress_for(quiet=job['quiet']))
    except EessiValidateError as error:
        return {'hold': str(error)}
    return {
        'subject': done.subject.model_dump(mode='json'),
        'plan': done.plan.model_dump(mode='json'),
        'run': done.run.model_dump(mode='json'),
    }


def _write(path: Path, answer: dict[str, Any]) -> None:
    part = path.with_name(f'.{path.name}.part')
    part.write_text(json.dumps(answer), encoding='utf-8')
    part.replace(path)


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1])))
