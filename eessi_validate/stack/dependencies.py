"""What modules depend on, read from their files without the module system."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from eessi_validate.stack.modules import Module

_LUA_DEPENDS = re.compile(
    r"""^\s*(?:if\s+not\s*\(?\s*isloaded.*?then\s*)?(?:depends_on|load)\s*\((?P<names>[^)]*)\)""",
    re.MULTILINE,
)
_TCL_DEPENDS = re.compile(
    r'^\s*(?:if\s+\{.*?is-loaded.*?\}\s*\{\s*)?(?:depends-on|module\s+load)\s+(?P<names>[^\n}]+)',
    re.MULTILINE,
)
_QUOTED = re.compile(r"""["']([^"']+)["']""")
_LONG_STRING = re.compile(r'\[(=*)\[.*?\]\1\]', re.DOTALL)


def named_dependencies(text: str, *, is_lua: bool) -> list[str]:
    """Return every name that a module file loads; texts for the reader are not code."""
    found: list[str] = []
    if is_lua:
        for call in _LUA_DEPENDS.finditer(_LONG_STRING.sub('""', text)):
            found += _QUOTED.findall(call['names'])
    else:
        for call in _TCL_DEPENDS.finditer(text):
            found += call['names'].split()
    return list(dict.fromkeys(found))


def read_dependencies(modules: Iterable[Module]) -> dict[str, tuple[str, ...]]:
    """Return what each module loads itself, by full name; an unreadable file loads nothing."""
    found = {}
    for module in modules:
        try:
            text = Path(module.path).read_text(encoding='utf-8', errors='replace')
        except OSError:
            text = ''
        found[module.full_name] = tuple(
            named_dependencies(text, is_lua=module.path.endswith('.lua'))
        )
    return found


def dependents(
    dependencies: dict[str, tuple[str, ...]], names: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Return the modules that load one of ``names``, at any depth.

    :arg dependencies: what each module loads itself; a name without version stands for all.
    :arg names: full names of modules.
    :returns: full name of each dependent -> the way from it to one of ``names``, both included.
    """
    reached: dict[str, tuple[str, ...]] = {name: (name,) for name in names}
    start, grew = set(reached), True
    while grew:
        grew = False
        for module, loads in dependencies.items():
            if module in reached:
                continue
            via = next((known for known in reached if _loads(loads, known)), None)
            if via is not None:
                reached[module] = (module, *reached[via])
                grew = True
    return {name: way for name, way in reached.items() if name not in start}


def _loads(loads: tuple[str, ...], full_name: str) -> bool:
    return full_name in loads or full_name.partition('/')[0] in loads
