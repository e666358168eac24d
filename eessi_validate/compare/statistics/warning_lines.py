"""Two runs in a row: one beyond the action line, the other beyond the warning line.

E. S. Page, Control charts with warning lines, Biometrika 42 (1955) 243. The lines are the usual two
and three standard deviations, moved together so that the error is the one asked for. Against the
mean of two runs this needs both of them to be bad: one spike and a sound run never ring. The
chance of both is exact for normal noise with an estimated mean and scale, which the two runs share.
"""

from __future__ import annotations

import math

import numpy as np

from eessi_validate.compare.statistics.student import quantile

#: One-sided chance of a sound run beyond two standard deviations, in that beyond three.
_WARNINGS_PER_ACTION = math.erfc(2 / math.sqrt(2)) / math.erfc(3 / math.sqrt(2))

#: Above this nobody needs the exact chance.
_CLEARLY_SOUND = 0.01

#: Nodes for the error of the mean (Gauss-Hermite) and of the scale, which lies within so many
#: standard deviations of 1.
_MEAN_NODES = 24
_SCALE_NODES = 161
_SCALE_REACH = 8.0

_upper_tail = np.vectorize(lambda z: 0.5 * math.erfc(z / math.sqrt(2)), otypes=[float])


def both_out(p_one: float, p_other: float, runs: int, degrees: int) -> float:
    """Return the chance that two sound runs are out as far as these, in either order.

    :arg p_one: one-sided p-value of one run against the baseline by Student's t.
    :arg p_other: that of the other run.
    :arg runs: runs of the baseline.
    :arg degrees: degrees of freedom of its scale.
    """
    action = max(min(p_one, p_other), max(p_one, p_other) / _WARNINGS_PER_ACTION)
    warning = min(_WARNINGS_PER_ACTION * action, 1.0)
    independent = action * (2 * warning - action)
    # What the runs share, the baseline, only makes both out more likely.
    if independent > _CLEARLY_SOUND:
        return min(1.0, 2 * independent)
    if action <= 0:
        return 0.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(_MEAN_NODES)
    means, weights = nodes / math.sqrt(runs), weights / weights.sum()
    width = _SCALE_REACH / math.sqrt(2 * degrees)
    scales = np.linspace(max(1 - width, 1e-3), 1 + width, _SCALE_NODES)
    # The scale is a chi variable divided by the root of its degrees of freedom.
    log_density = (degrees - 1) * np.log(scales) - degrees * scales**2 / 2
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    stretch = scales[:, None] * math.sqrt(1 + 1 / runs)
    limits = (quantile(1 - level, degrees) * stretch + means for level in (warning, action))
    beyond_warning, beyond_action = (_upper_tail(limit) for limit in limits)
    both = 2 * beyond_warning * beyond_action - beyond_action**2
    return float(density @ both @ weights)
