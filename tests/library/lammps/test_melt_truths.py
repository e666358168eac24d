"""The truths accept recorded sound logs of both versions and refuse each small change."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.lammps import lennard_jones, melt_truths
from eessi_library.lammps.log import parse_log
from eessi_library.nonce import integer, real

RECORDED = Path(__file__).parent / 'recorded'


def read(name: str) -> str:
    return (RECORDED / name).read_text(encoding='utf-8')


def judge_melt(text: str) -> None:
    log = parse_log(text)
    density = real(log.nonce, 'lammps density', 0.79, 0.83, digits=5)
    temperature = real(log.nonce, 'lammps temperature', 2.0, 2.6, digits=5)
    melt_truths.expect_start(log, melt_truths.Start(2048, density, temperature))
    melt_truths.expect_conservation(log, 0.004)
    melt_truths.expect_liquid(melt_truths.liquid(log, density, 666))


def judge_exact(text: str) -> None:
    log = parse_log(text)
    seed = integer(log.nonce, 'lammps seed', 1, 9_999_999)
    states = lennard_jones.trajectory(lennard_jones.disordered(seed), 10, 0.004)
    melt_truths.expect_trajectory(log, states)


def changed(text: str, column: int, change: Callable[[float], float], rows: slice) -> str:
    """Change one column of some rows of the thermodynamic output."""
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if re.match(r' *Step ', line)) + 1
    last = next(i for i, line in enumerate(lines) if line.startswith('Loop time'))
    for i in range(first, last)[rows]:
        cells = lines[i].split()
        cells[column] = f'{change(float(cells[column])):.15g}'
        lines[i] = ' '.join(cells)
    return '\n'.join(lines) + '\n'


@pytest.mark.parametrize('version', ['2021', '2025'])
def test_sound_logs_are_accepted(version: str) -> None:
    judge_exact(read(f'exact_{version}.log'))
    judge_melt(read(f'melt_{version}.log'))


ALL, LIQUID = slice(None), slice(20, None)
STEP, TEMP, PE, KE, TOTAL, PRESS, DENSITY, PAIRS, VX = range(9)


@pytest.mark.parametrize(
    ('column', 'factor', 'reason'),
    [(PE, 1 + 1e-8, 'potential energy at step 0'), (KE, 1.001, 'kinetic'), (TEMP + 3, 1.001, 'pr')],
)
def test_an_exact_trajectory_off_by_little_is_refused(
    column: int, factor: float, reason: str
) -> None:
    with pytest.raises(SanityError, match=reason):
        judge_exact(changed(read('exact_2025.log'), column, lambda x: factor * x, ALL))


@pytest.mark.parametrize(
    ('column', 'change', 'rows', 'reason'),
    [
        (PE, lambda x: 1.001 * x, ALL, 'energy per atom of the starting crystal'),
        (PE, lambda x: (1 + 1e-6) * x, ALL, 'energy per atom of the starting crystal'),
        (TEMP, lambda x: 1.001 * x, ALL, 'initial temperature'),
        (KE, lambda x: 1.001 * x, ALL, 'initial kinetic energy'),
        (TEMP, lambda x: 1.001 * x, LIQUID, 'temperature from the kinetic energy'),
        (DENSITY, lambda x: 1.001 * x, ALL, 'density'),
        (TOTAL, lambda x: 1.001 * x, LIQUID, 'sum of potential and kinetic energy'),
        (PE, lambda x: 1.001 * x, LIQUID, 'sum of potential and kinetic energy'),
        (VX, lambda x: x + 1e-9, LIQUID, 'velocity of the centre of mass along x'),
        (PRESS, lambda x: x + 0.5, LIQUID, 'pressure of the liquid'),
        (PAIRS, lambda x: 0.8 * x, LIQUID, 'potential energy per atom of the liquid'),
        (TEMP, lambda x: float('nan'), LIQUID, 'liquid is .*nan|nan'),
    ],
)
def test_a_melt_off_by_little_is_refused(
    column: int, change: Callable[[float], float], rows: slice, reason: str
) -> None:
    with pytest.raises(SanityError, match=reason):
        judge_melt(changed(read('melt_2025.log'), column, change, rows))


def test_a_melt_that_gains_energy_is_refused() -> None:
    text = read('melt_2025.log')
    for column in (PE, TOTAL):
        text = changed(text, column, lambda x: x + 0.002 * 2048, LIQUID)
    with pytest.raises(SanityError, match='change of the total energy per atom'):
        judge_melt(text)
