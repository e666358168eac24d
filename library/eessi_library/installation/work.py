"""What the worker processes do: one unit of work in, plain data out. A unit is never too large.

Observations and other answers travel and are cached as JSON values.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from eessi_library.elf import ElfError

from .archives import check_archive
from .build_on_top import check_compilers
from .bundles.check import check_bundles
from .dependence import TREE, signatures
from .emulation import check_emulated, emulator
from .extensions.check import check_extensions
from .extensions.elsewhere import Basis, is_metadata_elsewhere
from .files import check_member, check_program
from .inventory import Kind, Member, classify, walk
from .isa import judgement
from .isa.disassembly import DisassemblyFailed, NoDisassembler
from .isa.objects import unjudged
from .linkage import ReleaseLinkage
from .model import InstallationRequest, Observation, Release, Severity
from .module_load import judge_module, load_module
from .start_up import check_programs
from .text.judgement import check_text, first_line
from .versions.recorded import check_recorded_version

#: Objects after which a worker forgets what it knows of libraries: memory stays bounded.
_MOST_OBJECTS: Final = 4_000

_linkages: dict[Release, ReleaseLinkage] = {}


def _linkage(release: Release) -> ReleaseLinkage:
    """Return the loader of a release with what it remembers, unless that is too much by now."""
    known = _linkages.get(release)
    if known is None or known.remembered > _MOST_OBJECTS:
        _linkages.clear()
        known = _linkages[release] = ReleaseLinkage(release)
    return known


def plain(observations: Iterable[Observation]) -> list[list[str]]:
    """Return observations as JSON values."""
    return [
        [o.check, o.severity.value, o.member, o.subject, o.reason.replace('\n', ' ')[:600]]
        for o in observations
    ]


def observed(rows: Iterable[Sequence[str]]) -> list[Observation]:
    """Return observations from JSON values."""
    return [Observation(c, Severity(s), m, subject, why) for c, s, m, subject, why in rows]


def read_members(request: InstallationRequest, members: Sequence[Member]) -> dict[str, Any]:
    """Check files, text and linkage of some members; say which are ELF objects and archives."""
    found: list[Observation] = []
    linkage = _linkage(request.release) if 'linkage' in request.groups else None
    if linkage:
        linkage.touched.clear()
    elf: list[str] = []
    archives: list[str] = []
    touched: set[str] = set()
    for member in members:
        if member.target is not None:
            touched.add(os.path.join(request.path, os.path.dirname(member.path), member.target))
        if 'files' in request.groups:
            found += check_member(request, member)
        if not member.is_file:
            continue
        kind, head = classify(os.path.join(request.real_path, member.path), member)
        if kind is Kind.UNREADABLE:
            reason = 'cannot be read, not even here'
            found.append(
                Observation('files/unreadable', Severity.ERROR, member.path, 'read', reason)
            )
            continue
        if 'files' in request.groups:
            found += check_program(request, member, kind)
        if kind is Kind.ELF:
            elf.append(member.path)
            if linkage:
                found += linkage.check(request, member.path)
        elif kind is Kind.ARCHIVE:
            archives.append(member.path)
            if linkage:
                found += check_archive(request, member.path, touched)
        elif kind in (Kind.SCRIPT, Kind.TEXT) and 'text' in request.groups:
            found += check_text(request, member, kind, head)
            touched.update(first_line(head)[:1] if kind is Kind.SCRIPT else ())
    touched |= linkage.touched if linkage else set()
    # Other members of the installation, too: they may belong to another unit.
    read = {os.path.join(request.real_path, member.path) for member in members}
    places = {request.release.located(os.path.normpath(p)) for p in touched if p.startswith('/')}
    depends = signatures(places - read)
    return {'found': plain(found), 'elf': elf, 'archives': archives, 'depends': depends}


def read_metadata(request: InstallationRequest, links: Sequence[Member]) -> dict[str, Any]:
    """Compare the version and the extensions of an installation with what its module says.

    :arg links: all of the installation.
    """
    basis = Basis(lasting=not is_metadata_elsewhere(request.real_path, links))
    found = [*check_recorded_version(request), *check_extensions(request, basis)]
    if request.module_file:
        basis.paths.add(request.release.located(request.module_file))
    return {'found': plain(found), 'lasting': basis.lasting, 'depends': signatures(basis.paths)}


def scan_code(path: str, cpu_target: str, compat: str) -> dict[str, Any]:
    """Return the features that a file needs beyond its target, and whether it asks CPUID.

    For an archive, those of each member, and whether any of them asks.
    """
    family = cpu_target.split('/')[0]
    try:
        uses = judgement.features_beyond(path, cpu_target, compat)
        guarded = bool(uses) and judgement.asks_for_features(path, family, compat)
        return {
            'uses': [dataclasses.astuple(use) for use in uses],
            'guarded': guarded,
            'unjudged': unjudged(path, family),
        }
    except NoDisassembler as error:
        return {'not_run': str(error)}
    except (ElfError, OSError, DisassemblyFailed, subprocess.SubprocessError) as error:
        return {'not_run': f'{os.path.basename(path)}: {error}'}


def digest_code(paths: Sequence[str], family: str) -> list[str]:
    """Return the digests of the code of files."""
    return [judgement.digest_of(path, family) for path in paths]


def run_installation(request: InstallationRequest) -> dict[str, Any]:
    """Load the module; start the programs and import the extensions in its environment."""
    scratch = tempfile.mkdtemp(prefix='installation-check-')
    found: list[Observation] = []
    before = {member.path for member in walk(request.real_path)}
    try:
        seen = load_module(request, scratch)
        if 'module' in request.groups or seen.status != 0:
            found += judge_module(request, seen)
        if seen.status == 0:
            environment = {**seen.loaded, 'HOME': scratch, 'TMPDIR': scratch}
            if 'start-up' in request.groups:
                found += check_programs(request, environment, scratch)
            if 'bundle' in request.groups:
                found += check_bundles(request, environment, scratch)
            if 'build' in request.groups:
                found += check_compilers(request, environment, scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    written = _written(request, before)
    if written:
        reason = f'its programs write into the installation as they start: {written[0]}'
        found.append(Observation('start-up/writes', Severity.WARNING, written[0], 'writes', reason))
    # what hung or was slow may have been the machine: not to be remembered
    lasting = (
        not written
        and seen.status is not None
        and all(o.check != 'start-up/no-answer' and o.subject != 'stopped' for o in found)
    )
    return {
        'found': plain(found),
        'lasting': lasting,
        'depends': signatures(_ran_on(request, seen.loaded)),
    }


def emulate_installation(request: InstallationRequest) -> dict[str, Any]:
    """Start the programs on the emulated CPU of their target."""
    with tempfile.TemporaryDirectory(prefix='installation-check-') as scratch:
        found = list(check_emulated(request, scratch))
    release = request.release
    compat = [f'{release.compat}/{name}' for name in ('', 'usr/lib', 'lib64')]
    return {
        'found': plain(found),
        'lasting': all(o.check != 'emulation/no-answer' for o in found),
        'depends': signatures([*compat, release.software, *(emulator(release) or ())[:1]]),
    }


def _written(request: InstallationRequest, before: set[str]) -> list[str]:
    return [member.path for member in walk(request.real_path) if member.path not in before]


def _ran_on(request: InstallationRequest, environment: Mapping[str, str]) -> list[str]:
    """Return what a run depends on: init, module tree, compat layer, dependencies' trees."""
    release = request.release
    tree = f'{release.software}/modules/all'
    roots = [v for k, v in environment.items() if k.startswith('EBROOT') and v != request.path]
    compat = [
        f'{release.compat}/{name}'
        for name in ('', 'usr/bin', 'usr/lib', 'var/lib/dpkg/status', 'var/db/pkg', 'etc')
    ]
    # where its libraries lie: Gentoo Prefix, and with the machine's name on Debian
    family = f'{release.family}-linux-gnu'
    for name in ('lib', 'lib64', 'usr/lib64', f'lib/{family}', f'usr/lib/{family}'):
        compat.append(f'{release.compat}/{name}')
    paths = [release.init, tree, os.path.join(tree, request.name.split('/')[0]), *compat]
    if request.module_file:
        paths.append(request.module_file)
    for root in roots:
        name = '/'.join(root.split('/')[-2:])
        paths += [f'{tree}/{name}.lua', f'{tree}/{name}']
    located = [release.located(path) for path in paths]
    return located + [TREE + release.located(root) for root in roots]
