"""Hostile by the format of the archive: headers that readers take differently (point 2, 5, 11)."""

from __future__ import annotations

import tarfile

from hostile_cases import hostile
from tar_crafting import BLOCK, END, FOO, SOFTWARE, Archive, Tarball, sound, tarball, with_checksum

EVIL = f'{FOO}/lib/evil'


@hostile('archive-truncated')
def cut_inside_a_member() -> Tarball:
    return tarball(bytes(sound().add(EVIL, b'x' * 5000).data)[:-2048])


@hostile('archive-truncated')
def cut_inside_a_header() -> Tarball:
    return tarball(bytes(sound().data) + b'2023.06/software')


@hostile('end-marker-missing')
def cut_between_members() -> Tarball:
    return tarball(bytes(sound().data))


@hostile('end-marker-missing')
def half_an_end_marker() -> Tarball:
    return tarball(bytes(sound().data) + bytes(BLOCK))


@hostile('end-marker-missing')
def no_archive_at_all_inside() -> Tarball:
    return tarball(b'')


@hostile('zero-block-inside')
def one_zero_block_then_more_members() -> Tarball:
    return tarball(sound().raw(bytes(BLOCK)).add(EVIL, b'hidden from some readers'))


@hostile('data-after-end')
def second_archive_after_the_first() -> Tarball:
    return tarball(sound().bytes() + Archive().add('2023.06/compat/evil', b'x').bytes())


@hostile('data-after-end')
def bytes_hidden_in_the_padding() -> Tarball:
    return tarball(sound().bytes() + bytes(4096) + b'hidden' + bytes(506))


@hostile('padding-too-long')
def endless_zeros_at_the_end() -> Tarball:
    return tarball(sound().bytes() + bytes(6 << 20))


@hostile('header-checksum')
def wrong_checksum() -> Tarball:
    data = bytearray(sound().add(EVIL).bytes())
    data[-BLOCK * 2 - BLOCK + 5] ^= 1
    return tarball(bytes(data))


@hostile('header-format')
def header_of_1979() -> Tarball:
    return tarball(sound().header('2023.06/x', {(257, 255): b''}))


@hostile('header-format')
def header_of_an_unknown_format() -> Tarball:
    return tarball(sound().header('2023.06/x', {(257, 8): b'ustar\x0099'}))


@hostile('header-number')
def negative_size() -> Tarball:
    return tarball(sound().header('2023.06/x', {(124, 12): b'-0000001000\0'}))


@hostile('header-number')
def size_in_the_notation_of_python() -> Tarball:
    return tarball(sound().header('2023.06/x', {(124, 12): b'0o000001000\0'}))


@hostile('header-number')
def size_with_underscores() -> Tarball:
    return tarball(sound().header('2023.06/x', {(124, 12): b'0_000001000\0'}))


@hostile('header-number')
def size_with_digits_beyond_seven() -> Tarball:
    return tarball(sound().header('2023.06/x', {(124, 12): b'00000000999\0'}))


@hostile('header-number')
def size_beyond_all_disks() -> Tarball:
    return tarball(sound().header('2023.06/x', {(124, 12): b'\x80' + b'\xff' * 11}))


@hostile('archive-truncated')
def size_of_an_exabyte() -> Tarball:
    size = b'\x80' + (1 << 60).to_bytes(11, 'big')
    return tarball(sound().header(EVIL[:90], {(124, 12): size}))


@hostile('header-number')
def mode_in_binary_notation() -> Tarball:
    return tarball(sound().header('2023.06/x', {(100, 8): b'\x80' + b'\xff' * 7}))


@hostile('header-number')
def letters_as_device_number() -> Tarball:
    return tarball(sound().header('2023.06/x', {(329, 8): b'L'}))


@hostile('header-ambiguous')
def prefix_in_a_gnu_header() -> Tarball:
    return tarball(sound().header('etc/passwd', {(345, 20): b'../../..'}))


@hostile('header-ambiguous')
def bytes_in_the_reserved_end() -> Tarball:
    archive = Archive(tarfile.USTAR_FORMAT)
    return tarball(sound(archive=archive).header('2023.06/x', {(508, 4): b'tar\0'}))


@hostile('header-ambiguous')
def prefix_that_ends_in_a_slash() -> Tarball:
    archive = Archive(tarfile.USTAR_FORMAT)
    return tarball(sound(archive=archive).header('x', {(345, 20): b'2023.06/software/'}))


@hostile('header-ambiguous')
def name_that_goes_on_after_its_end() -> Tarball:
    return tarball(sound().header('x', {(0, 40): b'2023.06/software\0/../../etc/passwd'}))


@hostile('header-ambiguous')
def member_without_a_name() -> Tarball:
    return tarball(sound().header('x', {(0, 100): b''}))


@hostile('header-ambiguous')
def file_whose_name_ends_in_a_slash() -> Tarball:
    return tarball(sound().header('x', {(0, 100): b'2023.06/software/linux/'}))


@hostile('extended-header-repeated')
def two_long_names_for_one_member() -> Tarball:
    archive = sound().long(b'L', b'2023.06/a\0').long(b'L', b'2023.06/b\0')
    return tarball(archive.add('2023.06/a'))


@hostile('extended-header-malformed')
def long_name_with_bytes_after_its_end() -> Tarball:
    return tarball(sound().long(b'L', b'2023.06/a\0/../../x\0').add('2023.06/a'))


@hostile('extended-header-malformed')
def long_name_without_an_end() -> Tarball:
    return tarball(sound().long(b'L', b'2023.06/a').add('2023.06/a'))


@hostile('extended-header-lonely')
def long_name_for_no_member() -> Tarball:
    return tarball(sound().long(b'L', b'2023.06/a\0'))


@hostile('extended-header-too-long')
def long_name_of_a_megabyte() -> Tarball:
    return tarball(sound().long(b'L', b'a' * (1 << 20) + b'\0').add('a'))


@hostile('header-ambiguous')
def long_link_target_of_a_file() -> Tarball:
    return tarball(sound().long(b'K', b'2023.06/a\0').add('2023.06/a'))


@hostile('header-ambiguous')
def long_name_over_a_traversal() -> Tarball:
    name = EVIL.encode() + b'\0'
    return tarball(sound().long(b'L', name).header('x', {(0, 100): b'../../etc/passwd'}))


@hostile('header-ambiguous')
def pax_path_over_an_unlike_name() -> Tarball:
    return tarball(sound().pax(b'path=' + EVIL.encode()).add('etc/passwd'))


@hostile('header-ambiguous')
def long_name_and_pax_header() -> Tarball:
    archive = sound().long(b'L', EVIL.encode() + b'\0').pax(b'path=' + EVIL.encode())
    return tarball(archive.add('2023.06'))


@hostile('header-ambiguous')
def sizes_that_contradict_each_other() -> Tarball:
    return tarball(sound().pax(b'size=0').add('2023.06/x', b'x' * 600))


@hostile('pax-malformed')
def pax_record_longer_than_its_header() -> Tarball:
    header = {(124, 12): b'%011o\0' % 20, (156, 1): b'x'}
    return tarball(sound().header('pax', header).raw(b'99 path=2023.06/evil').add('2023.06/x'))


@hostile('pax-malformed')
def pax_path_with_a_null_byte() -> Tarball:
    return tarball(sound().pax(b'path=2023.06/a\0b').add('2023.06/x'))


@hostile('pax-repeated')
def pax_path_twice() -> Tarball:
    return tarball(sound().pax(b'path=2023.06/a', b'path=2023.06/b').add('2023.06/x'))


@hostile('pax-unknown')
def pax_character_set() -> Tarball:
    return tarball(sound().pax(b'hdrcharset=BINARY').add('2023.06/x'))


@hostile('pax-global')
def pax_header_for_all_members() -> Tarball:
    first = Archive().pax(b'mtime=1', typeflag=b'g')
    return tarball(sound(archive=first))


@hostile('member-sparse')
def sparse_file_of_an_exabyte() -> Tarball:
    records = (b'GNU.sparse.major=1', b'GNU.sparse.realsize=1152921504606846976')
    return tarball(sound().pax(*records).add('2023.06/x'))


@hostile('member-sparse')
def sparse_file_in_the_old_notation() -> Tarball:
    block = bytearray(Archive().add(EVIL[:90], type=b'S').data)
    return tarball(sound().raw(with_checksum(bytes(block))))


@hostile('member-multi-volume')
def rest_of_another_volume() -> Tarball:
    return tarball(sound().add(EVIL[:90], type=b'M'))


@hostile('size-without-content')
def directory_with_a_size() -> Tarball:
    return tarball(sound().header(EVIL[:90], {(124, 12): b'00000001000\0', (156, 1): b'5'}))


@hostile('size-without-content')
def symbolic_link_with_a_size() -> Tarball:
    edit = {(124, 12): b'00000001000\0', (156, 1): b'2', (157, 100): b'foo'}
    return tarball(sound().header(EVIL[:90], edit))


@hostile('member-type')
def character_device() -> Tarball:
    return tarball(sound().add(EVIL, type=tarfile.CHRTYPE, devmajor=1, devminor=3))


@hostile('member-type')
def block_device() -> Tarball:
    return tarball(sound().add(EVIL, type=tarfile.BLKTYPE, devmajor=8, devminor=0))


@hostile('member-type')
def named_pipe() -> Tarball:
    return tarball(sound().add(EVIL, type=tarfile.FIFOTYPE))


@hostile('member-type')
def contiguous_file() -> Tarball:
    return tarball(sound().add(EVIL, b'x', type=tarfile.CONTTYPE))


@hostile('member-type')
def file_of_an_unknown_type() -> Tarball:
    return tarball(sound().add(EVIL, b'x', type=b'Z'))


@hostile('member-type')
def file_in_the_notation_of_1979() -> Tarball:
    return tarball(sound().add(EVIL, b'x', type=b'\0'))


@hostile('member-type')
def volume_label() -> Tarball:
    return tarball(sound().header(EVIL[:90], {(156, 1): b'V'}))


@hostile('pax-attributes')
def file_with_capabilities() -> Tarball:
    value = b'SCHILY.xattr.security.capability=\x01\0\0\x02'
    return tarball(sound().pax(value).add(EVIL[:90]))


@hostile('pax-attributes')
def file_with_an_access_list() -> Tarball:
    return tarball(sound().pax(b'SCHILY.acl.access=user::rwx').add(EVIL[:90]))


@hostile('nothing-shipped')
def archive_without_members() -> Tarball:
    return tarball(END + bytes(9216))


@hostile('extended-header-too-long')
def pax_header_of_a_megabyte() -> Tarball:
    return tarball(sound().pax(b'path=' + b'a' * (1 << 20)).add(f'{SOFTWARE}/x'))
