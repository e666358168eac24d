"""Sound tarballs of every type and form have no finding at all."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from tar_crafting import (
    COMPAT_NAME,
    FOO,
    INIT_NAME,
    NAME,
    SOFTWARE,
    Archive,
    Tarball,
    as_json,
    edited_elf,
    elf,
    loader,
    metadata_of,
    pack,
    sound,
    sound_compat,
    sound_init,
    tarball,
)

from eessi_validate.gate.inspection import Inspection, Installed, Placed, inspect_tarball

ACCEL = f'{SOFTWARE}/accel/nvidia/cc80'


def inspect(made: Tarball, directory: Path, base: Path | None = None) -> Inspection:
    """Inspect a tarball and require that there is nothing to find."""
    path = directory / made.name
    path.write_bytes(made.packed)
    inspection = inspect_tarball(path, base=base)
    assert inspection.findings == ()
    assert inspection.facts.complete
    return inspection


@pytest.mark.parametrize('extension', ['zst', 'gz'])
@pytest.mark.parametrize('fmt', [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_software(extension: str, fmt: int, tmp_path: Path, base_stack: Path) -> None:
    made = tarball(sound(archive=Archive(fmt)), NAME.replace('zst', extension))
    inspection = inspect(made, tmp_path, base_stack)
    where = {'name': 'Foo/1.0-foss-2022b', 'subdir': 'x86_64/amd/zen2'}
    assert inspection.installations == (Installed(**where, files=3),)
    assert inspection.modules == (Placed(**where),)
    facts = inspection.facts
    assert (facts.kind, facts.release, facts.suffix) == ('software', '2023.06', '')
    assert (facts.cpu_target, facts.family) == ('x86_64/amd/zen2', 'x86_64')
    assert inspection.totals.elf_files == 1
    assert inspection.totals.new == inspection.totals.members


def test_software_of_a_release_with_suffix(tmp_path: Path) -> None:
    software = SOFTWARE.replace('2023.06', '2025.06-001')
    archive = sound(software)
    foo = f'{software}/software/Foo/1.0-foss-2022b'
    # The suffix is one of the software layer: the compat layer is the release's own.
    archive.add(f'{foo}/bin/x', elf(interpreter=loader(top='2025.06')), mode=0o755)
    compat = '/cvmfs/software.eessi.io/versions/2025.06/compat/linux/x86_64/lib64/libc.so.6'
    made = tarball(archive.symlink(f'{foo}/libc', compat), NAME.replace('2023.06', '2025.06'))
    inspection = inspect(made, tmp_path)
    assert (inspection.facts.release, inspection.facts.suffix) == ('2025.06', '-001')


def test_software_with_an_accelerator(tmp_path: Path) -> None:
    archive = sound(ACCEL, 'CUDA-thing/1.0', archive=sound())
    made = tarball(archive, NAME.replace('zen2', 'zen2-accel-nvidia-cc80'))
    inspection = inspect(made, tmp_path)
    assert inspection.facts.accel == ('accel/nvidia/cc80',)
    assert {p.subdir for p in inspection.installations} == {
        'x86_64/amd/zen2',
        'x86_64/amd/zen2/accel/nvidia/cc80',
    }


@pytest.mark.parametrize(
    'middle', ['zen2-accel-nvidia-cc80-accel-nvidia-cc90', 'zen2-accel-nvidia-cc80-nvidia-cc90']
)
def test_software_with_several_accelerators(middle: str, tmp_path: Path) -> None:
    other = ACCEL.replace('cc80', 'cc90')
    archive = sound(other, 'CUDA-thing/1.0', archive=sound(ACCEL, 'CUDA-thing/1.0'))
    inspection = inspect(tarball(archive, NAME.replace('zen2', middle)), tmp_path)
    assert inspection.facts.accel == ('accel/nvidia/cc80', 'accel/nvidia/cc90')


@pytest.mark.parametrize(
    ('target', 'machine'),
    [
        ('x86_64/generic', 62),
        ('x86_64/intel/haswell', 62),
        ('x86_64/intel/skylake_avx512', 62),
        ('aarch64/generic', 183),
        ('aarch64/neoverse_n1', 183),
        ('aarch64/graviton2', 183),
        ('aarch64/nvidia/grace', 183),
        ('ppc64le/power9le', 21),
    ],
)
def test_software_of_every_kind_of_target(target: str, machine: int, tmp_path: Path) -> None:
    software = SOFTWARE.replace('x86_64/amd/zen2', target)
    name = NAME.replace('x86_64-amd-zen2', target.replace('/', '-'))
    inspection = inspect(tarball(sound(software, machine=machine), name), tmp_path)
    assert inspection.facts.cpu_target == target


@pytest.mark.parametrize('with_release', [True, False])
@pytest.mark.parametrize('middle', ['x86_64-amd-zen2', 'x86_64'])
def test_software_in_the_form_of_2021(with_release: bool, middle: str, tmp_path: Path) -> None:
    software = SOFTWARE.replace('2023.06', '2021.06')
    archive = Archive()
    base = software if with_release else software.partition('/')[2]
    top = f'{base}/software/GROMACS/2020.4'
    archive.add(f'{base}/modules/all/GROMACS/2020.4.lua', b'-- a module\n')
    archive.add(f'{top}/bin/gmx', elf(interpreter=loader(top='2021.06')), mode=0o755)
    archive.add(f'{top}/easybuild/GROMACS-2020.4.eb', b'x')
    archive.add(f'{top}/easybuild/easybuild-GROMACS-2020.4.log', b'x')
    name = NAME.replace('2023.06', '2021.06').replace('x86_64-amd-zen2', middle)
    inspection = inspect(tarball(archive, name.replace('zst', 'gz')), tmp_path)
    assert inspection.facts.release_in_paths == with_release
    assert inspection.facts.cpu_target == 'x86_64/amd/zen2'
    assert inspection.installations[0].name == 'GROMACS/2020.4'


def test_compat(tmp_path: Path) -> None:
    inspection = inspect(tarball(sound_compat(), COMPAT_NAME), tmp_path)
    assert (inspection.facts.kind, inspection.facts.family) == ('compat', 'x86_64')
    assert inspection.installations == ()


@pytest.mark.parametrize('kind', ['init', 'scripts'])
def test_init_and_scripts(kind: str, tmp_path: Path) -> None:
    made = tarball(sound_init(kind=kind), INIT_NAME.replace('init', kind))
    assert inspect(made, tmp_path).facts.kind == kind


def test_an_init_tarball_may_replace_init_files(tmp_path: Path, base_stack: Path) -> None:
    archive = Archive().add('2023.06/init/bash', b'# the next version of init\n')
    inspection = inspect(tarball(archive, INIT_NAME), tmp_path, base_stack)
    assert inspection.totals.replaced == 1


def test_software_with_the_init_files_of_the_base(tmp_path: Path, base_stack: Path) -> None:
    archive = sound(archive=Archive().add('2023.06/init/bash', b'# init\n'))
    assert inspect(tarball(archive), tmp_path, base_stack).totals.identical == 1


def test_metadata_that_describe_the_file(tmp_path: Path) -> None:
    packed = pack(sound().bytes())
    (tmp_path / NAME).write_bytes(packed)
    metadata = tmp_path / f'{NAME}.meta.txt'
    metadata.write_bytes(as_json(metadata_of(packed)))
    inspection = inspect_tarball(tmp_path / NAME, metadata=metadata)
    assert inspection.findings == ()
    assert inspection.facts.metadata_checked
    assert inspection.facts.change == 'EESSI/software-layer#1'


@pytest.mark.parametrize(
    ('repository', 'shown'),
    [('a\ud800b', r'a\ud800b#1'), ('a\x1b[2J\nACCEPT', r'a\x1b[2J\nACCEPT#1')],
)
def test_a_pull_request_can_be_shown_whatever_it_is_called(
    tmp_path: Path, repository: str, shown: str
) -> None:
    packed = pack(sound().bytes())
    (tmp_path / NAME).write_bytes(packed)
    metadata = tmp_path / f'{NAME}.meta.txt'
    metadata.write_bytes(as_json(metadata_of(packed) | {'link2pr': {'repo': repository, 'pr': 1}}))
    inspection = inspect_tarball(tmp_path / NAME, metadata=metadata)
    assert inspection.facts.change == shown
    assert json.loads(inspection.model_dump_json())['facts']['change'] == shown


@pytest.mark.parametrize('link', [None, [], 'a#1', {}, {'repo': 'a'}, {'repo': [], 'pr': {}}])
def test_metadata_that_name_no_pull_request(tmp_path: Path, link: object) -> None:
    packed = pack(sound().bytes())
    (tmp_path / NAME).write_bytes(packed)
    metadata = tmp_path / f'{NAME}.meta.txt'
    metadata.write_bytes(as_json(metadata_of(packed) | {'link2pr': link}))
    assert inspect_tarball(tmp_path / NAME, metadata=metadata).facts.change == ''


@pytest.mark.parametrize(
    ('target', 'place'),
    [
        ('foo', 'bin/foo2'),
        ('../bin/foo', 'lib/foo'),
        ('/cvmfs/software.eessi.io/host_injections/2023.06/software/linux/CUDA/nvcc', 'bin/nvcc'),
        (f'/cvmfs/software.eessi.io/versions/{FOO}/bin/foo', 'bin/foo3'),
        ('$(EESSI_HOST_INJECTIONS:-/opt/eessi)', 'host'),
    ],
)
def test_links_that_lead_where_they_may(target: str, place: str, tmp_path: Path) -> None:
    inspect(tarball(sound().symlink(f'{FOO}/{place}', target)), tmp_path)


def test_a_link_into_the_compat_layer_of_the_base(tmp_path: Path, base_stack: Path) -> None:
    target = '../' * 9 + 'compat/linux/x86_64/lib64/libc.so.6'
    inspect(tarball(sound().symlink(f'{FOO}/lib/libc.so.6', target)), tmp_path, base_stack)


def test_a_hard_link_inside_an_installation(tmp_path: Path) -> None:
    inspect(tarball(sound().hardlink(f'{FOO}/bin/foo2', f'{FOO}/bin/foo')), tmp_path)


def test_a_hard_link_between_directories_of_a_compat_layer(tmp_path: Path) -> None:
    root = '2023.06/compat/linux/x86_64'
    archive = sound_compat().add(f'{root}/usr/bin/git', elf(), mode=0o755)
    archive.hardlink(f'{root}/usr/libexec/git-core/git', f'{root}/usr/bin/git')
    inspect(tarball(archive, COMPAT_NAME), tmp_path)


def test_software_for_a_base_in_the_form_of_2021(tmp_path: Path) -> None:
    base = tmp_path / 'pilot.eessi-hpc.org'
    software = SOFTWARE.replace('2023.06', '2021.06')
    bar = base / software / 'software' / 'Bar' / '2.0'
    bar.mkdir(parents=True)
    (bar / 'bar').write_bytes(b'old')
    (base / '2021.06' / 'init').mkdir()
    archive = Archive().add(f'{software.partition("/")[2]}/software/Bar/2.0/bar', b'new')
    path = tmp_path / NAME.replace('2023.06', '2021.06').replace('zst', 'gz')
    path.write_bytes(pack(archive.bytes(), path.name))
    inspection = inspect_tarball(path, base=base)
    assert inspection.totals.replaced == 1
    assert 'base-installation-overwritten' in inspection.counts


def test_an_edited_program(tmp_path: Path, base_stack: Path) -> None:
    archive = sound().add(f'{FOO}/bin/x', edited_elf(loader()), mode=0o755)
    assert inspect(tarball(archive), tmp_path, base_stack).totals.elf_files == 2


def test_device_code_of_an_accelerator(tmp_path: Path) -> None:
    inspect(tarball(sound().add(f'{FOO}/lib/kernel.cubin', elf(190))), tmp_path)


def test_names_in_other_languages_and_hidden_files(tmp_path: Path) -> None:
    archive = sound().add(f'{FOO}/share/Főtanúsítvány.crt', b'x').add(f'{FOO}/share/.keep')
    inspect(tarball(archive.add(f'{FOO}/share/日本語/a b (1).txt', b'x')), tmp_path)


def test_owner_of_large_number(tmp_path: Path) -> None:
    archive = Archive().add(f'{SOFTWARE}/.lmod/lmodrc.lua', b'propT = {}\n', uid=1_234_567_890)
    path = tmp_path / NAME
    path.write_bytes(pack(sound(archive=archive).bytes()))
    assert set(inspect_tarball(path).counts) == {'owner-mixed'}
