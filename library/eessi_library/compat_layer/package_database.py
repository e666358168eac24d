"""The package database of the compat layer is complete, and its files are what was installed."""

from __future__ import annotations

from typing import ClassVar

from reframe.core.builtins import performance_function, variable

from eessi_library.compat_layer.audit import fault_of
from eessi_library.compat_layer.audited_test import AuditedTest
from eessi_library.compat_layer.packages import ESSENTIAL, read_packages
from eessi_library.nonce import integer


class PackageDatabase(AuditedTest, pin_prefix=True):
    """Every file of every package is there with its recorded MD5; no code without a package.

    Truths: the checksums that the package manager recorded when it installed the files.
    """

    #: Least number of packages of a complete compat layer.
    least_packages = variable(int, value=30, loggable=True)

    #: Least number of files with a checksum of a complete compat layer.
    least_files = variable(int, value=1000, loggable=True)

    group: ClassVar[str] = 'packages'
    subject: ClassVar[str] = 'packages'
    varies = 'the files that are checked a second time, outside the job'
    truths: ClassVar[dict[str, str]] = {'files': "MD5 of the package manager's database"}
    directions: ClassVar[dict[str, str]] = {**AuditedTest.directions, 'checksums': 'truth'}

    def judge_database(self, _: str) -> None:
        """The packages without which nothing works, and a plausible number."""
        report = self.report()
        names = set(report['names'])
        missing = [name for name in ESSENTIAL[self.package_manager] if name not in names]
        self.require(not missing, f'database: packages are not installed: {", ".join(missing)}')
        self.require(
            len(names) >= self.least_packages,
            f'database: {len(names)} packages, expected at least {self.least_packages}',
        )
        self.require(
            report['checksums'] >= self.least_files,
            f'database: {report["checksums"]} files with a checksum, '
            f'expected at least {self.least_files}',
        )

    def judge_files(self, _: str) -> None:
        """No file is missing or modified; a few of this run are looked at again."""
        report = self.report()
        self.require_none('files', report['faults'])
        packages = read_packages(self.compat_path, self.package_manager)
        entries = [entry for package in packages for entry in package.entries]
        self.compare('files: entries in the report', report['checked'], len(entries))
        for i in range(5):
            entry = entries[integer(self.nonce, f'file {i}', 0, len(entries) - 1)]
            if not entry.path.startswith('etc/'):
                self.compare(f'files: {entry.path}, again', fault_of(self.compat_path, entry), '')

    def judge_unowned(self, _: str) -> None:
        """Nothing that can be run or loaded came past the package manager."""
        self.require_none('unowned: no package has', self.report()['unowned'])

    @performance_function('files')
    def checksums(self) -> int:
        """Files whose checksum was compared."""
        return self.report()['checksums']
