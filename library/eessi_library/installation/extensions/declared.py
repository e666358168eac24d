"""The extensions that a module says it brings, from the text of its module file alone.

EasyBuild writes them into a variable of the environment, separated by commas, each with its name,
a dash and its version, or its name alone where it has none (``make_module_extra_extensions`` of
``easyblock.py``)::

    setenv("EBEXTSLISTSCIPYMINBUNDLE", "numpy-1.26.2,scipy-1.11.4")
    setenv("EBEXTSLISTR", "base,tools,rlang-1.1.3,base64enc-0.1-3")
"""

from __future__ import annotations

import ast
import glob
import re
from collections.abc import Iterator
from typing import Final

from ..model import InstallationRequest

_LIST: Final = re.compile(
    r"""^[ \t]*setenv[ \t]*\(?[ \t]*["']?EBEXTSLIST\w*["']?[ \t]*[ \t,][ \t]*["'{]?([^"'{}\n]*)""",
    re.MULTILINE,
)


def declared_extensions(request: InstallationRequest) -> list[str]:
    """Return the extensions of ``EBEXTSLIST...`` as they are written, each once."""
    if request.module_file is None:
        return []
    try:
        place = request.release.located(request.module_file)
        with open(place, encoding='utf-8', errors='replace') as file:
            text = file.read()
    except OSError:
        return []  # module/missing says so
    words = (word.strip() for each in _LIST.findall(text) for word in each.split(','))
    return list(dict.fromkeys(word for word in words if word))


def name_and_version(declared: str) -> Iterator[tuple[str, str]]:
    """Yield how a name and a version may be read: ``perm-1.0-0.0`` is perm of 1.0-0.0 first.

    Names have dashes as well, and some versions begin with a letter (v1.2, a commit). Templates
    that EasyBuild leaves in (``torch-%(version)s``) are no version.
    """
    places = [match.start() for match in re.finditer('-', declared)]
    by_number = [n for n in places if re.match(r'-(?:v?\d|%\()', declared[n:])]
    for place in by_number:
        yield declared[:place], declared[place + 1 :]
    yield declared, ''
    for place in reversed(places):
        if place not in by_number:
            yield declared[:place], declared[place + 1 :]


def import_names(request: InstallationRequest) -> dict[str, str]:
    """Return what an extension is imported as where its easyconfig says so; '' where by nothing.

    ``exts_list = [('libwww::perl', '6.67', {'modulename': 'LWP'}), ...]`` in ``easybuild/``.
    """
    found: dict[str, str] = {}
    for easyconfig in glob.glob(f'{glob.escape(request.real_path)}/easybuild/*.eb'):
        try:
            with open(easyconfig, encoding='utf-8', errors='replace') as file:
                tree = ast.parse(file.read())
        except (OSError, SyntaxError, ValueError):
            continue  # not what EasyBuild writes
        for node in ast.walk(tree):
            if isinstance(node, ast.Tuple) and len(node.elts) >= 3:
                found.update(_import_name(node))
    return found


def _import_name(extension: ast.Tuple) -> Iterator[tuple[str, str]]:
    name, options = extension.elts[0], extension.elts[2]
    if not (isinstance(name, ast.Constant) and isinstance(options, ast.Dict)):
        return
    for key, value in zip(options.keys, options.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == 'modulename':
            known = isinstance(value, ast.Constant) and isinstance(value.value, str)
            yield str(name.value), str(value.value) if known else ''  # type: ignore[attr-defined]
