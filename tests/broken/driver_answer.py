"""``eessi-validate run`` as a user starts it, and its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What one call of the driver gave."""

    code: int
    report: dict[str, Any]
    output: str
    out: Path

    @property
    def verdict(self) -> str:
        return str(self.report['judgement']['verdict'])

    def reasons(self) -> list[str]:
        """Reasons of all cases that did not pass."""
        return [r['reason'] for r in self.report['run']['results'] if r['outcome'] != 'pass']


def start_driver(root: Path, *arguments: str, cwd: Path) -> Answer:
    """Start ``eessi-validate run`` as a user does, in a process of its own."""
    out = cwd / 'out'
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    command += ['--stack', str(root), '--out', str(out), '--quiet', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ)
    report = out / 'report.json'
    document = json.loads(report.read_text()) if report.exists() else {}
    return Answer(done.returncode, document, done.stdout + done.stderr, out)


Driver = Callable[..., Answer]
