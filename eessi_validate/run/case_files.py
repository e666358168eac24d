"""Reads the files that the job of a case left in its stage directory."""

from __future__ import annotations

import os
from pathlib import Path

from eessi_validate.run.reconcile import CaseFiles

#: Bytes read from the end of an output file; a job can print without end.
_LAST_BYTES = 256 * 1024


def read_case_files(stage: str, run_directory: Path) -> CaseFiles:
    """Return what is in ``stage``; missing files are empty."""
    if not stage or not os.path.isdir(stage):
        return CaseFiles()
    path = Path(stage)
    return CaseFiles(
        stdout=_last_part(path / 'rfm_job.out'),
        stderr=_last_part(path / 'rfm_job.err'),
        job_script=_last_part(path / 'rfm_job.sh'),
        directory=os.path.relpath(path, run_directory),
    )


def _last_part(path: Path) -> str:
    try:
        with path.open('rb') as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(stream.tell() - _LAST_BYTES, 0))
            return stream.read().decode('utf-8', errors='replace')
    except OSError:
        return ''
