"""Text files, wrappers, ``.la`` and ``.pc`` files that name paths which users do not have.

A path in documentation or in a comment harms nobody; one that a linker, a compiler wrapper or an
interpreter reads does. So the class of a file (rules.json, ``text_classes``) says what is looked
for in it. Paths of another CPU target or release, and of an EasyBuild build directory, are wrong
in every class.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from ..inventory import Kind, Member
from ..model import InstallationRequest, Observation, Release, Severity
from ..rules import table
from .cmake_commands import only_looks
from .script_languages import language_of
from .script_programs import named_programs

#: Bytes of a text that are read; data files may be longer, what programs read as code is not.
MOST_BYTES: Final = 4 << 20

#: Characters of a path as it occurs in text.
_PATH: Final = rb'[A-Za-z0-9_.+@%,~/-]'

#: What may stand before a path: an option of a compiler; else no letter, as the path goes on.
_BEFORE: Final = rb'(?:(?<=-[LIRBF])|(?<![A-Za-z0-9_.}/$)*~-]))'

#: Directories whose files users and programs start.
_PROGRAMS: Final = frozenset(('bin', 'sbin', 'libexec'))


@dataclass(frozen=True, slots=True)
class TextClass:
    """What kinds of paths are looked for in which files."""

    name: str
    member: tuple[str, ...]
    #: Names of rows of the table ``text_paths``.
    look_for: tuple[str, ...]
    scripts: bool = False
    #: Scripts of these interpreters, by the last component of their names.
    interpreters: tuple[str, ...] = ()
    #: Commands of CMake, some of which only look whether something is there.
    cmake: bool = False


@dataclass(frozen=True, slots=True)
class TextPath:
    """One kind of wrong path: a regular expression, and why it is wrong."""

    name: str
    check: str
    pattern: re.Pattern[bytes]
    why: str


@cache
def text_classes() -> tuple[TextClass, ...]:
    """Return the classes of text files; the first that fits decides."""
    return tuple(
        TextClass(
            row['name'],
            tuple(row['member']),
            tuple(row['look_for']),
            row.get('scripts', False),
            tuple(row.get('interpreters', ())),
            row.get('cmake', False),
        )
        for row in table('text_classes')
    )


@cache
def text_paths() -> dict[str, TextPath]:
    """Return the kinds of wrong paths by name."""
    return {
        row['name']: TextPath(
            row['name'],
            row['check'],
            re.compile(_BEFORE + row['pattern'].replace('PATH', _PATH.decode()).encode()),
            row['why'],
        )
        for row in table('text_paths')
    }


def class_of(path: str, kind: Kind, head: bytes = b'') -> TextClass:
    """Return the class of a text file, of which ``head`` is the beginning."""
    program = interpreter_of(head) if kind is Kind.SCRIPT else ''
    for row in text_classes():
        if (row.scripts and kind is Kind.SCRIPT) or program in row.interpreters:
            return row
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in row.member):
            return row
    raise LookupError('the last row of text_classes must fit everything')


def interpreter_of(head: bytes) -> str:
    """Return the name of the program that a script is for, behind ``env`` and its options."""
    names = [word.rpartition('/')[2] for word in first_line(head)]
    if names[:1] == ['env']:
        names = [name for name in names[1:] if not name.startswith('-') and '=' not in name]
    return names[0] if names else ''


def check_text(
    request: InstallationRequest, member: Member, kind: Kind, head: bytes
) -> Iterator[Observation]:
    """Yield what is wrong with the paths that one text file names."""
    if kind is Kind.SCRIPT and member.mode & 0o111:
        yield from _shebang(request, member, head)
    data = head if member.size <= len(head) else _read(request, member)
    own = request.release.software.encode()
    seen: set[tuple[str, bytes]] = set()
    told: set[int] = set()
    row_of = class_of(member.path, kind, head)
    for row in (text_paths()[name] for name in row_of.look_for):
        for match in row.pattern.finditer(data):
            path = match['path']
            inside = path.startswith((own, request.release.compat.encode()))
            allowed = row.check == 'text/host-program' and _is_allowed(
                path.decode(errors='replace')
            )
            if (
                inside
                or allowed
                or (row.name, path) in seen
                or _harmless(data, match.start('path'))
            ):
                continue
            if row_of.cmake and row.check != 'text/build-path' and only_looks(data, match.start()):
                continue
            if row.check == 'text/foreign-path' and (
                match.end('path') in told or _of_the_stack(request.release, path)
            ):
                continue  # told by a better name, above or below
            told.add(match.end('path'))
            seen.add((row.name, path))
            named = path.decode('utf-8', 'replace')
            yield Observation(
                row.check, Severity.ERROR, member.path, named, f'names {named}: {row.why}'
            )
    if kind is Kind.SCRIPT and _is_of_programs(member.path):
        yield from _programs_named(request, member, data, {path for _, path in seen})
    for named in _other_targets(request, data):
        why = 'which is of another CPU target or release'
        yield Observation(
            'text/other-target', Severity.ERROR, member.path, named, f'names {named}, {why}'
        )


def first_line(head: bytes) -> list[str]:
    """Return the words behind the ``#!`` of a script: its interpreter and what that is given.

    None for an attribute of Rust (``#![...]``), which starts like one.
    """
    words = head.split(b'\n', 1)[0][2:].decode('utf-8', 'replace').split()
    return [] if words and words[0].startswith('[') else words


def _shebang(request: InstallationRequest, member: Member, head: bytes) -> Iterator[Observation]:
    words = first_line(head)
    if not words:
        return
    interpreter = words[0]
    release = request.release
    # Elsewhere it is an example or a module that can be started as well: Python's own cgi.py.
    is_program = _is_of_programs(member.path)
    of_the_host = interpreter.startswith(('/usr/', '/bin/'))
    severity = Severity.ERROR if is_program or not of_the_host else Severity.WARNING

    def found(reason: str) -> Observation:
        return Observation('text/shebang', severity, member.path, interpreter, reason)

    if _is_allowed(interpreter):
        return
    if not interpreter.startswith('/'):
        yield found(f'its interpreter {interpreter} depends on the current directory')
    elif not interpreter.startswith((release.compat + '/', release.software + '/')):
        yield found(f'its interpreter {interpreter} is not of this stack and CPU target')
    elif not os.path.exists(release.located(interpreter)):
        yield found(f'its interpreter {interpreter} does not exist')
    elif (length := len(head.split(b'\n', 1)[0].rstrip())) > 255:
        # BINPRM_BUF_SIZE of Linux (include/uapi/linux/binfmts.h): the rest is cut off
        yield found(f'its first line has {length} bytes, the kernel reads 255')


def _is_allowed(program: str) -> bool:
    """True for what every host has: ``exec /usr/bin/env python3`` is as good as in a first line."""
    return program in table('allowed_interpreters')


def _is_of_programs(path: str) -> bool:
    return not _PROGRAMS.isdisjoint(path.split('/')[:-1])


def _programs_named(
    request: InstallationRequest, member: Member, data: bytes, told: set[bytes]
) -> Iterator[Observation]:
    """Yield the programs outside of the stack that a script starts by way of its language."""
    language = language_of(interpreter_of(data[:1024]))
    if language is None:
        return
    release = request.release
    for named in named_programs(data.decode('utf-8', 'replace'), language):
        path = named.path
        inside = path.startswith((f'{release.software}/', f'{release.compat}/'))
        if inside or path.encode() in told or _is_allowed(path):
            continue
        place = next(
            (row for row in table('program_places') if re.match(row['pattern'], path)), None
        )
        if place is None or _of_the_stack(release, path.encode()):
            continue
        by = f' by its variable {named.variable}' if named.variable else ''
        reason = f'names {path}{by}: {place["why"]}'
        if not named.certain:
            reason += '; the variable may have another value'
        severity = Severity.ERROR if named.certain else Severity.WARNING
        yield Observation(place['check'], severity, member.path, path, reason)


def _of_the_stack(release: Release, path: bytes) -> bool:
    """True for what the site decides, and for other targets and releases, which have a check."""
    tops = (release.host_injections, os.path.dirname(release.path))
    return path.startswith(tuple(f'{top}/'.encode() for top in tops))


def _other_targets(request: InstallationRequest, data: bytes) -> Iterator[str]:
    release = request.release
    base = os.path.dirname(release.path)
    if base.encode() not in data:
        return
    seen: set[str] = set()
    for match in _release_paths(base).finditer(data):
        named = match[0].decode('utf-8', 'replace')
        if named.startswith((release.software, release.host_injections)):
            continue
        elsewhere = named.startswith(f'{release.path}/software/linux/')
        if named not in seen and (elsewhere or _is_other_release(named, release)):
            seen.add(named)
            yield named


def _is_other_release(named: str, release: Release) -> bool:
    return not (named == release.path or named.startswith(f'{release.path}/'))


@lru_cache(maxsize=8)
def _release_paths(base: str) -> re.Pattern[bytes]:
    start = re.escape(base.encode())
    family = rb'(?:/software/linux/(?:x86_64|aarch64|ppc64le|riscv64)(?:/[a-z0-9_]+){1,2})?'
    return re.compile(start + rb'/20\d\d(?:\.\d\d)' + family)


@cache
def _harmless_before() -> re.Pattern[bytes]:
    options = '|'.join(row['pattern'] for row in table('harmless_before'))
    return re.compile(rf'(?:{options})$'.encode())


def _harmless(data: bytes, start: int) -> bool:
    line = data[data.rfind(b'\n', 0, start) + 1 : start]
    comment = line.lstrip().startswith((b'#', b'//', b'%'))
    return comment or _harmless_before().search(line[-2000:]) is not None


def _read(request: InstallationRequest, member: Member) -> bytes:
    try:
        with open(os.path.join(request.real_path, member.path), 'rb') as file:
            return file.read(MOST_BYTES)
    except OSError:
        return b''  # files/unreadable says so already
