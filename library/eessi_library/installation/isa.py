"""No object may need instructions that its CPU target does not have.

Three steps, each on what the one before left over. Search the code for encodings of what the
target lacks (screen_x86_64; cheap and complete, but without context). Disassemble a window before
each such place, to see whether an instruction seems to start there. Where it does, disassemble
the function from its first byte on, which is certain. Code that is full of such places is
disassembled as a whole.
The answer depends on the code and on the target only and is cached by a digest of the code.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from eessi_library.elf import MalformedElf, read_elf, read_symbols
from eessi_library.elf.reader import open_image_data

from .code_sections import CodeSection, code_digest, code_sections
from .disassembly import (
    Instruction,
    find_objdump,
    function_of,
    stretches,
    whole_file,
    windows,
)
from .function_starts import function_starts
from .isa_words import asks_the_cpu, words_beyond
from .model import InstallationRequest, Observation, Severity
from .rules import table
from .screen_x86_64 import candidates, screens_for

#: CPU families whose instructions can be judged.
FAMILIES: Final = ('x86_64', 'aarch64', 'ppc64le')

#: Those whose instructions are words of four bytes: read without a disassembler.
WORDS: Final = ('aarch64', 'ppc64le')

#: Bytes decoded before a place in code that has no table of functions near it, and beyond which
#: a function of the table is not believed to reach (a hand-written one may have no entry).
_SECOND_LOOK: Final = 1 << 12
_LONGEST_FUNCTION: Final = 1 << 18

_AVX512: Final = re.compile(r'\bzmm\d|\b[xy]mm(?:1[6-9]|2\d|3[01])\b|\{|\bk[0-7]\b')
_YMM: Final = re.compile(r'\bymm\d')

#: Features whose instructions AVX-512 has in a form of its own, which needs no more than AVX-512.
_WIDENED: Final = frozenset({'avx', 'avx2', 'fma', 'f16c'})

#: Bytes of code per place to look at, below which the whole file is disassembled at once, and
#: places looked at with one objdump.
_DENSE: Final = 100
_BATCH: Final = 20_000

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


@cache
def _document(family: str) -> Any:
    data = resources.files(__package__).joinpath(f'isa_{family}.json').read_bytes()
    return json.loads(data)


@cache
def _all_mnemonics(family: str) -> str:
    # Patterns are anchored at the end of a mnemonic by what follows it in the listing.
    patterns = _document(family)['mnemonics'].values()
    return '|'.join(f'(?:{pattern})' for pattern in patterns).replace('$', r'\b')


@cache
def tables_digest() -> str:
    """Return a digest of the tables of instructions: part of the key of cached answers."""
    return hashlib.sha256(repr([_document(family) for family in FAMILIES]).encode()).hexdigest()


@cache
def _patterns(family: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = _document(family)['mnemonics'].items()
    return tuple((feature, re.compile(rf'(?:{pattern})\Z')) for feature, pattern in rows)


def supported_features(cpu_target: str) -> frozenset[str] | None:
    """Return the features of a CPU target in the words of the table; None when it is not there."""
    family = cpu_target.split('/')[0]
    found = _document(family)['targets'].get(cpu_target) if family in FAMILIES else None
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
    names = _document(cpu_target.split('/')[0])['kernel_names']
    needed = wanted - set(table('isa_tolerated'))
    return frozenset(f for f in needed if names.get(f, f) not in flags and names.get(f, f))


def features_of(family: str, mnemonic: str, operands: str) -> tuple[str, ...]:
    """Return the features that an instruction needs, () for the baseline."""
    for feature, pattern in _patterns(family):
        if pattern.match(mnemonic):
            if mnemonic.startswith('v') and _AVX512.search(operands):
                return ('avx512',) if feature in _WIDENED else ('avx512', feature)
            if feature == 'vaes' and not _YMM.search(operands):
                return ('avx',)  # the form of 128 bits came with AVX
            if feature == 'avx' and mnemonic[1] == 'p' and _YMM.search(operands):
                integer = not mnemonic.startswith(('vperm', 'vptest'))
                return ('avx2',) if integer else ('avx',)
            return (feature,)
    return ()


def features_beyond(
    path: str, cpu_target: str, compat: str, *, screen: bool = True
) -> list[FeatureUse]:
    """Return the features that the code of a file needs beyond its CPU target.

    ``screen=False`` disassembles the whole file at once; tests compare both ways.
    Raises NoDisassembler, DisassemblyFailed, MalformedElf and OSError.
    """
    family = cpu_target.split('/')[0]
    supported = supported_features(cpu_target)
    if supported is None:
        raise LookupError(f'no feature list for the CPU target {cpu_target}')
    if family in WORDS:
        return _word_uses(path, _document(family), supported)
    objdump = find_objdump(family, compat)
    count = _Count(family, supported)
    known = frozenset(feature for feature, _ in _patterns(family)) | {'avx512'}
    screens = screens_for(supported, known)
    sections, starts = _read(path)
    places = [candidates(section.data, screens) if screen else [] for section in sections]
    code = sum(len(section.data) for section in sections)
    if not screen or sum(map(len, places)) * _DENSE > code:
        return _sweep(objdump, path, count)
    for section, some in zip(sections, places, strict=True):
        _look(objdump, section, some, starts, count)
    return [
        use
        if use.feature in table('isa_tolerated')  # reported nowhere: needs no name
        else dataclasses.replace(use, function=function_of(objdump, path, use.address))
        for use in count.uses()
    ]


def _word_uses(path: str, document: Any, supported: frozenset[str]) -> list[FeatureUse]:
    uses: dict[str, FeatureUse] = {}
    for word in words_beyond(_read(path)[0], document, supported):
        use = uses.get(word.feature) or FeatureUse(word.feature, 0, word.address, '?', word.name)
        uses[word.feature] = dataclasses.replace(use, instructions=use.instructions + 1)
    return [uses[feature] for feature in sorted(uses)]


def _look(
    objdump: str, section: CodeSection, places: list[int], starts: list[int], count: _Count
) -> None:
    """Count the instructions beyond the target that start at some places of a section."""
    found: set[int] = set()
    for start in range(0, len(places), _BATCH):
        seen = windows(objdump, count.family, section.data, places[start : start + _BATCH])
        found.update(offset for offset, each in seen if count.feature(each) is not None)
    ranges = _from_function_starts(section, starts, sorted(found))
    mnemonics = _all_mnemonics(count.family)
    for offset, each in stretches(objdump, count.family, section.data, ranges, mnemonics):
        count.add(dataclasses.replace(each, address=section.address + offset), '?')


def _from_function_starts(
    section: CodeSection, starts: list[int], offsets: list[int]
) -> list[tuple[int, int]]:
    """Return what to decode to be sure of some offsets: from the start of their function on."""
    ranges: dict[int, int] = {}
    for offset in offsets:
        at = bisect_right(starts, section.address + offset) - 1
        start = starts[at] - section.address if at >= 0 else -1
        if start < 0 or offset - start > _LONGEST_FUNCTION:
            start = max(0, offset - _SECOND_LOOK)
        ranges[start] = min(offset + 16, len(section.data))
    return sorted(ranges.items())


def _sweep(objdump: str, path: str, count: _Count) -> list[FeatureUse]:
    """Count the instructions beyond the target of a whole file."""
    for function, found in whole_file(objdump, path, _all_mnemonics(count.family)):
        if count.add(found, function) == MOST_INSTRUCTIONS:
            break
    return count.uses()


class _Count:
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


def _read(path: str) -> tuple[list[CodeSection], list[int]]:
    """Return the code of a file and where its functions start."""
    with open_image_data(path) as data:
        return ([], []) if data is None else (code_sections(data), function_starts(data))


def digest_of(path: str) -> str:
    """Return the digest of the code of a file: the key under which its features are cached."""
    try:
        return code_digest(_read(path)[0])
    except (MalformedElf, OSError) as error:
        return f'unreadable: {error}'


def asks_for_features(path: str) -> bool:
    """True when code asks the CPU what it has: the CPUID instruction, or libgcc's answer to it.

    Without one of these there is no dispatch at run time that could guard an instruction.
    """
    sections = _read(path)[0]
    symbols = read_symbols(path)
    imports = {symbol.name for symbol in symbols.imports} if symbols else set()
    elf = read_elf(path)
    family = {183: 'aarch64', 21: 'ppc64le'}.get(elf.abi[2]) if elf else None
    if family:
        return asks_the_cpu(sections, imports, _document(family))
    if any(b'\x0f\xa2' in section.data for section in sections):
        return True
    return not imports.isdisjoint(('__cpu_model', '__cpu_indicator_init'))


def judge_features(
    request: InstallationRequest, member: str, uses: list[FeatureUse], guarded: bool
) -> Iterator[Observation]:
    """Yield an observation for each feature beyond the target.

    The subject says whether the object has a guard at all: an allow rule for dispatch at run time
    (rules.json, ``isa/beyond-target``) asks for ``* guarded``.
    """
    for use in uses:
        if use.feature in table('isa_tolerated'):
            continue
        count = f'{use.instructions}' + (' or more' * (use.instructions >= MOST_INSTRUCTIONS))
        guard = 'guarded' if guarded else 'unguarded'
        yield Observation(
            'isa/beyond-target',
            Severity.ERROR,
            member,
            f'{use.feature} {guard}',
            f'{count} instructions of {use.feature}, which {request.release.cpu_target} does not '
            f'have (first: {use.example} at {use.address:#x} in {use.function})',
        )
