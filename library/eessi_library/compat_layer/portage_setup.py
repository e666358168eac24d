"""Portage of the compat layer: it starts, knows its repository and its set of packages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from reframe.core.exceptions import SanityError

from eessi_library.compat_layer.compat_test import CompatLayerTest
from eessi_library.compat_layer.layout import read_place
from eessi_library.compat_layer.package_model import DatabaseError
from eessi_library.compat_layer.portage_vdb import is_installed, parse_set, read_database
from eessi_library.expect import expect
from eessi_library.nonce import integer

_GENTOO = 'https://github.com/gentoo/gentoo.git'


class PortageSetup(CompatLayerTest, pin_prefix=True):
    """Everything the next security update relies on.

    Truths: the database of installed packages, read without Portage.
    """

    group: ClassVar[str] = 'portage_setup'
    varies = 'number printed with each answer, package whose file is looked up'
    truths: ClassVar[dict[str, str]] = {
        'packages': 'var/db/pkg, read by eessi_library.compat_layer.portage_vdb',
        'repository': 'EESSI/compatibility-layer, playbooks',
    }

    @property
    def number(self) -> int:
        """Number of this run."""
        return integer(self.nonce, 'portage number', 100_000, 999_999)

    @property
    def set_name(self) -> str:
        """Name of the set of packages of this stack."""
        return f'eessi-{self.release}-{read_place(self.compat_path).system}-{self.arch}'

    def _packages(self):
        try:
            return read_database(self.compat_path)
        except DatabaseError as error:
            raise SanityError(str(error)) from None

    def _expect_number(self, name: str, out: str) -> None:
        last = (out.split() or [''])[-1]
        self.compare(f'{name}: nonce', last, str(self.number))

    def script_emerge(self) -> str:
        """The version of Portage."""
        return f'emerge --version\necho {self.number}\n'

    def judge_emerge(self, out: str) -> None:
        """The version is the one that is installed."""
        self._expect_number('emerge', out)
        found = re.search(r'^Portage (\S+)', out, re.MULTILINE)
        installed = [p.version for p in self._packages() if p.name == 'sys-apps/portage']
        expect(found is not None, 'emerge: `emerge --version` names no version of Portage')
        self.compare('emerge: version, as in the database', [found[1]], installed)

    def script_equery(self) -> str:
        """The version of gentoolkit, and who owns a file of this run."""
        packages = [p for p in self._packages() if any(e.kind == 'file' for e in p.entries)]
        expect(bool(packages), 'equery: no installed package has a file')
        package = packages[integer(self.nonce, 'owner', 0, len(packages) - 1)]
        file = next(e.path for e in package.entries if e.kind == 'file')
        self._owner = f'{package.name}-{package.version}'
        return f'equery --version\nequery --quiet belongs "$COMPAT/{file}"\necho {self.number}\n'

    def judge_equery(self, out: str) -> None:
        """equery names the package that the database names."""
        self._expect_number('equery', out)
        self.require(
            any(line.split()[:1] == [self._owner] for line in out.splitlines()),
            f'equery: the owner of a file is {self._owner}, found {out.splitlines()[1:-1]}',
        )

    def script_git_sync(self) -> str:
        """What Portage says of its repositories."""
        return f'emerge --info\necho {self.number}\n'

    def judge_git_sync(self, out: str) -> None:
        """Location, kind and address of the gentoo repository."""
        self._expect_number('git_sync', out)
        block = re.search(r'^gentoo\n((?:    \S.*\n)+)', out, re.MULTILINE)
        expect(block is not None, 'git_sync: `emerge --info` shows no repository gentoo')
        fields = dict(line.strip().split(': ', 1) for line in block[1].splitlines() if ': ' in line)
        expected = {
            'location': f'{self.compat_path}/var/db/repos/gentoo',
            'sync-type': 'git',
            'sync-uri': _GENTOO,
        }
        for key, value in expected.items():
            self.compare(f'git_sync: {key} of the gentoo repository', fields.get(key), value)

    def script_package_set(self) -> str:
        """The sets that Portage knows."""
        return f'emerge --list-sets\necho {self.number}\n'

    def judge_package_set(self, out: str) -> None:
        """The set of this stack is one of them, by its whole name."""
        self._expect_number('package_set', out)
        self.require(
            self.set_name in out.split(), f'package_set: Portage does not know {self.set_name}'
        )

    def judge_set_installed(self, _: str) -> None:
        """The set names packages, and the database has each."""
        file = Path(self.compat_path, 'etc/portage/sets', self.set_name)
        expect(file.is_file(), f'set_installed: {file} is missing')
        atoms = parse_set(file.read_text(encoding='utf-8'))
        self.require(bool(atoms), f'set_installed: {file} names no package')
        packages = self._packages()
        for atom in atoms:
            self.require(
                is_installed(atom, packages),
                f'set_installed: {atom} of {self.set_name} is not installed',
            )
