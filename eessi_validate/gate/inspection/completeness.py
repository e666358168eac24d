"""Whether what is shipped is whole: installations, modules, records of the build."""

from __future__ import annotations

from collections import Counter

from eessi_validate.gate.inspection.base import BaseStack
from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.layout import Layout
from eessi_validate.gate.inspection.model import Installed, Placed
from eessi_validate.gate.inspection.names import Add, collisions
from eessi_validate.gate.inspection.tarball_name import TarballName
from eessi_validate.gate.inspection.told import Told
from eessi_validate.gate.inspection.tree import DIRECTORY, FILE, IMPLIED, Tree

#: Files of the module system in a module tree that are no modules.
_NO_MODULES = (b'.version', b'.modulerc', b'.wh.', b'.cvmfs')
_RECORD_OF_LOCAL_STACK = b'provenance.json'
_LOADERS = (b'ld-linux', b'ld64', b'ld.so', b'ld-musl')


class Completeness:
    """Looks at the whole tree of an archive."""

    def __init__(
        self,
        name: TarballName,
        layout: Layout,
        tree: Tree,
        base: BaseStack | None,
        told: Told,
        add: Add,
    ) -> None:
        self._name = name
        self._tree = tree
        self._base = base
        self._told = told
        self._add = add
        self._top = layout.top + b'/' if layout.top else b''
        self._subdirs: list[str] = []
        if layout.cpu_target:
            self._subdirs = [layout.cpu_target, *(f'{layout.cpu_target}/{a}' for a in name.accel)]
        self.installations: tuple[Installed, ...] = ()
        self.modules: tuple[Placed, ...] = ()

    def judge(self, files: int) -> None:
        """Report what is missing; afterwards installations and modules are known.

        :arg files: in the archive.
        """
        if self._name.kind == 'software':
            self._judge_software()
        elif not files:
            self._add('nothing-shipped', b'', 'the tarball has no file')
        elif self._name.kind == 'compat':
            self._judge_compat()

    def _judge_software(self) -> None:
        installations: list[Installed] = []
        files = self._files()
        modules: list[Placed] = []
        for subdir in self._subdirs:
            root = self._top + f'software/{self._name.os}/{subdir}/'.encode()
            here = self._installations(root)
            named = self._modules(root)
            self._judge_pairs(root, here, named)
            for each in here:
                self._judge_installation(root, each)
            installations += [self._placed(name, subdir, files) for name in here]
            modules += [Placed(name=printable(name), subdir=subdir) for name in named]
            self._judge_collisions(root)
        self.installations, self.modules = tuple(installations), tuple(modules)
        if not installations:
            self._add('nothing-shipped', b'', 'the tarball has no installation')

    def _files(self) -> Counter[tuple[str, bytes]]:
        """Return the number of files and links of each installation."""
        counted: Counter[tuple[str, bytes]] = Counter()
        for directory in self._tree.directories.values():
            place = directory.place
            if place.area == 'software' and place.installation:
                kinds = directory.entries.values()
                here = sum(1 for kind in kinds if kind not in (DIRECTORY, IMPLIED))
                counted[place.subdir, place.installation] += here
        return counted

    def _placed(self, name: bytes, subdir: str, files: Counter[tuple[str, bytes]]) -> Installed:
        told = self._told.extensions.get((subdir, name), ())
        return Installed(
            name=printable(name),
            subdir=subdir,
            files=files[subdir, name],
            extensions=None if told is None else tuple(map(printable, told)),
        )

    def _installations(self, root: bytes) -> list[bytes]:
        return [
            software + b'/' + version
            for software, what in self._tree.names(root + b'software')
            if what in (DIRECTORY, IMPLIED)
            for version, kind in self._tree.names(root + b'software/' + software)
            if kind in (DIRECTORY, IMPLIED)
        ]

    def _modules(self, root: bytes) -> list[bytes]:
        return [
            software + b'/' + entry.removesuffix(b'.lua')
            for software, _ in self._tree.names(root + b'modules/all')
            for entry, kind in self._tree.names(root + b'modules/all/' + software)
            if (kind == FILE or isinstance(kind, bytes)) and not entry.startswith(_NO_MODULES)
        ]

    def _judge_pairs(self, root: bytes, installations: list[bytes], modules: list[bytes]) -> None:
        installed = set(installations)
        named = {module.replace(b'/.', b'/') for module in modules}
        for module in modules:
            name = module.replace(b'/.', b'/')
            path = root + b'software/' + name
            if name not in installed and not self._has_base(path):
                self._add(
                    'module-without-installation',
                    root + b'modules/all/' + module,
                    f'there is no {printable(path)}',
                )
        for name in installations:
            software, _, version = name.partition(b'/')
            tree = root + b'modules/all/' + software + b'/'
            there = (version, version + b'.lua', b'.' + version, b'.' + version + b'.lua')
            if name not in named and not any(self._has_base(tree + entry) for entry in there):
                self._add(
                    'installation-without-module',
                    root + b'software/' + name,
                    f'there is no module {printable(name)}',
                )

    def _judge_installation(self, root: bytes, name: bytes) -> None:
        path = root + b'software/' + name
        records = [entry for entry, kind in self._tree.names(path + b'/easybuild') if kind == FILE]
        if not self._has_file(path):
            self._add('installation-empty', path, 'it has no file')
            return
        if _RECORD_OF_LOCAL_STACK in records:
            return
        if self._has_base(path) and not records:
            return  # what of a base installation is there is a matter of the overwrite policy
        if not any(entry.endswith(b'.eb') for entry in records):
            self._add(
                'installation-without-easyconfig', path, 'easybuild/ has no easyconfig (*.eb)'
            )
        elif not any(b'.log' in entry for entry in records):
            self._add('installation-without-log', path, 'easybuild/ has no log of the build')
        if not self._name.may_lack_release and self._tree.lookup(root + b'reprod/' + name) is None:
            self._add('reprod-missing', path, f'there is no reprod/{printable(name)}')

    def _judge_collisions(self, root: bytes) -> None:
        places = [root + b'software', root + b'modules/all']
        for place in tuple(places):
            places += [place + b'/' + name for name, _ in self._tree.names(place)]
        for place in places:
            for one, other in collisions([name for name, _ in self._tree.names(place)]):
                self._add(
                    'name-collision',
                    place + b'/' + other,
                    f'it differs from {printable(one)} only in case or Unicode form',
                )

    def _judge_compat(self) -> None:
        root = self._top + f'compat/{self._name.os}/{self._name.family}'.encode()
        if self._tree.lookup(root + b'/startprefix') is None:
            self._add('compat-incomplete', root, 'it has no startprefix')
        places = (b'/lib', b'/lib64', b'/usr/lib', b'/usr/lib64')
        names = [name for place in places for name, _ in self._tree.names(root + place)]
        names += [
            name
            for place in (b'/lib', b'/usr/lib')
            for below, kind in self._tree.names(root + place)
            if kind in (DIRECTORY, IMPLIED) and below.endswith(b'-linux-gnu')
            for name, _ in self._tree.names(root + place + b'/' + below)
        ]
        if not any(name.startswith(_LOADERS) for name in names):
            self._add('compat-incomplete', root, 'it has no loader (ld-linux*.so)')

    def _has_file(self, path: bytes) -> bool:
        left = [path]
        while left:
            here = left.pop()
            for name, kind in self._tree.names(here):
                if kind not in (DIRECTORY, IMPLIED):
                    return True
                left.append(here + b'/' + name)
        return False

    def _has_base(self, path: bytes) -> bool:
        return bool(self._base and self._base.kind(path))
