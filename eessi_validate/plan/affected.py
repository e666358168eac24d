"""What a new build touches: itself, and for libraries everything that depends on it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from eessi_validate.errors import unknown_name
from eessi_validate.rfm.catalogue import TestInfo
from eessi_validate.stack.dependencies import dependents, read_dependencies
from eessi_validate.stack.modules import Module


def affected_modules(
    built: Sequence[str],
    modules: Sequence[Module],
    catalogue: Iterable[TestInfo],
    support: Collection[str] = (),
) -> dict[str, str]:
    """Return the modules to test after a new build, with the reason for each.

    :arg built: full names of modules, or names of software.
    :arg support: software without tests of its own: only what depends on it can tell.
    :returns: full name -> reason; what was built itself comes first.
    :raises UsageError: if something that was built is no module here.
    """
    found: dict[str, str] = {}
    libraries = {test.covers for test in catalogue if test.selects_dependents} | set(support)
    dependencies = read_dependencies(modules)
    for name in built:
        named = [m for m in modules if name in (m.full_name, m.software)]
        if not named:
            raise unknown_name('module', name, [m.full_name for m in modules])
        for module in named:
            found[module.full_name] = 'newly built'
    for module in modules:
        if found.get(module.full_name) != 'newly built' or module.software not in libraries:
            continue
        for dependent, way in dependents(dependencies, [module.full_name]).items():
            found.setdefault(dependent, f'depends on it: {" -> ".join(way)}')
    return found
