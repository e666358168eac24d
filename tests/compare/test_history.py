"""Change points, steps of the environment, and the alarm for the last runs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eessi_validate.compare.statistics import (
    DatedChange,
    Noise,
    check_last_runs,
    find_changes,
    find_environment_changes,
    pooled_noise,
)
from eessi_validate.compare.statistics.change_points import strongest_change


def series(levels: dict[int, float], length: int, noise: float, seed: int = 0) -> list[float]:
    values = noise * np.random.default_rng(seed).standard_normal(length)
    for start, level in levels.items():
        values[start:] += math.log(level)
    return [float(v) for v in np.exp(values)]


def test_a_step_is_found_where_it_is() -> None:
    (change,) = find_changes(series({40: 1.1}, 60, 0.02))
    assert abs(change.index - 40) <= 1
    assert change.ratio == pytest.approx(1.1, abs=0.02)


def test_two_steps_are_found() -> None:
    found = find_changes(series({30: 1.2, 60: 1 / 1.3}, 90, 0.02))
    assert [round(c.ratio, 1) for c in found] == [1.2, 0.8]


def test_noise_alone_has_few_changes() -> None:
    alarms = sum(bool(find_changes(series({}, 60, 0.05, seed))) for seed in range(100))
    assert alarms <= 4


def test_short_constant_and_small_have_no_change() -> None:
    assert find_changes([1.0] * 9) == ()
    assert find_changes([3.0] * 30) == ()
    assert find_changes(series({15: 1.01}, 30, 0.0001)) == ()


def test_a_step_without_noise_is_found() -> None:
    (change,) = find_changes([1.0] * 10 + [2.0] * 10)
    assert (change.index, change.ratio) == (10, 2.0)


def test_the_statistic_is_that_of_its_definition() -> None:
    values = np.random.default_rng(3).standard_normal(12)
    cut, statistic = strongest_change(values)
    n, mean = len(values), values.mean()
    signal = (values[:cut] - mean).sum() / math.sqrt(n)
    left = sum((values[:t].sum() - t / cut * values[:cut].sum()) ** 2 for t in range(1, cut + 1))
    right = sum(
        (values[t:].sum() - (n - t) / (n - cut) * values[cut:].sum()) ** 2 for t in range(cut, n)
    )
    assert statistic == pytest.approx(signal**2 / ((left + right) / n**2))


@pytest.mark.parametrize('value', [0.0, -1.0, math.nan, math.inf])
def test_values_that_are_no_times_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match='positive finite'):
        find_changes([1.0] * 20 + [value])
    with pytest.raises(ValueError, match='positive finite'):
        check_last_runs([1.0] * 20 + [value], 'lower')


MEASURED = {f'{s}-{i}': s for s in ('GROMACS', 'LAMMPS', 'HPCC', 'R', 'FFTW') for i in range(3)}


def steps(*places: tuple[str, float]) -> list[DatedChange]:
    return [DatedChange(name, MEASURED[name], time, 1.1) for name, time in places]


def test_unrelated_tests_that_step_together_are_the_environment() -> None:
    changes = steps(('GROMACS-0', 40), ('LAMMPS-1', 41), ('HPCC-2', 42), ('R-0', 10))
    (event,) = find_environment_changes(changes, MEASURED)
    assert (event.start, event.end) == (40, 42)
    assert event.stepped == ('GROMACS', 'HPCC', 'LAMMPS')
    assert event.measured == 5


def test_many_tests_of_one_software_are_one_witness() -> None:
    changes = steps(('GROMACS-0', 40), ('GROMACS-1', 40), ('GROMACS-2', 40), ('R-0', 40))
    assert find_environment_changes(changes, MEASURED) == ()


def test_steps_that_are_apart_are_not_one_event() -> None:
    changes = steps(('GROMACS-0', 10), ('LAMMPS-0', 20), ('HPCC-0', 30))
    assert find_environment_changes(changes, MEASURED) == ()
    assert find_environment_changes([], {}) == ()


#: Nightly runs of 375 ns/day with 25 % noise: forty of this series, and nineteen series beside it.
def sound(generator: np.random.Generator, length: int, cv: float = 0.25) -> list[float]:
    return list(375 * np.exp(math.sqrt(math.log1p(cv**2)) * generator.standard_normal(length)))


def test_a_halving_series_raises_the_alarm_by_the_second_bad_run() -> None:
    generator = np.random.default_rng(11)
    noise = pooled_noise([sound(generator, 40) for _ in range(19)])
    first_bad, second_bad = 0, 0
    for _ in range(50):
        before = sound(generator, 40)
        first_bad += check_last_runs([*before, 190], 'higher', noise=noise).raised
        second_bad += check_last_runs([*before, 190, 145], 'higher', noise=noise).raised
    assert first_bad <= 2
    assert second_bad >= 49


@pytest.mark.parametrize(('before', 'seen'), [(40, 42), (60, 46), (200, 50)])
def test_with_30_percent_noise_it_takes_a_history(before: int, seen: int) -> None:
    generator = np.random.default_rng(16)
    noise = pooled_noise([sound(generator, before, 0.3) for _ in range(19)])
    found = sum(
        check_last_runs([*sound(generator, before, 0.3), 190, 145], 'higher', noise=noise).raised
        for _ in range(50)
    )
    assert found >= seen


def test_two_hundred_sound_series_raise_none() -> None:
    generator = np.random.default_rng(12)
    noise = pooled_noise([sound(generator, 40) for _ in range(19)])
    alarms = 0
    for _ in range(200):
        values = sound(generator, 60)
        alarms += any(
            check_last_runs(values[:n], 'higher', noise=noise).raised for n in range(41, 61)
        )
    assert alarms == 0


def test_one_spike_beside_a_sound_run_is_not_two_bad_runs() -> None:
    generator = np.random.default_rng(17)
    noise = pooled_noise([sound(generator, 60) for _ in range(19)])
    # The mean of these two is as far out as that of 190 and 145, which ring.
    assert math.sqrt(370 * 74.4) == pytest.approx(math.sqrt(190 * 145), rel=0.01)
    quiet = Noise(noise.scale * 1.6, noise.degrees) if noise else None
    for last in ([370, 74.4], [74.4, 370]):
        alarm = check_last_runs([*sound(generator, 60, 0.4), *last], 'higher', noise=quiet)
        assert not alarm.raised


def test_the_alarm_names_how_far_it_fell_and_for_how_long() -> None:
    generator = np.random.default_rng(13)
    alarm = check_last_runs([*sound(generator, 40), 190, 145, 80], 'higher')
    assert alarm.raised
    assert alarm.reason.startswith('the last ')
    assert 0.2 < alarm.ratio < 0.5


def test_better_is_no_alarm_and_direction_decides() -> None:
    generator = np.random.default_rng(14)
    up = [*sound(generator, 40), 1500.0, 1600.0]
    assert not check_last_runs(up, 'higher').raised
    assert check_last_runs(up, 'lower').raised


def test_too_short_a_series_says_what_it_needs() -> None:
    alarm = check_last_runs([375, 190, 145, 80], 'higher')
    assert not alarm.raised
    assert '8 sound ones are needed' in alarm.reason


@pytest.mark.parametrize('length', [8, 12, 20, 40])
def test_sound_runs_are_not_taken_for_outliers(length: int) -> None:
    # Without them the noise looks small, and the alarm rings ten times as often as promised.
    generator = np.random.default_rng(18)
    noise = pooled_noise([sound(generator, length) for _ in range(2000)])
    assert noise is not None
    assert noise.degrees >= 0.999 * 2000 * (length - 1)
    assert noise.scale == pytest.approx(math.sqrt(math.log1p(0.25**2)), rel=0.02)


def test_a_series_that_fell_does_not_pass_for_noise() -> None:
    generator = np.random.default_rng(15)
    quiet = [sound(generator, 40) for _ in range(9)]
    one = pooled_noise(quiet)
    other = pooled_noise([*quiet, [*sound(generator, 40), 4.0, 3.0]])
    assert one is not None
    assert other is not None
    assert other.scale == pytest.approx(one.scale, rel=0.1)
    assert pooled_noise([[1.0, 2.0]]) is None
