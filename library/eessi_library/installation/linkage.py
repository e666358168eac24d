"""Does every ELF object find all it needs inside the release, for its own CPU target?

Nothing is executed: the release's own loader is simulated (eessi_library.elf), with the
directories that are built into it. Interpreter, RPATH and RUNPATH are judged by name as well,
because a directory that does not exist on this host may exist, and be writable, on another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from eessi_library.elf import (
    ElfError,
    ElfObject,
    FileView,
    FindingKind,
    Loader,
    LoaderDefaults,
    LoaderLimit,
    LoaderRules,
    Program,
    SeenFile,
    hwcaps_subdirectories,
    read_cache,
    read_defaults,
)
from eessi_library.elf import constants as elf

from .archives import check_object, wrong_machine
from .model import InstallationRequest, Observation, Release, Severity
from .rules import table

#: What the loader's findings are called here.
_CHECKS: Final = {
    FindingKind.MISSING_INTERPRETER: 'linkage/interpreter',
    FindingKind.MISSING_LIBRARY: 'linkage/missing-library',
    FindingKind.UNUSABLE_LIBRARY: 'linkage/unusable-library',
    FindingKind.OUTSIDE_PREFIX: 'linkage/outside-stack',
    FindingKind.MISSING_VERSION: 'linkage/missing-version',
}


class ReleaseLinkage:
    """The loader of one release and CPU target; share it, it remembers the libraries it saw."""

    def __init__(self, release: Release) -> None:
        self.release = release
        machine = table('machines')[release.family]
        self.abi = (machine['class'], machine['data'], machine['machine'])
        self.interpreter = f'{release.compat}/{machine["loader"]}'
        self._inside = (release.compat, release.software, release.host_injections)
        defaults = LoaderDefaults((), None, None)
        with suppress(ElfError, OSError):  # a loader that is not there is a finding of each object
            defaults = read_defaults(release.located(self.interpreter))
        # That of the host, should the loader name it, is not believed; Gentoo Prefix has its own.
        cache_file = defaults.cache if _below(defaults.cache or '', release.compat) else None
        cache = None
        with suppress(ElfError, OSError):
            cache = read_cache(release.located(cache_file)) if cache_file else None
        level = table('cpu_targets').get(release.cpu_target, {}).get('hwcaps')
        rules = LoaderRules(
            defaults.directories,
            cache=cache,
            lib=defaults.lib,
            subdirectories=hwcaps_subdirectories(release.family, level),
            interpreter=self.interpreter,
        )
        tops = [top for _, tops in release.places for top in tops]
        files = FileView(dict(release.places))
        prefixes = [*self._inside, *tops]
        self._libraries = Loader(rules, files, prefixes)
        self._exports: dict[str, set[tuple[int, int]]] = {}
        self._indexed: set[tuple[int, int]] = set()
        self._files = files
        self._remembered: dict[str, set[str]] = {}
        #: Paths outside of objects that answers depended on: directories searched, files found.
        self.touched: set[str] = set()
        self._looked_at = {
            self.interpreter,
            *defaults.directories,
            *([cache_file] if cache_file else ()),
        }

    @property
    def remembered(self) -> int:
        """Number of objects that this loader knows by now."""
        return len(self._remembered)

    def load(self, path: str) -> Program:
        """Return what the loader of the release maps for an object.

        Raises ElfError, LoaderLimit or OSError when the object itself cannot be read.
        """
        return self._libraries.load(path, interpreter=self.interpreter)

    def check(self, request: InstallationRequest, member: str) -> Iterator[Observation]:
        """Yield what is wrong with one ELF member of an installation."""
        self.touched |= self._looked_at
        path = f'{request.path}/{member}'
        seen = self._files.file(path)
        if seen is None or seen.elf is None:
            problem = seen.problem if seen else 'cannot be opened'
            text = f'not a sound ELF file: {problem}'
            yield Observation('linkage/malformed', Severity.ERROR, member, str(problem), text)
            return
        obj = seen.elf
        if obj.abi != self.abi:
            yield wrong_machine(request, member, obj.machine_name, obj.elf_class)
            return
        if obj.type not in (elf.ET_EXEC, elf.ET_DYN):
            yield from check_object(request, member)
            return
        yield from self._interpreter(member, obj)
        if not obj.is_dynamic:
            return
        yield from self._search_paths(member, path, obj)
        yield from self._load(member, path, seen, obj)

    def _interpreter(self, member: str, obj: ElfObject) -> Iterator[Observation]:
        named = obj.interpreter
        if named is None:
            return
        text = f'its interpreter {named} is not the loader of the release'
        if _below(os.path.normpath(named), self.release.compat):
            self.touched.add(named)
            if os.path.exists(self.release.located(named)):
                return
            text = f'its interpreter {named} does not exist'
        yield Observation('linkage/interpreter', Severity.ERROR, member, named, text)

    def _search_paths(self, member: str, path: str, obj: ElfObject) -> Iterator[Observation]:
        for tag, text in (('RPATH', obj.rpath), ('RUNPATH', obj.runpath)):
            for element in dict.fromkeys((text or '').split(':') if text else ()):
                problem = self._search_path(element, os.path.dirname(path))
                if problem:
                    check, why = problem
                    yield Observation(
                        f'linkage/{check}',
                        Severity.ERROR,
                        member,
                        element or '(empty)',
                        f'{tag} element {element or "(empty)"} {why}',
                    )

    def _search_path(self, element: str, origin: str) -> tuple[str, str] | None:
        named = element.replace('${ORIGIN}', origin).replace('$ORIGIN', origin)
        if not named.startswith('/'):
            return 'rpath-relative', 'depends on the current directory'
        named = os.path.normpath(named)
        if any(_below(named, prefix) for prefix in self._inside):
            return None
        if _below(named, os.path.dirname(self.release.path)):
            return 'rpath-other-target', 'is of another CPU target or release'
        return 'rpath-foreign', f'is outside the release: {place_of(named)}'

    def _load(
        self, member: str, path: str, seen: SeenFile, obj: ElfObject
    ) -> Iterator[Observation]:
        if os.path.realpath(self.release.located(self.interpreter)) == seen.real_path:
            return
        try:
            result = self.load(path)
        except (ElfError, LoaderLimit, OSError) as error:
            yield Observation(
                'linkage/malformed', Severity.ERROR, member, str(error), f'cannot load: {error}'
            )
            return
        for loaded in result.objects:
            self._remember(loaded.path, loaded.elf)
        # Symbols are judged for programs: a plugin takes some from the program that loads it.
        # One that is missing altogether is one finding, not one for each of its symbols.
        if obj.interpreter is not None and not result.missing:
            for name, importing in self._missing_symbols(result, path.removesuffix(member)):
                text = f'imports {name}, which none of the loaded libraries provides'
                if importing != path:
                    text = f'loads {self._short(importing)}, which {text}'
                yield Observation('linkage/missing-symbol', Severity.ERROR, member, name, text)
        for finding in result.findings:
            check = _CHECKS.get(finding.kind)
            if check is None:  # a relative search path of this object is reported by name above
                continue
            where = '' if finding.object == path else f' (needed by {self._short(finding.object)})'
            yield Observation(
                check, Severity.ERROR, member, finding.subject, finding.message + where
            )

    def _missing_symbols(self, program: Program, own: str) -> Iterator[tuple[str, str]]:
        """Yield (name, importing object) for names that an object imports and none exports.

        Of the program and of the libraries of its own installation. By name: whether a version
        is there, is a finding of its own. Weak imports may stay open.
        """
        loaded = {obj.file.identity for obj in program.objects}
        for obj in program.objects:
            if obj.file.identity not in self._indexed:
                self._indexed.add(obj.file.identity)
                for symbol in self._files.symbols(obj.file).exports:
                    self._exports.setdefault(symbol.name, set()).add(obj.file.identity)
        for number, obj in enumerate(program.objects):
            if number and not obj.path.startswith(own):
                continue
            for symbol in self._files.symbols(obj.file).imports:
                if not symbol.is_weak and loaded.isdisjoint(self._exports.get(symbol.name, ())):
                    yield symbol.name, obj.path

    def _remember(self, path: str, obj: ElfObject) -> None:
        if path in self._remembered:
            self.touched |= self._remembered[path]
            return
        origin = os.path.dirname(path)
        touched = {path}
        for element in f'{obj.rpath or ""}:{obj.runpath or ""}'.split(':'):
            if element:
                touched.add(element.replace('${ORIGIN}', origin).replace('$ORIGIN', origin))
        self._remembered[path] = touched
        self.touched |= touched

    def _short(self, path: str) -> str:
        top = f'{self.release.software}/software/'
        return path[len(top) :] if path.startswith(top) else path


def place_of(path: str) -> str:
    """Return what kind of directory a path outside of the stack is, in words."""
    for row in table('places'):
        if any(_below(path, prefix) for prefix in row['prefixes']):
            return str(row['what'])
    return 'not part of any stack'


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f'{prefix}/')
