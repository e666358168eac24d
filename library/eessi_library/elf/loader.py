"""Simulate glibc's dynamic loader over a tree, without executing anything.

Source: ``_dl_map_object`` and ``_dl_map_object_deps`` in ``elf/dl-load.c`` and
``elf/dl-deps.c`` of glibc 2.36, and ld.so(8).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .binding import SymbolBinding, missing_versions
from .errors import LoaderLimit, MalformedElf
from .files import FileView, SeenFile
from .findings import Finding, FindingKind
from .ldcache import LoaderCache
from .lookup import Hit, Lookup
from .program import FoundBy, LoadedObject, Program, Resolution
from .reader import ElfObject
from .search import Tokens, expand, split_search_path

#: Most objects of one program; the largest sound ones have about 400.
MOST_OBJECTS: Final = 1 << 13


@dataclass(frozen=True, slots=True)
class LoaderRules:
    """What a loader has built in or is told from outside; directories in search order.

    ``subdirectories`` are the hwcaps ones, see search.hwcaps_subdirectories. ``interpreter`` is
    the loader of objects that name none (libraries).
    """

    default_directories: tuple[str, ...] = ()
    library_path: str = ''
    cache: LoaderCache | None = None
    subdirectories: tuple[str, ...] = ()
    lib: str | None = None
    platform: str | None = None
    interpreter: str | None = None


@dataclass(slots=True)
class _Mapped:
    """An object while the program is being loaded (the loader's link_map)."""

    path: str
    file: SeenFile
    elf: ElfObject
    loader: '_Mapped | None'
    tokens: Tokens
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    needed: list[Resolution] = field(default_factory=list)


class Loader:
    """Loads programs of one tree under one set of rules; share it, it remembers what it saw.

    ``prefixes``: when given, everything outside of them becomes a finding. The interpreter of
    rules is taken only for objects without PT_INTERP.
    """

    def __init__(
        self,
        rules: LoaderRules,
        files: FileView | None = None,
        prefixes: Sequence[str] = (),
        check_symbols: bool = False,
    ) -> None:
        self.rules = rules
        self.files = files or FileView()
        self._lookup = Lookup(self.files, rules.subdirectories)
        self._levels = tuple(
            name.split('/')[1] for name in rules.subdirectories if name.startswith('glibc-hwcaps/')
        )
        self._defaults = split_search_path(':'.join(rules.default_directories), Tokens(None))
        self._prefixes = tuple(
            (os.path.normpath(prefix) + '/', os.path.realpath(prefix) + '/') for prefix in prefixes
        )
        self._binding = SymbolBinding(self.files) if check_symbols else None

    def load(
        self, path: str, *, by_kernel: bool = False, interpreter: str | None = None
    ) -> Program:
        """Load one executable or library.

        Raises MalformedElf when it is neither, OSError, and LoaderLimit.

        ``by_kernel``: $ORIGIN of the root is where its file really lies (/proc/self/exe).
        Otherwise symbolic links in ``path`` are kept, as for a library, or a program that is
        given to the loader on its command line. ``interpreter``: that loader, which then takes
        the place of the one in PT_INTERP.
        """
        root_file = self.files.file(path)
        if root_file is None:
            raise FileNotFoundError(f'{path}: cannot be opened')
        if root_file.elf is None:
            raise MalformedElf(f'{path}: {root_file.problem}')
        return _Load(self, path, root_file, root_file.elf, by_kernel, interpreter).run()

    def outside(self, path: str, real_path: str) -> bool:
        """True when prefixes were given and a path, or what it leads to, is in none of them."""
        if not self._prefixes:
            return False
        named = os.path.normpath(path)
        return not (
            any(named.startswith(prefix) for pair in self._prefixes for prefix in pair)
            and any(real_path.startswith(prefix) for pair in self._prefixes for prefix in pair)
        )


class _Load:
    """One run of the loader."""

    def __init__(
        self,
        loader: Loader,
        path: str,
        file: SeenFile,
        elf: ElfObject,
        by_kernel: bool,
        interpreter: str | None,
    ) -> None:
        self._loader = loader
        self._rules = loader.rules
        self._lookup = loader._lookup
        self._lookup.work = 0
        self._findings: list[Finding] = []
        self._names: dict[str, _Mapped] = {}
        self._identities: dict[tuple[int, int], _Mapped] = {}
        self._abi = elf.abi
        self._main = self._map(file.real_path if by_kernel else path, path, file, elf, None)
        self._library_path = split_search_path(
            self._rules.library_path, self._main.tokens, separators=':;'
        )
        self._order = [self._main]
        self._interpreter = interpreter or elf.interpreter or self._rules.interpreter
        self._map_interpreter()

    def run(self) -> Program:
        position = 0
        listed = {id(self._main)}
        while position < len(self._order):
            obj = self._order[position]
            position += 1
            for name in obj.elf.needed:
                found, entry = self._resolve(name, obj)
                obj.needed.append(entry)
                if found is not None and id(found) not in listed:
                    listed.add(id(found))
                    self._order.append(found)
                    if len(self._order) > MOST_OBJECTS:
                        raise LoaderLimit(f'{self._main.path}: more than {MOST_OBJECTS} objects')
        objects = tuple(
            LoadedObject(
                obj.path,
                obj.file,
                obj.elf,
                obj.loader.path if obj.loader else None,
                tuple(obj.needed),
            )
            for obj in self._order
        )
        providers = {name: (obj.path, obj.elf) for name, obj in self._names.items()}
        self._findings += missing_versions(objects, providers)
        if self._loader._binding is not None:
            self._findings += self._loader._binding.missing_symbols(objects)
        return Program(self._main.path, self._interpreter, objects, tuple(self._findings))

    def _map(
        self, origin_path: str, path: str, file: SeenFile, elf: ElfObject, loader: _Mapped | None
    ) -> _Mapped:
        origin = os.path.dirname(os.path.join(os.getcwd(), origin_path)) or '/'
        tokens = Tokens(origin, self._rules.lib, self._rules.platform)
        obj = _Mapped(path, file, elf, loader, tokens)
        # An object that has DT_RUNPATH has no DT_RPATH (glibc, elf_get_dynamic_info).
        if elf.runpath is not None:
            obj.runpath = split_search_path(elf.runpath, tokens)
        elif elf.rpath is not None:
            obj.rpath = split_search_path(elf.rpath, tokens)
        for directory in obj.runpath + obj.rpath:
            if not directory.startswith('/'):
                self._find(
                    FindingKind.RELATIVE_SEARCH_PATH,
                    path,
                    directory or '(empty)',
                    'search path element is relative to the current directory',
                )
        self._names.setdefault(path, obj)
        if elf.soname is not None:
            self._names.setdefault(elf.soname, obj)
        self._identities.setdefault(file.identity, obj)
        main = next(iter(self._identities.values()))
        if self._loader.outside(path, file.real_path):
            self._find(
                FindingKind.OUTSIDE_PREFIX,
                (loader or main).path,
                path,
                f'{file.real_path} lies outside the allowed prefixes',
            )
        return obj

    def _map_interpreter(self) -> None:
        """Make the loader itself known by its names; it is in the order only where needed."""
        path = self._interpreter
        if path is None:
            return
        hit = self._lookup.open(path, self._abi, '')
        if hit is None or hit.problem is not None or hit.file.elf is None:
            problem = hit.problem if hit else 'no loader for this machine can be opened there'
            self._find(FindingKind.MISSING_INTERPRETER, self._main.path, path, str(problem))
        elif hit.file.identity not in self._identities:
            rtld = self._map(path, path, hit.file, hit.file.elf, None)
            if self._main.elf.interpreter is not None:
                self._names.setdefault(self._main.elf.interpreter, rtld)

    def _resolve(self, raw_name: str, needing: _Mapped) -> tuple[_Mapped | None, Resolution]:
        name = expand(raw_name, needing.tokens)
        if not name:
            self._missing(raw_name, needing, 'empty dynamic string token substitution')
            return None, Resolution(raw_name, None, FoundBy.NOTHING)
        known = self._names.get(name)
        if known is not None:
            return known, Resolution(raw_name, known.path, FoundBy.LOADED)
        hit, found_by, owner = self._search(name, needing)
        if hit is None:
            self._missing(
                name, needing, 'cannot open shared object file: No such file or directory'
            )
            return None, Resolution(raw_name, None, FoundBy.NOTHING)
        if hit.problem is not None or hit.file.elf is None:
            self._find(
                FindingKind.UNUSABLE_LIBRARY, needing.path, name, f'{hit.path}: {hit.problem}'
            )
            return None, Resolution(raw_name, None, found_by, hit.directory, owner)
        same = self._identities.get(hit.file.identity)
        if same is not None:
            self._names[name] = same
            return same, Resolution(raw_name, same.path, FoundBy.LOADED)
        obj = self._map(hit.path, hit.path, hit.file, hit.file.elf, needing)
        self._names.setdefault(name, obj)
        return obj, Resolution(raw_name, hit.path, found_by, hit.directory or None, owner)

    def _search(self, name: str, needing: _Mapped) -> tuple[Hit | None, FoundBy, str | None]:
        """Return the file for a name that is not loaded yet: the order of ld.so(8)."""
        find, abi = self._lookup.find, self._abi
        if '/' in name:
            return self._lookup.open(name, abi, ''), FoundBy.PATH, None
        if needing.elf.runpath is None:
            obj: _Mapped | None = needing
            while obj is not None:
                if obj.rpath and (hit := find(obj.rpath, name, abi)):
                    return hit, FoundBy.RPATH, obj.path
                obj = obj.loader
        if self._library_path and (hit := find(self._library_path, name, abi)):
            return hit, FoundBy.LIBRARY_PATH, None
        if needing.runpath and (hit := find(needing.runpath, name, abi)):
            return hit, FoundBy.RUNPATH, needing.path
        if self._rules.cache is not None:
            cached = self._rules.cache.lookup(name, abi, self._loader._levels)
            # DF_1_NODEFLIB forbids what the cache has from the default directories only.
            barred = needing.elf.no_default_libraries and cached is not None
            if cached and not (barred and cached.startswith(self._loader._defaults)):
                hit = self._lookup.open(cached, abi, '')
                if hit is not None:
                    return hit, FoundBy.CACHE, None
        if not needing.elf.no_default_libraries:
            return find(self._loader._defaults, name, abi), FoundBy.DEFAULT, None
        return None, FoundBy.NOTHING, None

    def _missing(self, name: str, needing: _Mapped, message: str) -> None:
        self._find(FindingKind.MISSING_LIBRARY, needing.path, name, f'{name}: {message}')

    def _find(self, kind: FindingKind, path: str, subject: str, message: str) -> None:
        self._findings.append(Finding(kind, path, subject, message))
