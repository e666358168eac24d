"""The truths accept recorded sound outputs of both releases and refuse each small change."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from reframe.core.exceptions import SanityError

from eessi_library.nonce import real
from eessi_library.quantum_espresso import silicon_reference as reference
from eessi_library.quantum_espresso.output import parse_output
from eessi_library.quantum_espresso.silicon_truths import expect_energies, expect_symmetry

RECORDED = Path(__file__).parent / 'recorded'
SOUND = ('silicon_6.7_2023.06.txt', 'silicon_6.7_2025.08.txt')
BASIS = reference.LADDER[2]


def judge(text: str) -> None:
    run = parse_output(text)
    nonce = run.title.removeprefix('silicon ')
    lattice = real(nonce, 'silicon lattice', reference.LOWEST, reference.HIGHEST, digits=5)
    assert run.lattice == pytest.approx(lattice, abs=1e-9)
    expect_energies([run], [BASIS], lattice)
    expect_symmetry(run, BASIS.k_grid)


@pytest.mark.parametrize('name', SOUND)
def test_a_sound_output_is_accepted(name: str) -> None:
    judge((RECORDED / name).read_text(encoding='utf-8'))


@pytest.mark.parametrize(
    ('old', 'new', 'reason'),
    [
        ('-15.82924776', '-15.84507701', 'total energy'),  # 1e-3 relative
        ('-15.82924776', '-15.82925776', r'total energy.*off by -1e-05'),
        ('-15.82924776', 'NaN', 'total energy'),
        ('-17.14123153', '-17.14124153', 'Ewald energy'),
        ('5.11862691', '5.11872691', 'sum of the parts'),
        ('0.00028990  -0.0', '0.00029100  -0.0', 'pressure'),
        ('   0.00028990  -0.00000000  ', '   0.00028990   0.00000010  ', 'stress xy'),
        ('force =     0.00000000 ', 'force =     0.00000400 ', 'force on atom 1 along x'),
        ('6.7537   6.7537   6.7537', '6.7530   6.7537   6.7537', 'top of the valence bands'),
        ('-3.1163  -0.5486   5.4862   5.4862', '-3.1173  -0.5486   5.4862   5.4862', 'band 1 of'),
        ('one-electron contribution', 'another contribution', 'parts of the total energy'),
    ],
)
def test_a_small_change_is_refused(old: str, new: str, reason: str) -> None:
    text = (RECORDED / SOUND[0]).read_text(encoding='utf-8')
    assert old in text
    with pytest.raises(SanityError, match=reason):
        judge(text.replace(old, new, 1))


def test_missing_forces_stress_or_bands_are_refused() -> None:
    text = (RECORDED / SOUND[0]).read_text(encoding='utf-8')
    for pattern in (r'Forces acting', r'total +stress', r'bands \(ev\)'):
        with pytest.raises((SanityError, ValueError)):
            judge(re.sub(pattern, 'removed', text))


def test_an_energy_that_rises_with_the_basis_is_refused() -> None:
    text = (RECORDED / SOUND[0]).read_text(encoding='utf-8')
    run = parse_output(text)
    lattice = run.lattice
    with pytest.raises(SanityError, match='does not fall with the cut-off'):
        expect_energies([run, run], [BASIS, BASIS], lattice)
