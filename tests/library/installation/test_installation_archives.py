"""Archives of objects in an installation, and objects that are not linked yet."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_stack import SmallStack, gcc

from eessi_library.elf import ElfError, archive_members
from eessi_library.installation import Finding, Release, Severity
from eessi_library.installation.isa.judgement import digest_of
from eessi_library.installation.isa.objects import holds_objects, unjudged

AXPY = (
    'void axpy(int n, float a, float *x, float *y){ for (int i = 0; i < n; i++) y[i] += a * x[i]; }'
)
PLAIN = 'int plain(int x) { return x + 1; }'
GUARD = 'int has_avx2(void) { return __builtin_cpu_supports("avx2"); }'
WIDE = ('-O3', '-march=skylake-avx512', '-mprefer-vector-width=512')
HASWELL = 'x86_64/intel/haswell'


def archive(path: Path, objects: dict[str, tuple[str, ...]], flags: str = 'rcs') -> Path:
    """Write an archive of objects: name -> (code, flags of gcc)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.parent / 'objects'
    made = [gcc(code, work / name, '-c', *more) for name, (code, *more) in objects.items()]
    subprocess.run(['ar', flags, path, *made], check=True, capture_output=True)
    shutil.rmtree(work)
    return path


@pytest.fixture
def lib(small: SmallStack) -> Path:
    return small.app / 'lib'


def isa(small: SmallStack, target: str = 'x86_64/generic') -> list[Finding]:
    small.app.mkdir(parents=True, exist_ok=True)
    release = Release(small.release.path, target)
    if target != small.release.cpu_target:
        place = Path(release.software) / 'software' / 'App'
        place.parent.mkdir(parents=True)
        small.app.parent.rename(place)
    small.release = release
    report = small.check('isa')
    assert not report.not_run
    return [*report.findings]


@pytest.mark.slow
def test_a_member_beyond_the_target_is_named(small: SmallStack, lib: Path) -> None:
    archive(lib / 'libx.a', {'plain.o': (PLAIN,), 'x.o': (AXPY, *WIDE)})
    found = {finding.subject: finding for finding in isa(small, HASWELL)}
    assert set(found) == {'avx512 unguarded'}
    finding = found['avx512 unguarded']
    assert (finding.check, finding.severity) == ('isa/beyond-target', Severity.ERROR)
    assert finding.members == ('lib/libx.a(x.o)',)
    assert 'in axpy)' in finding.reason


@pytest.mark.slow
def test_a_sound_archive_is_sound(small: SmallStack, lib: Path) -> None:
    archive(lib / 'libx.a', {'plain.o': (PLAIN,), 'x.o': (AXPY, '-O3', '-march=haswell')})
    assert isa(small, HASWELL) == []


@pytest.mark.slow
def test_a_function_of_its_own_section_among_thousands(small: SmallStack, lib: Path) -> None:
    filler = ''.join(f'int f{n}(int x) {{ return x / {n + 2}; }}\n' for n in range(3000))
    culprit = 'void culprit(void) { __asm__ volatile("vaddps %zmm1, %zmm2, %zmm3"); }\n'
    archive(lib / 'libx.a', {'many.o': (filler + culprit, '-ffunction-sections')})
    (finding,) = isa(small, HASWELL)
    assert finding.members == ('lib/libx.a(many.o)',)
    assert '1 instructions of avx512' in finding.reason
    assert 'at 0x0 in culprit' in finding.reason or 'at 0x4 in culprit' in finding.reason


@pytest.mark.slow
def test_a_section_of_a_group_is_looked_at(small: SmallStack, lib: Path) -> None:
    code = (
        '__asm__(".section .text.sum,\\"axG\\",@progbits,sum,comdat\\n'
        '.weak sum\\nsum: vaddps %zmm1, %zmm2, %zmm3\\nret");'
    )
    archive(lib / 'libx.a', {'x.o': (code,)})
    (finding,) = isa(small, HASWELL)
    assert 'at 0x0 in sum' in finding.reason


@pytest.mark.slow
def test_an_object_by_itself_is_looked_at(small: SmallStack, lib: Path) -> None:
    gcc(AXPY, lib / 'crt1.o', '-c', *WIDE)
    found = {finding.subject: finding for finding in isa(small, HASWELL)}
    assert found['avx512 unguarded'].members == ('lib/crt1.o',)


@pytest.mark.slow
def test_one_member_that_asks_guards_the_archive(small: SmallStack, lib: Path) -> None:
    archive(lib / 'libx.a', {'x.o': (AXPY, '-O3', '-mavx2'), 'dispatch.o': (GUARD,)})
    assert 'avx guarded' in {finding.subject for finding in isa(small)}


@pytest.mark.slow
def test_code_that_is_mostly_beyond_the_target(small: SmallStack, lib: Path) -> None:
    """Disassembled as a whole, each object from its own symbols on."""
    wide = ''.join(
        f'void f{n}(float *x) {{ for (int i = 0; i < 4096; i++) x[i] *= {n}.5f; }}\n'
        for n in range(40)
    )
    archive(lib / 'libx.a', {'a.o': (wide, *WIDE), 'b.o': (PLAIN,), 'c.o': (wide, *WIDE)})
    (finding,) = (f for f in isa(small, HASWELL) if f.subject == 'avx512 unguarded')
    assert finding.members == ('lib/libx.a(a.o)', 'lib/libx.a(c.o)')


@pytest.mark.slow
def test_intermediate_code_is_named_and_not_judged(small: SmallStack, lib: Path) -> None:
    archive(lib / 'libx.a', {'x.o': (AXPY, '-flto', *WIDE)})
    (lib / 'bitcode.o').write_bytes(b'BC\xc0\xde' + bytes(60))
    subprocess.run(['ar', 'rcs', lib / 'liby.a', lib / 'bitcode.o'], check=True)
    found = {f.members[0]: f for f in isa(small, HASWELL)}
    assert {f.check for f in found.values()} == {'isa/not-judged'}
    assert {f.severity for f in found.values()} == {Severity.WARNING}
    assert 'intermediate code of GCC' in found['lib/libx.a(x.o)'].reason
    assert 'LLVM bitcode' in found['lib/liby.a(bitcode.o)'].reason


@pytest.mark.slow
def test_a_changed_member_is_looked_at_again(small: SmallStack, lib: Path, tmp_path: Path) -> None:
    cache = tmp_path / 'cache.sqlite'
    archive(lib / 'libx.a', {'x.o': (PLAIN,)})
    assert small.check('isa', cache=cache).is_sound
    archive(lib / 'libx.a', {'x.o': (AXPY, '-O3', '-mavx2')})
    assert not small.check('isa', cache=cache).is_sound
    assert not small.check('isa', cache=cache).is_sound
    assert small.check('isa', cache=cache).cached


def linkage(small: SmallStack) -> dict[str, Finding]:
    return {f'{f.check}: {f.member}': f for f in small.check('linkage').findings}


def foreign(path: Path) -> None:
    """Make an object, alone or in an archive, one for aarch64 (e_machine 183)."""
    data = bytearray(path.read_bytes())
    starts = [0] if data[:4] == b'\x7fELF' else [m.offset for m in archive_members(bytes(data))]
    for start in starts:
        data[start + 18 : start + 20] = (183).to_bytes(2, 'little')
    path.write_bytes(data)


def test_objects_of_another_machine_are_named(small: SmallStack, lib: Path) -> None:
    foreign(archive(lib / 'libx.a', {'x.o': (PLAIN,), 'y.o': (PLAIN,)}))
    foreign(gcc(PLAIN, lib / 'crt1.o', '-c'))
    (finding,) = small.check('linkage').findings
    assert finding.check == 'linkage/wrong-machine'
    assert finding.members == ('lib/crt1.o', 'lib/libx.a(x.o)', 'lib/libx.a(y.o)')
    assert 'is for aarch64, the CPU target is x86_64/generic' in finding.reason


def test_objects_of_32_bits_are_named(small: SmallStack, lib: Path) -> None:
    path = archive(lib / 'libx.a', {'x.o': (PLAIN, '-m32')})
    assert path.exists()
    (finding,) = small.check('linkage').findings
    assert finding.check == 'linkage/wrong-machine'
    assert '(32 bits)' in finding.reason


def test_sound_archives_link(small: SmallStack, lib: Path) -> None:
    archive(lib / 'libx.a', {'x.o': (PLAIN,), 'y.o': (AXPY,)})
    gcc(PLAIN, lib / 'crt1.o', '-c')
    assert linkage(small) == {}


def test_what_is_not_elf_is_named_and_harms_nobody(small: SmallStack, lib: Path) -> None:
    for name, content in {
        'ptx.o': b'//:FUNC_DECL main\n.version 6.0\n',
        'bitcode.o': b'BC\xc0\xde\x35\x14',
        'windows.o': b'\x64\x86\x02\x00\x00\x00',
        'empty.o': b'',
        'inner.a': b'!<arch>\n',
    }.items():
        (lib / name).write_bytes(content)
        subprocess.run(['ar', 'rcS', lib / 'libx.a', lib / name], check=True, capture_output=True)
        (lib / name).unlink()
    report = small.check('linkage', 'isa')
    notes = {f.subject: f for f in report.findings if f.check == 'linkage/not-elf'}
    assert set(notes) == {
        'text',
        'LLVM bitcode',
        'a COFF object (Windows)',
        'nothing (empty)',
        'an archive',
    }
    assert {f.severity for f in notes.values()} == {Severity.NOTE}
    assert report.is_sound


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'!<arch>\nrubbish', 'not a sound archive: no header'),
        (
            b'!<arch>\n' + b'%-48b%-10b`\n' % (b'x.o/', b'900') + b'\x7fELF',
            'of 900 bytes in a file',
        ),
    ],
)
def test_a_broken_archive_is_refused(
    small: SmallStack, lib: Path, content: bytes, words: str
) -> None:
    (lib / 'libx.a').write_bytes(content)
    report = small.check('linkage', 'isa')
    (finding,) = report.errors
    assert (finding.check, finding.member) == ('linkage/malformed', 'lib/libx.a')
    assert words in finding.reason
    assert report.not_run


def test_a_cut_object_in_an_archive_is_refused(small: SmallStack, lib: Path) -> None:
    path = gcc(PLAIN, lib / 'x.o', '-c')
    path.write_bytes(path.read_bytes()[:200])
    subprocess.run(['ar', 'rcS', lib / 'libx.a', path], check=True, capture_output=True)
    path.unlink()
    report = small.check('linkage')
    (finding,) = report.errors
    assert (finding.check, finding.member) == ('linkage/malformed', 'lib/libx.a(x.o)')


def test_thin_archives(small: SmallStack, lib: Path, tmp_path: Path) -> None:
    inside = gcc(PLAIN, lib / 'objects' / 'x.o', '-c')
    outside = gcc(PLAIN, tmp_path / 'y.o', '-c')
    subprocess.run(['ar', 'rcsT', lib / 'libx.a', inside], check=True)
    assert linkage(small) == {}
    subprocess.run(['ar', 'rcsT', lib / 'liby.a', outside], check=True)
    (finding,) = small.check('linkage').errors
    assert (finding.check, finding.member) == ('linkage/thin-archive', 'lib/liby.a')
    assert 'not part of the installation' in finding.reason
    (lib / 'liby.a').unlink()
    inside.unlink()
    (finding,) = small.check('linkage').errors
    assert 'which is not there' in finding.reason


def test_a_link_out_of_a_thin_archive_is_followed(
    small: SmallStack, lib: Path, tmp_path: Path
) -> None:
    outside = gcc(PLAIN, tmp_path / 'y.o', '-c')
    (lib / 'y.o').symlink_to(outside)
    subprocess.run(['ar', 'rcsT', lib / 'liby.a', lib / 'y.o'], check=True)
    (finding,) = small.check('linkage').errors
    assert finding.check == 'linkage/thin-archive'


@pytest.fixture(scope='module')
def sound_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp('sound') / 'libx.a'
    return archive(place, {'x.o': (PLAIN,), 'a_rather_long_name.o': (AXPY,)})


@given(st.data())
@settings(
    max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
def test_mutated_archives_end_in_a_digest_or_with_a_reason(
    sound_archive: Path, data: st.DataObject
) -> None:
    content = bytearray(sound_archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = sound_archive.with_name('mutated.a')
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    assert digest_of(str(path), 'x86_64').startswith(('objects:', 'unreadable: ')) or not (
        holds_objects(str(path))
    )
    with suppress(ElfError):
        unjudged(str(path), 'x86_64')


def test_objects_for_another_machine_are_not_judged_by_the_wrong_table(
    small: SmallStack, lib: Path
) -> None:
    path = archive(lib / 'libx.a', {'x.o': (AXPY, '-O3', '-mavx2')})
    foreign(path)
    assert isa(small) == []
