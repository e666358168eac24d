"""Published solutions of the lid-driven cavity at Re = 100, and how a flow compares with them.

Velocities are divided by the lid's, coordinates by the edge of the cavity. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from eessi_library.openfoam.balance import Flow, Grid

#: U. Ghia, K. N. Ghia, C. T. Shin, J. Comput. Phys. 48 (1982) 387, table I, Re = 100:
#: y and u along the vertical line through the centre.
GHIA_U = (
    (1.0000, 1.00000),
    (0.9766, 0.84123),
    (0.9688, 0.78871),
    (0.9609, 0.73722),
    (0.9531, 0.68717),
    (0.8516, 0.23151),
    (0.7344, 0.00332),
    (0.6172, -0.13641),
    (0.5000, -0.20581),
    (0.4531, -0.21090),
    (0.2813, -0.15662),
    (0.1719, -0.10150),
    (0.1016, -0.06434),
    (0.0703, -0.04775),
    (0.0625, -0.04192),
    (0.0547, -0.03717),
    (0.0000, 0.00000),
)

#: The same paper, table II, Re = 100: x and v along the horizontal line through the centre.
GHIA_V = (
    (1.0000, 0.00000),
    (0.9688, -0.05906),
    (0.9609, -0.07391),
    (0.9531, -0.08864),
    (0.9453, -0.10313),
    (0.9063, -0.16914),
    (0.8594, -0.22445),
    (0.8047, -0.24533),
    (0.5000, 0.05454),
    (0.2344, 0.17527),
    (0.2266, 0.17507),
    (0.1563, 0.16077),
    (0.0938, 0.12317),
    (0.0781, 0.10890),
    (0.0703, 0.10091),
    (0.0625, 0.09233),
    (0.0000, 0.00000),
)

#: Extrema along the same lines by a Chebyshev collocation method, all digits converged:
#: O. Botella, R. Peyret, Computers & Fluids 27 (1998) 421, for Re = 100.
SPECTRAL_U_MIN = -0.2140424
SPECTRAL_V_MAX = 0.1795728
SPECTRAL_V_MIN = -0.2538030


def _interpolated(points: Sequence[tuple[float, float]], x: float) -> float:
    """Cubic Lagrange interpolation through the four points around ``x``."""
    right = next((k for k, (at, _) in enumerate(points) if at >= x), len(points))
    first = min(max(right - 2, 0), len(points) - 4)
    near = points[first : first + 4]
    total = 0.0
    for k, (at, value) in enumerate(near):
        weight = 1.0
        for m, (other, _) in enumerate(near):
            if m != k:
                weight *= (x - other) / (at - other)
        total += weight * value
    return total


def _between_rows(grid: Grid, n: int) -> list[float]:
    """Values on the line between the two middle rows: cubic interpolation of four."""
    rows = (grid[n // 2 - 2], grid[n // 2 - 1], grid[n // 2], grid[n // 2 + 1])
    return [(9 * (b + c) - a - d) / 16 for a, b, c, d in zip(*rows, strict=True)]


def _profile(values: Sequence[float], at_end: float) -> list[tuple[float, float]]:
    n = len(values)
    centres = [((k + 0.5) / n, value) for k, value in enumerate(values)]
    return [(0.0, 0.0), *centres, (1.0, at_end)]


def u_profile(flow: Flow) -> list[tuple[float, float]]:
    """Return (y, u) along the vertical centre line, walls included; ``flow.cells`` is even."""
    columns = [list(column) for column in zip(*flow.u, strict=True)]
    return _profile(_between_rows(columns, flow.cells), 1.0)


def v_profile(flow: Flow) -> list[tuple[float, float]]:
    """Return (x, v) along the horizontal centre line, walls included; ``flow.cells`` is even."""
    return _profile(_between_rows(flow.v, flow.cells), 0.0)


def largest_deviation(
    profile: Sequence[tuple[float, float]], table: Sequence[tuple[float, float]]
) -> float:
    """Return the largest distance of a profile from the points of a table."""
    return max(abs(_interpolated(profile, at) - value) for at, value in table)


def _vertex(profile: Sequence[tuple[float, float]], sign: int) -> float:
    """Return the extremum of a profile: vertex of the parabola through its highest points."""
    inner = range(2, len(profile) - 2)  # equally spaced points only
    top = max(inner, key=lambda k: sign * profile[k][1])
    left, middle, right = (profile[k][1] for k in (top - 1, top, top + 1))
    bend = left - 2 * middle + right
    return middle - (right - left) ** 2 / (8 * bend) if bend else middle


def extrema(flow: Flow) -> dict[str, tuple[float, float]]:
    """Return name -> (found, spectral solution) of the extrema on the centre lines."""
    u, v = u_profile(flow), v_profile(flow)
    return {
        'smallest u': (_vertex(u, -1), SPECTRAL_U_MIN),
        'largest v': (_vertex(v, 1), SPECTRAL_V_MAX),
        'smallest v': (_vertex(v, -1), SPECTRAL_V_MIN),
    }
