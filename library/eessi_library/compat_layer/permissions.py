"""Modes of the files of the compat layer."""

from __future__ import annotations

import shlex
from typing import ClassVar

from eessi_library.compat_layer.audited_test import AuditedTest


class Permissions(AuditedTest, pin_prefix=True):
    """No setuid, setgid or world-writable file, no device, nothing that only its owner can run.

    Truth: the compat layer's own find(1) sees as many files as the audit looked at.
    """

    group: ClassVar[str] = 'permissions'
    subject: ClassVar[str] = 'modes'
    varies = 'number added to the count of files'
    truths: ClassVar[dict[str, str]] = {'count': 'find(1), another implementation'}

    def script_modes(self) -> str:
        """Count regular files, once more and with this run's nonce."""
        return f'find {shlex.quote(self.compat_path)} -type f | wc -l\necho {self.nonce}\n'

    def judge_modes(self, out: str) -> None:
        """No fault, in as many files as there are."""
        report = self.report()
        self.require_none('modes', report['faults'])
        self.compare('modes: files', out.split(), [str(report['counts']['files']), self.nonce])
