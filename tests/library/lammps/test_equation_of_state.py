"""The equation of state obeys thermodynamics and meets published simulations."""

from __future__ import annotations

import pytest

from eessi_library.lammps.equation_of_state import potential_energy, pressure


@pytest.mark.parametrize('density', [0.3, 0.6, 0.81, 0.83])
@pytest.mark.parametrize('temperature', [0.9, 1.2, 2.0])
def test_energy_and_pressure_belong_to_one_free_energy(density: float, temperature: float) -> None:
    """(du/drho)_T = (P - T (dP/dT)_rho) / rho^2: a wrong parameter breaks this."""
    h = 1e-5
    energy_slope = (
        potential_energy(density + h, temperature) - potential_energy(density - h, temperature)
    ) / (2 * h)
    heating = (pressure(density, temperature + h) - pressure(density, temperature - h)) / (2 * h)
    expected = (pressure(density, temperature) - temperature * heating) / density**2
    assert energy_slope == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_thin_gas_is_ideal() -> None:
    assert pressure(1e-6, 1.5) == pytest.approx(1.5e-6, rel=1e-4)
    assert potential_energy(1e-9, 1.5) == pytest.approx(0, abs=1e-7)


def test_the_second_virial_coefficient_vanishes_at_the_boyle_temperature() -> None:
    """T_B = 3.418 for the Lennard-Jones gas: Hirschfelder, Curtiss and Bird 1954, table I-B."""
    density = 1e-5
    second = (pressure(density, 3.418) / (density * 3.418) - 1) / density
    assert second == pytest.approx(0, abs=0.02)
