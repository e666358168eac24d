"""What the logs of a sound Lennard-Jones melt must show; the tolerances, and what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eessi_library.expect import expect, expect_close, expect_within
from eessi_library.lammps import equation_of_state, lennard_jones
from eessi_library.lammps.log import Log

#: Exact trajectory, relative: both sides sum the same numbers in another order, and ten steps of
#: a disordered box amplify that little. Measured in 40 runs: at most 1.5e-12.
_EXACT = 1e-9

#: Initial values against their closed forms, relative; LAMMPS prints 15 digits. Measured: at most
#: 8e-13.
_INITIAL = 1e-9

#: Kinetic plus potential energy is the total energy, and gives the temperature (equipartition
#: over 3 N - 3 degrees of freedom), to the digits printed. Measured: at most 1e-14.
_SUM = 1e-11

#: Largest change of the total energy per atom at a time step of 0.004. Velocity Verlet conserves
#: a shadow energy that differs from it by O(dt^2), and more in the liquid than in the crystal.
#: Measured: 3.7e-4 to 7.8e-4; a fault of 1e-3 in the energy of -2.6 is 2.6e-3.
_ENERGY_DEVIATION = 1.2e-3

#: Pair forces cancel exactly; rounding leaves a velocity of at most 4e-16.
_DRIFT = 1e-11

#: Liquid against the equation of state: relative energy, absolute pressure. More than five
#: standard deviations of what was measured with 2,048 atoms: 0.11 % +- 0.18 % and -0.013 +- 0.027,
#: most of it the fluctuation of a run of 2,000 steps. The exact trajectory is the sharp test.
_LIQUID_ENERGY = 0.012
_LIQUID_PRESSURE = 0.15


@dataclass(frozen=True)
class Start:
    """The crystal that melts."""

    atoms: int
    density: float
    temperature: float


@dataclass(frozen=True)
class Liquid:
    """Averages of the liquid, of the full potential: what lies beyond the cut-off is added."""

    density: float
    temperature: float
    potential_energy: float
    pressure: float


def expect_trajectory(log: Log, states: Sequence[lennard_jones.State]) -> None:
    """Fail unless the log repeats the trajectory that was computed in plain Python."""
    for step, state in enumerate(states):
        for name, column, value in (
            ('potential energy', 'PotEng', state.potential),
            ('kinetic energy', 'KinEng', state.kinetic),
            ('pressure', 'Press', state.pressure),
        ):
            found = log.column(column)[step]
            expect_close(f'{name} at step {step} of the exact trajectory', found, value, _EXACT)


def expect_start(log: Log, start: Start) -> None:
    """Fail unless the first row is the crystal that was asked for: lattice sum, equipartition."""
    expect(log.atoms == start.atoms, f'melt.log has {log.atoms} atoms, expected {start.atoms}')
    kinetic = 1.5 * (start.atoms - 1) / start.atoms * start.temperature
    lattice = lennard_jones.lattice_energy(start.density)
    for name, column, scale, value in (
        ('density', 'Density', 1, start.density),
        ('initial temperature', 'Temp', 1, start.temperature),
        ('initial kinetic energy per atom', 'KinEng', start.atoms, kinetic),
        ('energy per atom of the starting crystal', 'PotEng', start.atoms, lattice),
    ):
        expect_close(name, log.column(column)[0] / scale, value, _INITIAL)


def expect_conservation(log: Log, time_step: float) -> None:
    """Fail unless energy and momentum are conserved."""
    for total, *parts in zip(*map(log.column, ('TotEng', 'PotEng', 'KinEng')), strict=True):
        expect_close('sum of potential and kinetic energy', sum(parts), total, _SUM)
    for temperature, kinetic in zip(*map(log.column, ('Temp', 'KinEng')), strict=True):
        expected = 2 * kinetic / (3 * log.atoms - 3)
        expect_close('temperature from the kinetic energy', temperature, expected, _SUM)
    limit = _ENERGY_DEVIATION * (time_step / 0.004) ** 2
    expect_within('change of the total energy per atom', energy_deviation(log), 0.0, limit)
    for axis in 'xyz':
        largest = max(map(abs, log.column(f'v_p{axis}')))
        expect_within(f'velocity of the centre of mass along {axis}', largest, 0.0, _DRIFT)


def energy_deviation(log: Log) -> float:
    """Largest deviation of the total energy per atom from its initial value."""
    energies = log.column('TotEng')
    return max(abs(energy - energies[0]) for energy in energies) / max(log.atoms, 1)


def liquid(log: Log, density: float, from_step: int) -> Liquid:
    """Average from a step on; undo the shift of the potential, add what lies beyond its cut-off."""
    pairs = log.mean('c_neighbours', from_step) / 2
    inside = log.mean('PotEng', from_step) + pairs * lennard_jones.AT_CUT_OFF
    return Liquid(
        density,
        log.mean('Temp', from_step),
        inside / max(log.atoms, 1) + lennard_jones.energy_beyond_cut_off(density),
        log.mean('Press', from_step) + lennard_jones.pressure_beyond_cut_off(density),
    )


def expect_liquid(liquid: Liquid) -> None:
    """Fail unless energy and pressure are those of the equation of state at this temperature."""
    state = (liquid.density, liquid.temperature)
    energy = equation_of_state.potential_energy(*state)
    pressure = equation_of_state.pressure(*state)
    expect_close(
        'potential energy per atom of the liquid', liquid.potential_energy, energy, _LIQUID_ENERGY
    )
    expect_within(
        'pressure of the liquid',
        liquid.pressure,
        pressure - _LIQUID_PRESSURE,
        pressure + _LIQUID_PRESSURE,
    )
