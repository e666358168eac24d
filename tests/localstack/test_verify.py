"""verify finds nothing in a sound stack, and every fault that is put into one."""

import os
import subprocess
from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.localstack import host, verify_stack
from eessi_validate.localstack.catalogue import load_catalogue

pytestmark = [pytest.mark.stack, pytest.mark.slow]
ARCH = host.machine()


def checks(root: Path) -> set[tuple[str, str]]:
    (report,) = verify_stack(root, '2023.06')
    return {(f.check, Path(f.path).name) for f in report.findings}


def software(root: Path) -> Path:
    return root / 'versions/2023.06/software/linux' / ARCH / 'generic'


def test_a_sound_stack_has_no_findings(local_stack):
    (report,) = verify_stack(local_stack, '2023.06')
    assert report.findings == ()
    assert report.grade == 'native'
    assert report.elf_objects > 800
    assert report.digests > 3000
    assert report.modules_loaded == 7


def test_a_release_that_is_not_there_is_named(local_stack):
    with pytest.raises(UsageError, match=r'2023\.06'):
        verify_stack(local_stack, '2023.60')


@pytest.fixture
def openblas(own_stack):
    (path,) = software(own_stack).glob('software/OpenBLAS/*')
    return path


@pytest.fixture
def patched(openblas):
    """Run patchelf on a copy of a library of the stack; the copy goes afterwards."""
    triplet = load_catalogue().architecture(ARCH).triplet
    library = next((openblas / 'lib' / triplet).glob('**/libopenblasp*.so'))
    copy = library.parent / 'libfault.so'

    def patch(*options):
        copy.write_bytes(library.read_bytes())
        subprocess.run([host.patchelf_program(), *options, str(copy)], check=True)

    patch.rpath = subprocess.check_output(
        [host.patchelf_program(), '--print-rpath', str(library)], text=True
    ).strip()
    yield patch
    copy.unlink()


def test_a_library_of_the_host_is_found(own_stack, patched):
    libc = next(
        line.split()[-1]
        for line in Path('/proc/self/maps').read_text().splitlines()
        if 'libc.so.6' in line
    )
    patched('--force-rpath', '--set-rpath', f'{os.path.dirname(libc)}:{patched.rpath}')
    assert ('host-library', 'libfault.so') in checks(own_stack)


def test_a_library_that_is_nowhere_is_found(own_stack, patched):
    patched('--add-needed', 'libnowhere.so.1')
    assert checks(own_stack) == {('missing-library', 'libfault.so')}


def test_a_program_with_the_hosts_loader_is_found(own_stack):
    compat = own_stack / 'versions/2023.06/compat/linux' / ARCH
    copy = compat / 'usr/bin/fault'
    copy.write_bytes((compat / 'usr/bin/sed').read_bytes())
    loader = '/' + load_catalogue().architecture(ARCH).loader
    subprocess.run([host.patchelf_program(), '--set-interpreter', loader, str(copy)], check=True)
    try:
        assert checks(own_stack) == {('host-loader', 'fault')}
    finally:
        copy.unlink()


def test_a_script_without_interpreter_is_found(own_stack, openblas):
    script = openblas / 'fault'
    script.write_text('#!/nowhere/python3\n')
    script.chmod(0o755)
    try:
        assert checks(own_stack) == {('shebang', 'fault')}
    finally:
        script.unlink()


@pytest.mark.parametrize('fault', ['depends_on("Nowhere/1")', 'this is no Lua', 'os.exit(0)'])
def test_a_module_that_does_not_load_is_found(own_stack, openblas, fault):
    module = software(own_stack) / 'modules/all/OpenBLAS' / f'{openblas.name}.lua'
    sound = module.read_text()
    module.write_text(f'{sound}\n{fault}\n')
    try:
        assert checks(own_stack) == {('module', module.name)}
    finally:
        module.write_text(sound)


def test_a_changed_file_of_the_compat_layer_is_found(own_stack):
    file = own_stack / 'versions/2023.06/compat/linux' / ARCH / 'usr/share/lmod/lmod/init/sh'
    sound = file.read_bytes()
    file.write_bytes(sound + b'\n')
    try:
        assert ('changed', 'sh') in checks(own_stack)
    finally:
        file.write_bytes(sound)
    assert checks(own_stack) == set()
