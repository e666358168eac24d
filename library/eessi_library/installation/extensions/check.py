"""Has the installation every extension that its module names, in the version that it names?

The module's list (``EBEXTSLIST...``) is what users and ``module spider`` go by. EasyBuild writes it
from the easyconfig, not from what was installed: GROMACS 2024.1 of EESSI came with the gmxapi of
2023.3. From files alone, so that it holds for CPU targets that this host cannot execute.

What cannot be decided is a note: a version that is a commit or a date, one that is made between
two releases, an extension that left files by its name and no metadata (``make install``), and one
that its easyconfig says is not to be imported (``modulename: False``). An extension of which there
is nothing by its name is missing, in whatever language it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ..bundles.r import r_sites
from ..inventory import walk
from ..model import InstallationRequest, Observation, Severity
from ..versions.reported import version_of
from .declared import declared_extensions, import_names, name_and_version
from .elsewhere import Basis, extensions_of_dependencies
from .installed import Extensions, Installed, installed_extensions
from .versions import Match, match

#: Where software leaves something that goes by its name, besides the sites of its language.
_PLACES: Final = ('bin', 'sbin', 'lib', 'lib64', 'libexec', 'include', 'share', '.')

_SITE: Final = re.compile(r'.*/(?:site|dist)-packages')


def check_extensions(request: InstallationRequest, basis: Basis) -> Iterator[Observation]:
    """Yield each extension that the module names and that is not there, or in another version.

    ``basis`` takes up what the answer rests on outside of the installation.
    """
    declared = [_resolved(request, each) for each in declared_extensions(request)]
    if not declared:
        return
    there, imported = installed_extensions(request), import_names(request)
    missing: list[tuple[str, str]] = []
    known = False
    for each in declared:
        name, version, found = _find(each, there, imported)
        if found:
            known = True
            yield from _judge(name, version, found)
        else:
            missing.append((name, version))
    if missing:
        yield from _missing(request, basis, missing, imported, known)


def _resolved(request: InstallationRequest, declared: str) -> str:
    """Fill in templates: EasyBuild writes the list without doing so."""
    name = request.name.split('/')[0]
    for template, value in (
        ('%(name)s', name),
        ('%(namelower)s', name.lower()),
        ('%(version)s', version_of(request.name)),
    ):
        declared = declared.replace(template, value)
    return declared


def _find(
    declared: str, there: Extensions, imported: dict[str, str]
) -> tuple[str, str, list[Installed]]:
    readings = list(name_and_version(declared))
    for name, version in readings:
        found = there.named(name, imported.get(name, ''))
        if found:
            return name, version, found
    return *readings[0], []


def _judge(name: str, version: str, found: list[Installed]) -> Iterator[Observation]:
    """Compare one extension in every place where it is: one that agrees will do."""
    matches = [(match(each.language, version, each.version), each) for each in found]
    if any(result is Match.SAME for result, _ in matches):
        return
    weak = all(each.weak for _, each in matches)
    undecided = [each for result, each in matches if result is Match.UNDECIDED]
    each = (undecided or [each for _, each in matches])[0]
    has = each.version or 'no version'
    if undecided or '%(' in version:
        reason = f'has {has}, the module names {version}: that cannot be compared'
        yield Observation('extension/undecided', Severity.NOTE, name, name, reason)
        return
    # The main module of a Perl distribution need not carry the distribution's version.
    severity = Severity.WARNING if weak else Severity.ERROR
    reason = f'is {has}, the module names {version}'
    yield Observation('extension/version', severity, name, name, reason)


def _missing(
    request: InstallationRequest,
    basis: Basis,
    missing: list[tuple[str, str]],
    imported: dict[str, str],
    known: bool,
) -> Iterator[Observation]:
    """Say what there is of extensions without metadata here.

    :arg known: others of the list were found, and so the languages are those that are known.
    """
    traces = _traces(request, everywhere=not known)
    below: list[tuple[str, Extensions]] | None = None
    for name, version in missing:
        text = f'{name} {version}'.strip()
        if imported.get(name) == '':
            reason = f'{text} is not to be imported, by its easyconfig, and has no metadata'
            yield Observation('extension/undecided', Severity.NOTE, name, name, reason)
            continue
        if trace := traces.get(_plain(name)):
            severity = Severity.WARNING if _SITE.fullmatch(trace) else Severity.NOTE
            reason = f'{text} has no metadata; {trace} has something by its name'
            yield Observation('extension/undecided', severity, name, name, reason)
            continue
        below = extensions_of_dependencies(request, basis) if below is None else below
        where = ''
        for module, extensions in below:
            _, _, found = _find(f'{name}-{version}' if version else name, extensions, imported)
            if any(
                match(each.language, version, each.version) is not Match.OTHER for each in found
            ):
                where = module
                break
        if where:
            reason = f'{text} is not in the installation; it comes with {where}'
            yield Observation('extension/undecided', Severity.NOTE, name, name, reason)
            continue
        reason = f'the module names {text}, which is not installed'
        yield Observation('extension/missing', Severity.ERROR, name, name, reason)


def _traces(request: InstallationRequest, *, everywhere: bool) -> dict[str, str]:
    """Return what goes by a name of its own -> where it is.

    :arg everywhere: also deep in the tree, where gems and packages of Octave have directories with
        their name and version.
    """
    found: dict[str, str] = {}
    # a package of R without its DESCRIPTION is none
    places = set(_PLACES).difference(r_sites(request))
    for member in walk(request.real_path):
        if member.path.startswith('easybuild/'):
            continue
        where, _, name = member.path.rpartition('/')
        if everywhere or (where or '.') in places or _SITE.fullmatch(where):
            stem = name.split('.')[0] if member.is_file else name
            for text in (name, stem, re.sub(r'-v?\d.*', '', name)):
                found.setdefault(_plain(text.removeprefix('lib')), where or '.')
                found.setdefault(_plain(text), where or '.')
    return found


def _plain(name: str) -> str:
    return re.sub(r'[^a-z0-9]', '', name.lower())
