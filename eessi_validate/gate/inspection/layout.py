"""Where in a repository a path of a tarball is, and whether it may be there."""

from __future__ import annotations

import re
from typing import NamedTuple

from eessi_validate.gate.inspection.tarball_name import TarballName
from eessi_validate.stack.targets import cpu_targets

_RELEASE = re.compile(rb'20\d\d\.\d\d|20\d{6}')
_SUFFIX = re.compile(rb'-[0-9A-Za-z._-]+')
_TYPES = (b'software', b'compat', b'init', b'scripts')
_AREAS = (b'software', b'modules', b'reprod', b'.lmod')


class Place(NamedTuple):
    """Where a directory is."""

    #: ``way`` (on the way to the area of the tarball), ``software``, ``modules``, ``reprod``,
    #: ``.lmod``, ``payload`` (of compat, init and scripts tarballs), ``init`` (in a software
    #: tarball), or ``outside``.
    area: str
    #: CPU target with accelerator directory, for the areas of the software layer.
    subdir: str = ''
    #: Components below the area.
    below: tuple[bytes, ...] = ()
    #: Id of the finding if it may not be there, and why.
    finding: str = ''
    reason: str = ''

    @property
    def installation(self) -> bytes:
        """``<name>/<version>`` of the installation that a path in here belongs to, or ''."""
        return b'/'.join(self.below[:2]) if len(self.below) >= 2 else b''

    @property
    def unit(self) -> tuple[str, str, bytes]:
        """What hard links must stay in: an installation, or a whole compat layer."""
        return self.area, self.subdir, self.installation if self.area != 'payload' else b''

    @property
    def takes_files(self) -> bool:
        """Whether the layout has files directly in this directory."""
        return (
            self.area in ('payload', 'init', '.lmod', 'unknown')
            or (self.area in ('software', 'reprod') and len(self.below) >= 2)
            or (self.area == 'modules' and len(self.below) == 2)
        )


class Layout:
    """The places of one tarball; what its name leaves open is settled by its first members."""

    def __init__(self, name: TarballName | None) -> None:
        self._name = name
        #: First component of all paths: release with suffix; None until it is known, b'' without.
        self.top: bytes | None = None
        #: CPU target; '' until it is known.
        self.cpu_target = name.cpu_target if name else ''

    @property
    def replaces_all(self) -> bool:
        """Whether the base's own tree is moved away before the tarball is unpacked."""
        return self._name is not None and self._name.kind == 'compat'

    @property
    def suffix(self) -> str:
        """Suffix of the release in paths."""
        if not self.top or not self._name:
            return ''
        return self.top.decode('ascii', 'replace')[len(self._name.release) :]

    @property
    def before_top(self) -> bytes:
        """What comes before paths of the tarball in the tree of releases; '' in today's form."""
        return self._name.release.encode() + b'/' if self.top == b'' and self._name else b''

    def loaders(self, roots: tuple[bytes, ...]) -> re.Pattern[bytes]:
        """Return what the path of a program's loader must match: the release's compat layer.

        :arg roots: where the repository may be; anywhere, if there is none.
        """
        return self._inside(roots, b'compat')

    def interpreters(self, roots: tuple[bytes, ...]) -> re.Pattern[bytes]:
        """Return what the path of a script's interpreter in the release matches; see loaders."""
        return self._inside(roots, b'(?:compat|software)')

    def _inside(self, roots: tuple[bytes, ...], layer: bytes) -> re.Pattern[bytes]:
        assert self._name is not None
        where = b'|'.join(map(re.escape, roots)) or rb'/.*'
        # A suffix is one of the software layer; the compat layer may be the one without.
        plain = self._name.release.encode()
        release = re.escape(plain) + rb'(?:' + re.escape((self.top or plain)[len(plain) :]) + rb')?'
        family = re.escape(f'/{self._name.os}/{self._name.family}/'.encode())
        return re.compile(
            rb'(?:' + where + rb')/(?:versions/)?' + release + b'/' + layer + family + rb'[^\0]*'
        )

    def place(self, path: bytes) -> Place:
        """Return where a directory is; ``path`` has no empty, ``.`` or ``..`` component."""
        name = self._name
        if name is None:
            return Place('unknown')
        parts = tuple(path.split(b'/')) if path else ()
        if not parts:
            return Place('way')
        if self.top is None:
            self._settle_top(parts, name)
        if self.top != b'':
            if parts[0] != self.top:
                return self._elsewhere(parts[0], name)
            parts = parts[1:]
            if not parts:
                return Place('way')
        if parts[0] != name.kind.encode():
            return _other_type(parts, name)
        if name.kind == 'software':
            return self._software(parts[1:], name)
        if name.kind == 'compat':
            return _compat(parts[1:], name)
        return Place('payload', below=parts[1:])

    def _settle_top(self, parts: tuple[bytes, ...], name: TarballName) -> None:
        release = name.release.encode()
        if name.may_lack_release and parts[0] in _TYPES:
            self.top = b''
        elif parts[0].startswith(release) and (
            parts[0] == release or _SUFFIX.fullmatch(parts[0][len(release) :])
        ):
            self.top = parts[0]

    def _elsewhere(self, first: bytes, name: TarballName) -> Place:
        if _RELEASE.match(first):
            top = (self.top or name.release.encode()).decode('ascii', 'replace')
            return _outside('member-other-release', f'the tarball is of release {top}')
        return _outside('member-outside-prefix', 'the path begins with no release')

    def _software(self, parts: tuple[bytes, ...], name: TarballName) -> Place:
        if not parts:
            return Place('way')
        if parts[0] != name.os.encode():
            return _outside('member-other-target', f'the tarball is for {name.os}')
        parts = parts[1:]
        if not self.cpu_target:
            self._settle_target(parts, name)
        target = tuple(self.cpu_target.encode().split(b'/')) if self.cpu_target else ()
        here = parts[: len(target)]
        if here != target[: len(here)] or not target:
            if not target and (not parts or parts[0] == name.family.encode()):
                return Place('way')
            return _outside(
                'member-other-target', f'the tarball is for {self.cpu_target or name.family}'
            )
        if len(parts) <= len(target):
            return Place('way')
        parts, subdir = parts[len(target) :], self.cpu_target
        if parts[0] == b'accel':
            for accel in name.accel:
                wanted = tuple(accel.encode().split(b'/'))
                if parts[: len(wanted)] == wanted[: len(parts)]:
                    if len(parts) <= len(wanted):
                        return Place('way')
                    parts, subdir = parts[len(wanted) :], f'{subdir}/{accel}'
                    break
            else:
                known = ', '.join(name.accel) or 'no accelerator'
                return _outside('member-other-target', f'the tarball is for {known}')
        if parts[0] in _AREAS:
            return Place(parts[0].decode(), subdir, parts[1:])
        return _outside(
            'member-outside-prefix', 'it is in none of software, modules, reprod and .lmod'
        )

    def _settle_target(self, parts: tuple[bytes, ...], name: TarballName) -> None:
        path = b'/'.join(parts).decode('ascii', 'replace') + '/'
        for target in cpu_targets():
            for known in (target.name, *target.aliases):
                if target.family == name.family and path.startswith(known + '/'):
                    self.cpu_target = known


def _other_type(parts: tuple[bytes, ...], name: TarballName) -> Place:
    if name.kind == 'software' and parts[0] in (b'init', b'scripts'):
        return Place('init', below=parts[1:])
    if parts[0] in _TYPES:
        return _outside('member-other-type', f'the tarball is of type {name.kind}')
    return _outside('member-outside-prefix', 'it is in none of software, compat, init and scripts')


def _compat(parts: tuple[bytes, ...], name: TarballName) -> Place:
    wanted = (name.os.encode(), name.family.encode())
    if parts[:2] != wanted[: len(parts)]:
        return _outside('member-other-target', f'the tarball is for {name.os} on {name.family}')
    return Place('payload', below=parts[2:]) if len(parts) >= 2 else Place('way')


def _outside(finding: str, reason: str) -> Place:
    return Place('outside', finding=finding, reason=reason)
