"""The base of tests that look at the files of a compat layer from outside."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any, ClassVar

from reframe.core.builtins import run_before, variable

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.expect import expect

#: The directory that holds the package ``eessi_library``.
_SOURCE_ROOT = Path(__file__).parents[2]


class AuditedTest(CompatLayerTest, pin_prefix=True):
    """Runs :mod:`eessi_library.compat_layer.audit` in the job; abstract."""

    #: Python >= 3.10 that inspects the files, not of the compat layer; '' is the one of ReFrame.
    auditor = variable(str, value='', loggable=True)

    #: What is audited: ``packages`` or ``modes``.
    subject: ClassVar[str] = ''

    @run_before('run')
    def compose_audit(self) -> None:
        """Let the auditor write its report."""
        python = shlex.quote(self.auditor or sys.executable)
        arguments = f'{self.subject} {shlex.quote(self.compat_path)} {self.nonce}'
        self.prerun_cmds += [
            f'PYTHONPATH={shlex.quote(str(_SOURCE_ROOT))} PYTHONDONTWRITEBYTECODE=1 {python}'
            f' -m eessi_library.compat_layer.audit {arguments} >audit.json'
        ]

    def report(self) -> dict[str, Any]:
        """Return the report of this run."""
        found = json.loads(self.require_output('audit.json'))
        self.expect_nonce('audit.json', found['nonce'])
        expect('error' not in found, found.get('error', ''))
        return found

    def require_none(self, what: str, faults: list[str]) -> None:
        """Fail with the first faults by name, and how many there are."""
        shown = '; '.join(faults[:5]) + (f'; and {len(faults) - 5} more' if len(faults) > 5 else '')
        self.require(not faults, f'{what}: {shown}')
