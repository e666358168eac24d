"""Outputs of pw.x recorded from versions 6.1 (upstream's benchmark) and 6.7 are read alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.quantum_espresso.output import (
    Output,
    OutputError,
    error_message,
    parse_output,
)

RECORDED = Path(__file__).parent / 'recorded'


def read(name: str) -> str:
    return (RECORDED / name).read_text(encoding='utf-8')


def parsed(name: str) -> Output:
    return parse_output(read(name))


def test_reads_version_6_7_on_two_ranks() -> None:
    run = parsed('silicon_6.7_2025.08.txt')
    assert (run.version, run.finished) == ('6.7MaX', True)
    assert run.title == 'silicon 4c69a58ef60f9187'
    assert (run.ranks, run.threads) == (2, 1)
    assert (run.lattice, run.cut_off, run.k_points) == (10.0641, 18.4869, 36)
    assert (run.total_energy, run.iterations) == (-15.82941367, 10)
    assert sorted(run.contributions) == ['ewald', 'hartree', 'one-electron', 'xc']
    assert run.forces == ((0, 0, 0), (0, 0, 0))
    assert run.stress[0] == (0.00027130, 0, 0)
    assert run.wall_seconds == 11.07


def test_reads_every_band_of_every_k_point_although_negative_numbers_touch() -> None:
    run = parsed('silicon_6.7_2023.06.txt')
    assert len(run.bands) == run.k_points
    assert all(len(k) == 3 and len(bands) == 4 for k, bands in run.bands)
    assert run.bands[1][0] == (-0.25, 0.25, -0.25)


def test_reads_the_serial_output_of_version_6_1() -> None:
    run = parsed('benchmark_6.1_upstream.txt')
    assert (run.version, run.ranks, run.threads) == ('6.1', 1, 1)
    assert (run.total_energy, run.k_points, run.iterations) == (-15.79449593, 2, 5)
    assert run.contributions['ewald'] == -16.89975858
    assert run.stress[2][2] == -0.00020597
    assert (run.title, run.forces) == ('', ())


@pytest.mark.parametrize(
    ('banner', 'layout'),
    [
        ('     Parallel version (MPI), running on     8 processors', (8, 1)),
        (
            '     Parallel version (MPI & OpenMP), running on       8 processor cores\n'
            '     Number of MPI processes:                 4\n'
            '     Threads/MPI process:                     2',
            (4, 2),
        ),
        ('     Serial multi-threaded version, running on    4 processor cores', (1, 4)),
        ('     Serial version', (1, 1)),
        ('', (0, 0)),
    ],
)
def test_reads_the_layout_of_every_build(banner: str, layout: tuple[int, int]) -> None:
    text = read('benchmark_6.1_upstream.txt').replace('     Serial version', banner)
    run = parse_output(text)
    assert (run.ranks, run.threads) == layout


@pytest.mark.parametrize(
    ('printed', 'seconds'),
    [
        ('0.42s CPU   0.56s WALL', 0.56),
        ('1m 2.50s CPU   1m 3.25s WALL', 63.25),
        ('2h 3m CPU   2h 4m WALL', 7440.0),
        ('   no time', None),
    ],
)
def test_reads_wall_times_in_every_form(printed: str, seconds: float | None) -> None:
    text = read('benchmark_6.1_upstream.txt').replace('0.14s CPU         0.15s WALL', printed)
    assert parse_output(text).wall_seconds == seconds


@pytest.mark.parametrize('number', ['NaN', '***************'])
def test_an_energy_that_is_no_number_is_refused_or_kept_as_nan(number: str) -> None:
    text = read('benchmark_6.1_upstream.txt').replace('-15.79449593', number)
    if number == 'NaN':
        assert parse_output(text).total_energy != parse_output(text).total_energy
    else:
        with pytest.raises(OutputError, match='total energy is not a number'):
            parse_output(text)


@pytest.mark.parametrize('text', ['', '   JOB DONE.\n', 'Program PWSCF v.6.7 starts\n JOB DONE.'])
def test_a_stub_has_no_result(text: str) -> None:
    with pytest.raises(OutputError, match='the output has no'):
        parse_output(text)


def test_keeps_the_error_message_of_the_program() -> None:
    text = '\n %%%%%%%\n     Error in routine readpp (1):\n     file ./Si.UPF not found\n %%%%%%%\n'
    assert error_message(text) == 'readpp: file ./Si.UPF not found'
    assert error_message(read('benchmark_6.1_upstream.txt')) is None
