"""What a loader binary has built in, read from its bytes: for loaders that cannot be executed.

glibc keeps its trusted directories as one array of NUL-terminated strings that end with a slash
(``elf/dl-load.c``, ``system_dirs``; ``elf/gen-trusted-dirs.awk``) and the name of its cache as a
plain string. This reads those strings: a heuristic, compared in the tests with the answer of
``ld.so --list-diagnostics``, which is the authority where the loader can run.
"""

import os
import re
from dataclasses import dataclass
from typing import Final

from .errors import ElfError

_LARGEST: Final = 16 << 20
_DIRECTORIES: Final = re.compile(rb'(?:/(?:[!-9;-~]{1,254}/)\0){2,}')
_CACHE: Final = re.compile(rb'\0(/[!-~]{1,254}/ld\.so\.[!-~]{1,16})\0')
_LIB: Final = re.compile(rb'\0(lib(?:x?32|64)?/[a-z0-9_]+-linux-[a-z0-9_]+|lib(?:x?32|64))\0')


class UnknownLoader(ElfError):
    """The file does not hold a glibc loader's list of trusted directories."""


@dataclass(frozen=True, slots=True)
class LoaderDefaults:
    """Built-in directories in search order (each ends with a slash), cache path, and $LIB."""

    directories: tuple[str, ...]
    cache: str | None
    lib: str | None


def read_defaults(path: str | os.PathLike[str]) -> LoaderDefaults:
    """Read a loader's built-in values; raises OSError and UnknownLoader."""
    with open(path, 'rb') as file:
        data = file.read(_LARGEST)
    found = _DIRECTORIES.search(data)
    if found is None:
        raise UnknownLoader(f'{path}: no list of trusted directories found')
    directories = tuple(
        text.decode('utf-8', 'surrogateescape') for text in found[0].split(b'\0') if text
    )
    caches = [text for text in _CACHE.findall(data) if not text.endswith(b'.preload')]
    cache = caches[0].decode('utf-8', 'surrogateescape') if caches else None
    return LoaderDefaults(directories, cache, _lib(data, directories))


def _lib(data: bytes, directories: tuple[str, ...]) -> str | None:
    # DL_DST_LIB is slibdir without its leading slash ("lib64", "lib/x86_64-linux-gnu").
    for directory in directories:
        match = re.search(r'/(lib[^/]*(?:/[^/]+)*)/$', directory)
        if match and b'\0' + match[1].encode('utf-8', 'surrogateescape') + b'\0' in data:
            return match[1]
    other = _LIB.search(data)
    return other[1].decode('ascii') if other else None
