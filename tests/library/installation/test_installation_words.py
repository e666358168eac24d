"""Instructions of Arm and POWER by their bits: the words are those that GNU as makes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi_library.installation.isa.code_sections import CodeSection
from eessi_library.installation.isa.features import FAMILIES, document_of, supported_features
from eessi_library.installation.isa.guard import code_asks, imports_ask
from eessi_library.installation.isa.words import words_beyond


def recorded() -> Iterator[tuple[str, str, int, str]]:
    for family in ('aarch64', 'ppc64le'):
        text = Path(__file__).with_name(f'words_{family}.txt').read_text()
        for line in text.splitlines()[1:]:
            feature, word, instruction = line.split(None, 2)
            yield family, feature, int(word, 16), instruction


def code(*words: int) -> list[CodeSection]:
    return [CodeSection(0x1000, struct.pack(f'<{len(words)}I', *words))]


def found(family: str, supported: frozenset[str], *words: int) -> list[tuple[str, int]]:
    document = document_of(family)
    return [(u.feature, u.address) for u in words_beyond(code(*words), document, supported)]


@pytest.mark.parametrize(
    ('family', 'feature', 'word', 'instruction'), list(recorded()), ids=lambda value: str(value)
)
def test_an_instruction_is_of_its_feature(
    family: str, feature: str, word: int, instruction: str
) -> None:
    nop = {'aarch64': 0xD503201F, 'ppc64le': 0x60000000}[family]
    wanted = [] if feature == 'none' else [(feature, 0x1004)]
    assert found(family, frozenset(), nop, word, nop) == wanted, instruction


def test_a_target_that_has_the_feature_is_served() -> None:
    supported = supported_features('aarch64/neoverse_n1')
    assert supported is not None
    features = {feature for family, feature, _, _ in recorded() if family == 'aarch64'}
    sdot, ptrue = 0x4E829420, 0x25D8E3E0
    assert found('aarch64', supported, sdot) == []
    assert found('aarch64', supported, ptrue) == [('sve', 0x1000)]
    assert supported <= features | {'pmull', 'sha1'}


def test_outline_atomics_are_guarded() -> None:
    cbz_w16, ldadd, ret = 0x34000070, 0xB8200041, 0xD65F03C0
    assert found('aarch64', frozenset(), cbz_w16, ldadd, ret) == []
    assert found('aarch64', frozenset(), ret, ldadd, ret) == [('atomics', 0x1004)]


def test_power9_is_right_for_power9_only() -> None:
    lxv = 0xF4030011
    supported = supported_features('ppc64le/power9le')
    assert supported is not None
    assert found('ppc64le', supported, lxv) == []
    assert found('ppc64le', frozenset(), lxv) == [('power9', 0x1000)]


def test_who_asks_the_cpu() -> None:
    document = document_of('aarch64')
    mrs_isar0 = 0xD5380600
    asks = document['asks']
    assert code_asks(code(mrs_isar0), 'aarch64', asks, '')
    assert not code_asks(code(0xD53BD040), 'aarch64', asks, '')  # MRS of TPIDR_EL0
    assert imports_ask(('getauxval',), asks)
    assert not imports_ask(('malloc',), asks)


def test_eight_targets_have_a_table() -> None:
    from eessi_library.installation.init_selection import targets

    assert {target.split('/')[0] for target in targets()} <= set(FAMILIES)
    assert all(supported_features(target) is not None for target in targets())
