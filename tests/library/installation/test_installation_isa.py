"""No instruction beyond the CPU target: gcc makes the fault, objdump and the tables find it."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import pytest
from small_stack import SmallStack, gcc

from eessi_library.elf import MalformedElf
from eessi_library.installation.isa.code_sections import code_sections
from eessi_library.installation.isa.features import features_of
from eessi_library.installation.isa.judgement import asks_for_features, features_beyond

pytestmark = pytest.mark.slow

AXPY = (
    'void axpy(int n, float a, float *x, float *y)'
    '{ for (int i = 0; i < n; i++) y[i] += a * x[i]; }'
    'int count(unsigned long x) { return __builtin_popcountl(x); }'
)

HASWELL, SKYLAKE, CASCADELAKE, ICELAKE, SAPPHIRERAPIDS = (
    f'x86_64/intel/{name}'
    for name in ('haswell', 'skylake_avx512', 'cascadelake', 'icelake', 'sapphirerapids')
)
ZEN2, ZEN3, ZEN4 = (f'x86_64/amd/zen{number}' for number in (2, 3, 4))


def built(tmp_path: Path, *flags: str, code: str = AXPY) -> str:
    return str(gcc(code, tmp_path / 'x.so', '-shared', '-fPIC', '-O3', *flags))


@pytest.mark.parametrize(
    ('flag', 'features', 'lowest'),
    [
        ('-mavx', {'avx', 'popcnt'}, 'x86_64/intel/haswell'),
        ('-mavx2', {'avx', 'popcnt'}, 'x86_64/intel/haswell'),
        ('-mfma', {'avx', 'fma', 'popcnt'}, 'x86_64/intel/haswell'),
        ('-msse4.2', {'popcnt'}, 'x86_64/intel/haswell'),
        ('-mpopcnt', {'popcnt'}, 'x86_64/amd/zen2'),
        (
            '-march=skylake-avx512 -mprefer-vector-width=512',
            {'avx', 'avx512', 'popcnt'},
            'x86_64/intel/skylake_avx512',
        ),
    ],
)
def test_what_a_build_for_another_cpu_needs(
    tmp_path: Path, flag: str, features: set[str], lowest: str
) -> None:
    path = built(tmp_path, *flag.split())
    generic = {use.feature for use in features_beyond(path, 'x86_64/generic', '')}
    assert features <= generic
    assert features_beyond(path, lowest, '') == []


def test_a_sound_build_needs_nothing(tmp_path: Path) -> None:
    assert features_beyond(built(tmp_path), 'x86_64/generic', '') == []


def test_avx512_on_haswell(tmp_path: Path) -> None:
    path = built(tmp_path, '-march=skylake-avx512', '-mprefer-vector-width=512')
    found = {use.feature for use in features_beyond(path, 'x86_64/intel/haswell', '')}
    assert 'avx512' in found


@pytest.mark.parametrize(
    ('instruction', 'feature'),
    [
        ('pshufb %xmm1, %xmm0', 'ssse3'),
        ('haddpd %xmm1, %xmm0', 'sse3'),
        ('roundsd $1, %xmm1, %xmm0', 'sse4_1'),
        ('crc32l %eax, %ecx', 'sse4_2'),
        ('pcmpestri $0, %xmm1, %xmm0', 'sse4_2'),
        ('popcnt %rax, %rcx', 'popcnt'),
        ('lzcnt %rax, %rcx', 'lzcnt'),
        ('movbe (%rax), %rcx', 'movbe'),
        ('aesenc %xmm1, %xmm0', 'aes'),
        ('pclmulqdq $0, %xmm1, %xmm0', 'pclmulqdq'),
        ('sha256msg1 %xmm1, %xmm0', 'sha'),
        ('adcx %rax, %rcx', 'adx'),
        ('andn %rax, %rcx, %rdx', 'bmi1'),
        ('pdep %rax, %rcx, %rdx', 'bmi2'),
        ('vaddps %xmm1, %xmm2, %xmm3', 'avx'),
        ('vpaddd %ymm1, %ymm2, %ymm3', 'avx2'),
        ('vfmadd231ps %ymm1, %ymm2, %ymm3', 'fma'),
        ('vcvtph2ps %xmm1, %xmm2', 'f16c'),
        ('vaddps %zmm1, %zmm2, %zmm3', 'avx512'),
        ('vaddpd %xmm17, %xmm2, %xmm3', 'avx512'),
        ('vzeroupper', 'avx'),
        ('tileloadd (%rax,%rbx,1), %tmm1', 'amx'),
        ('tdpbf16ps %tmm1, %tmm2, %tmm3', 'amx'),
    ],
)
def test_one_instruction_in_a_program_is_enough(
    tmp_path: Path, instruction: str, feature: str
) -> None:
    filler = (
        'double f%d(double *x, int n)'
        '{ for (int i = 1; i < n; i++) x[i] += x[i - 1] / %d.0; return x[n / 2]; }'
    )
    code = '\n'.join(filler % (n, n + 2) for n in range(50))
    code += f'\nvoid culprit(void) {{ __asm__ volatile("{instruction}"); }}'
    path = built(tmp_path, code=code)
    found = features_beyond(path, 'x86_64/generic', '')
    assert [use.feature for use in found] == [feature]
    assert found[0].function.startswith('culprit')
    exhaustive = features_beyond(path, 'x86_64/generic', '', screen=False)
    assert [dataclasses.replace(use, function='') for use in exhaustive] == [
        dataclasses.replace(use, function='') for use in found
    ]


@pytest.mark.parametrize(
    ('instruction', 'feature', 'lacking', 'having'),
    [
        ('vpdpbusd %zmm1, %zmm2, %zmm3', 'avx512_vnni', SKYLAKE, CASCADELAKE),
        ('vpdpwssds %xmm1, %xmm2, %xmm19', 'avx512_vnni', SKYLAKE, CASCADELAKE),
        ('{vex} vpdpbusd %ymm1, %ymm2, %ymm3', 'avx512_vnni', HASWELL, SAPPHIRERAPIDS),
        ('vpmadd52luq %zmm1, %zmm2, %zmm3', 'avx512ifma', CASCADELAKE, ICELAKE),
        ('vpermb %zmm1, %zmm2, %zmm3', 'avx512vbmi', CASCADELAKE, ICELAKE),
        ('vpermt2b %ymm1, %ymm2, %ymm3', 'avx512vbmi', CASCADELAKE, ZEN4),
        ('vpcompressw %zmm1, %zmm2', 'avx512_vbmi2', CASCADELAKE, ICELAKE),
        ('vpshldvd %zmm1, %zmm2, %zmm3', 'avx512_vbmi2', CASCADELAKE, ICELAKE),
        ('vpshrdq $3, %zmm1, %zmm2, %zmm3', 'avx512_vbmi2', SKYLAKE, ZEN4),
        ('vpopcntb %zmm1, %zmm2', 'avx512_bitalg', CASCADELAKE, ICELAKE),
        ('vpopcntq %ymm1, %ymm2', 'avx512_vpopcntdq', SKYLAKE, ICELAKE),
        ('vdpbf16ps %zmm1, %zmm2, %zmm3', 'avx512_bf16', ICELAKE, ZEN4),
        ('vcvtneps2bf16 %zmm1, %ymm2', 'avx512_bf16', ICELAKE, SAPPHIRERAPIDS),
        ('vaddph %zmm1, %zmm2, %zmm3', 'avx512_fp16', ZEN4, SAPPHIRERAPIDS),
        ('vfmadd231sh %xmm1, %xmm2, %xmm3', 'avx512_fp16', ICELAKE, SAPPHIRERAPIDS),
        ('vgf2p8mulb %zmm1, %zmm2, %zmm3', 'gfni', CASCADELAKE, ICELAKE),
        ('vgf2p8affineqb $1, %ymm1, %ymm2, %ymm3', 'gfni', ZEN3, ZEN4),
        ('gf2p8mulb %xmm1, %xmm2', 'gfni', ZEN2, ICELAKE),
        ('vaesenc %ymm1, %ymm2, %ymm3', 'vaes', ZEN2, ZEN3),
        ('vpclmulqdq $1, %zmm1, %zmm2, %zmm3', 'vaes', SKYLAKE, ICELAKE),
        ('vfmaddps %ymm1, %ymm2, %ymm3, %ymm4', 'fma4', ZEN2, None),
        ('sha1rnds4 $1, %xmm1, %xmm2', 'sha', HASWELL, ZEN2),
        ('sha256rnds2 %xmm0, %xmm1, %xmm2', 'sha', CASCADELAKE, ICELAKE),
        ('adox %rax, %rcx', 'adx', HASWELL, SKYLAKE),
        ('ldtilecfg (%rax)', 'amx', HASWELL, SAPPHIRERAPIDS),
        ('sttilecfg 64(%rax)', 'amx', ZEN4, SAPPHIRERAPIDS),
        ('tilerelease', 'amx', ICELAKE, SAPPHIRERAPIDS),
        ('tilezero %tmm7', 'amx', ZEN2, SAPPHIRERAPIDS),
        ('tileloadd (%rax,%rbx,1), %tmm1', 'amx', SKYLAKE, SAPPHIRERAPIDS),
        ('tileloaddt1 (%r8,%r9,8), %tmm1', 'amx', ZEN3, SAPPHIRERAPIDS),
        ('tilestored %tmm1, (%rax,%rbx,1)', 'amx', CASCADELAKE, SAPPHIRERAPIDS),
        ('tdpbssd %tmm1, %tmm2, %tmm3', 'amx', HASWELL, SAPPHIRERAPIDS),
        ('tdpbsud %tmm1, %tmm2, %tmm3', 'amx', ZEN4, SAPPHIRERAPIDS),
        ('tdpbusd %tmm1, %tmm2, %tmm3', 'amx', SKYLAKE, SAPPHIRERAPIDS),
        ('tdpbuud %tmm1, %tmm2, %tmm3', 'amx', ICELAKE, SAPPHIRERAPIDS),
        ('tdpbf16ps %tmm5, %tmm6, %tmm7', 'amx', ZEN2, SAPPHIRERAPIDS),
    ],
)
def test_what_came_later_than_a_target(
    tmp_path: Path, instruction: str, feature: str, lacking: str, having: str | None
) -> None:
    march = 'haswell' if lacking in (HASWELL, ZEN2, ZEN3) else 'skylake-avx512'
    flags = (f'-march={march}', '-mno-adx')
    code = AXPY + f'\nvoid culprit(void) {{ __asm__ volatile("{instruction}"); }}'
    path = built(tmp_path, *flags, code=code)
    for screen in (True, False):
        found = features_beyond(path, lacking, '', screen=screen)
        assert [use.feature for use in found] == [feature]
        assert found[0].function.startswith('culprit')
    if having:
        assert features_beyond(path, having, '', screen=False) == []
        assert features_beyond(path, having, '') == []


def test_widest_code_of_a_target_is_its_own(tmp_path: Path) -> None:
    for target, march in ((SKYLAKE, 'skylake-avx512'), (CASCADELAKE, 'cascadelake')):
        path = built(tmp_path, f'-march={march}', '-mprefer-vector-width=512')
        assert features_beyond(path, target, '') == []


@pytest.mark.parametrize(
    ('mnemonic', 'operands', 'features'),
    [
        ('tzcnt', 'eax,ecx', ()),  # runs as BSF on older CPUs: GCC emits it for generic
        ('endbr64', '', ()),
        ('verr', 'ax', ()),
        ('vmcall', '', ()),
        ('vpermilps', 'ymm0,ymm1,0x1', ('avx',)),
        ('vpxor', 'ymm0,ymm1,ymm2', ('avx2',)),
        ('vpxor', 'xmm0,xmm1,xmm2', ('avx',)),
        ('vaesenc', 'xmm0,xmm1,xmm2', ('avx',)),
        ('vaesenc', 'zmm0,zmm1,zmm2', ('avx512', 'vaes')),
        ('vcvtps2ph', 'xmm0,ymm1,0x0', ('f16c',)),
        ('vfmadd231ph', 'zmm0,zmm1,zmm2', ('avx512', 'avx512_fp16')),
        ('kmovw', 'k1,eax', ()),
    ],
)
def test_features_of_mnemonics(mnemonic: str, operands: str, features: tuple[str, ...]) -> None:
    assert features_of('x86_64', mnemonic, operands) == features


def test_dispatch_needs_a_guard(tmp_path: Path) -> None:
    code = AXPY + 'int has(void) { return __builtin_cpu_supports("avx2"); }'
    assert not asks_for_features(built(tmp_path, '-mavx2'), 'x86_64', '')
    assert asks_for_features(built(tmp_path, '-mavx2', code=code), 'x86_64', '')


def test_the_bytes_of_cpuid_within_an_instruction_are_no_guard(tmp_path: Path) -> None:
    code = AXPY + 'int number(void) { return 0x11a20f22; }'
    path = built(tmp_path, '-mavx2', code=code)
    assert b'\x0f\xa2' in Path(path).read_bytes()
    assert not asks_for_features(path, 'x86_64', '')


@pytest.mark.parametrize(
    'name', ['av_get_cpu_flags', 'qt_cpu_features', '_ZN3hwy16SupportedTargetsEv']
)
def test_who_asks_another_library_is_guarded(tmp_path: Path, name: str) -> None:
    code = AXPY + f'int {name}(void); int flags(void) {{ return {name}(); }}'
    assert asks_for_features(built(tmp_path, '-mavx2', code=code), 'x86_64', '')


def test_sections_over_the_same_code_are_refused(tmp_path: Path) -> None:
    """They would be copied once for each header."""
    data = bytearray(Path(built(tmp_path)).read_bytes())
    table, count = struct.unpack_from('<Q', data, 40)[0], struct.unpack_from('<H', data, 60)[0]
    for number in range(count):
        struct.pack_into('<IQ', data, table + 64 * number + 4, 1, 4)
        struct.pack_into('<QQ', data, table + 64 * number + 24, 0, len(data))
    with pytest.raises(MalformedElf, match='overlap'):
        code_sections(bytes(data))


def test_an_allow_rule_asks_for_the_guard(small: SmallStack) -> None:
    openblas = small.app.parent.parent / 'OpenBLAS' / '1.0'
    small.app.rename(openblas.parent.parent / 'x')
    (openblas / 'lib').mkdir(parents=True)
    library = openblas / 'lib' / 'libopenblas.so.0'
    request = small.request('isa', name='OpenBLAS/1.0')
    from eessi_library.installation import check_installations

    gcc(AXPY, library, '-shared', '-fPIC', '-O3', '-march=haswell')
    report = next(check_installations([request], None, 1))
    assert {f.check for f in report.errors} == {'isa/beyond-target'}
    guard = AXPY + 'int has(void) { return __builtin_cpu_supports("avx2"); }'
    gcc(guard, library, '-shared', '-fPIC', '-O3', '-march=haswell')
    report = next(check_installations([request], None, 1))
    assert report.errors == ()
    assert report.allowed['isa-openblas-dispatch'] > 0


def test_a_target_without_a_table_is_not_called_sound(small: SmallStack) -> None:
    from eessi_library.installation import Release

    small.release = Release(small.release.path, 'x86_64/intel/unknown')
    small.app.mkdir(parents=True)
    report = small.check('isa')
    assert report.not_run
    assert not report.is_sound
