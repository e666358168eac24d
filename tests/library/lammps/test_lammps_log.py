"""Logs of LAMMPS recorded from 2021 and 2025 are read alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.lammps.log import LogError, error_message, parse_log

RECORDED = Path(__file__).parent / 'recorded'


def read(name: str) -> str:
    return (RECORDED / name).read_text(encoding='utf-8')


@pytest.mark.parametrize(
    ('name', 'version', 'ranks', 'nonce'),
    [
        ('exact_2021.log', '29 Sep 2021 - Update 2', 1, 'eeabac33e05f5659'),
        ('exact_2025.log', '4 Feb 2025', 2, '681412e5ef5b186f'),
    ],
)
def test_reads_the_exact_trajectory(name: str, version: str, ranks: int, nonce: str) -> None:
    log = parse_log(read(name))
    assert (log.version, log.finished, log.nonce) == (version, True, nonce)
    assert (log.atoms, log.ranks, log.threads, log.steps) == (256, ranks, 1, 10)
    assert log.column('Step') == tuple(range(11))
    assert sorted(log.columns) == ['KinEng', 'PotEng', 'Press', 'Step', 'Temp']


@pytest.mark.parametrize('name', ['melt_2021.log', 'melt_2025.log'])
def test_reads_the_melt(name: str) -> None:
    log = parse_log(read(name))
    assert (log.atoms, log.steps, len(log.column('Step'))) == (2048, 2000, 51)
    assert log.loop_seconds is not None
    assert log.loop_seconds > 0
    assert log.mean('Temp', 1000) == pytest.approx(1.2, abs=0.3)


def test_a_build_without_threads_has_one() -> None:
    text = read('exact_2025.log').replace('x 1 OpenMP threads', 'x no OpenMP threads')
    assert parse_log(text).threads == 1


def test_a_truncated_log_is_not_finished() -> None:
    text = read('melt_2025.log')
    log = parse_log(text[: text.index('Loop time')])
    assert (log.finished, log.ranks, log.loop_seconds) == (False, 0, None)


@pytest.mark.parametrize('text', ['', 'LAMMPS (4 Feb 2025)\nTotal wall time: 0:00:01\n'])
def test_a_stub_has_no_columns(text: str) -> None:
    with pytest.raises(LogError, match="no thermodynamic output 'Temp'"):
        parse_log(text).column('Temp')


def test_rows_that_are_cut_short_or_hold_words_are_refused() -> None:
    row = '         1  1.32390621642487 -1003.36953908343'
    text = read('exact_2025.log')
    assert row in text
    with pytest.raises(LogError, match='has 4 of 5 values'):
        parse_log(text.replace(row, row.rpartition(' ')[0]))
    with pytest.raises(LogError, match='not a row of numbers'):
        parse_log(text.replace(row, row + 'x'))


def test_a_mean_over_no_rows_is_refused() -> None:
    with pytest.raises(LogError, match='from step 99 on'):
        parse_log(read('exact_2025.log')).mean('Temp', 99)


def test_keeps_the_error_message_of_the_program() -> None:
    text = 'run 10\nERROR on proc 0: Cannot open file exact.data (src/read_data.cpp:1123)\n'
    assert error_message(text) == text.splitlines()[1]
    assert error_message(read('melt_2021.log')) is None


#: What KOKKOS adds, as printed on GPUs by 29 Sep 2021, by 3 Nov 2022, and by 29 Aug 2024 and
#: 22 Jul 2025 (which may say nothing of threads); the list of neighbours is that of all four.
MODES = {
    '2021': 'KOKKOS mode is enabled (src/KOKKOS/kokkos.cpp:97)\n'
    '  will use up to 4 GPU(s) per node\n  using 1 OpenMP thread(s) per MPI task\n',
    '2024': 'KOKKOS mode with Kokkos version 4.3.1 is enabled (src/KOKKOS/kokkos.cpp:72)\n'
    '  will use up to 4 GPU(s) per node\n  using 1 OpenMP thread(s) per MPI task\n',
    '2025': 'KOKKOS mode with Kokkos version 4.6.2 is enabled\n'
    '  will use up to 4 GPU(s) per node\npackage kokkos\n',
}
NEIGHBOURS = """\
  (1) pair lj/cut/kk, perpetual
      attributes: full, newton off, kokkos_device
      pair build: full/bin/kk/device
      stencil: full/bin/3d
"""


@pytest.mark.parametrize('mode', MODES)
def test_reads_what_kokkos_says_of_gpus(mode: str) -> None:
    head, _, tail = read('exact_2025.log').partition('\n')
    plain = parse_log(f'{head}\n{tail}')
    assert (plain.gpus, plain.on_device) == (0, False)
    log = parse_log(f'{head}\n{MODES[mode]}{NEIGHBOURS}{tail}')
    assert (log.gpus, log.on_device) == (4, True)


@pytest.mark.parametrize(
    ('sound', 'other'),
    [
        ('lj/cut/kk', 'lj/cut'),
        ('bin/kk/device', 'bin/kk/host'),
        ('kokkos_device', 'kokkos_host'),
        ('pair build: full/bin/kk/device\n', ''),
    ],
)
def test_a_pair_style_on_the_host_is_not_on_the_device(sound: str, other: str) -> None:
    assert sound in NEIGHBOURS
    assert parse_log(NEIGHBOURS).on_device
    assert not parse_log(NEIGHBOURS.replace(sound, other)).on_device
