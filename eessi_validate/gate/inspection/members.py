"""Judges members one by one while they stream by."""

from __future__ import annotations

from eessi_validate.gate.inspection.agreement import FirstReading, record
from eessi_validate.gate.inspection.base import BaseStack
from eessi_validate.gate.inspection.content import (
    ELF,
    ELF_BYTES,
    HEAD,
    MODULE_BYTES,
    judge_elf,
    judge_module,
    judge_script,
    module_root,
    names_loader_later,
)
from eessi_validate.gate.inspection.faults import ReadingStopped
from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.layout import Layout
from eessi_validate.gate.inspection.limits import Limits
from eessi_validate.gate.inspection.names import PLAIN, Add, judge_component, path_is_usable
from eessi_validate.gate.inspection.overwrite import OverwriteJudge
from eessi_validate.gate.inspection.reader import SLASH, Member, TarReader
from eessi_validate.gate.inspection.tarball_name import TarballName
from eessi_validate.gate.inspection.told import Told
from eessi_validate.gate.inspection.tree import DIRECTORY, FILE, IMPLIED, Directory, Tree

_SOUND_FILES = frozenset({0o644, 0o755, 0o444, 0o555, 0o664, 0o775})
_SOUND_DIRECTORIES = frozenset({0o755, 0o555, 0o775})


class MemberJudge:
    """Takes every member of an archive once."""

    def __init__(
        self,
        name: TarballName | None,
        layout: Layout,
        tree: Tree,
        base: BaseStack | None,
        add: Add,
        limits: Limits,
    ) -> None:
        self._name = name
        self._layout = layout
        self._tree = tree
        self._add = add
        self._limits = limits
        self.overwrite = OverwriteJudge(layout, base, add) if base else None
        #: Where programs may look for the repository: where clients see it, or where it is now.
        self._roots = (b'/cvmfs/' + base.repository.encode(), base.root) if base else ()
        #: Members by kind, and what else is counted.
        self.counts = dict.fromkeys('-dlh?', 0)
        self.elf_files = 0
        self.content = 0
        self.owners: set[tuple[int, int]] = set()
        self.told = Told(limits.extensions)
        self._module_root = self._how_modules_point()

    def judge_all(self, reader: TarReader, first: FirstReading) -> None:
        """Judge all members, and keep a record of each for the second reading.

        :raises ReadingStopped: where the archive cannot be read any further.
        """
        limits, counts, directories = self._limits, self.counts, self._tree.directories
        owners, record_one = self.owners, first.add
        names_left, members_left, until_flush = limits.names, limits.members, 2048
        for member in reader:
            name, kind, mode = member.name, member.kind, member.mode
            record_one(record(kind, mode, member.size, name, member.link))
            counts[kind] += 1
            until_flush -= 1
            if not until_flush:
                first.flush()
                until_flush = 2048
            names_left -= len(name) + len(member.link)
            members_left -= 1
            if names_left < 0 or members_left < 0:
                raise ReadingStopped(
                    'too-many-members',
                    f'the archive has more than {limits.members} members, or more than '
                    f'{limits.names} bytes of names',
                )
            owners.add((member.uid, member.gid))
            path = name[:-1] if kind == 'd' and name[-1] == SLASH else name
            parent, _, own = path.rpartition(b'/')
            directory = directories.get(parent)
            if directory is None or not parent or not PLAIN.fullmatch(own):
                directory = self._unusual(path, parent, own)
                if directory is None:
                    continue
            if not directory.takes_files:
                self._judge_place(path, kind, directory)
            entries = directory.entries
            if own in entries and not self._may_follow(entries[own], kind, path):
                continue
            if kind == '-':
                entries[own] = FILE
                self.content += member.size
                if mode not in _SOUND_FILES:
                    self._judge_mode(mode, path, is_directory=False)
                self._judge_content(member, path, directory, reader)
            elif kind == 'd':
                entries[own] = DIRECTORY
                if mode not in _SOUND_DIRECTORIES:
                    self._judge_mode(mode, path, is_directory=True)
            elif kind == 'l':
                entries[own] = member.link
            else:
                if kind == 'h':
                    self._judge_hard_link(member, path, directory)
                entries[own] = FILE
                self._judge_mode(mode, path, is_directory=False)
            if self.overwrite and kind != '-':
                self.overwrite.judge(member, path, own, directory)

    def _unusual(self, path: bytes, parent: bytes, own: bytes) -> Directory | None:
        if path.count(SLASH) >= self._limits.depth:
            self._add('name-too-long', path, f'it has more than {self._limits.depth} components')
            return None
        if not path_is_usable(path, self._add):
            return None
        if not PLAIN.fullmatch(own):
            judge_component(own, path, self._add, self._limits.component)
        return self._tree.directory(parent, path)

    def _judge_place(self, path: bytes, kind: str, directory: Directory) -> None:
        if kind == 'd' and directory.place.area not in ('way', 'outside'):
            return
        place = self._layout.place(path)
        if place.finding:
            self._add(place.finding, path, place.reason)
        elif kind != 'd':
            self._add('member-misplaced', path, 'the layout has only directories there')

    def _may_follow(self, known: str | bytes, kind: str, path: bytes) -> bool:
        if known == IMPLIED and kind == 'd':
            return True
        if known == IMPLIED or (known == DIRECTORY and kind != 'd'):
            if kind == 'l':
                self._add('member-through-symlink', path, 'members before it are below this link')
            else:
                self._add('path-file-and-directory', path, 'it is also a directory')
        elif kind == 'd' and known != DIRECTORY:
            self._add('path-file-and-directory', path, 'it is also a file or a link')
        else:
            self._add('member-duplicate', path, 'the archive has the path twice')
        return False

    def _judge_mode(self, mode: int, path: bytes, *, is_directory: bool) -> None:
        add = self._add
        shown = f'the mode is {mode:04o}'
        if mode & ~0o7777:
            add('mode-unknown', path, shown)
        if mode & 0o6000:
            add('mode-setuid', path, shown)
        if mode & 0o1000:
            add('mode-sticky', path, shown)
        if mode & 0o002:
            add('mode-world-writable', path, shown)
        wanted = 0o005 if is_directory else 0o005 if mode & 0o100 else 0o004
        if mode & wanted != wanted:
            add('mode-unreadable', path, shown)

    def _judge_content(
        self, member: Member, path: bytes, directory: Directory, reader: TarReader
    ) -> None:
        content: list[bytes] | None = None
        head = reader.head(4)
        if head == ELF:
            self.elf_files += 1
            if self._name and self._name.family:
                loaders = self._layout.loaders(self._roots)
                start = reader.head(HEAD)
                if names_loader_later(start) and member.size <= ELF_BYTES:
                    content = [start := b''.join(reader.content())]
                judge_elf(start, self._name.family, loaders, path, self._add)
        elif head[:2] == b'#!':
            family = self._name and self._name.family
            inside = self._layout.interpreters(self._roots) if family else None
            judge_script(reader.head(256), inside, path, self._add)
        place = directory.place
        if place.area == 'modules' and member.size <= MODULE_BYTES and place.below[:1] == (b'all',):
            content = content or [b''.join(reader.content())]
            software = b'/'.join((*place.below[1:], path.rpartition(b'/')[2]))
            root = f'{self._module_root}/{place.subdir}/software/'.encode()
            if not software.rpartition(b'/')[2].startswith(b'.'):
                name, said = software.removesuffix(b'.lua'), module_root(content[0])
                judge_module(said, root + name, path, self._add)
                self.told.by_module(place.subdir, name, content[0], said)
        elif (
            place.below[2:] == (b'easybuild',)
            and place.area == 'software'
            and path.endswith(b'.eb')
            and member.size <= MODULE_BYTES
        ):
            content = content or [b''.join(reader.content())]
            self.told.by_easyconfig(place.subdir, place.installation, content[0])
        if self.overwrite:
            own = path.rpartition(b'/')[2]
            self.overwrite.judge(member, path, own, directory, content or reader.content())

    def _judge_hard_link(self, member: Member, path: bytes, directory: Directory) -> None:
        target = member.link
        if self._tree.lookup(target) != FILE:
            self._add(
                'hardlink-target-missing',
                path,
                f'{printable(target)} is no earlier file of the archive',
            )
            return
        there = self._tree.directories[target.rpartition(b'/')[0]].place
        here = directory.place
        if there.unit != here.unit:
            self._add(
                'hardlink-outside-installation',
                path,
                f'{printable(target)} is of another installation or area',
            )

    def _how_modules_point(self) -> str:
        """Return the part of a module's root before the CPU target."""
        name = self._name
        if name is None or name.kind != 'software':
            return ''
        return f'software/{name.os}'
