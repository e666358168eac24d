"""Where symbolic links lead: followed in the archive and the base stack, never on disk."""

from __future__ import annotations

import re
from functools import cache

from eessi_validate.gate.inspection.base import BaseStack
from eessi_validate.gate.inspection.findings import printable
from eessi_validate.gate.inspection.layout import Layout
from eessi_validate.gate.inspection.names import Add
from eessi_validate.gate.inspection.tarball_name import TarballName
from eessi_validate.gate.inspection.tree import Tree
from eessi_validate.stack.tables import read_table

#: Links that Linux follows in one path (``MAXSYMLINKS``).
_MOST_HOPS = 40
_REPOSITORY = rb'/cvmfs/(?P<repository>[a-z0-9][a-z0-9.-]*)'


class _Verdict(Exception):
    """The link is settled: with a finding, or allowed ('')."""

    def __init__(self, finding: str, sentence: str = '') -> None:
        super().__init__(sentence)
        self.finding = finding
        self.sentence = sentence


class LinkJudge:
    """Judges the symbolic links of one archive, once all its members are known."""

    def __init__(
        self,
        name: TarballName,
        layout: Layout,
        tree: Tree,
        base: BaseStack | None,
        add: Add,
        steps: int,
    ) -> None:
        self._name = name
        self._tree = tree
        self._base = base
        self._add = add
        top = layout.top + b'/' if layout.top else b''
        self._floor = 1 if top else 0
        self._steps_left = steps
        #: Areas that a software tarball may carry along, whose links stay inside.
        self._guests = (top + b'init/', top + b'scripts/')
        os_name = name.os.encode()
        compat = top + b'compat/' + os_name + b'/' + name.family.encode()
        # A suffix is one of the software layer; the compat layer may be the one without.
        plain = f'versions/{name.release}/compat/{name.os}/{name.family}/'.encode()
        self._compat = (plain,) if name.kind == 'software' else ()
        self._zones: tuple[bytes, ...]
        if name.kind == 'software':
            software = top + b'software/' + os_name + b'/' + layout.cpu_target.encode()
            self._zones = (software + b'/', compat + b'/')
        elif name.kind == 'compat':
            self._zones = (compat + b'/',)
        else:
            self._zones = (top + name.kind.encode() + b'/',)
        #: What of the base is not there any more once the tarball is.
        self._replaced = self._zones if name.kind == 'compat' else ()
        self._inside = re.compile(
            _REPOSITORY
            + rb'/(?:versions/)?'
            + re.escape(layout.top or name.release.encode())
            + rb'(?:/(?P<rest>.*))?'
        )
        self._top = (layout.top,) if layout.top else ()
        self._repository = base.repository.encode() if base else None

    def judge(self, path: bytes, target: bytes) -> None:
        """Report what is wrong with the link at ``path``."""
        try:
            self._judge(path, target)
        except _Verdict as verdict:
            if verdict.finding:
                sentence = f'it points to {printable(target)}'
                self._add(verdict.finding, path, f'{sentence}: {verdict.sentence}')

    def _judge(self, path: bytes, target: bytes) -> None:
        try:
            sound = target.decode().isprintable() and bool(target)
        except UnicodeDecodeError:
            sound = False
        if not sound:
            raise _Verdict('symlink-empty', 'that is no printable path')
        if b'$(' in target:
            if any(form.fullmatch(target) for form in _variant_forms()):
                return
            raise _Verdict('symlink-variant', 'CernVM-FS clients expand "$(", in no known form')
        place, missing = self._resolve(path, target)
        zones = self._zones + tuple(area for area in self._guests if path.startswith(area))
        if not any(place.startswith(zone) or place + b'/' == zone for zone in zones):
            raise _Verdict('symlink-other-target', f'that is {printable(place)}')
        if missing:
            raise _Verdict(
                'symlink-dangling',
                'that is neither in the tarball nor in the base stack'
                if self._base
                else 'that is not in the tarball, and no base stack was given',
            )

    def _resolve(self, path: bytes, target: bytes) -> tuple[bytes, bool]:
        """Return what the link leads to, as a path of the archive, and whether it is missing."""
        here = path.split(b'/')[:-1]
        left: list[bytes] = []
        hops, missing = 0, False
        here, left = self._turn(here, left, target, first=True)
        while left:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise _Verdict('symlink-loop', 'all links together take too many steps to follow')
            part = left.pop()
            if part in (b'', b'.'):
                continue
            if part == b'..':
                if len(here) <= self._floor:
                    raise _Verdict('symlink-escapes', 'that is outside the release')
                here.pop()
                continue
            here.append(part)
            if missing:
                continue
            what = self._what(b'/'.join(here))
            if what is None:
                missing = True
            elif isinstance(what, bytes):
                hops += 1
                if hops > _MOST_HOPS:
                    raise _Verdict('symlink-loop', 'that leads back to itself')
                here.pop()
                here, left = self._turn(here, left, what, first=False)
        if len(here) < self._floor:
            raise _Verdict('symlink-escapes', 'that is outside the release')
        return b'/'.join(here), missing

    def _turn(
        self, here: list[bytes], left: list[bytes], target: bytes, *, first: bool
    ) -> tuple[list[bytes], list[bytes]]:
        """Go on with the target of a link."""
        if not target.startswith(b'/'):
            return here, left + target.split(b'/')[::-1]
        found = self._inside.fullmatch(target)
        if found and self._is_our_repository(found['repository']):
            return [*self._top], left + (found['rest'] or b'').split(b'/')[::-1]
        if not first or target.decode('utf-8', 'replace') in _host_files(self._name.kind):
            raise _Verdict('')
        outside = re.match(_REPOSITORY + rb'/(?P<rest>.*)', target)
        if not outside or b'..' in target.split(b'/'):
            raise _Verdict('symlink-absolute', 'that is outside the repository')
        if outside['rest'].startswith(
            (b'host_injections/', *self._compat)
        ) and self._is_our_repository(outside['repository']):
            raise _Verdict('')
        raise _Verdict('symlink-other-target', 'that is outside the release')

    def _is_our_repository(self, repository: bytes) -> bool:
        """Say so for the base stack's, or without one for the first that a link names."""
        if self._repository is None:
            self._repository = repository
        return repository == self._repository

    def _what(self, path: bytes) -> bool | bytes | None:
        found = self._tree.lookup(path)
        if found is not None:
            return found if isinstance(found, bytes) else True
        if path.startswith(self._replaced):
            return None
        kind = self._base.kind(path) if self._base else ''
        if kind == 'l':
            assert self._base is not None
            return self._base.link(path)
        return bool(kind) or None


@cache
def _variant_forms() -> tuple[re.Pattern[bytes], ...]:
    return tuple(re.compile(form.encode()) for form in read_table('tarball_links', 'variant'))


def _host_files(kind: str) -> tuple[str, ...]:
    return read_table('tarball_links', 'host_files') if kind == 'compat' else ()
