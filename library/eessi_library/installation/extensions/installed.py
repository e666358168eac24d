"""What extensions an installation has, by their own metadata, and in which version. Files only.

Python: ``.dist-info`` and ``.egg-info`` (PEP 376, PEP 503). R: ``DESCRIPTION``. Perl: the version
that MakeMaker wrote into ``perllocal.pod`` for a distribution, else ``$VERSION`` of the module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ..bundles.perl import perl_sites
from ..bundles.python import python_sites, top_level_names_of
from ..bundles.python_version import normalised_name, of_metadata_directory
from ..bundles.r import r_packages, r_sites
from ..model import InstallationRequest

_R_VERSION: Final = re.compile(r'^Version:\s*(\S+)', re.MULTILINE)

#: Entries of perllocal.pod (ExtUtils::Command::MM, perllocal_install).
_PERLLOCAL: Final = re.compile(
    r'^=head2 .*?L<(?P<name>[\w:]+)\|.*?^C<VERSION: (?P<version>[^>\n]*)>',
    re.MULTILINE | re.DOTALL,
)

#: What ExtUtils::MakeMaker takes for the version of a module (its VERSION_FROM), if it is literal.
_PERL_VERSION: Final = re.compile(
    r"""^[^#\n]*?\$(?:\w+(?:::|'))*VERSION\s*=\s*(?:version->\w+\(\s*)?["']?(v?[\d._]+)|"""
    r"""^\s*package\s+[\w:]+\s+(v?[\d._]+)\s*[;{]""",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Installed:
    """One version of an extension; ``weak`` where it need not be that of its release."""

    language: str
    version: str
    weak: bool = False


@dataclass
class Extensions:
    """All extensions of an installation by name, and what else they can be imported as."""

    python: dict[str, list[str]] = field(default_factory=dict)
    #: top-level name -> versions of the distributions that have it.
    imported: dict[str, list[str]] = field(default_factory=dict)
    r: dict[str, list[str]] = field(default_factory=dict)
    #: module -> its file.
    perl: dict[str, str] = field(default_factory=dict)
    #: module -> version, as installed distributions are recorded.
    perllocal: dict[str, list[str]] = field(default_factory=dict)

    def named(self, name: str, imported_as: str = '') -> list[Installed]:
        """Return the versions in which something of this name is installed."""
        python = self.python.get(normalised_name(name), [])
        if not python:
            for each in (imported_as, name, name.lower().replace('-', '_')):
                python = python or self.imported.get(each, [])
        found = [Installed('python', version) for version in python]
        found += [Installed('R', version) for version in self.r.get(name, [])]
        for module in dict.fromkeys((imported_as, name, name.replace('-', '::'))):
            if module in self.perllocal:
                found += [Installed('perl', version) for version in self.perllocal[module]]
            if module in self.perl:
                version = perl_module_version(self.perl[module])
                found.append(Installed('perl', version, weak=True))
        return found


def installed_extensions(request: InstallationRequest) -> Extensions:
    """Read the metadata of all extensions of an installation."""
    found = Extensions()
    top = request.real_path
    for site in python_sites(request):
        for entry in os.listdir(f'{top}/{site}'):
            path = f'{top}/{site}/{entry}'
            of = of_metadata_directory(path)
            if of is not None:
                found.python.setdefault(normalised_name(of[0]), []).append(of[1])
                for name in top_level_names_of(path):
                    found.imported.setdefault(name, []).append(of[1])
    for site in r_sites(request):
        for name in r_packages(f'{top}/{site}'):
            version = _first(f'{top}/{site}/{name}/DESCRIPTION', _R_VERSION)
            found.r.setdefault(name, []).append(version)
    for site in perl_sites(request):
        for module, path in _perl_files(f'{top}/{site}'):
            if path.endswith('/perllocal.pod'):
                for name, version in _PERLLOCAL.findall(_text(path)):
                    found.perllocal.setdefault(name, []).append(version)
            else:
                found.perl.setdefault(module, path)
    return found


def perl_module_version(path: str) -> str:
    """Return ``$VERSION`` of a Perl module, '' where it is not literal."""
    match = _PERL_VERSION.search(_text(path))
    return (match[1] or match[2]) if match else ''


def _perl_files(top: str) -> Iterator[tuple[str, str]]:
    """Yield the modules below a directory of Perl by every name that may be theirs."""
    for here, _, files in os.walk(top):
        parts = [part for part in os.path.relpath(here, top).split('/') if part != '.']
        for file in files:
            if file == 'perllocal.pod':
                yield '', f'{here}/{file}'
            elif file.endswith('.pm'):
                # below site_perl/5.36.0/x86_64-linux-thread-multi, or some of these
                whole = [*parts, file[:-3]]
                for n in range(min(len(whole), 4)):
                    yield '::'.join(whole[n:]), f'{here}/{file}'


def _first(path: str, pattern: re.Pattern[str]) -> str:
    match = pattern.search(_text(path))
    return match[1] if match else ''


def _text(path: str) -> str:
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read(1 << 20)
    except OSError:
        return ''
