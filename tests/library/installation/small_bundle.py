"""A bundle of extensions that is made of its metadata alone."""

from __future__ import annotations

from pathlib import Path

from eessi_library.installation import (
    InstallationReport,
    InstallationRequest,
    Release,
    check_installations,
)

SITE = 'lib/python3.11/site-packages'
PERL = 'lib/perl5/site_perl/5.36.0'


class Bundle:
    """Bundle/1.0 below a temporary directory, and the text of its module."""

    def __init__(self, root: Path) -> None:
        self.release = Release(f'{root}/own.eessi.io/versions/2023.06', 'aarch64/generic')
        self.top = Path(self.release.software, 'software', 'Bundle', '1.0')
        self.top.mkdir(parents=True)
        self.depends: list[str] = []

    def put(self, member: str, text: str = '') -> None:
        path = self.top / member
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def python(self, name: str, version: str, top_level: str = '') -> None:
        directory = f'{SITE}/{name.replace("-", "_")}-{version}.dist-info'
        self.put(
            f'{directory}/METADATA', f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n'
        )
        self.put(f'{directory}/top_level.txt', top_level or name)

    def r(self, name: str, version: str) -> None:
        self.put(f'lib/R/library/{name}/DESCRIPTION', f'Package: {name}\nVersion: {version}\n')

    def perl(self, name: str, version: str) -> None:
        path = name.replace('::', '/')
        self.put(f'{PERL}/{path}.pm', f'package {name};\nour $VERSION = {version!r};\n1;\n')
        self.put(f'{PERL}/x86_64-linux/auto/{path}/.packlist', '')

    def request(self, names: str, lines: str = '') -> InstallationRequest:
        """Write the module, and ask for the group ``metadata``."""
        depends = ''.join(f'depends_on("{name}")\n' for name in self.depends)
        lines = lines or f'setenv("EBEXTSLISTBUNDLE", "{names}")'
        module = self.module('Bundle/1.0', f'{depends}{lines}\n')
        return InstallationRequest(
            self.release, 'Bundle/1.0', str(self.top), str(module), ('metadata',)
        )

    def module(self, name: str, text: str) -> Path:
        module = Path(self.release.software, 'modules', 'all', f'{name}.lua')
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(text)
        return module

    def found(self, names: str, lines: str = '') -> dict[str, tuple[str, str]]:
        """Name of the extension -> (what is found, severity)."""
        return found_in(next(check_installations([self.request(names, lines)], None, 1)))


def found_in(report: InstallationReport) -> dict[str, tuple[str, str]]:
    """Name of the extension -> (what is found, severity)."""
    return {f.member: (f.check.partition('/')[2], f.severity.value) for f in report.findings}
