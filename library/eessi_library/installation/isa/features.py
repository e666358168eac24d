"""Which features instructions need, which of these a CPU target has, and a count of the rest."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

from ..rules import table
from .disassembly import Instruction

#: CPU families whose instructions can be judged.
FAMILIES: Final = ('x86_64', 'aarch64', 'ppc64le')

#: Those whose instructions are words of four bytes: read without a disassembler.
WORDS: Final = ('aarch64', 'ppc64le')

_AVX512: Final = re.compile(r'\bzmm\d|\b[xy]mm(?:1[6-9]|2\d|3[01])\b|\{|\bk[0-7]\b')
_YMM: Final = re.compile(r'\bymm\d')

#: Features whose instructions AVX-512 has in a form of its own, which needs no more than AVX-512.
_WIDENED: Final = frozenset({'avx', 'avx2', 'fma', 'f16c'})

#: Instructions beyond the target after which a file is judged: it says "or more".
MOST_INSTRUCTIONS: Final = 20_000


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """One feature that code needs: how many instructions, and the first one found."""

    feature: str
    instructions: int
    address: int
    function: str
    example: str
    #: ``(x.o)`` in an archive.
    within: str = ''


@cache
def document_of(family: str) -> Any:
    """Return the table of instructions of a CPU family."""
    data = resources.files(__package__).joinpath(f'{family}.json').read_bytes()
    return json.loads(data)


@cache
def all_mnemonics(family: str) -> str:
    """Return a pattern of all mnemonics that need a feature."""
    # Patterns are anchored at the end of a mnemonic by what follows it in the listing.
    patterns = document_of(family)['mnemonics'].values()
    return '|'.join(f'(?:{pattern})' for pattern in patterns).replace('$', r'\b')


@cache
def tables_digest() -> str:
    """Return a digest of the tables of instructions: part of the key of cached answers."""
    return hashlib.sha256(repr([document_of(family) for family in FAMILIES]).encode()).hexdigest()


@cache
def _patterns(family: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = document_of(family)['mnemonics'].items()
    return tuple((feature, re.compile(rf'(?:{pattern})\Z')) for feature, pattern in rows)


def supported_features(cpu_target: str) -> frozenset[str] | None:
    """Return the features of a CPU target in the words of the table; None when it is not there."""
    family = cpu_target.split('/')[0]
    found = document_of(family)['targets'].get(cpu_target) if family in FAMILIES else None
    return None if found is None else frozenset(found)


def lacking_here(cpu_target: str, cpuinfo: str = '/proc/cpuinfo') -> frozenset[str]:
    """Return the features of a CPU target that this host's CPU does not report (Linux).

    Virtual machines hide some that no compiled code depends on (``isa_tolerated``).
    """
    wanted = supported_features(cpu_target)
    if not wanted:
        return frozenset()
    with open(cpuinfo, encoding='utf-8', errors='replace') as file:
        line = next((text for text in file if text.startswith(('flags', 'Features'))), '')
    flags = set(line.partition(':')[2].split())
    names = document_of(cpu_target.split('/')[0])['kernel_names']
    needed = wanted - set(table('isa_tolerated'))
    return frozenset(f for f in needed if names.get(f, f) not in flags and names.get(f, f))


def known_features(family: str) -> frozenset[str]:
    """Return all features that mnemonics of a family can need."""
    return frozenset(feature for feature, _ in _patterns(family)) | {'avx512'}


def features_of(family: str, mnemonic: str, operands: str) -> tuple[str, ...]:
    """Return the features that an instruction needs, () for the baseline."""
    wide, ymm = bool(_AVX512.search(operands)), bool(_YMM.search(operands))
    return _features(family, mnemonic, wide, ymm)


@lru_cache(maxsize=4096)
def _features(family: str, mnemonic: str, wide: bool, ymm: bool) -> tuple[str, ...]:
    for feature, pattern in _patterns(family):
        if pattern.match(mnemonic):
            if mnemonic.startswith('v') and wide:
                return ('avx512',) if feature in _WIDENED else ('avx512', feature)
            if feature == 'vaes' and not ymm:
                return ('avx',)  # the form of 128 bits came with AVX
            if feature == 'avx' and mnemonic[1] == 'p' and ymm:
                integer = not mnemonic.startswith(('vperm', 'vptest'))
                return ('avx2',) if integer else ('avx',)
            return (feature,)
    return ()


class FeatureCount:
    """How often which feature beyond a target is used, and where first."""

    def __init__(self, family: str, supported: frozenset[str]) -> None:
        self.family = family
        self._supported = supported
        self._uses: dict[str, FeatureUse] = {}
        self._total = 0

    def feature(self, found: Instruction) -> str | None:
        """Return the feature that an instruction needs when the target does not have it."""
        needed = features_of(self.family, found.mnemonic, found.operands)
        return next((feature for feature in needed if feature not in self._supported), None)

    def add(self, found: Instruction, function: str) -> int:
        """Count an instruction; returns how many beyond the target there are by now."""
        feature = self.feature(found)
        if feature is not None:
            self._total += 1
            first = f'{found.mnemonic} {found.operands}'.partition('#')[0].strip()
            use = self._uses.get(feature) or FeatureUse(feature, 0, found.address, function, first)
            self._uses[feature] = dataclasses.replace(use, instructions=use.instructions + 1)
        return self._total

    def uses(self) -> list[FeatureUse]:
        """Return the uses by feature."""
        return [self._uses[feature] for feature in sorted(self._uses)]
