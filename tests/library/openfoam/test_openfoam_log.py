"""Logs of icoFoam: openfoam.com recorded in two releases, openfoam.org published and composed.

``published-org-2.4.0.log`` are the first two steps of ``self/case2/400_straight/log.d`` of
github.com/harrisbk/OpenFOAM_run (commit 0585946), host and path replaced. ``composed-org-10.log``
was written by hand after the output format of OpenFOAM 10, which no reachable package provides;
all other files are recorded.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_library.openfoam.log import LogError, fatal_error, parse_log, without_trap_notice

RECORDED = Path(__file__).parent / 'recorded'


@pytest.mark.parametrize('release', ['2023.06', '2025.08'])
@pytest.mark.parametrize(('name', 'processes'), [('serial', 1), ('parallel', 2)])
def test_recorded_log_gives_layout_times_and_errors(
    release: str, name: str, processes: int
) -> None:
    log = parse_log((RECORDED / f'v1912-{release}-{name}.log').read_text())
    assert (log.version, log.processes, log.finished) == ('v1912', processes, True)
    assert log.times == pytest.approx([k * 0.1234 * 4 / 8 / 1.5 for k in (1, 2, 3, 4)], rel=1e-8)
    assert len(log.local_errors) == len(log.cumulative_errors) == len(log.execution_times) == 4
    assert 0 < log.local_errors[-1] < 0.1
    assert abs(log.cumulative_errors[-1]) < 1e-12


def test_published_log_of_openfoam_org_gives_the_same_kinds_of_numbers() -> None:
    log = parse_log((RECORDED / 'published-org-2.4.0.log').read_text())
    # Cut after two steps: not finished.
    assert (log.version, log.processes, log.finished) == ('2.4.0', 1, False)
    assert log.times == (0.005, 0.01)
    assert log.local_errors == (1.03093e-07, 3.26604e-08)
    assert log.cumulative_errors == (8.61889e-11, 1.78937e-10)
    assert log.execution_times == (0.09, 0.11)


def test_log_of_openfoam_org_prints_times_with_unit() -> None:
    log = parse_log((RECORDED / 'composed-org-10.log').read_text())
    assert (log.version, log.processes, log.finished) == ('10', 2, True)
    assert log.times == (0.041133, 0.082266)
    # The last corrector of each step counts.
    assert log.local_errors == (0.0005, 5e-05)
    assert log.cumulative_errors == (1e-19, 2e-19)


@pytest.mark.parametrize(
    ('banner', 'version'),
    [
        ('Build  : _9-20 OPENFOAM=2206 patch=221104 version=2206\n', 'v2206'),
        ('| Version:  v2406\n| Website:  www.openfoam.com\nBuild  : 7cf83b7\n', 'v2406'),
        ('| Version:  8\n| Website:  https://openfoam.org\nBuild  : 8-1c9b5879390b\n', '8'),
        ('Build  : 7-abc\n', '7'),
        ('', ''),
    ],
)
def test_version_is_read_from_either_header(banner: str, version: str) -> None:
    assert parse_log(banner).version == version


def test_empty_log_has_no_steps() -> None:
    log = parse_log('')
    assert (log.processes, log.times, log.finished) == (0, (), False)


def test_log_cut_off_before_the_end_is_not_finished() -> None:
    text = (RECORDED / 'v1912-2023.06-serial.log').read_text()
    assert not parse_log(text.rpartition('\nEnd')[0]).finished


def test_text_in_the_place_of_a_number_is_refused() -> None:
    text = (RECORDED / 'v1912-2023.06-serial.log').read_text()
    with pytest.raises(LogError, match='not a number'):
        parse_log(text.replace('ExecutionTime = 0', 'ExecutionTime = x', 1))


def test_fatal_error_is_kept_in_openfoams_own_words() -> None:
    text = (
        '[1] --> FOAM FATAL ERROR: \n'
        '[1] number of processor directories = 2 is not equal to the number of processors = 1\n'
        '[1] \nFOAM exiting\n'
    )
    assert str(fatal_error(text)).startswith(
        'FOAM FATAL ERROR: number of processor directories = 2 is not equal'
    )
    assert fatal_error('--> FOAM Warning : harmless\n') is None


def test_announcement_of_trapping_is_no_crash() -> None:
    text = (RECORDED / 'v1912-2023.06-serial.log').read_text()
    assert 'Floating point exception' in text
    assert 'Floating point exception' not in without_trap_notice(text)
