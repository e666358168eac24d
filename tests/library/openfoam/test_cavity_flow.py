"""The equations and the published solutions that a cavity flow is judged by."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from eessi_library.openfoam import published
from eessi_library.openfoam.balance import (
    Flow,
    flow_from_fields,
    largest_difference,
    mass_imbalance,
    momentum_imbalance,
)
from eessi_library.openfoam.case_files import REYNOLDS, Cavity
from eessi_library.openfoam.fields import FieldError, internal_field, patch_vector

#: Recorded: steady flow of OpenFOAM v1912 on 8 x 8 cells, edge 0.1234 m, lid speed 1.5 m/s,
#: after 40 units of time.
STEADY = Path(__file__).parent / 'recorded' / 'steady-8x8'
CAVITY = Cavity(cells=8, edge=0.1234, lid_speed=1.5, courant=4.0, duration=25.0, subdomains=2)


def _flow(lid_speed: float = 1.5, factor: float = 1.0) -> Flow:
    velocity, pressure, flux = (
        internal_field((STEADY / name).read_text()) for name in ('U', 'p', 'phi')
    )
    return flow_from_fields(
        [tuple(factor * c for c in v) for v in velocity],
        pressure,
        flux,
        lid_speed=lid_speed,
        face_area=(CAVITY.edge / CAVITY.cells) ** 2,
    )


def test_recorded_flow_satisfies_its_equations() -> None:
    assert mass_imbalance(_flow()) < 1e-6
    assert momentum_imbalance(_flow(), REYNOLDS) < 1e-6


@pytest.mark.parametrize('epsilon', [1e-3, 1e-5, -1e-5])
def test_velocities_off_by_a_little_leave_an_imbalance(epsilon: float) -> None:
    assert momentum_imbalance(_flow(factor=1 + epsilon), REYNOLDS) > 1e-6


def test_one_velocity_off_by_a_little_leaves_an_imbalance() -> None:
    flow = _flow()
    u = [list(row) for row in flow.u]
    u[4][4] += 1e-4
    assert momentum_imbalance(replace(flow, u=u), REYNOLDS) > 1e-6


def test_one_flux_off_by_a_little_breaks_mass_conservation() -> None:
    flow = _flow()
    east = [list(row) for row in flow.east]
    east[4][4] *= 1 + 1e-3
    assert mass_imbalance(replace(flow, east=east)) > 1e-6


@pytest.mark.parametrize('reynolds', [99.9, 100.1])
def test_flow_of_another_viscosity_leaves_an_imbalance(reynolds: float) -> None:
    assert momentum_imbalance(_flow(), reynolds) > 1e-4


def test_flow_of_another_lid_leaves_an_imbalance() -> None:
    assert momentum_imbalance(_flow(lid_speed=1.5015), REYNOLDS) > 1e-4


def test_resting_fluid_does_not_balance_a_moving_lid() -> None:
    rest = [[0.0] * 8 for _ in range(8)]
    assert momentum_imbalance(Flow(rest, rest, rest, rest, rest), REYNOLDS) == pytest.approx(1.0)


def test_difference_of_two_flows_is_that_of_their_worst_cell() -> None:
    assert largest_difference(_flow(), _flow()) == 0.0
    assert largest_difference(_flow(), _flow(factor=1.01)) == pytest.approx(
        0.01 * max(abs(c) for row in _flow().u for c in row)
    )


def test_fields_of_other_sizes_are_no_square() -> None:
    with pytest.raises(ValueError, match='not a square'):
        flow_from_fields([(0.0,) * 3] * 5, [(0.0,)] * 5, [], lid_speed=1.0, face_area=1.0)


def test_profile_reproduces_a_cubic_between_the_cells() -> None:
    def cubic(x: float) -> float:
        return x * (1 - x) * (x - 0.3)

    n = 16
    rows = [[cubic((k + 0.5) / n) for k in range(n)]] * n
    flow = Flow(rows, rows, rows, rows, rows)
    table = [(x, cubic(x)) for x in (0.0, 0.05, 0.5, 0.77, 1.0)]
    assert published.largest_deviation(published.v_profile(flow), table) < 1e-14


def test_tables_agree_with_the_spectral_extrema_within_their_known_error() -> None:
    # Ghia's 129 x 129 grid is not converged to all digits printed: 1.5 % (u), 3.4 % (v).
    assert min(u for _, u in published.GHIA_U) == pytest.approx(published.SPECTRAL_U_MIN, abs=4e-3)
    assert max(v for _, v in published.GHIA_V) == pytest.approx(published.SPECTRAL_V_MAX, abs=5e-3)
    assert min(v for _, v in published.GHIA_V) == pytest.approx(published.SPECTRAL_V_MIN, abs=9e-3)


def test_case_keeps_the_reynolds_number_whatever_the_nonce_draws() -> None:
    for edge, speed in ((0.05, 5.0), (0.1234, 1.5), (0.5, 0.5)):
        cavity = replace(CAVITY, edge=edge, lid_speed=speed)
        assert cavity.edge * cavity.lid_speed / cavity.viscosity == pytest.approx(REYNOLDS)
        assert cavity.steps == 50
        assert cavity.end_time * speed / edge == pytest.approx(25.0)


@pytest.mark.parametrize(
    ('tasks', 'layout'), [(1, '1 1'), (2, '2 1'), (6, '3 2'), (7, '7 1'), (64, '8 8')]
)
def test_decomposition_is_as_square_as_the_tasks_allow(tasks: int, layout: str) -> None:
    text = replace(CAVITY, subdomains=tasks).files()['system/decomposeParDict']
    assert f'numberOfSubdomains {tasks};' in text
    assert f'n ({layout} 1)' in text
    assert math.prod(map(int, layout.split())) == tasks


def test_viscosity_is_written_under_the_names_of_both_forks() -> None:
    files = CAVITY.files()
    for name in ('transportProperties', 'physicalProperties'):
        assert f'nu [0 2 -1 0 0 0 0] {CAVITY.viscosity:.15g};' in files[f'constant/{name}']


def test_lid_is_read_from_the_written_field() -> None:
    assert patch_vector((STEADY / 'U').read_text(), 'movingWall') == (1.5, 0.0, 0.0)
    with pytest.raises(FieldError, match='no uniform value'):
        patch_vector((STEADY / 'U').read_text(), 'fixedWalls')


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('\n)\n;', '\n', 'cut short'),
        ('\n64\n', '\n65\n', '192 numbers, not 3 x 65'),
        ('nonuniform List<vector>', 'uniform (0 0 0)', 'no nonuniform'),
        (' 0)\n', ' nan)\n', 'not finite'),
        (' 0)\n', ' x)\n', 'something else than numbers'),
    ],
)
def test_damaged_field_is_refused(old: str, new: str, message: str) -> None:
    text = (STEADY / 'U').read_text()
    assert old in text
    with pytest.raises(FieldError, match=message):
        internal_field(text.replace(old, new))
