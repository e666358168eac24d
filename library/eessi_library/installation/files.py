"""Modes and links: what another user cannot read or run, what leads nowhere or to the host."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from eessi_library.elf import ElfError, read_elf

from .inventory import Kind, Member
from .model import InstallationRequest, Observation, Severity


def check_place(request: InstallationRequest) -> Iterator[Observation]:
    """Yield what keeps others from an installation as a whole: its directories, its module."""
    release = request.release
    places = [os.path.dirname(request.path), request.path]
    if request.module_file:
        places += [os.path.dirname(request.module_file), request.module_file]
    for path in places:
        try:
            mode = os.stat(release.located(path)).st_mode
        except OSError:
            continue  # what is not there is reported by name elsewhere
        is_directory = stat.S_ISDIR(mode)
        wanted = 0o005 if is_directory else 0o004
        text = f'mode {stat.S_IMODE(mode):04o}'
        member = os.path.relpath(path, release.software)
        if mode & wanted != wanted:
            what = 'enter and list this directory' if is_directory else 'read this module file'
            reason = f'{text}: other users cannot {what}'
            yield Observation('files/unreadable', Severity.ERROR, member, text, reason)
        if mode & stat.S_IWOTH:
            reason = f'{text}: everybody can change what is here'
            yield Observation('files/world-writable', Severity.ERROR, member, text, reason)


def check_program(
    request: InstallationRequest, member: Member, kind: Kind
) -> Iterator[Observation]:
    """Yield a program in ``bin`` or ``sbin`` that nobody can execute.

    A program is an ELF file with an interpreter, or a script with a first line and no suffix:
    what is sourced or imported has one (``gettext.sh``), or has no first line (``activate``).
    """
    directory, _, name = member.path.partition('/')
    if member.mode & 0o111 or directory not in ('bin', 'sbin') or '/' in name:
        return
    if kind is Kind.ELF:
        try:
            elf = read_elf(os.path.join(request.real_path, member.path))
        except (ElfError, OSError):
            return  # the linkage check says so
        if elf is None or elf.interpreter is None:
            return
    elif kind is not Kind.SCRIPT or '.' in name:
        return
    mode = f'mode {stat.S_IMODE(member.mode):04o}'
    reason = f'{mode}: a program that nobody can execute'
    yield Observation('files/not-executable', Severity.ERROR, member.path, mode, reason)


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
