"""What the allow rules for dispatch at run time explain, and what they must not."""

from __future__ import annotations

import pytest

from eessi_library.installation import Severity
from eessi_library.installation.model import Observation
from eessi_library.installation.rules import allow_rules, judge

SITE = 'lib/python3.11/site-packages'


def explained(software: str, member: str, subject: str, check: str = 'isa/beyond-target') -> bool:
    seen = Observation(check, Severity.ERROR, member, subject, 'why')
    left, _ = judge('software.eessi.io', software, [seen])
    return left == []


#: software, member, feature: each with its guard is explained, and by no other name.
DISPATCHED = [
    ('OpenBLAS', 'lib/libopenblas.a(dgemm_kernel_SKYLAKEX.o)', 'avx512'),
    ('OpenBLAS', 'lib/libopenblas.so.0', 'amx'),
    ('FFTW', 'lib/libfftw3f.a(n1fv_2.o)', 'avx'),
    ('GCCcore', 'lib64/libgfortran.a(matmul_r8.o)', 'avx512'),
    ('GCCcore', 'lib64/libatomic.a(load_16_1_.o)', 'avx'),
    ('GCCcore', 'lib64/libitm.a(x86_avx.o)', 'avx'),
    ('GCCcore', 'lib/gcc/x86_64-pc-linux-gnu/12/libgcc.a(avx_resms64.o)', 'avx'),
    ('LAMMPS', 'lib/x86_64-linux-gnu/libc.a(memchr-evex.o)', 'avx512'),
    ('LAMMPS', 'lib/x86_64-linux-gnu/libm-2.36.a(e_exp-fma4.o)', 'fma4'),
    ('LAMMPS', 'lib/x86_64-linux-gnu/libmvec.a(svml_d_acos8_core_avx512.o)', 'avx512'),
    ('OpenSSL', 'lib/libcrypto.a(libcrypto-lib-rsaz-avx512.o)', 'avx512ifma'),
    ('GMP', 'lib/libgmp.a(coreibwl_mul_1.o)', 'adx'),
    ('x264', 'lib/libx264.a(dct-a-8.o)', 'avx512'),
    ('FLAC', 'lib/libFLAC.so.12', 'avx2'),
    ('FFmpeg', 'lib/libavcodec.so.59', 'avx2'),
    ('FFmpeg', 'lib/libswscale.a(scale.o)', 'avx2'),
    ('BLIS', 'lib/libblis.a(bli_dgemm_skx_asm_16x14.o)', 'avx512'),
    ('libxsmm', 'lib/libxsmm.a(libxsmm_main.o)', 'avx512'),
    ('Boost', 'lib/libboost_log.a(dump_avx2.o)', 'avx2'),
    ('hyperscan', 'lib/libhs.a(block.c.o)', 'avx512'),
    ('PCRE2', 'lib/libpcre2-8.so.0', 'lzcnt'),
    ('simdjson', 'lib/libsimdjson.so.23', 'avx2'),
    ('Embree', 'lib/libembree4.so.4', 'avx512'),
    ('Embree', 'lib/libembree_avx512.a(bvh8.o)', 'avx512'),
    ('Highway', 'lib/libhwy_contrib.so.1', 'avx2'),
    ('libjxl', 'lib/libjxl.so.0.8', 'avx512'),
    ('zlib-ng', 'lib/libz-ng.so.2', 'avx2'),
    ('zlib-ng', 'lib/libz-ng.a(adler32_avx512.c.o)', 'avx512'),
    ('zlib-ng', 'lib/libz.so.1', 'avx2'),
    ('Rust', 'bin/cargo', 'sha'),
    ('Rust', 'lib/rustlib/x86_64-unknown-linux-gnu/lib/libmemchr-30.rlib(memchr.o)', 'avx2'),
    ('ripgrep', 'bin/rg', 'avx2'),
    ('cryptography', 'lib/py/cryptography/hazmat/bindings/_rust.abi3.so', 'avx2'),
    ('PyTorch', 'lib/py/torch/lib/libtorch_cpu.so', 'amx'),
    ('TensorFlow', 'lib/py/tensorflow/libtensorflow_cc.so.2', 'amx'),
    ('Arrow', 'lib/libparquet.so.1100', 'bmi2'),
    ('Qt5', 'lib/libQt5Gui.so.5', 'avx2'),
    ('SciPy-bundle', 'lib/py/numpy/_core/_simd.cpython-311.so', 'avx512'),
    ('Go', 'bin/go', 'avx2'),
]


@pytest.mark.parametrize(('software', 'member', 'feature'), DISPATCHED)
def test_dispatch_is_explained_with_its_guard_only(
    software: str, member: str, feature: str
) -> None:
    assert explained(software, member, f'{feature} guarded')
    assert not explained(software, member, f'{feature} unguarded')


@pytest.mark.parametrize(('software', 'member', 'feature'), DISPATCHED)
def test_an_unguarded_or_guarded_object_of_another_name_is_not(
    software: str, member: str, feature: str
) -> None:
    folder, _, name = member.rpartition('/') if '(' not in member else member.rpartition('/lib')
    other = f'{folder}/libmine_{name}' if '(' in member else f'{folder}/mine_{name}'
    # all programs of Go and crates of Rust that come with the compiler have the same run time
    software = 'Mine' if software in ('Go', 'Rust') else software
    assert not explained(software, other, f'{feature} unguarded')
    assert not explained(software, other, f'{feature} guarded')


@pytest.mark.parametrize(
    ('software', 'member', 'subject'),
    [
        ('zlib', 'lib/libz.so.1', 'avx2 guarded'),
        ('Rust', 'bin/other', 'avx2 guarded'),
        ('ripgrep', 'bin/rg', 'avx512 guarded'),
        ('Boost', 'lib/libboost_log.a(core.o)', 'avx2 guarded'),
        ('GCCcore', 'lib/libgcc.a(_muldc3.o)', 'avx guarded'),
        ('GCCcore', 'lib64/libgfortran.a(write.o)', 'avx2 guarded'),
        ('PCRE2', 'lib/libpcre2-8.so.0', 'avx2 guarded'),
        ('SciPy-bundle', 'lib/py/numpy/random/_generator.so', 'avx512 guarded'),
        ('Go', 'src/runtime/race/race_linux_amd64.syso', 'avx2 unguarded'),
        ('GHC', 'lib/libHSbase-4.17.a(Base.o)', 'avx2 unguarded'),
        ('GHC', 'lib/libHSbase-4.17.a(Base.o)', 'sse4_1 unguarded'),
        ('App', 'lib/libapp.a(libcrypto.a?x.o)', 'avx2 guarded'),
        ('App', 'lib/libmkl_avx512.so.2', 'avx512 unguarded'),
        ('Clang', 'lib/clang/16/lib/linux/libclang_rt.tsan-x86_64.a(x.o)', 'avx unguarded'),
        ('Clang', 'lib/clang/16/lib/linux/libclang_rt.asan-x86_64.a(x.o)', 'popcnt unguarded'),
        ('Abseil', 'lib/libabsl_hash.a(x.o)', 'aes unguarded'),
    ],
)
def test_rules_are_no_wider_than_their_reason(software: str, member: str, subject: str) -> None:
    assert not explained(software, member, subject)


@pytest.mark.parametrize(
    ('software', 'member', 'subject'),
    [
        ('SciPy-bundle', 'lib/py/numpy/random/_generator.so', 'sse3 unguarded'),
        ('Go', 'pkg/linux_amd64/runtime/race.a(race_linux_amd64)', 'sse3 unguarded'),
        ('GHC', 'lib/libHSbase-4.17.a(Base.o)', 'ssse3 unguarded'),
        ('Java', 'lib/libjsvml.so', 'avx512 unguarded'),
        ('imkl', 'mkl/2023.1.0/lib/intel64/libmkl_avx512.so.2', 'amx unguarded'),
        ('GCCcore', 'lib64/libatomic.a(cas_8_1_.o)', 'atomics unguarded'),
        ('Clang', 'lib/clang/16/lib/linux/libclang_rt.tsan-x86_64.a(x.o)', 'sse4_2 unguarded'),
        ('Clang', 'lib/clang/16/lib/linux/libclang_rt.fuzzer-x86_64.a(x.o)', 'popcnt unguarded'),
        ('Abseil', 'lib/libabsl_random_internal_randen_hwaes_impl.a(x.o)', 'aes unguarded'),
    ],
)
def test_what_needs_no_guard_is_explained(software: str, member: str, subject: str) -> None:
    assert explained(software, member, subject)


def test_objects_for_accelerators_are_no_fault() -> None:
    check = 'linkage/wrong-machine'
    crt0 = 'amdgcn-amdhsa/lib/crt0.o'
    assert explained('GCCcore', crt0, 'amdgpu', check)
    assert explained('Go', 'src/runtime/race/race_linux_arm64.syso', 'aarch64', check)
    assert not explained('GCCcore', crt0, 'aarch64', check)
    assert not explained('GCCcore', 'lib/crt1.o', 'amdgpu', check)


@pytest.mark.parametrize(
    ('software', 'check', 'member', 'subject', 'other'),
    [
        (
            'jupyter-server',
            'linkage/wrong-machine',
            f'{SITE}/debugpy/_vendored/pydevd/pydevd_attach_to_process/attach_linux_x86.so',
            'i386',
            'ppc64le',
        ),
        (
            'jupyter-server',
            'linkage/wrong-machine',
            f'{SITE}/debugpy/_vendored/pydevd/pydevd_attach_to_process/attach_linux_amd64.so',
            'x86_64',
            'aarch64',
        ),
        ('NCO', 'text/foreign-path', 'bin/ncclimo', '/home/zender/lib_cooley', '/home/me/lib'),
        ('NCO', 'text/host-program', 'bin/ncclimo', '/usr/bin/hostname', '/usr/bin/ncks'),
        ('BLAST+', 'text/host-program', 'bin/update_blastdb.pl', '/usr/sbin/sysctl', '/usr/bin/x'),
        ('LLVM', 'text/host-program', 'bin/asan_symbolize', '/usr/bin/otool', '/usr/bin/nm'),
        (
            'Qt6',
            'text/host-path',
            'lib/cmake/Qt6/QtPublicAppleHelpers.cmake',
            '/usr/libexec/PlistBuddy',
            '/usr/libexec/x',
        ),
        (
            'CGAL',
            'text/build-path',
            'lib/cmake/CGAL/CGAL_add_test.cmake',
            '/home/pi/CGAL/',
            '/home/me/CGAL/',
        ),
    ],
)
def test_what_upstream_names_for_other_places_and_nothing_beside_it(
    software: str, check: str, member: str, subject: str, other: str
) -> None:
    assert explained(software, member, subject, check)
    assert not explained(software, member, other, check)
    assert not explained(software, 'bin/other', '/usr/bin/gcc', check)


def test_the_test_data_of_go() -> None:
    data = 'src/debug/elf/testdata/go-relocation-test-gcc441-x86.obj'
    for check in ('linkage/wrong-machine', 'linkage/interpreter', 'linkage/malformed'):
        assert explained('Go', data, 'i386', check)
    assert not explained('Go', 'pkg/tool/linux_amd64/link', 'i386', 'linkage/wrong-machine')
    assert not explained('App', data, 'i386', 'linkage/wrong-machine')


def test_every_rule_of_dispatch_names_members() -> None:
    rules = [rule for rule in allow_rules() if rule.check == 'isa/beyond-target']
    assert [rule.id for rule in rules if rule.member == ('*',)] == []
