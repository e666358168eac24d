"""Energies of the model of :mod:`~.model_potential`, for the calculations of silicon.

They come from ``tests/library/quantum_espresso/plane_waves.py``, as those of
:mod:`~.silicon_reference` do, at the same nodes of the lattice parameter.
"""

from __future__ import annotations

from dataclasses import replace

from eessi_library.quantum_espresso import silicon_reference as silicon

#: k-points along an edge and size of the basis -> total energy in Ry at each node.
_ENERGIES = {
    (4, 21.08): (
        -17.080233007,
        -17.068986730,
        -17.038404604,
        -16.998544815,
        -16.964840792,
        -16.951660741,
    ),
    (4, 31.62): (
        -17.116366972,
        -17.105607003,
        -17.076330739,
        -17.038156618,
        -17.005880201,
        -16.993261634,
    ),
    (4, 47.43): (
        -17.126865088,
        -17.116487738,
        -17.088250034,
        -17.051431947,
        -17.020309476,
        -17.008144774,
    ),
    (6, 63.24): (
        -17.133200311,
        -17.122749400,
        -17.094343562,
        -17.057364960,
        -17.026149529,
        -17.013957804,
    ),
    (8, 63.24): (
        -17.133637311,
        -17.123175955,
        -17.094744935,
        -17.057739157,
        -17.026504601,
        -17.014306191,
    ),
}

#: As ``silicon_reference.SIZES``, with the energies of the model.
SIZES = {
    name: tuple(replace(b, energies=_ENERGIES[b.k_grid, b.size]) for b in bases)
    for name, bases in silicon.SIZES.items()
}
