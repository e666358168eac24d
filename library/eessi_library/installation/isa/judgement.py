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
from collections.abc import Iterator

from eessi_library.elf import ElfError, read_symbols
from eessi_library.elf.reader import open_image_data

from ..model import InstallationRequest, Observation, Severity
from ..rules import abi_of, table
from .code_sections import CodeSection, code_digest, code_sections
from .disassembly import find_objdump, function_of, whole_file
from .features import (
    MOST_INSTRUCTIONS,
    WORDS,
    FeatureCount,
    FeatureUse,
    all_mnemonics,
    document_of,
    known_features,
    supported_features,
)
from .function_starts import function_starts
from .guard import code_asks, imports_ask
from .objects import holds_objects, object_features, objects_ask_the_cpu, objects_digest
from .places import DENSE, instructions_at
from .screen_x86_64 import candidates, screens_for
from .words import words_beyond


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
    if holds_objects(path):
        return object_features(path, cpu_target, compat)
    if family in WORDS:
        return _word_uses(path, family, supported)
    objdump = find_objdump(family, compat)
    count = FeatureCount(family, supported)
    screens = screens_for(supported, known_features(family))
    sections, starts = _read(path, family)
    places = [candidates(section.data, screens) if screen else [] for section in sections]
    code = sum(len(section.data) for section in sections)
    if not screen or sum(map(len, places)) * DENSE > code:
        return _sweep(objdump, path, count)
    for section, some in zip(sections, places, strict=True):
        begins = [start - section.address for start in starts if start >= section.address]
        for offset, each in instructions_at(objdump, section.data, some, begins, count):
            count.add(dataclasses.replace(each, address=section.address + offset), '?')
    return [
        use
        if use.feature in table('isa_tolerated')  # reported nowhere: needs no name
        else dataclasses.replace(use, function=function_of(objdump, path, use.address))
        for use in count.uses()
    ]


def _word_uses(path: str, family: str, supported: frozenset[str]) -> list[FeatureUse]:
    uses: dict[str, FeatureUse] = {}
    for word in words_beyond(_read(path, family)[0], document_of(family), supported):
        use = uses.get(word.feature) or FeatureUse(word.feature, 0, word.address, '?', word.name)
        uses[word.feature] = dataclasses.replace(use, instructions=use.instructions + 1)
    return [uses[feature] for feature in sorted(uses)]


def _sweep(objdump: str, path: str, count: FeatureCount) -> list[FeatureUse]:
    """Count the instructions beyond the target of a whole file."""
    for function, found in whole_file(objdump, path, all_mnemonics(count.family)):
        if count.add(found, function) == MOST_INSTRUCTIONS:
            break
    return count.uses()


def _read(path: str, family: str) -> tuple[list[CodeSection], list[int]]:
    """Return the code of a file for a CPU family, and where its functions start.

    None of a file for another machine: the check of linkage says so.
    """
    with open_image_data(path) as data:
        if data is None or len(data) < 20:
            return [], []
        machine = int.from_bytes(data[18:20], 'little' if data[5] == 1 else 'big')
        if (data[4], data[5], machine) != abi_of(family):
            return [], []
        return code_sections(data), function_starts(data)


def digest_of(path: str, family: str) -> str:
    """Return the digest of the code of a file: the key under which its features are cached."""
    try:
        if holds_objects(path):
            return objects_digest(path, family)
        return code_digest(_read(path, family)[0])
    except (ElfError, OSError) as error:
        return f'unreadable: {error}'


def asks_for_features(path: str, family: str, compat: str) -> bool:
    """True when code asks the CPU what it has: the CPUID instruction, or libgcc's answer to it.

    Without one of these there is no dispatch at run time that could guard an instruction.
    """
    if holds_objects(path):
        return objects_ask_the_cpu(path, family, compat)
    asks = document_of(family)['asks']
    symbols = read_symbols(path)
    if imports_ask((symbol.name for symbol in symbols.imports) if symbols else (), asks):
        return True
    return code_asks(_read(path, family)[0], family, asks, compat)


def judge_unjudged(
    request: InstallationRequest, member: str, rows: list[tuple[str, str]]
) -> Iterator[Observation]:
    """Yield a warning for each object whose instructions are chosen when a program is linked."""
    for within, what in rows:
        text = f'is {what}: its instructions are chosen when a program is linked, nobody looked'
        yield Observation('isa/not-judged', Severity.WARNING, member + within, what, text)


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
            member + use.within,
            f'{use.feature} {guard}',
            f'{count} instructions of {use.feature}, which {request.release.cpu_target} does not '
            f'have (first: {use.example} at {use.address:#x} in {use.function})',
        )
