"""Two runs out together: how often sound runs do that."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eessi_validate.compare.statistics.student import cumulative
from eessi_validate.compare.statistics.warning_lines import both_out


def beyond(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def test_the_lines_are_two_and_three_standard_deviations() -> None:
    action, warning = beyond(3), beyond(2)
    known = 10**7
    wanted = action * (2 * warning - action)
    assert both_out(warning, action, known, known) == pytest.approx(wanted, rel=0.01)
    assert both_out(action, warning, known, known) == pytest.approx(wanted, rel=0.01)


def test_both_must_be_out() -> None:
    assert both_out(1e-12, 0.4, 60, 59) > 0.01
    assert both_out(1e-12, 1e-4, 60, 59) < 1e-6


@pytest.mark.parametrize('p', [0.5, 0.9, 0.9999, 1.0])
def test_two_better_runs_are_not_out(p: float) -> None:
    assert both_out(p, p, 60, 59) >= 0.5


@pytest.mark.parametrize('runs', [8, 40])
def test_sound_runs_are_out_as_often_as_it_says(runs: int) -> None:
    generator = np.random.default_rng(runs)
    baseline = generator.standard_normal((60_000, runs))
    last = generator.standard_normal((60_000, 2))
    error = baseline.std(axis=1, ddof=1) * math.sqrt(1 + 1 / runs)
    t = (last - baseline.mean(axis=1)[:, None]) / error[:, None]
    # Others are clearly sound.
    far = t[(t > 1.2).all(axis=1) & (t > 2.2).any(axis=1)]
    p = [both_out(*(cumulative(-float(x), runs - 1) for x in row), runs, runs - 1) for row in far]
    assert np.mean(np.array(p) <= 1e-3) * len(p) / 60_000 == pytest.approx(1e-3, rel=0.35)


def test_a_baseline_without_noise_makes_whatever_is_worse_certain() -> None:
    assert both_out(0.0, 0.0, 20, 19) == 0.0
    assert both_out(0.0, 1.0, 20, 19) > 0.01
