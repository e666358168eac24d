"""What the gate would accept is read alike by every other reader: the quick run of the fuzzer.

The long run is ``python tests/hostile/fuzz_reader.py SECONDS``.
"""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_property import Tally, check_reader, read_first
from tar_mutations import mutated_archives, sound_archives

QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@QUICK
@given(mutated_archives(), st.sampled_from([100, 512, 700, 4096, 1 << 20]))
def test_readers_agree_on_what_is_accepted(archive: bytes, chunk: int) -> None:
    check_reader(archive, chunk, Tally())


@QUICK
@given(mutated_archives(), st.integers(1, 2000))
def test_the_pieces_of_the_stream_do_not_matter(archive: bytes, chunk: int) -> None:
    assert read_first(archive, chunk) == read_first(archive, 1 << 20)


@QUICK
@given(sound_archives(), st.data())
def test_no_sound_archive_is_accepted_after_it_was_cut(archive: bytes, data: st.DataObject) -> None:
    used = len(archive.rstrip(b'\0'))
    cut = archive[: data.draw(st.integers(0, used))]
    *_, faults = read_first(cut, 4096)
    assert faults
