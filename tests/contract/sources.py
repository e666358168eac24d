"""The source files of the distributions, and what they import."""

from __future__ import annotations

import ast
import contextlib
import re
from functools import cache
from pathlib import Path

import eessi_implementations
import eessi_library
import eessi_validate

LIBRARY = Path(eessi_library.__file__).parent
IMPLEMENTATIONS = Path(eessi_implementations.__file__).parent
DRIVER = Path(eessi_validate.__file__).parent


#: Names of files that jobs run under the stack's own Python, unless a module imports them.
SCRIPT_NAME = re.compile(r'(?:^|[._])(?:probe|program)$')


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(_absolute(path, node.level, node.module or ''))
    return found


def _absolute(path: Path, level: int, module: str) -> str:
    """Return the module that ``from <level dots><module> import`` means in a file."""
    if not level:
        return module
    source_roots = (DRIVER.parent, LIBRARY.parent, IMPLEMENTATIONS.parent)
    # The checkout holds all of them: the nearest root is the package's own.
    root = max((r for r in source_roots if r in path.parents), key=lambda r: len(r.parts))
    package = path.relative_to(root).parts[:-level]
    return '.'.join([*package, *filter(None, [module])])


@cache
def library_files() -> dict[str, Path]:
    """Return the files of the library by module name, without those that only jobs run."""
    files = {dotted(path): path for path in sorted(LIBRARY.rglob('*.py'))}
    imported: set[str] = set()
    for path in files.values():
        with contextlib.suppress(SyntaxError):
            imported |= imports(path)
    scripts = {name for name in files if SCRIPT_NAME.search(name) and name not in imported}
    return {name: path for name, path in files.items() if name not in scripts}


def dotted(path: Path) -> str:
    parts = path.relative_to(LIBRARY.parent).with_suffix('').parts
    return '.'.join(parts).removesuffix('.__init__')
