"""Check that versions and symbols which objects of a program require are there.

Source: ``elf/dl-version.c`` (match_symbol) and ``elf/dl-lookup.c`` (check_match) of glibc 2.36.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from . import constants as elf
from .errors import LoaderLimit
from .files import FileView, SeenFile
from .findings import Finding, FindingKind
from .program import LoadedObject
from .reader import ElfObject
from .symbols import Symbol

#: Most lookups (symbol times object) for one program; some ten seconds of work.
MOST_WORK: Final = 50_000_000

_BINDABLE_TYPES = frozenset(
    (
        elf.STT_NOTYPE,
        elf.STT_OBJECT,
        elf.STT_FUNC,
        elf.STT_COMMON,
        elf.STT_TLS,
        elf.STT_GNU_IFUNC,
    )
)


def missing_versions(
    objects: Iterable[LoadedObject], providers: Mapping[str, tuple[str, ElfObject]]
) -> list[Finding]:
    """Return each required version that the loaded file of that name does not define.

    ``providers`` maps every name of a loaded object to its path and content. A file without any
    version definition satisfies all; a file that is not loaded is a finding of its own already.
    """
    findings = []
    for obj in objects:
        for need in obj.elf.version_needs:
            provider = providers.get(need.file)
            if provider is None or need.weak or not provider[1].version_definitions:
                continue
            if all(need.version != item.version for item in provider[1].version_definitions):
                findings.append(
                    Finding(
                        FindingKind.MISSING_VERSION,
                        obj.path,
                        f'{need.version} ({need.file})',
                        f"{provider[0]}: version `{need.version}' not found "
                        f'(required by {obj.path})',
                    )
                )
    return findings


class SymbolBinding:
    """Binds imports to the objects of a program; remembers which providers served an object.

    Whether a symbol is provided at all depends on the set of loaded objects only, so an object
    whose known providers are all in a program needs no second look there.
    """

    def __init__(self, files: FileView) -> None:
        self._files = files
        self._exports: dict[tuple[int, int], dict[str, list[Symbol]]] = {}
        self._work = 0
        self._served: dict[tuple[int, int], set[tuple[int, int]]] = {}

    def missing_symbols(self, objects: Iterable[LoadedObject]) -> list[Finding]:
        """Return each import, not weak, that no object provides; raises LoaderLimit."""
        findings: list[Finding] = []
        self._work = 0
        scope = {obj.file.identity: obj.file for obj in objects}
        loaded = set(scope)
        for obj in objects:
            served = self._served.get(obj.file.identity)
            if served is not None and served <= loaded:
                continue
            providers: set[tuple[int, int]] = set()
            complete = True
            for wanted in self._files.symbols(obj.file).imports:
                if wanted.is_weak:
                    continue
                provider = self._provider(wanted, scope, providers)
                if provider is None:
                    complete = False
                    findings.append(_missing_symbol(obj, wanted))
                else:
                    providers.add(provider)
            if complete:
                self._served[obj.file.identity] = providers
        return findings

    def _provider(
        self,
        wanted: Symbol,
        scope: Mapping[tuple[int, int], SeenFile],
        likely: Iterable[tuple[int, int]],
    ) -> tuple[int, int] | None:
        for identity in chain(likely, scope):
            self._work += 1
            if self._work > MOST_WORK:
                raise LoaderLimit(f'{wanted.name}: more than {MOST_WORK} symbol lookups')
            candidates = self._exports_of(identity, scope[identity]).get(wanted.name)
            if candidates and _binds(wanted, candidates):
                return identity
        return None

    def _exports_of(self, identity: tuple[int, int], file: SeenFile) -> dict[str, list[Symbol]]:
        table = self._exports.get(identity)
        if table is None:
            table = {}
            for symbol in self._files.symbols(file).exports:
                if symbol.type in _BINDABLE_TYPES:
                    table.setdefault(symbol.name, []).append(symbol)
            self._exports[identity] = table
        return table


def _binds(wanted: Symbol, candidates: list[Symbol]) -> bool:
    if wanted.version is None:
        # Base version, or the oldest one, hidden or not; else the only default version.
        if any(found.version_index <= 2 for found in candidates):
            return True
        return sum(not found.hidden for found in candidates) == 1
    for found in candidates:
        if found.version == wanted.version:
            return True
        if found.version is None and not found.hidden and not wanted.hidden:
            return True
    return False


def _missing_symbol(obj: LoadedObject, wanted: Symbol) -> Finding:
    versioned = f', version {wanted.version}' if wanted.version else ''
    subject = f'{wanted.name}@{wanted.version}' if wanted.version else wanted.name
    return Finding(
        FindingKind.MISSING_SYMBOL,
        obj.path,
        subject,
        f'undefined symbol: {wanted.name}{versioned}',
    )
