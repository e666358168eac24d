"""Recorded logs of two versions are read; anything else gives numbers or a LogError."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_library.gromacs import fixed_configuration as fixed
from eessi_library.gromacs.log import LogError, parse_log

RECORDED = Path(__file__).parent / 'recorded'
VERSIONS = ('2022.5', '2025.2')


def text_of(name: str) -> str:
    return (RECORDED / name).read_text(encoding='utf-8')


@pytest.mark.parametrize(
    ('version', 'speed', 'wall', 'drift', 'seed', 'temperature'),
    [
        ('2022.5', 36.761, 7.056, 8.13e-3, '539466', '299.78'),
        ('2025.2', 163.476, 1.587, 1.08e-2, '710170', '299.5'),
    ],
)
def test_dynamics_is_read(
    version: str, speed: float, wall: float, drift: float, seed: str, temperature: str
) -> None:
    log = parse_log(text_of(f'md-{version}.log'))
    assert log.version.startswith(version)
    assert log.finished
    assert (log.ranks, log.threads_per_rank, log.uses_gpu) == (2, 1, False)
    assert (log.atoms, len(log.frames), log.last_step()) == (2592, 31, 1500)
    assert (log.speed_ns_per_day, log.wall_seconds, log.drift) == (speed, wall, drift)
    assert log.parameters['ld-seed'] == seed
    assert log.parameters['ref-t'] == temperature
    assert log.average_box[0] == log.average_box[1] == pytest.approx(2 * log.average_box[2], 1e-4)


@pytest.mark.parametrize('version', VERSIONS)
def test_energies_of_a_frame_add_up(version: str) -> None:
    for frame in parse_log(text_of(f'md-{version}.log')).frames:
        values = frame.values
        parts = ('LJ (SR)', 'Disper. corr.', 'Coulomb (SR)', 'Coul. recip.')
        assert sum(values[p] for p in parts) == pytest.approx(values['Potential'], rel=1e-5)
        total = values['Potential'] + values['Kinetic En.']
        assert total == pytest.approx(values['Total Energy'], rel=1e-5)


@pytest.mark.parametrize('version', VERSIONS)
def test_averages_at_the_end_are_not_a_frame(version: str) -> None:
    log = parse_log(text_of(f'md-{version}.log'))
    assert [frame.step for frame in log.frames] == list(range(0, 1501, 50))


@pytest.mark.parametrize('version', VERSIONS)
def test_zero_step_run_of_eight_copies_has_the_exact_energy(version: str) -> None:
    log = parse_log(text_of(f'fixed-{version}.log'))
    molecules = log.atoms / 3
    coulomb = log.mean('Coulomb (SR)') + log.mean('Coul. recip.')
    assert molecules == 8 * 216
    assert coulomb / molecules == pytest.approx(
        fixed.COULOMB_PER_MOLECULE, rel=fixed.RELATIVE_TOLERANCE
    )
    assert log.mean('LJ (SR)') / molecules == pytest.approx(
        fixed.LENNARD_JONES_PER_MOLECULE, rel=fixed.RELATIVE_TOLERANCE
    )
    assert log.average_box == ()


def test_mean_is_over_the_frames_from_a_step_on() -> None:
    log = parse_log(text_of('md-2022.5.log'))
    late = [f.values['Potential'] for f in log.frames if f.step >= 1000]
    assert log.mean('Potential', 1000) == pytest.approx(sum(late) / len(late))


def test_unknown_energy_is_named() -> None:
    with pytest.raises(LogError, match="no energy 'Kaffee' from step 0 on"):
        parse_log(text_of('md-2022.5.log')).mean('Kaffee')


def test_empty_log_has_nothing() -> None:
    log = parse_log('')
    assert (log.finished, log.frames, log.last_step()) == (False, (), -1)
    assert (log.speed_ns_per_day, log.wall_seconds, log.drift) == (None, None, None)


def test_energies_that_are_not_numbers_are_named() -> None:
    text = text_of('md-2022.5.log').replace('-4.03301e+04', ' ************')
    with pytest.raises(LogError, match='not a number in the energies'):
        parse_log(text)


def test_not_a_number_is_kept_so_that_the_test_fails_on_it() -> None:
    log = parse_log(text_of('md-2022.5.log').replace('-4.03301e+04', '         nan'))
    assert log.mean('Potential') != log.mean('Potential')


def test_gpu_is_seen() -> None:
    assert parse_log('1 GPU selected for this run.\n').uses_gpu


@given(st.sampled_from(VERSIONS), st.floats(0, 1))
def test_truncated_log_is_never_finished_with_all_its_numbers(version: str, part: float) -> None:
    text = text_of(f'md-{version}.log')
    end = text.rindex('Finished mdrun')
    try:
        log = parse_log(text[: int(part * end)])
    except LogError:
        return
    assert not log.finished


def replaced(text: str, at: int, by: str) -> str:
    return text[:at] + by + text[at + len(by) :]


@given(
    st.sampled_from(VERSIONS),
    st.floats(0, 0.999),
    st.text(alphabet='aeinfxE =:%()', max_size=12),
)
def test_garbage_outside_the_summary_gives_numbers_or_a_log_error(
    version: str, place: float, garbage: str
) -> None:
    text = text_of(f'md-{version}.log')
    body = text.index('A V E R A G E S')
    with contextlib.suppress(LogError):
        parse_log(replaced(text, int(place * body), garbage))


@given(st.text(max_size=300))
def test_any_text_gives_numbers_or_a_log_error(text: str) -> None:
    with contextlib.suppress(LogError):
        parse_log(text)


#: Lines that a hostile or damaged log may hold where a number belongs.
DAMAGED = {
    'speed': 'Performance:       1.2.3\n',
    'wall': '       Time:        1.0   ...\n',
    'drift': 'Conserved energy drift: broken kJ/mol/ps per atom\n',
    'box': 'A V E R A G E S\n          Box-X          Box-Y          Box-Z\n   a   b   c\n',
    'time': '           Step           Time\n              0        0.0.0\n\n'
    '   Energies (kJ/mol)\n        LJ (SR)\n    1.00000e+00\n\n',
    'atoms': f'There are: {"9" * 400} Atoms\n',
    'step': f'           Step           Time\n {"9" * 5000}        0.0\n\n'
    '   Energies (kJ/mol)\n        LJ (SR)\n    1.00000e+00\n\n',
}


@pytest.mark.parametrize('text', DAMAGED.values(), ids=list(DAMAGED))
def test_damaged_number_is_a_log_error(text: str) -> None:
    try:
        parse_log(text)
    except LogError:
        return
    except (ValueError, OverflowError) as error:
        raise AssertionError(f'not a LogError: {error!r}') from error
