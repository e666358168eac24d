"""What is in an archive of objects: does each member fit the CPU target, and is it there at all?

A linker takes from an archive what a program needs, so each object must be as sound as if it lay
in the installation by itself. Members are named as linkers name them: ``lib/libx.a(x.o)``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from mmap import mmap

from eessi_library.elf import (
    ArchiveMember,
    ElfError,
    MalformedArchive,
    ObjectFile,
    archive_members,
)

from .isa.objects import mapped
from .member_kinds import ELF, kind_of_content
from .model import InstallationRequest, Observation, Severity
from .rules import abi_of


def check_archive(
    request: InstallationRequest, path: str, touched: set[str]
) -> Iterator[Observation]:
    """Yield what is wrong with an archive of an installation and with its members.

    ``touched`` learns the files outside of the archive that the answer depends on.
    """
    try:
        with mapped(f'{request.real_path}/{path}') as data:
            for member in archive_members(data):
                if member.path is not None:
                    yield from _outside(request, path, member, member.path, touched)
                else:
                    yield from _member(request, path, data, member)
    except (MalformedArchive, OSError) as error:
        text = f'not a sound archive: {error}'
        yield Observation('linkage/malformed', Severity.ERROR, path, str(error), text)


def _member(
    request: InstallationRequest, path: str, data: mmap | bytes, member: ArchiveMember
) -> Iterator[Observation]:
    name = f'{path}({member.name})'
    kind = kind_of_content(data[member.offset : member.offset + min(64, member.size)])
    if kind != ELF:
        text = f'is {kind}, not ELF: nothing that a linker for {request.release.family} can use'
        yield Observation('linkage/not-elf', Severity.NOTE, name, kind, text)
        return
    try:
        header = ObjectFile(data, member.offset, member.size).header
    except ElfError as error:
        yield _malformed(name, error)
        return
    if header.abi != abi_of(request.release.family):
        yield wrong_machine(request, name, header.machine_name, header.elf_class)


def check_object(request: InstallationRequest, member: str) -> Iterator[Observation]:
    """Yield what keeps a linker from using an object that lies in an installation by itself."""
    try:
        with mapped(f'{request.real_path}/{member}') as data:
            ObjectFile(data)
    except (ElfError, OSError) as error:
        yield _malformed(member, error)


def _malformed(name: str, error: Exception) -> Observation:
    text = f'not a sound ELF object: {error}'
    return Observation('linkage/malformed', Severity.ERROR, name, str(error), text)


def wrong_machine(
    request: InstallationRequest, name: str, machine: str, elf_class: int
) -> Observation:
    """Return the observation of an object that is for another machine than the CPU target."""
    bits = ' (32 bits)' if elf_class == 1 else ''
    text = f'is for {machine}{bits}, the CPU target is {request.release.cpu_target}'
    return Observation('linkage/wrong-machine', Severity.ERROR, name, machine, text)


def _outside(
    request: InstallationRequest, path: str, member: ArchiveMember, named: str, touched: set[str]
) -> Iterator[Observation]:
    """Yield a member of a thin archive whose file is not of the installation, or not there.

    What is there is a member of the installation of its own and looked at as such.
    """
    place = os.path.normpath(os.path.join(request.path, os.path.dirname(path), named))
    inside = place.startswith(f'{request.path}/')
    if inside:
        touched.add(place)
        real = os.path.realpath(request.release.located(place))
        inside = real.startswith(f'{os.path.realpath(request.real_path)}/')
        if inside and os.path.isfile(real):
            return
    why = 'which is not there' if inside else 'which is not part of the installation'
    text = f'a thin archive names {place}, {why}: whoever links with it gets nothing or another'
    yield Observation('linkage/thin-archive', Severity.ERROR, path, member.name, text)
