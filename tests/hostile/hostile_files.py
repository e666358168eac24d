"""Hostile by the file: its name, its metadata, its compression (points 1 and 2)."""

from __future__ import annotations

import gzip
import lzma

from hostile_cases import hostile
from tar_crafting import (
    COMPAT_NAME,
    FOO,
    NAME,
    Tarball,
    bomb,
    metadata_of,
    pack,
    sound,
    sound_compat,
    tarball,
    zstd,
)

GZ = NAME.replace('.zst', '.gz')
SOUND = sound().bytes()


@hostile('name-malformed')
def named_like_a_source_archive() -> Tarball:
    return Tarball(pack(SOUND), 'gromacs-2024.tar.zst')


@hostile('name-malformed')
def not_compressed_by_its_name() -> Tarball:
    return Tarball(SOUND, NAME.removesuffix('.zst'))


@hostile('name-malformed')
def thirteenth_month() -> Tarball:
    return Tarball(pack(SOUND), NAME.replace('2023.06', '2023.13'))


@hostile('name-malformed')
def software_without_target() -> Tarball:
    return Tarball(pack(SOUND), 'eessi-2023.06-software-1700000000.tar.zst')


@hostile('name-malformed')
def scripts_with_target() -> Tarball:
    return Tarball(pack(SOUND), NAME.replace('software', 'scripts'))


@hostile('name-target-unknown')
def target_with_a_typing_error() -> Tarball:
    return Tarball(pack(SOUND), NAME.replace('zen2', 'zen22'))


@hostile('name-target-unknown')
def compat_for_sparc() -> Tarball:
    return tarball(sound_compat(), COMPAT_NAME.replace('x86_64', 'sparc'))


@hostile('name-has-project')
def development_project_in_production() -> Tarball:
    return Tarball(pack(SOUND), NAME.replace('zen2', 'zen2-myproject'))


@hostile('name-compression')
def gzip_called_zstd() -> Tarball:
    return Tarball(gzip.compress(SOUND), NAME)


@hostile('name-compression')
def plain_called_gzip() -> Tarball:
    return Tarball(SOUND, GZ)


@hostile('metadata-digest-differs')
def exchanged_after_it_was_announced() -> Tarball:
    packed = pack(SOUND)
    return Tarball(packed, metadata=metadata_of(packed, sha256sum='0' * 64))


@hostile('metadata-size-differs')
def of_another_size_than_announced() -> Tarball:
    packed = pack(SOUND)
    return Tarball(packed, metadata=metadata_of(packed, size='25394'))


@hostile('metadata-filename-differs', 'metadata-url-differs')
def renamed_within_a_target() -> Tarball:
    packed = pack(SOUND)
    announced = NAME.replace('1700000000', '1700000001')
    return Tarball(
        packed, metadata=metadata_of(packed, filename=announced, url=f'https://b.example/{NAME}')
    )


@hostile('metadata-filename-differs', 'member-other-target', 'nothing-shipped')
def zen2_renamed_to_haswell_still_validly_signed() -> Tarball:
    packed = pack(SOUND)
    name = NAME.replace('amd-zen2', 'intel-haswell')
    return Tarball(packed, name, metadata=metadata_of(packed, NAME))


@hostile('metadata-filename-differs')
def announced_with_an_escape_sequence() -> Tarball:
    packed = pack(SOUND)
    return Tarball(packed, metadata=metadata_of(packed, filename='\x1b[2J\n', url=''))


@hostile('metadata-url-differs')
def announced_for_another_object() -> Tarball:
    packed = pack(SOUND)
    return Tarball(packed, metadata=metadata_of(packed, url='https://b.example/other.tar.zst'))


@hostile('metadata-unreadable')
def metadata_that_are_no_json() -> Tarball:
    return Tarball(pack(SOUND), metadata=b'{"payload": ')


@hostile('metadata-unreadable')
def metadata_that_say_it_twice() -> Tarball:
    return Tarball(pack(SOUND), metadata=b'{"payload": {"size": "1", "size": "2"}}')


@hostile('metadata-unreadable')
def metadata_of_two_megabytes() -> Tarball:
    return Tarball(pack(SOUND), metadata=b' ' * (2 << 20))


@hostile('metadata-unreadable')
def metadata_nested_without_end() -> Tarball:
    return Tarball(pack(SOUND), metadata=b'[' * 500_000)


@hostile('metadata-incomplete')
def metadata_without_a_digest() -> Tarball:
    packed = pack(SOUND)
    return Tarball(packed, metadata=metadata_of(packed, sha256sum=''))


@hostile('metadata-action')
def metadata_that_ask_to_delete() -> Tarball:
    packed = pack(SOUND)
    return Tarball(packed, metadata=metadata_of(packed) | {'task': {'action': 'delete'}})


@hostile('compression-unknown')
def empty_file() -> Tarball:
    return Tarball(b'')


@hostile('compression-unknown')
def text_file() -> Tarball:
    return Tarball(b'404 Not Found\n' * 100)


@hostile('compression-unknown')
def xz_stream() -> Tarball:
    return Tarball(lzma.compress(SOUND))


@hostile('compression-truncated')
def cut_zstd_stream() -> Tarball:
    return Tarball(pack(SOUND)[:-20])


@hostile('compression-truncated')
def cut_gzip_stream() -> Tarball:
    return Tarball(gzip.compress(SOUND)[:-4], GZ)


@hostile('compression-corrupt')
def flipped_byte_in_a_gzip_checksum() -> Tarball:
    packed = bytearray(gzip.compress(SOUND))
    packed[-6] ^= 1
    return Tarball(bytes(packed), GZ)


@hostile('compression-corrupt')
def flipped_bytes_in_a_zstd_stream() -> Tarball:
    options = {zstd.CompressionParameter.checksum_flag: 1}
    packed = bytearray(zstd.compress(SOUND, options=options))
    packed[-3] ^= 0xFF
    return Tarball(bytes(packed))


@hostile('compression-trailing')
def two_zstd_streams() -> Tarball:
    return Tarball(pack(SOUND) + pack(SOUND))


@hostile('compression-trailing')
def two_gzip_streams() -> Tarball:
    return Tarball(gzip.compress(SOUND) + gzip.compress(b'more'), GZ)


@hostile('compression-trailing')
def bytes_hidden_after_the_zstd_stream() -> Tarball:
    return Tarball(pack(SOUND) + b'hidden')


@hostile('compression-trailing')
def skippable_zstd_frame_at_the_end() -> Tarball:
    return Tarball(pack(SOUND) + b'\x50\x2a\x4d\x18\x04\0\0\0evil')


@hostile('compression-unknown')
def skippable_zstd_frame_at_the_start() -> Tarball:
    return Tarball(b'\x50\x2a\x4d\x18\x04\0\0\0evil' + pack(SOUND))


@hostile('window-too-large')
def zstd_window_of_a_gigabyte() -> Tarball:
    # Frame header with a window of 2**30 bytes and one raw block (RFC 8878, 3.1.1).
    block = SOUND[:1024]
    return Tarball(
        b'\x28\xb5\x2f\xfd\x00'
        + bytes([(30 - 10) << 3])
        + (len(block) << 3 | 1).to_bytes(3, 'little')
        + block
    )


@hostile('ratio-too-high')
def zstd_bomb() -> Tarball:
    return Tarball(bomb(96 << 20), limits={'ratio_from': 8 << 20})


@hostile('ratio-too-high')
def gzip_bomb() -> Tarball:
    return Tarball(bomb(96 << 20, GZ), GZ, limits={'ratio_from': 8 << 20})


@hostile('unpacked-too-large')
def larger_than_the_limit() -> Tarball:
    return Tarball(bomb(32 << 20), limits={'unpacked': 16 << 20})


@hostile('too-many-members')
def more_members_than_the_limit() -> Tarball:
    archive = sound()
    for number in range(200):
        archive.add(f'{FOO}/lib/{number}')
    return tarball(archive, limits={'members': 100})


@hostile('name-too-long')
def thousands_of_directories_in_each_path() -> Tarball:
    archive = sound()
    for number in range(200):
        archive.add(f'{FOO}/{number}/{"a/" * 1900}x')
    return tarball(archive)


@hostile('too-many-members')
def deep_paths_whose_directories_fill_the_memory() -> Tarball:
    archive = sound()
    for number in range(200):
        archive.add(f'{FOO}/{number}/{"a/" * 240}x')
    return tarball(archive, limits={'names': 1 << 20})


@hostile('too-many-members')
def longer_names_than_the_limit() -> Tarball:
    archive = sound()
    for number in range(100):
        archive.add(f'{FOO}/lib/{"x" * 200}{number}')
    return tarball(archive, limits={'names': 10_000})
