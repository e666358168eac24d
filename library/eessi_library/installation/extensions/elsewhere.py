"""The extensions of everything that a module loads, and what an answer rests on by that.

The fingerprint of an installation says nothing of its dependencies, nor of what lies behind links
that lead out of it: who asks there says so, for an answer that is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from ..dependence import TREE
from ..inventory import Member, walk
from ..layout import module_file
from ..model import InstallationRequest
from ..module_load import dependencies
from .installed import Extensions, installed_extensions

#: Files that tell of extensions and of versions, by the ends of their names.
_METADATA: Final = (
    *('METADATA', 'PKG-INFO', 'RECORD', 'top_level.txt', '.dist-info', '.egg-info'),
    *('DESCRIPTION', 'package.rds', '.pm', 'perllocal.pod', '.pc', '.cmake', '.eb'),
)


@dataclass
class Basis:
    """What an answer rests on besides the files of its installation."""

    #: Paths as in :mod:`..dependence`.
    paths: set[str] = field(default_factory=set)
    #: False where it rests on something whose changes nobody would see.
    lasting: bool = True


def is_metadata_elsewhere(top: str, members: Iterable[Member]) -> bool:
    """True when a link leads out of a tree to a directory, to metadata or to nothing."""
    inside = f'{os.path.realpath(top)}/'
    for member in members:
        if member.target is None:
            continue
        place = os.path.realpath(os.path.join(top, member.path))
        told = member.path.endswith(_METADATA) or not os.path.isfile(place)
        if told and not f'{place}/'.startswith(inside):
            return True
    return False


def extensions_of_dependencies(
    request: InstallationRequest, basis: Basis
) -> list[tuple[str, Extensions]]:
    """Return the extensions of everything that the module loads, near ones first.

    The module files and trees of all of them, also of those that are not there, go to ``basis``.
    """
    found: dict[str, Extensions] = {}
    waiting = [request]
    while waiting:
        here = waiting.pop(0)
        try:
            place = here.release.located(here.module_file or '')
            with open(place, encoding='utf-8', errors='replace') as file:
                names = dependencies(file.read())
        except OSError:
            continue
        for name in names:
            if name not in found and name != request.name:
                below = _request_for(name, here)
                found[name] = _extensions(below, basis)
                waiting.append(below)
    return list(found.items())


def _request_for(name: str, here: InstallationRequest) -> InstallationRequest:
    path = f'{here.release.software}/software/{name}'
    return replace(here, name=name, path=path, module_file=module_file(here.release, name))


def _extensions(below: InstallationRequest, basis: Basis) -> Extensions:
    release = below.release
    module = f'{release.software}/modules/all/{below.name}'
    basis.paths.update(release.located(path) for path in (f'{module}.lua', module))
    basis.paths.add(TREE + below.real_path)
    if not os.path.isdir(below.real_path):
        return Extensions()
    if is_metadata_elsewhere(below.real_path, walk(below.real_path)):
        basis.lasting = False
    return installed_extensions(below)
