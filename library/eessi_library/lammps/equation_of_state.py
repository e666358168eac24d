"""The published equation of state of the Lennard-Jones fluid.

J. K. Johnson, J. A. Zollweg and K. E. Gubbins, "The Lennard-Jones equation of state revisited",
Molecular Physics 78 (1993) 591-618: a modified Benedict-Webb-Rubin equation (tables 5 to 7) with
32 parameters (table 10) fitted to simulations of the full, untruncated potential. Reduced units.
"""

from __future__ import annotations

import math

#: Linear parameters x_1 to x_32, table 10 of the paper.
_X = (
    0.8623085097507421,
    2.976218765822098,
    -8.402230115796038,
    0.1054136629203555,
    -0.8564583828174598,
    1.582759470107601,
    0.7639421948305453,
    1.753173414312048,
    2.798291772190376e3,
    -4.8394220260857657e-2,
    0.9963265197721935,
    -3.698000291272493e1,
    2.084012299434647e1,
    8.305402124717285e1,
    -9.574799715203068e2,
    -1.477746229234994e2,
    6.398607852471505e1,
    1.603993673294834e1,
    6.805916615864377e1,
    -2.791293578795945e3,
    -6.245128304568454,
    -8.116836104958410e3,
    1.488735559561229e1,
    -1.059346754655084e4,
    -1.131607632802822e2,
    -8.867771540418822e3,
    -3.986982844450543e1,
    -4.689270299917261e3,
    2.593535277438717e2,
    -2.694523589434903e3,
    -7.218487631550215e2,
    1.721802063863269e2,
)

#: The non-linear parameter.
_GAMMA = 3.0


def _pressure_coefficients(t: float) -> tuple[list[float], list[float]]:
    """Return a_1 to a_8 and b_1 to b_6 (tables 5 and 6)."""
    x = (math.nan, *_X)
    a = [
        x[1] * t + x[2] * math.sqrt(t) + x[3] + x[4] / t + x[5] / t**2,
        x[6] * t + x[7] + x[8] / t + x[9] / t**2,
        x[10] * t + x[11] + x[12] / t,
        x[13],
        x[14] / t + x[15] / t**2,
        x[16] / t,
        x[17] / t + x[18] / t**2,
        x[19] / t**2,
    ]
    b = [
        x[20] / t**2 + x[21] / t**3,
        x[22] / t**2 + x[23] / t**4,
        x[24] / t**2 + x[25] / t**3,
        x[26] / t**2 + x[27] / t**4,
        x[28] / t**2 + x[29] / t**3,
        x[30] / t**2 + x[31] / t**3 + x[32] / t**4,
    ]
    return a, b


def _energy_coefficients(t: float) -> tuple[list[float], list[float]]:
    """Return c_1 to c_8 and d_1 to d_6 (table 8): a - t da/dt and b - t db/dt."""
    x = (math.nan, *_X)
    c = [
        x[2] * math.sqrt(t) / 2 + x[3] + 2 * x[4] / t + 3 * x[5] / t**2,
        x[7] + 2 * x[8] / t + 3 * x[9] / t**2,
        x[11] + 2 * x[12] / t,
        x[13],
        2 * x[14] / t + 3 * x[15] / t**2,
        2 * x[16] / t,
        2 * x[17] / t + 3 * x[18] / t**2,
        3 * x[19] / t**2,
    ]
    d = [
        3 * x[20] / t**2 + 4 * x[21] / t**3,
        3 * x[22] / t**2 + 5 * x[23] / t**4,
        3 * x[24] / t**2 + 4 * x[25] / t**3,
        3 * x[26] / t**2 + 5 * x[27] / t**4,
        3 * x[28] / t**2 + 4 * x[29] / t**3,
        3 * x[30] / t**2 + 4 * x[31] / t**3 + 5 * x[32] / t**4,
    ]
    return c, d


def _integrals(density: float) -> list[float]:
    """Return G_1 to G_6 (table 7)."""
    damping = math.exp(-_GAMMA * density**2)
    integrals = [(1 - damping) / (2 * _GAMMA)]
    for power in range(2, 12, 2):
        previous = integrals[-1]
        integrals.append(-(damping * density**power - power * previous) / (2 * _GAMMA))
    return integrals


def pressure(density: float, temperature: float) -> float:
    """Pressure in epsilon / sigma^3 (equation 7 of the paper)."""
    a, b = _pressure_coefficients(temperature)
    damping = math.exp(-_GAMMA * density**2)
    return (
        density * temperature
        + sum(value * density ** (i + 2) for i, value in enumerate(a))
        + damping * sum(value * density ** (2 * i + 3) for i, value in enumerate(b))
    )


def potential_energy(density: float, temperature: float) -> float:
    """Potential energy per atom in epsilon (equation 9 of the paper)."""
    c, d = _energy_coefficients(temperature)
    return sum(value * density ** (i + 1) / (i + 1) for i, value in enumerate(c)) + sum(
        value * integral for value, integral in zip(d, _integrals(density), strict=True)
    )
