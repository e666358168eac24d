"""Hostile by its members: names, places, links, modes, overwriting, content (points 3 to 12)."""

from __future__ import annotations

import tarfile

from hostile_cases import hostile
from tar_crafting import (
    COMPAT_NAME,
    FOO,
    INIT_NAME,
    NAME,
    RELEASE,
    SOFTWARE,
    Archive,
    Tarball,
    edited_elf,
    elf,
    loader,
    module,
    sound,
    sound_compat,
    sound_init,
    tarball,
)

BAR = f'{SOFTWARE}/software/Bar/2.0'
HASWELL = SOFTWARE.replace('amd/zen2', 'intel/haswell')
GRAVITON = NAME.replace('x86_64-amd-zen2', 'aarch64-neoverse_n1')


# Names and places.


@hostile('name-absolute')
def absolute_path() -> Tarball:
    return tarball(sound().add('/etc/shadow', b'x'))


@hostile('name-dotdot')
def path_out_of_the_repository() -> Tarball:
    return tarball(sound().add('../../etc/passwd', b'x'))


@hostile('name-dotdot')
def path_out_of_the_installation_and_back() -> Tarball:
    return tarball(sound().add(f'{FOO}/../1.0-foss-2022b/lib/x', b'x'))


@hostile('name-dot')
def path_that_begins_with_a_dot() -> Tarball:
    return tarball(sound().add(f'./{FOO}/lib/x', b'x'))


@hostile('name-dot')
def path_with_two_slashes() -> Tarball:
    return tarball(sound().add(f'{FOO}//lib/x', b'x'))


@hostile('name-control-character')
def newline_in_a_name() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/a\nb', b'x'))


@hostile('name-control-character')
def escape_sequence_in_a_name() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/\x1b[2Jx', b'x'))


@hostile('name-control-character')
def text_direction_turned_around_in_a_name() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/lib\u202eos.x', b'x'))


@hostile('name-control-character')
def invisible_space_in_a_directory_name() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib\u200b/x', b'x'))


@hostile('name-encoding')
def name_in_latin_1() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/caf'.encode() + b'\xe9', b'x'))


@hostile('name-encoding')
def name_in_utf_16() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/'.encode() + b'\xff\xfea', b'x'))


@hostile('name-edge-space')
def space_at_the_end_of_a_name() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/foo ', b'x'))


@hostile('name-too-long')
def component_of_300_bytes() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/{"x" * 300}', b'x'))


@hostile('name-too-long')
def path_of_5000_bytes() -> Tarball:
    return tarball(sound().add(f'{FOO}/{"x/" * 2500}y', b'x'))


@hostile('member-other-release')
def file_of_another_release() -> Tarball:
    return tarball(sound().add(FOO.replace(RELEASE, '2021.12') + '/x', b'x'))


@hostile('member-other-release')
def release_with_and_without_suffix() -> Tarball:
    return tarball(sound().add(FOO.replace(RELEASE, '2023.06-001') + '/x', b'x'))


@hostile('member-other-release', 'nothing-shipped', 'elf-interpreter')
def whole_tarball_of_another_release() -> Tarball:
    return tarball(sound(SOFTWARE.replace(RELEASE, '2025.06')))


@hostile('member-other-type')
def c_library_in_a_software_tarball() -> Tarball:
    return tarball(sound().add('2023.06/compat/linux/x86_64/lib64/libc.so.6', elf()))


@hostile('member-other-type')
def second_entry_that_turns_ingestion_to_compat() -> Tarball:
    archive = Archive().add(f'{SOFTWARE}/.lmod/lmodrc.lua', b'propT = {}\n')
    archive.add('2023.06/compat/linux/x86_64/startprefix', b'#!/bin/sh\n', mode=0o755)
    return tarball(sound(archive=archive))


@hostile('member-other-type')
def software_in_a_compat_tarball() -> Tarball:
    return tarball(sound_compat().add(f'{FOO}/x', b'x'), COMPAT_NAME)


@hostile('member-other-type')
def software_in_an_init_tarball() -> Tarball:
    return tarball(sound_init().add(f'{FOO}/x', b'x'), INIT_NAME)


@hostile('member-other-target')
def haswell_file_in_a_zen2_tarball() -> Tarball:
    return tarball(sound().add(f'{HASWELL}/software/Foo/1.0-foss-2022b/x', b'x'))


@hostile('member-other-target', 'nothing-shipped')
def haswell_tarball_called_zen2() -> Tarball:
    return tarball(sound(HASWELL))


@hostile('member-other-target', 'nothing-shipped')
def linux_sparc() -> Tarball:
    return tarball(Archive().add('2023.06/software/linux/sparc/foo', b'x'))


@hostile('member-other-target')
def accelerator_that_the_name_does_not_have() -> Tarball:
    return tarball(sound().add(f'{SOFTWARE}/accel/nvidia/cc90/software/Foo/1.0/x', b'x'))


@hostile('member-other-target')
def another_accelerator_than_in_the_name() -> Tarball:
    name = NAME.replace('zen2', 'zen2-accel-nvidia-cc80')
    return tarball(sound().add(f'{SOFTWARE}/accel/nvidia/cc90/software/Foo/1.0/x', b'x'), name)


@hostile('member-other-target', 'nothing-shipped')
def another_name_of_the_same_target() -> Tarball:
    software = SOFTWARE.replace('x86_64/amd/zen2', 'aarch64/graviton2')
    return tarball(sound(software, machine=183), GRAVITON)


@hostile('member-outside-prefix')
def file_beside_the_areas_of_a_target() -> Tarball:
    return tarball(sound().add(f'{SOFTWARE}/bin/x', b'x'))


@hostile('member-outside-prefix')
def file_at_the_top_of_the_repository() -> Tarball:
    return tarball(sound().add('README', b'x'))


@hostile('member-other-target')
def hidden_old_compat_layer() -> Tarball:
    return tarball(
        sound_compat().add('2023.06/compat/linux/.x86_64-001/startprefix', b'x'), COMPAT_NAME
    )


@hostile('member-misplaced')
def file_beside_the_versions_of_a_software() -> Tarball:
    return tarball(sound().add(f'{SOFTWARE}/software/Foo/x', b'x'))


@hostile('member-misplaced')
def link_beside_the_modules() -> Tarball:
    return tarball(sound().symlink(f'{SOFTWARE}/modules/all/Bar', 'Foo'))


@hostile('init-in-software-tarball')
def stale_init_files() -> Tarball:
    archive = Archive().add('2023.06/init/bash', b'# init of last week\n')
    return tarball(sound(archive=archive), with_base=True)


@hostile('init-in-software-tarball')
def new_init_file() -> Tarball:
    return tarball(sound().add('2023.06/init/zsh', b'evil\n'), with_base=True)


@hostile('init-in-software-tarball')
def init_files_and_nothing_to_compare_with() -> Tarball:
    return tarball(sound().add('2023.06/init/bash', b'# init\n'))


# Duplicates and paths through links.


@hostile('member-duplicate')
def file_twice() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/foo', b'other', mode=0o755))


@hostile('member-duplicate')
def directory_twice() -> Tarball:
    return tarball(sound().directory(f'{FOO}/bin'))


@hostile('path-file-and-directory')
def file_then_directory() -> Tarball:
    return tarball(sound().directory(f'{FOO}/bin/foo'))


@hostile('path-file-and-directory')
def directory_then_file() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin', b'x'))


@hostile('path-file-and-directory')
def member_below_a_file() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/foo/x', b'x'))


@hostile('member-through-symlink', 'symlink-absolute')
def member_below_a_link_out() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', '/etc').add(f'{FOO}/lib/passwd', b'x'))


@hostile('member-through-symlink')
def link_that_comes_after_the_members_below_it() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/x', b'x').symlink(f'{FOO}/lib', 'bin'))


@hostile('member-through-base-symlink', 'base-installation-overwritten', 'base-stale-files')
def member_below_a_link_of_the_base_stack() -> Tarball:
    return tarball(sound().add(f'{BAR}/lib64/libevil.so', b'x'), with_base=True)


@hostile('name-collision', 'module-without-installation')
def module_that_differs_in_case_only() -> Tarball:
    text = module(SOFTWARE, 'foo/1.0-foss-2022b')
    return tarball(sound().add(f'{SOFTWARE}/modules/all/foo/1.0-foss-2022b.lua', text))


@hostile('name-collision')
def software_that_differs_in_unicode_form_only() -> Tarball:
    archive = sound(SOFTWARE, 'Caf\u00e9/1.0')
    return tarball(sound(SOFTWARE, 'Cafe\u0301/1.0', archive=archive))


# Links.


@hostile('hardlink-target-missing')
def hard_link_to_the_base_stack() -> Tarball:
    target = '2023.06/compat/linux/x86_64/lib64/libc.so.6'
    return tarball(sound().hardlink(f'{FOO}/lib/libc.so.6', target), with_base=True)


@hostile('hardlink-target-missing')
def hard_link_to_a_later_member() -> Tarball:
    return tarball(sound().hardlink(f'{FOO}/lib/x', f'{FOO}/lib/y').add(f'{FOO}/lib/y', b'x'))


@hostile('hardlink-target-missing')
def hard_link_to_a_directory() -> Tarball:
    return tarball(sound().hardlink(f'{FOO}/lib/x', f'{FOO}/bin'))


# GNU tar shows the target without what leads out: the two readings do not agree on it.
@hostile('hardlink-target-missing', 'readings-disagree')
def hard_link_out_of_the_repository() -> Tarball:
    return tarball(sound().hardlink(f'{FOO}/lib/x', '../../../etc/passwd'))


@hostile('hardlink-outside-installation')
def hard_link_to_another_installation() -> Tarball:
    archive = sound(SOFTWARE, 'Baz/1.0')
    target = f'{SOFTWARE}/software/Baz/1.0/bin/foo'
    return tarball(sound(archive=archive).hardlink(f'{FOO}/lib/x', target))


@hostile('symlink-absolute')
def link_to_the_host() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/etc', '/etc'))


@hostile('symlink-absolute')
def link_back_out_of_the_mount_point() -> Tarball:
    target = '/cvmfs/software.eessi.io/host_injections/../../../etc/passwd'
    return tarball(sound().symlink(f'{FOO}/etc', target))


@hostile('symlink-escapes')
def link_up_to_the_host() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', '../' * 20 + 'etc/passwd'))


@hostile('symlink-escapes', 'symlink-other-target')
def link_out_in_two_steps() -> Tarball:
    archive = sound().symlink(f'{FOO}/up', '../../../../../../../..')
    return tarball(archive.symlink(f'{FOO}/out', 'up/../../etc/passwd'))


@hostile('symlink-other-target')
def link_to_another_target() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', '../../../../../intel/haswell/software'))


@hostile('symlink-other-target')
def link_to_another_release() -> Tarball:
    target = f'/cvmfs/software.eessi.io/versions/2025.06/software/linux/{SOFTWARE}'
    return tarball(sound().symlink(f'{FOO}/lib', target))


@hostile('symlink-other-target')
def link_to_another_repository() -> Tarball:
    target = f'/cvmfs/other.eessi.io/versions/{FOO}/bin/foo'
    return tarball(sound().symlink(f'{FOO}/bin/x', target), with_base=True)


@hostile('symlink-other-target')
def links_to_two_repositories() -> Tarball:
    archive = sound()
    for number, name in enumerate(('software', 'other')):
        target = f'/cvmfs/{name}.eessi.io/versions/{FOO}/bin/foo'
        archive.symlink(f'{FOO}/bin/x{number}', target)
    return tarball(archive)


@hostile('symlink-other-target')
def link_from_init_to_software() -> Tarball:
    return tarball(sound_init().symlink('2023.06/init/x', '../software'), INIT_NAME)


@hostile('symlink-variant')
def link_that_clients_expand() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', '$(HOME:-/tmp)/lib'))


@hostile('symlink-loop')
def link_to_itself() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', 'lib'))


@hostile('symlink-loop')
def two_links_to_each_other() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/a', 'b').symlink(f'{FOO}/b', 'a'))


@hostile('symlink-loop')
def links_that_take_hours_to_follow() -> Tarball:
    archive = sound().directory(f'{FOO}/d')
    for number in range(40):
        archive.symlink(f'{FOO}/d/{number}', 'x/../' * 700 + str(number + 1))
    archive.directory(f'{FOO}/d/x').directory(f'{FOO}/d/40')
    for number in range(300):
        archive.symlink(f'{FOO}/d/n{number}', '0')
    return tarball(archive, limits={'link_steps': 100_000})


@hostile('symlink-dangling')
def link_to_nothing() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', 'lib64'), with_base=True)


@hostile('symlink-dangling')
def link_to_a_compat_file_that_is_not_there() -> Tarball:
    target = '/cvmfs/software.eessi.io/versions/2023.06/compat/linux/x86_64/lib/none.so'
    return tarball(sound().symlink(f'{FOO}/lib', target), with_base=True)


@hostile('symlink-empty')
def link_without_a_target() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib', type=tarfile.SYMTYPE))


@hostile('symlink-empty')
def link_with_an_escape_sequence() -> Tarball:
    return tarball(sound().symlink(f'{FOO}/lib', 'bin\x1b[2J'))


# Modes, owners, reserved names.


@hostile('mode-setuid')
def program_that_runs_as_root() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/su', b'x', mode=0o4755))


@hostile('mode-setuid')
def setgid_directory() -> Tarball:
    return tarball(sound().directory(f'{FOO}/lib', mode=0o2755))


@hostile('mode-sticky', 'mode-world-writable')
def directory_like_tmp() -> Tarball:
    return tarball(sound().directory(f'{FOO}/tmp', mode=0o1777))


@hostile('mode-world-writable')
def file_that_everyone_may_write() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/x', b'x', mode=0o666))


@hostile('mode-setuid')
def hard_link_with_setuid_bit() -> Tarball:
    return tarball(
        sound().add(f'{FOO}/bin/su', type=tarfile.LNKTYPE, linkname=f'{FOO}/bin/foo', mode=0o4755)
    )


@hostile('mode-unreadable')
def file_for_its_owner_only() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/x', b'x', mode=0o600))


@hostile('mode-unreadable')
def directory_for_its_owner_only() -> Tarball:
    return tarball(sound().directory(f'{FOO}/lib', mode=0o700))


@hostile('mode-unreadable')
def program_for_its_owner_only() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/x', b'x', mode=0o744))


@hostile('mode-unknown')
def mode_with_bits_of_a_file_type() -> Tarball:
    return tarball(sound().header(f'{FOO}/x', {(100, 8): b'0100644\0'}))


@hostile('reserved-whiteout')
def whiteout() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/.wh.libfoo.so'))


@hostile('reserved-whiteout')
def opaque_directory() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/.wh..wh..opq'))


@hostile('reserved-cvmfs')
def nested_catalog() -> Tarball:
    return tarball(sound().add(f'{FOO}/.cvmfscatalog'))


@hostile('reserved-cvmfs')
def directory_of_cernvm_fs() -> Tarball:
    return tarball(sound().add(f'{FOO}/.cvmfs/master', b'x'))


@hostile('reserved-leftover')
def git_repository() -> Tarball:
    return tarball(sound().add(f'{FOO}/.git/config', b'x'))


@hostile('reserved-leftover')
def file_deleted_on_nfs() -> Tarball:
    return tarball(sound().add(f'{FOO}/lib/.nfs000000000123456700000001', b'x'))


# What it does to the base stack.


@hostile('base-installation-overwritten')
def file_of_another_installation_replaced() -> Tarball:
    archive = sound().add(f'{BAR}/bin/bar', b'#!/bin/sh\nevil\n', mode=0o755)
    archive.add(f'{BAR}/lib/libbar.so', b'as it was').symlink(f'{BAR}/lib64', 'lib')
    return tarball(archive, with_base=True)


@hostile('base-installation-overwritten', 'base-stale-files')
def file_added_to_another_installation() -> Tarball:
    return tarball(sound().add(f'{BAR}/lib/libm.so.6', elf()), with_base=True)


@hostile('base-installation-overwritten')
def module_of_another_installation_replaced() -> Tarball:
    text = module(SOFTWARE, 'Bar/2.0') + b'setenv("LD_PRELOAD", "/tmp/x.so")\n'
    return tarball(sound().add(f'{SOFTWARE}/modules/all/Bar/2.0.lua', text), with_base=True)


@hostile('base-type-changed')
def directory_of_the_base_becomes_a_file() -> Tarball:
    return tarball(sound().add(f'{BAR}/bin', b'x'), with_base=True)


@hostile('base-type-changed')
def directory_of_the_base_becomes_a_link() -> Tarball:
    return tarball(sound().symlink(f'{BAR}/bin', 'lib'), with_base=True)


@hostile('base-type-changed', 'base-installation-overwritten', 'base-stale-files')
def file_of_the_base_becomes_a_directory() -> Tarball:
    return tarball(sound().add(f'{BAR}/bin/bar/x', b'x'), with_base=True)


@hostile('base-release-missing')
def first_software_of_a_release() -> Tarball:
    software = SOFTWARE.replace(RELEASE, '2025.06')
    return tarball(sound(software), NAME.replace(RELEASE, '2025.06'), with_base=True)


# What is missing.


@hostile('nothing-shipped')
def tarball_with_lmod_files_only() -> Tarball:
    return tarball(Archive().add(f'{SOFTWARE}/.lmod/lmodrc.lua', b'propT = {}\n'))


@hostile('nothing-shipped')
def init_tarball_without_files() -> Tarball:
    return tarball(Archive().directory('2023.06/init'), INIT_NAME)


@hostile('module-without-installation')
def module_without_installation() -> Tarball:
    text = module(SOFTWARE, 'Baz/1.0')
    return tarball(sound().add(f'{SOFTWARE}/modules/all/Baz/1.0.lua', text))


@hostile('installation-without-module', 'installation-without-easyconfig', 'reprod-missing')
def installation_without_module_and_records() -> Tarball:
    return tarball(sound().add(f'{SOFTWARE}/software/Baz/1.0/bin/baz', b'x', mode=0o755))


@hostile('installation-without-module', 'installation-empty')
def installation_without_files() -> Tarball:
    return tarball(sound().directory(f'{SOFTWARE}/software/Baz/1.0/bin'))


@hostile('compat-incomplete')
def compat_layer_without_startprefix() -> Tarball:
    root = '2023.06/compat/linux/x86_64'
    return tarball(
        Archive().add(f'{root}/lib64/ld-linux-x86-64.so.2', elf(), mode=0o755), COMPAT_NAME
    )


@hostile('compat-incomplete')
def compat_layer_without_loader() -> Tarball:
    root = '2023.06/compat/linux/x86_64'
    return tarball(Archive().add(f'{root}/startprefix', b'#!/bin/sh\n', mode=0o755), COMPAT_NAME)


# Content.


@hostile('elf-architecture')
def x86_64_programs_called_aarch64() -> Tarball:
    return tarball(sound(SOFTWARE.replace('x86_64/amd/zen2', 'aarch64/neoverse_n1')), GRAVITON)


@hostile('elf-architecture')
def program_for_32_bits() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/old', elf(3, 2, bits=1), mode=0o755))


@hostile('elf-interpreter')
def program_with_the_loader_of_the_host() -> Tarball:
    program = elf(interpreter=b'/lib64/ld-linux-x86-64.so.2')
    return tarball(sound().add(f'{FOO}/bin/x', program, mode=0o755))


@hostile('elf-interpreter')
def program_with_the_loader_of_another_release() -> Tarball:
    program = elf(interpreter=loader(top='2021.12'))
    return tarball(sound().add(f'{FOO}/bin/x', program, mode=0o755))


@hostile('elf-interpreter')
def edited_program_with_the_loader_of_the_host() -> Tarball:
    program = edited_elf(b'/lib64/ld-linux-x86-64.so.2')
    return tarball(sound().add(f'{FOO}/bin/x', program, mode=0o755), with_base=True)


@hostile('elf-interpreter')
def program_with_a_loader_in_tmp() -> Tarball:
    program = elf(interpreter=b'/tmp/versions/2023.06/compat/linux/x86_64/lib64/ld.so')
    return tarball(sound().add(f'{FOO}/bin/x', program, mode=0o755), with_base=True)


@hostile('elf-interpreter')
def program_with_a_loader_up_and_away() -> Tarball:
    program = elf(interpreter=loader() + b'/../../../../../../../../../tmp/ld.so')
    return tarball(sound().add(f'{FOO}/bin/x', program, mode=0o755))


@hostile('core-dump')
def core_dump() -> Tarball:
    return tarball(sound().add(f'{FOO}/bin/core.4711', elf(kind=4)))


@hostile('shebang-build-path')
def script_of_the_build_directory() -> Tarball:
    text = b'#!/tmp/bot/easybuild/build/python3\n'
    return tarball(sound().add(f'{FOO}/bin/x', text, mode=0o755))


@hostile('shebang-build-path')
def script_of_a_copy_of_the_release_elsewhere() -> Tarball:
    text = b'#!/tmp/copy/versions/2023.06/compat/linux/x86_64/usr/bin/python3\n'
    return tarball(sound().add(f'{FOO}/bin/x', text, mode=0o755), with_base=True)


@hostile('shebang-build-path')
def script_up_and_away_from_the_release() -> Tarball:
    text = b'#!/tmp/versions/2023.06/compat/linux/x86_64/../../../../../x/python3\n'
    return tarball(sound().add(f'{FOO}/bin/x', text, mode=0o755))


@hostile('module-root-differs')
def module_of_another_target() -> Tarball:
    archive = sound(SOFTWARE, 'Baz/1.0')
    wrong = module(HASWELL, 'Baz/1.0')
    right = module(SOFTWARE, 'Baz/1.0')
    data = bytes(archive.data)
    start = data.index(right)
    header = data.rindex(b'ustar', 0, start) - 257
    block = bytearray(data[header : header + 512])
    block[124:136] = b'%011o\0' % len(wrong)
    from tar_crafting import with_checksum

    made = Archive().raw(data[:header]).raw(with_checksum(bytes(block))).raw(wrong)
    return tarball(made.raw(data[start + len(right) + -len(right) % 512 :]))


# Several at once, as one tarball that today's ingestion takes.


@hostile(
    'member-other-target',
    'member-other-type',
    'member-other-release',
    'name-dotdot',
    'name-absolute',
    'mode-setuid',
    'owner-root',
    'owner-mixed',
    'member-type',
    'symlink-absolute',
    'hardlink-target-missing',
    'reserved-whiteout',
    'reserved-cvmfs',
)
def everything_that_ingestion_takes_today() -> Tarball:
    archive = sound().add(f'{HASWELL}/software/Foo/1.0-foss-2022b/x', b'x')
    archive.add('2023.06/compat/linux/x86_64/lib64/libc.so.6', b'x')
    archive.add('2021.12/software/x', b'x').add('../../etc/passwd', b'x').add('/etc/shadow', b'x')
    archive.add(f'{FOO}/bin/su', b'x', mode=0o4755, uid=0)
    archive.add(f'{FOO}/null', type=tarfile.CHRTYPE, devmajor=1, devminor=3)
    archive.add(f'{FOO}/pipe', type=tarfile.FIFOTYPE).symlink(f'{FOO}/etc', '/etc')
    archive.hardlink(f'{FOO}/libc.so.6', '/lib64/libc.so.6')
    archive.add(f'{FOO}/.wh.1').add(f'{FOO}/.wh..wh..opq').add(f'{FOO}/.cvmfscatalog')
    return tarball(archive)
