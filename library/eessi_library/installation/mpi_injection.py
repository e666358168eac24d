"""Is a host's MPI that a site puts into ``host_injections`` the same to the stack's objects?

Every library of the stack's MPI that has a counterpart must keep its SONAME, and every symbol that
objects of the stack bind to it must be there. MPI has no ABI of its own before MPI-5.0: constants
such as MPI_COMM_WORLD are addresses of symbols in Open MPI and numbers in MPICH, so a library of
the other family lacks symbols and is refused by their names. Which library an object gets, and
whether that one finds what it needs itself, is asked of the release's loader (simulated).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import Final

from eessi_library.elf import (
    ElfError,
    FindingKind,
    LoaderLimit,
    Program,
    read_elf,
    read_symbols,
)

from .inventory import Kind, classify, walk
from .layout import installations
from .linkage import ReleaseLinkage
from .model import Observation, Release, Severity

#: Where the objects of a release look first (EESSI docs, "Injecting your own MPI").
_PLACE: Final = 'software/linux/{target}/rpath_overrides/OpenMPI/system/lib'

#: Libraries that programs link to: C and Fortran bindings, run-time layers, MPICH's single one.
_LIBRARIES: Final = (
    *('libmpi', 'libmpi_mpifh', 'libmpi_usempif08', 'libmpi_usempi_ignore_tkr', 'libmpi_cxx'),
    *('libopen-rte', 'libopen-pal', 'libmpich', 'libmpicxx'),
)


#: What can be wrong with the libraries of the site themselves, seen with the stack's C library.
_UNFIT: Final = {
    FindingKind.MISSING_LIBRARY: 'missing-library',
    FindingKind.UNUSABLE_LIBRARY: 'unusable-library',
    FindingKind.MISSING_VERSION: 'missing-version',
}

#: Whose installations hold the MPI that a site replaces.
SOFTWARE: Final = 'OpenMPI'


def injection_directory(release: Release) -> str:
    """Return where a release looks for the MPI of the site."""
    place = _PLACE.format(target=release.subdirectory)
    return f'{release.host_injections}/{os.path.basename(release.path)}/{place}'


def mpi_libraries(directory: str) -> dict[str, str]:
    """Return SONAME -> path for the MPI libraries in a directory, each file once."""
    found: dict[str, str] = {}
    for name in sorted(os.listdir(directory)):
        if name.split('.so')[0] not in _LIBRARIES or '.so' not in name:
            continue
        try:
            elf = read_elf(f'{directory}/{name}')
        except (ElfError, OSError):
            continue
        if elf is not None and elf.soname:
            found.setdefault(elf.soname, f'{directory}/{name}')
    return found


def check_injected_mpi(
    stack_directory: str, injected_directory: str, objects: Iterable[str]
) -> Iterator[Observation]:
    """Yield every reason for which an injected MPI cannot stand in for the stack's.

    ``objects``: programs and libraries of the stack that are linked to MPI; others are passed by.
    """

    def found(check: str, member: str, subject: str, reason: str) -> Observation:
        return Observation(f'mpi/{check}', Severity.ERROR, member, subject, reason)

    if not os.path.isdir(injected_directory):
        reason = 'there is no such directory: the objects of the stack look nowhere else'
        yield found('directory', injected_directory, 'directory', reason)
        return
    own, injected = mpi_libraries(stack_directory), mpi_libraries(injected_directory)
    if not injected:
        reason = 'holds no MPI library that can be read'
        yield found('directory', injected_directory, 'empty', reason)
        return
    wanted = _bound_symbols(own, objects)
    for soname in sorted(wanted):
        if soname not in injected:
            there = ', '.join(sorted(injected))
            reason = f'objects of the stack need {soname}, the injected MPI has {there}'
            yield found('soname', wanted[soname][1], soname, reason)
            continue
        exports = _exports(injected[soname])
        for symbol in sorted(wanted[soname][0] - exports):
            reason = f'the injected {soname} has no {symbol}, which objects of the stack bind'
            yield found('missing-symbol', wanted[soname][1], symbol, reason)


def check_use(
    linkage: ReleaseLinkage, own: Iterable[str], injected: str, objects: Iterable[str]
) -> Iterator[Observation]:
    """Yield which objects of the stack do not get the injected MPI, and what that one lacks.

    :arg own: directories with MPI libraries of the stack, which the injected ones replace.
    :arg objects: programs and libraries of the stack; those not linked to MPI are passed by.
    """
    replaced = {soname for each in own for soname in mpi_libraries(each)}
    replaced &= set(mpi_libraries(injected))
    for path in objects:
        try:
            elf = read_elf(path)
            if elf is None or not replaced & set(elf.needed):
                continue
            program = linkage.load(path)
        except (ElfError, LoaderLimit, OSError):
            continue  # the checks of installations name it
        yield from _not_used(program, injected, replaced & set(elf.needed))
        for finding in program.findings:
            name = _UNFIT.get(finding.kind)
            if name and os.path.dirname(finding.object) == injected:
                yield Observation(
                    f'mpi/{name}', Severity.ERROR, finding.object, finding.subject, finding.message
                )


def _not_used(program: Program, injected: str, sonames: set[str]) -> Iterator[Observation]:
    for soname in sorted(sonames):
        found = program.object_for(soname)
        if found is None or os.path.dirname(found.path) == injected:
            continue
        reason = (
            f'takes {soname} from {found.path}, not from the injected MPI: its search path does '
            f'not name {injected} first, or what is there is for another machine'
        )
        yield Observation('mpi/not-used', Severity.ERROR, program.root, soname, reason)


def linked_library(release: Release) -> str | None:
    """Return a shared library of the stack that is linked to MPI, None when it has none.

    One of other software than MPI itself if there is one: it knows only what the standard has.
    """
    tops = [request.path for request in installations(release)]
    own = [top for top in tops if os.path.basename(os.path.dirname(top)) == SOFTWARE]
    for top in [*(top for top in tops if top not in own), *own]:
        place = release.located(top)
        for pattern in ('lib*/*.so*', 'lib*/*/*.so*'):
            for path in sorted(glob.glob(f'{glob.escape(place)}/{pattern}')):
                try:
                    elf = read_elf(path)
                except (ElfError, OSError):
                    continue
                if elf and any(name.startswith('libmpi.so') for name in elf.needed):
                    return f'{top}{path[len(place) :]}'
    return None


def injection(release: Release) -> dict[str, str]:
    """Return what the test of MPI must know where a site injects its own; nothing elsewhere."""
    directory = injection_directory(release)
    if not os.path.lexists(release.located(directory)):
        return {}
    return {'injected_mpi': directory, 'linked_object': linked_library(release) or ''}


def _bound_symbols(
    libraries: dict[str, str], objects: Iterable[str]
) -> dict[str, tuple[set[str], str]]:
    """Return SONAME -> (symbols that objects take from it, the first such object)."""
    exports = {soname: _exports(path) for soname, path in libraries.items()}
    bound: dict[str, tuple[set[str], str]] = {}
    for path in objects:
        try:
            elf = read_elf(path)
            needed = set(elf.needed) & set(libraries) if elf else set()
            symbols = read_symbols(path) if needed else None
        except (ElfError, OSError):
            continue
        imports = {symbol.name for symbol in symbols.imports} if symbols else set()
        for soname in needed:
            names, _ = bound.setdefault(soname, (set(), path))
            names |= imports & exports[soname]
    return bound


def _exports(path: str) -> frozenset[str]:
    try:
        symbols = read_symbols(path)
    except (ElfError, OSError):
        return frozenset()
    return frozenset(symbol.name for symbol in symbols.exports) if symbols else frozenset()


def mpi_directory(installation: str) -> str | None:
    """Return the directory with the MPI libraries of an installation, None when it has none."""
    for name in ('lib', 'lib64'):
        top = f'{installation}/{name}'
        for place in (top, *_below(top)):
            if os.path.isdir(place) and mpi_libraries(place):
                return place
    return None


def linked_objects(installations: Iterable[str]) -> Iterator[str]:
    """Yield the ELF files of installations; whether they are linked to MPI is seen when read."""
    for top in installations:
        if not os.path.isdir(top):
            continue
        for member in walk(top):
            path = f'{top}/{member.path}'
            if member.is_file and classify(path, member)[0] is Kind.ELF:
                yield path


def _below(top: str) -> list[str]:
    """Return directories with MPI further down: a multiarch layout."""
    found = glob.glob(f'{top}/*/**/libmpi.so*', recursive=True)
    return sorted({os.path.dirname(path) for path in found})
