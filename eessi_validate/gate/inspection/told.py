"""What modules and easyconfigs tell of an installation: its extensions, and its repository.

Sources: EasyBuild, ``module_generator.py`` (``extensions("name/version,...")``) and
``easyblock.py`` (``EBEXTSLIST<NAME>``). Nothing is executed or evaluated: what these patterns do
not find is not told. All of them take time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LUA = re.compile(rb'^[ \t]*extensions\([ \t]*"([^"\n]*)"[ \t]*\)', re.MULTILINE)
_TCL = re.compile(rb'^[ \t]*extensions[ \t]+([^ \t"\n(][^"\n(]*)$', re.MULTILINE)
_LIST = re.compile(
    rb'^[ \t]*setenv(?:\([ \t]*"EBEXTSLIST\w*"[ \t]*,[ \t]*"([^"\n]*)"|'
    rb'[ \t]+EBEXTSLIST\w*[ \t]+"?([^"\n]*))',
    re.MULTILINE,
)
_EXTS_LIST = re.compile(rb'^exts_list[ \t]*=[ \t]*\[\n', re.MULTILINE)
_EXTENSION = re.compile(
    rb'^    \([ \t]*[\'"]([^\'"\n]+)[\'"](?:[ \t]*,[ \t]*[\'"]([^\'"\n]+)[\'"])?', re.MULTILINE
)


#: Bytes that Python takes for a short name besides its letters.
_OVERHEAD = 60


class Told:
    """Collects what is told by installation; bounded, because untrusted files tell it.

    :arg room: bytes of all that is kept.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        #: Extensions by directory of the software layer and name; None: too many to keep.
        self.extensions: dict[tuple[str, bytes], tuple[bytes, ...] | None] = {}
        #: Repositories that modules say they are of.
        self.repositories: set[bytes] = set()

    def by_module(self, subdir: str, name: bytes, text: bytes, root: bytes) -> None:
        """Take what a module tells; it counts for more than an easyconfig.

        :arg root: where it points to; b'' if that is not known.
        """
        found = _of_module(text)
        if found:
            self._keep((subdir, name), found)
        repository = _repository(root)
        if repository and len(self.repositories) < 100:
            self.repositories.add(repository)

    def by_easyconfig(self, subdir: str, name: bytes, text: bytes) -> None:
        """Take what an easyconfig tells, where no module did."""
        if (subdir, name) not in self.extensions and (found := _of_easyconfig(text)):
            self._keep((subdir, name), found)

    def _keep(self, key: tuple[str, bytes], found: tuple[bytes, ...]) -> None:
        self._room -= sum(len(each) + _OVERHEAD for each in found)
        self.extensions[key] = found if self._room >= 0 else None


def _of_module(text: bytes) -> tuple[bytes, ...]:
    lists = _LUA.findall(text) or _TCL.findall(text)
    if not lists:
        lists = [lua or tcl for lua, tcl in _LIST.findall(text)]
    return _sorted(part.strip() for each in lists for part in re.split(rb'[,\s]+', each))


def _of_easyconfig(text: bytes) -> tuple[bytes, ...]:
    start = _EXTS_LIST.search(text)
    if not start:
        return ()
    end = text.find(b'\n]', start.end() - 1)
    block = text[start.end() : end if end >= 0 else len(text)]
    return _sorted(b'/'.join(filter(None, pair)) for pair in _EXTENSION.findall(block))


def _sorted(names: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(sorted({name for name in names if name}))


def _repository(root: bytes) -> bytes:
    """Return the component before the release in a path of a software layer."""
    before, _, _ = root.partition(b'/software/')
    parts = before.split(b'/')[:-1]
    if parts[-1:] == [b'versions']:
        parts = parts[:-1]
    return parts[-1] if parts else b''
