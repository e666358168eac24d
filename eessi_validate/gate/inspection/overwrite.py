"""What a tarball does to a base stack that it is laid over."""

from __future__ import annotations

from collections.abc import Iterable

from eessi_validate.gate.inspection.base import BaseStack
from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.layout import Layout, Place
from eessi_validate.gate.inspection.names import Add
from eessi_validate.gate.inspection.reader import Member
from eessi_validate.gate.inspection.tree import Directory, Tree

_KINDS = {'-': 'file', 'd': 'directory', 'l': 'symbolic link', '?': 'special file'}


class OverwriteJudge:
    """Classifies members as new, identical or replaced, and judges the changes at the end."""

    def __init__(self, layout: Layout, base: BaseStack, add: Add) -> None:
        self._layout = layout
        self._base = base
        self._add = add
        self.new = 0
        self.identical = 0
        self.replaced = 0
        #: Of each changed thing of the base stack: its finding, members, and the first of them.
        self._changed: dict[tuple[str, bytes], tuple[int, bytes]] = {}
        self._in_base: dict[bytes, bool] = {}

    def judge(
        self,
        member: Member,
        path: bytes,
        own: bytes,
        directory: Directory,
        content: Iterable[bytes] = (),
    ) -> None:
        """Compare a member with what is at its path in the base stack."""
        there = directory.base.get(own) if directory.base is not None else None
        if there is None:
            self.new += 1
            self._note_change(path, directory, replaced=False)
            return
        kind = '-' if member.kind == 'h' else member.kind
        if there != kind and self._layout.replaces_all:
            self.replaced += 1
        elif there != kind:
            self._add(
                'base-type-changed',
                path,
                f'it is a {_KINDS.get(there, there)} in the base stack, here a '
                f'{_KINDS.get(kind, "special file")}',
            )
        elif kind == 'd' or self._is_identical(member, path, content):
            self.identical += 1
        else:
            self.replaced += 1
            self._note_change(path, directory, replaced=True)

    def judge_changes(self, tree: Tree) -> None:
        """Report the changes of things that the base stack has."""
        for (finding, what), (count, first) in sorted(self._changed.items()):
            self._add(finding, first, f'{count} changes in {printable(what)} of the base stack')
        stale = [what for finding, what in self._changed if finding.endswith('-overwritten')]
        for what in sorted(stale):
            if self._base.kind(what) != 'd':
                continue
            left = [path for path in self._base.files_below(what) if tree.lookup(path) is None]
            if left:
                self._add(
                    'base-stale-files',
                    min(left),
                    f'{len(left)} files of the old {printable(what)} are not in the tarball '
                    f'and stay behind',
                )

    def _is_identical(self, member: Member, path: bytes, content: Iterable[bytes]) -> bool:
        if member.kind == 'l':
            return self._base.link(path) == member.link
        if member.kind == 'h':
            return self._base.kind(member.link) == '-' and self._base.same_file(path, member.link)
        return self._base.has_content(path, member.size, member.mode, content)

    def _note_change(self, path: bytes, directory: Directory, *, replaced: bool) -> None:
        finding, what = self._what_changes(path, directory, replaced=replaced)
        if finding:
            count, first = self._changed.get((finding, what), (0, path))
            self._changed[finding, what] = (count + 1, first)

    def _what_changes(
        self, path: bytes, directory: Directory, *, replaced: bool
    ) -> tuple[str, bytes]:
        place = directory.place
        if place.area == 'init':
            return 'init-in-software-tarball', b'init or scripts'
        if place.area == '.lmod' and directory.base is not None:
            return 'base-lmod-replaced', b'.lmod'
        if place.area == 'software' and place.installation:
            what = _installation_path(path, place)
            if self._is_in_base(what):
                return 'base-installation-overwritten', what
        elif place.area in ('modules', 'reprod') and replaced:
            return 'base-installation-overwritten', path
        return '', b''

    def _is_in_base(self, path: bytes) -> bool:
        if path not in self._in_base:
            self._in_base[path] = self._base.kind(path) == 'd'
        return self._in_base[path]


def _installation_path(path: bytes, place: Place) -> bytes:
    """Return the directory of the installation that a path is in."""
    parts = path.split(b'/')
    return b'/'.join(parts[: len(parts) - (len(place.below) - 2) - 1])
