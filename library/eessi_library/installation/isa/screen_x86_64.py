"""Where x86-64 code might hold an instruction beyond SSE2: a search for encodings, without context.

Every instruction of the features in x86_64.json matches one of these patterns (Intel SDM vol.
2A, 2.3 "VEX", 2.7 "EVEX", and the opcode maps of vol. 2D appendix A); many other places match as
well, because any byte may also be a displacement or an operand. The disassembly decides.
In 64-bit mode C4, C5 and 62 as an opcode are always VEX and EVEX.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final


def _one_of(values: Iterable[int]) -> bytes:
    return b'[' + b''.join(b'\\x%02x' % value for value in sorted(set(values))) + b']'


_ANY: Final = rb'[\x00-\xff]'
#: Second byte of a two-byte VEX prefix whose vvvv is 1111: the instruction has no such operand.
_NO_VVVV: Final = _one_of(byte for byte in range(256) if byte & 0x78 == 0x78)

#: Opcodes of VEX map 1 (0F) that take a register in vvvv.
_WITH_VVVV: Final = (
    {0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x2A, 0xC2, 0xC4, 0xC5, 0xC6}
    | {*range(0x51, 0x5B), *range(0x5C, 0x6E), *range(0x71, 0x77), 0x7C, 0x7D}
    | {*range(0x41, 0x4C), *range(0xD0, 0xD6), *range(0xD8, 0xE6), *range(0xE8, 0xF0)}
    | {*range(0xF1, 0xF7), *range(0xF8, 0xFF)}
)
#: Opcodes of VEX map 1 that may do without.
_WITHOUT_VVVV: Final = (
    {0x10, 0x11, 0x12, 0x13, 0x16, 0x17, 0x28, 0x29, 0x2B, 0x2C, 0x2D, 0x2E, 0x2F}
    | {0x50, 0x51, 0x52, 0x53, 0x5A, 0x5B, 0x6E, 0x6F, 0x70, 0x77, 0x7E, 0x7F}
    | {0x90, 0x91, 0x92, 0x93, 0x98, 0x99, 0xAE, 0xD6, 0xD7, 0xE6, 0xE7, 0xF0, 0xF7}
)
_MAP_1: Final = _one_of(_WITH_VVVV | _WITHOUT_VVVV)

#: Each pattern starts with one byte that is given, so that the search runs at memchr's speed.
_VEX: Final = (
    rb'\xc5(?:' + _NO_VVVV + _one_of(_WITHOUT_VVVV) + rb'|' + _ANY + _one_of(_WITH_VVVV) + rb')',
    rb'\xc4' + _one_of(b for b in range(256) if b & 0x1F == 1) + _ANY + _MAP_1,
    rb'\xc4' + _one_of(b for b in range(256) if b & 0x1F in (2, 3)),
)
_EVEX: Final = (
    rb'\x62'
    + _one_of(b for b in range(256) if b & 0x08 == 0 and b & 0x07)
    + _one_of(b for b in range(256) if b & 0x04),
)
_MAP_38: Final = (
    rb'\x0f\x38'
    + _one_of(
        {*range(0x00, 0x0C), 0x10, 0x14, 0x15, 0x17, 0x1C, 0x1D, 0x1E, *range(0x20, 0x26)}
        | {*range(0x28, 0x2C), *range(0x30, 0x42), *range(0xC8, 0xCE), 0xCF, *range(0xDB, 0xE0)}
        | {0xF0, 0xF1, 0xF6}
    ),
)
_MAP_3A: Final = (
    rb'\x0f\x3a'
    + _one_of(
        {*range(0x08, 0x10), *range(0x14, 0x18), 0x20, 0x21, 0x22, 0x40, 0x41, 0x42, 0x44}
        | {*range(0x60, 0x64), 0xCC, 0xCE, 0xCF, 0xDF}
    ),
)
_REX: Final = rb'[\x40-\x4f]?'
_COUNT: Final = (rb'\xf3' + _REX + rb'\x0f[\xb8\xbd]',)
_SSE3: Final = (
    rb'\xf2' + _REX + rb'\x0f[\x12\xf0\x7c\x7d\xd0]',
    rb'\xf3' + _REX + rb'\x0f[\x12\x16]',
    rb'\x66' + _REX + rb'\x0f[\x7c\x7d\xd0]',
)


def _bytes_with(mask: int, *values: int) -> bytes:
    return _one_of(byte for byte in range(256) if byte & mask in values)


#: AVX-512 that came after Skylake, also in GFNI and VAES: EVEX map 2 by prefix (66; 66 with W0, as
#: W1 is of AVX512BW; F3 and F2), map 3, and maps 5 and 6 as a whole (FP16).
_LATE_EVEX: Final = (
    rb'\x62'
    + _bytes_with(0x0F, 2)
    + _bytes_with(0x07, 5)
    + _ANY
    + _one_of(
        {*range(0x50, 0x56), 0x62, 0x63, *range(0x70, 0x74), 0x83, 0x8F, 0xB4, 0xB5, 0xCF}
        | {*range(0xDC, 0xE0)}
    ),
    rb'\x62' + _bytes_with(0x0F, 2) + _bytes_with(0x87, 5) + _ANY + _one_of({0x75, 0x7D, 0x8D}),
    rb'\x62' + _bytes_with(0x0F, 2) + _bytes_with(0x07, 6, 7) + _ANY + _one_of({0x52, 0x68, 0x72}),
    rb'\x62'
    + _bytes_with(0x0F, 3)
    + _bytes_with(0x07, 5)
    + _ANY
    + _one_of({0x44, 0xCE, 0xCF, *range(0x70, 0x74)}),
    rb'\x62' + _bytes_with(0x0F, 5, 6) + _bytes_with(0x04, 4),
)
#: VEX forms of the same (AVX-VNNI, AVX-IFMA, GFNI; VAES and VPCLMULQDQ of 256 bits), and FMA4.
_LATE_VEX: Final = (
    rb'\xc4'
    + _bytes_with(0x1F, 2)
    + _bytes_with(0x03, 1)
    + _one_of({*range(0x50, 0x54), 0xB4, 0xB5, 0xCF}),
    rb'\xc4' + _bytes_with(0x1F, 2) + _bytes_with(0x07, 5) + _one_of(range(0xDC, 0xE0)),
    rb'\xc4' + _bytes_with(0x1F, 3) + _bytes_with(0x07, 5) + _one_of({0x44}),
    rb'\xc4'
    + _bytes_with(0x1F, 3)
    + _bytes_with(0x03, 1)
    + _one_of({*range(0x5C, 0x60), *range(0x68, 0x70), *range(0x78, 0x80), 0xCE, 0xCF}),
)
#: AMX: VEX map 2 of 128 bits with W0, opcodes that nothing else has there (SDM vol. 2: LDTILECFG,
#: STTILECFG, TILE..., TDP..., TCMM...).
_AMX: Final = (
    rb'\xc4'
    + _bytes_with(0x1F, 2)
    + _bytes_with(0x84, 0)
    + _one_of({0x49, 0x4B, 0x5C, 0x5E, 0x6C}),
)
#: SHA, ADX and GFNI without VEX.
_LATE_LEGACY: Final = (
    rb'\x0f\x38' + _one_of({*range(0xC8, 0xCE), 0xCF, 0xF6}),
    rb'\x0f\x3a' + _one_of({0xCC, 0xCE, 0xCF}),
)

#: Features -> encodings; a screen is used when the CPU target lacks one of its features.
SCREENS: Final[tuple[tuple[frozenset[str], tuple[bytes, ...]], ...]] = (
    (frozenset({'avx', 'avx2', 'fma', 'f16c', 'bmi1', 'bmi2', 'amx'}), _VEX),
    (frozenset({'avx512'}), _EVEX),
    (frozenset({'ssse3', 'sse4_1', 'sse4_2', 'movbe', 'aes', 'sha', 'adx', 'gfni'}), _MAP_38),
    (frozenset({'ssse3', 'sse4_1', 'sse4_2', 'aes', 'pclmulqdq', 'sha', 'gfni'}), _MAP_3A),
    (frozenset({'popcnt', 'lzcnt'}), _COUNT),
    (frozenset({'sse3'}), _SSE3),
    # CMPXCHG16B, RDRAND and RDSEED are group 9; they serve locks and seeds, behind CPUID
)

#: What a target has of a group of encodings -> features that came to the group later, and theirs.
LATE_SCREENS: Final[tuple[tuple[str, frozenset[str], tuple[bytes, ...]], ...]] = (
    (
        'avx512',
        frozenset({'avx512_vnni', 'avx512ifma', 'avx512vbmi', 'avx512_vbmi2', 'avx512_bitalg'})
        | {'avx512_vpopcntdq', 'avx512_bf16', 'avx512_vp2intersect', 'avx512_fp16'}
        | {'gfni', 'vaes'},
        _LATE_EVEX,
    ),
    ('avx2', frozenset({'avx512_vnni', 'avx512ifma', 'gfni', 'vaes', 'fma4'}), _LATE_VEX),
    ('avx2', frozenset({'amx'}), _AMX),
    ('sse4_2', frozenset({'sha', 'adx', 'gfni'}), _LATE_LEGACY),
)


def screens_for(supported: frozenset[str], known: frozenset[str]) -> tuple[bytes, ...]:
    """Return the encodings to look for on a target: those with a known feature that it lacks.

    A screen of mostly supported features (VEX on haswell) would match half of the code, so VEX is
    looked for only below AVX2, and 0F 38 and 0F 3A only below SSE4.2; the rest by its own screen,
    and what came later by the few encodings that it has.
    """
    chosen: list[bytes] = []
    for features, patterns in SCREENS:
        lacking = (features & known) - supported
        decisive = features & {'avx2', 'avx512', 'sse4_2', 'popcnt', 'sse3'}
        if lacking & decisive:
            chosen.extend(patterns)
    for group, features, patterns in LATE_SCREENS:
        if group in supported and (features & known) - supported:
            chosen.extend(patterns)
    return tuple(chosen)


def candidates(code: bytes, screens: Iterable[bytes]) -> list[int]:
    """Return the offsets in code where an encoding that is looked for might start, in order.

    A legacy prefix (66, F2, F3, REX) may stand before the offset of 0F 38 and 0F 3A: an offset is
    that of the escape byte, and what starts up to 14 bytes before it is meant as well.
    """
    found: set[int] = set()
    for pattern in screens:
        found.update(match.start() for match in _compiled(pattern).finditer(code))
    return sorted(found)


@cache
def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    # One byte is consumed, the rest only looked at: places may overlap.
    first = re.match(rb'\\x..', pattern)
    assert first is not None, 'a pattern starts with one byte that is given'
    rest = pattern[first.end() :]
    return re.compile(first[0] + b'(?=' + rest + b')', re.DOTALL)
