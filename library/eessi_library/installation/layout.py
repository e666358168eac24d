"""The installations of a CPU target, one after the other, from the directories alone."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .model import ALL_GROUPS, InstallationRequest, Release


def installations(
    release: Release, groups: tuple[str, ...] = ALL_GROUPS
) -> Iterator[InstallationRequest]:
    """Yield a request for each ``software/<name>/<version>``, sorted; hidden ones are left out."""
    for name in _visible(release, f'{release.software}/software'):
        for version in _visible(release, f'{release.software}/software/{name}'):
            module = f'{name}/{version}'
            yield InstallationRequest(
                release,
                module,
                f'{release.software}/software/{module}',
                module_file(release, module),
                groups,
            )


def module_file(release: Release, module: str) -> str | None:
    """Return the module file of a module, Lua before Tcl; None when it has none."""
    path = f'{release.software}/modules/all/{module}'
    places = (f'{path}.lua', path)
    return next((p for p in places if os.path.isfile(release.located(p))), None)


def _visible(release: Release, path: str) -> list[str]:
    """Return the directories below a path in all its layers."""
    names: set[str] = set()
    tops = [path]
    for prefix, layers in release.places:
        if path == prefix or path.startswith(f'{prefix}/'):
            tops = [layer + path[len(prefix) :] for layer in layers]
    for top in tops:
        if os.path.isdir(top):
            with os.scandir(top) as entries:
                names.update(e.name for e in entries if e.is_dir() and e.name[0] != '.')
    return sorted(names)
