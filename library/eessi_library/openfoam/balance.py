"""The discrete Navier-Stokes equations of a steady flow, checked cell by cell.

The finite-volume method states what its solution satisfies: in every cell the mass fluxes through
the faces cancel, and convection, viscous stress and pressure balance (H. Jasak, thesis, Imperial
College 1996, section 3.3; central differences on a uniform grid, Ghia's problem in its
dimensionless form). These functions evaluate those balances from the written fields and from the
case that was *asked for*, without OpenFOAM: a field, a viscosity, a lid or a scheme that is off
by one part in a million leaves a residual, whatever solver and decomposition made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Grid = list[list[float]]


@dataclass(frozen=True)
class Flow:
    """A dimensionless flow in the unit square: velocities by the lid's, pressure by its square.

    Index [j][i] counts cells from the lower left corner, i to the right. ``east[j][i]`` and
    ``north[j][i]`` are the mean velocities through the right and the upper face of a cell.
    """

    u: Grid
    v: Grid
    p: Grid
    east: Grid
    north: Grid

    @property
    def cells(self) -> int:
        """Cells along an edge."""
        return len(self.u)


def flow_from_fields(
    velocity: Sequence[Sequence[float]],
    pressure: Sequence[Sequence[float]],
    flux: Sequence[Sequence[float]],
    *,
    lid_speed: float,
    face_area: float,
) -> Flow:
    """Arrange OpenFOAM's lists as a grid and make them dimensionless.

    blockMesh numbers the cells of a block row by row. The inner faces are listed by the cell that
    owns them, for each cell first the face to its right neighbour, then to its upper one
    (OpenFOAM user guide, section 4.1: upper-triangular order).

    :arg face_area: area in m^2 of a face between two cells.
    :raises ValueError: if the fields do not belong to a square of equal cells.
    """
    n = round(len(velocity) ** 0.5)
    if n * n != len(velocity) or len(pressure) != n * n or len(flux) != 2 * n * (n - 1):
        raise ValueError(
            f'fields of {len(velocity)}, {len(pressure)} cells and {len(flux)} faces: not a square'
        )
    faces = iter(f[0] / (lid_speed * face_area) for f in flux)
    east, north = [[0.0] * n for _ in range(n)], [[0.0] * n for _ in range(n)]
    for j in range(n):
        for i in range(n):
            if i < n - 1:
                east[j][i] = next(faces)
            if j < n - 1:
                north[j][i] = next(faces)
    rows = range(0, n * n, n)
    return Flow(
        u=[[c[0] / lid_speed for c in velocity[r : r + n]] for r in rows],
        v=[[c[1] / lid_speed for c in velocity[r : r + n]] for r in rows],
        p=[[c[0] / lid_speed**2 for c in pressure[r : r + n]] for r in rows],
        east=east,
        north=north,
    )


def mass_imbalance(flow: Flow) -> float:
    """Return the largest net mass flux out of any cell, by the flux of the lid over one face."""
    n = flow.cells
    worst = 0.0
    for j in range(n):
        for i in range(n):
            west = flow.east[j][i - 1] if i else 0.0
            south = flow.north[j - 1][i] if j else 0.0
            worst = max(worst, abs(flow.east[j][i] - west + flow.north[j][i] - south))
    return worst


def momentum_imbalance(flow: Flow, reynolds: float) -> float:
    """Return the largest imbalance of momentum of any cell, by the largest viscous force on one."""
    u_worst, u_force = _component(flow, flow.u, 1.0, reynolds, along_x=True)
    v_worst, v_force = _component(flow, flow.v, 0.0, reynolds, along_x=False)
    return max(u_worst, v_worst) / max(u_force, v_force, 1e-300)


def _component(
    flow: Flow, c: Grid, lid: float, reynolds: float, *, along_x: bool
) -> tuple[float, float]:
    n, p = flow.cells, flow.p
    stress = n / reynolds  # viscosity / spacing
    worst = force = 0.0
    for j in range(n):
        for i in range(n):
            here = c[j][i]
            viscous = convection = 0.0
            # (velocity out of the cell, inside?, neighbour, value on the wall)
            sides = (
                (flow.east[j][i], i < n - 1, (j, i + 1), 0.0),
                (-flow.east[j][i - 1] if i else 0.0, i > 0, (j, i - 1), 0.0),
                (flow.north[j][i], j < n - 1, (j + 1, i), lid),
                (-flow.north[j - 1][i] if j else 0.0, j > 0, (j - 1, i), 0.0),
            )
            for out, inside, (row, column), wall in sides:
                if inside:
                    there = c[row][column]
                    viscous += stress * (there - here)
                    convection += out * (there + here) / 2
                else:
                    viscous += 2 * stress * (wall - here)  # half a cell away
            # Zero gradient of pressure at walls: the value on the wall is that of the cell.
            if along_x:
                ahead, behind = p[j][min(i + 1, n - 1)], p[j][max(i - 1, 0)]
            else:
                ahead, behind = p[min(j + 1, n - 1)][i], p[max(j - 1, 0)][i]
            worst = max(worst, abs(convection - viscous + (ahead - behind) / 2))
            force = max(force, abs(viscous))
    return worst, force


def largest_difference(a: Flow, b: Flow) -> float:
    """Return the largest difference between the velocities of two flows, by the lid's."""
    pairs = ((a.u, b.u), (a.v, b.v))
    return max(
        abs(x - y)
        for first, second in pairs
        for row_a, row_b in zip(first, second, strict=True)
        for x, y in zip(row_a, row_b, strict=True)
    )
