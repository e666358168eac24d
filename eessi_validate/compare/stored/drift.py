"""Truths that moved although the tests passed on both sides."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eessi_validate.compare.stored.cases import case_name
from eessi_validate.compare.stored.coded import Rows
from eessi_validate.compare.stored.model import Drift
from eessi_validate.compare.stored.series import Series

#: Share of the accepted interval that a truth may move within before it is drift.
SHARE = 0.25

#: Equal but for the last digits: a different order of summation.
RELATIVE = 1e-9


def find_drifts(
    frame: Rows, series: Sequence[Series], ignored: Sequence[str]
) -> tuple[tuple[Drift, ...], list[str]]:
    """Return what moved, and what could not be compared because units differ.

    The tolerance is a quarter of the interval that the test accepts, or twice the range of the
    values before (three runs at least); never less than rounding. Where neither is known a
    difference is shown, and is not called beyond.
    """
    value = frame.numbers['value']
    lower, upper = frame.numbers['lower'], frame.numbers['upper']
    unit = frame.texts['unit'].codes
    drifts, problems = [], []
    for s in series:
        if not len(s.before) or not len(s.after):
            continue
        both = np.concatenate([s.before, s.after])
        if len(np.unique(unit[both])) > 1:
            units = ', '.join(sorted({repr(u) for u in frame.texts['unit'].different(both)}))
            where = case_name(frame, s.any, ignored)
            problems.append(f'{where}: units of {frame.at("metric", s.any)} differ: {units}')
            continue
        old, new = float(np.median(value[s.before])), float(np.median(value[s.after]))
        rounding = RELATIVE * max(abs(old), abs(new))
        if abs(new - old) <= rounding:
            continue
        width = _width(lower[both], upper[both])
        if math.isfinite(width):
            tolerance, basis = SHARE * width, f'{SHARE:.0%} of the accepted interval'
        elif len(s.before) >= 3:
            tolerance = 2 * float(np.ptp(value[s.before]))
            basis = f'twice the range of {len(s.before)} runs before'
        else:
            tolerance, basis = math.nan, 'no interval is stated, and too few runs'
        known = math.isfinite(tolerance)
        if known and abs(new - old) <= max(tolerance, rounding):
            continue
        drifts.append(
            Drift(
                case=case_name(frame, s.any, ignored),
                metric=frame.at('metric', s.any),
                before=old,
                after=new,
                unit=frame.at('unit', s.any),
                tolerance=tolerance,
                basis=basis,
                beyond=known,
            )
        )
    drifts.sort(key=lambda d: (not d.beyond, d.case, d.metric))
    return tuple(drifts), problems


def _width(lower: np.ndarray, upper: np.ndarray) -> float:
    widths = upper - lower
    widths = widths[np.isfinite(widths) & (widths > 0)]
    return float(widths.min()) if len(widths) else math.nan
