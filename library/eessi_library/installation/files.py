"""Modes and links: what another user cannot read or run, what leads nowhere or to the host."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from .inventory import Member
from .model import InstallationRequest, Observation, Severity


def check_member(request: InstallationRequest, member: Member) -> Iterator[Observation]:
    """Yield what is wrong with the mode of one member, or with where its link leads."""
    if stat.S_ISLNK(member.mode):
        yield from _link(request, member)
        return

    def found(check: str, reason: str) -> Observation:
        mode = f'mode {stat.S_IMODE(member.mode):04o}'
        return Observation(f'files/{check}', Severity.ERROR, member.path, mode, f'{mode}: {reason}')

    mode = member.mode
    if stat.S_ISDIR(mode):
        if mode & 0o005 != 0o005:
            yield found('unreadable', 'other users cannot enter and list this directory')
        if mode & stat.S_IWOTH:
            yield found('world-writable', 'everybody can add and replace files here')
        return
    if not stat.S_ISREG(mode):
        yield found('special', 'neither a file, a directory nor a link')
        return
    if not mode & stat.S_IROTH:
        yield found('unreadable', 'other users cannot read this file')
    if mode & stat.S_IXUSR and not mode & stat.S_IXOTH:
        yield found('not-executable', 'only its owner can execute this file')
    if mode & (stat.S_ISUID | stat.S_ISGID):
        yield found('setuid', 'runs with the rights of its owner or group')
    if mode & stat.S_IWOTH:
        yield found('world-writable', 'everybody can change this file')


def _link(request: InstallationRequest, member: Member) -> Iterator[Observation]:
    target = member.target or ''
    release = request.release
    own = f'{request.path}/{member.path}'
    named = os.path.normpath(os.path.join(os.path.dirname(own), target))
    if _below(named, release.host_injections):
        return  # the site decides what is there, if anything

    def found(check: str, reason: str) -> Observation:
        return Observation(f'files/{check}', Severity.ERROR, member.path, target, reason)

    if not _below(named, release.root):
        yield found('link-outside', f'the link leaves the stack: {target}')
        return
    if not (_below(named, release.compat) or _below(named, release.software)):
        yield found('link-outside', f'the link leaves release and CPU target: {target}')
        return
    if not os.path.exists(release.located(own)) and not _exists(request, named):
        yield found('dangling-link', f'the link leads to nothing: {target}')


def _exists(request: InstallationRequest, path: str, depth: int = 40) -> bool:
    """Follow links by their logical names, for a stack that lies elsewhere."""
    if depth == 0:
        return False
    place = request.release.located(path)
    if os.path.islink(place):
        target = os.path.join(os.path.dirname(path), os.readlink(place))
        return _exists(request, os.path.normpath(target), depth - 1)
    return os.path.exists(place)


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f'{prefix}/')
