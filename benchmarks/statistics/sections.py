"""The sections of the test-bed beyond the big table, each with its goal."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from methods import discoveries, mann_whitney, ours, reframe, rule, welch
from noise import Array, NoiseModel, autoregressive, blocks, interleaved, passing, runs
from numpy.typing import NDArray

from eessi_validate.compare.statistics import (
    MINIMUM_PAIRS,
    SELF_CHECK_PAIRS,
    Noise,
    StoredRun,
    Suspicion,
    check_last_runs,
    find_changes,
    most_pairs,
    plan_looks,
    pooled_noise,
    screen,
    sign_free_scale,
    signed_rank,
)
from eessi_validate.compare.statistics.power import scale_of_interval

DRIFT = NoiseModel('normal 5 %, drift', 0.05, drift=True)
SLOWDOWN = math.log(1.05)
DELTA = math.log1p(0.02)


def row(what: str, figure: str, goal: str, reached: bool) -> None:
    """Print one row of a table of goals."""
    answer = ('yes' if reached else 'NO') if goal else ''
    print(f'| {what} | {figure} | {goal} | {answer} |', flush=True)


def goals(repetitions: int, seed: int) -> None:
    """Print the error of the test itself, and the power of the verdict."""
    print('\n## Figures to reach\n\n| what | found | goal | reached |\n|---|---|---|---|')
    generator = np.random.default_rng([seed, 100])
    before, after = interleaved(runs(DRIFT, repetitions, 20, generator), 0.0, generator)
    found = ours(before, after)
    rate = 100 * (found.p <= 0.05).mean()
    what = 'false alarms of the test, A/A, CV 5 %, drift, 10 pairs'
    row(what, f'{rate:.2f} %', '5 +- 1.5 %', 3.5 <= rate <= 6.5)
    alarms = 100 * ((found.p <= 0.05) & (np.abs(found.centre) > DELTA)).mean()
    row('the same with the practical delta of 2 %', f'{alarms:.2f} %', '<= 6.5 %', alarms <= 6.5)
    for abba, goal in ((False, '5 +- 1.5 %'), (True, '')):
        series = passing(repetitions, 20, generator)
        rate = 100 * (ours(*interleaved(series, 0.0, generator, abba=abba)).p <= 0.05).mean()
        order = 'ABBA blocks, as it was before' if abba else 'a coin a pair'
        what = f'the test again, disturbances of two runs, {order}'
        row(what, f'{rate:.2f} %', goal, abba or 3.5 <= rate <= 6.5)
    whole = repetitions // 200 * 200
    family = discoveries(found.p[:whole].reshape(-1, 200)) & _large(found.centre[:whole]).reshape(
        -1, 200
    )
    mean = family.sum(axis=1).mean()
    what = 'false alarms in 200 such metrics after correction and delta, mean'
    row(what, f'{mean:.2f}', '<= 1', mean <= 1)
    before, after = interleaved(runs(DRIFT, repetitions, 40, generator), SLOWDOWN, generator)
    found = ours(before, after)
    power = 100 * ((found.p <= 0.05) & (found.centre > DELTA)).mean()
    what = 'power of "slower" for 5 %, CV 5 %, drift, 20 pairs'
    row(what, f'{power:.1f} %', '>= 95 %', power >= 95)


def coverage(repetitions: int, seed: int) -> None:
    """Print how often the 95 % interval covers the true ratio."""
    print('\n## Coverage of the nominal 95 % interval, per cent (goal 94 to 98)\n')
    sizes = (6, 7, 8, 9, 10, 12, 15, 20, 25, 30)
    print(f'| noise | {" | ".join(f"n = {n}" for n in sizes)} |\n|---|{"---|" * len(sizes)}')
    exact = [f'{100 * (1 - signed_rank.attained_level(n, 0.05)):.1f}' for n in sizes]
    print(f'| exact, independent symmetric differences | {" | ".join(exact)} |')
    models = (
        NoiseModel('normal 5 %', 0.05),
        NoiseModel('heavy 5 %', 0.05, heavy=True),
        DRIFT,
        NoiseModel('heavy 5 %, drift', 0.05, drift=True, heavy=True),
    )
    for number, model in enumerate(models):
        cells = []
        for n in sizes:
            generator = np.random.default_rng([seed, 200, n, number])
            found = ours(
                *interleaved(runs(model, repetitions // 4, 2 * n, generator), SLOWDOWN, generator)
            )
            covered = (found.lower <= SLOWDOWN) & (found.upper >= SLOWDOWN)
            cells.append(f'{100 * covered.mean():.1f}')
        print(f'| {model.name} | {" | ".join(cells)} |', flush=True)


def families(repetitions: int, seed: int) -> None:
    """Print mean false / true discoveries in families of 200 metrics."""
    print('\n## Families of 200 metrics: mean false alarms / found of 10 slowed by 5 %\n')
    names = ('ours (q, 2 %)', 'ours, two stages', 'Welch', 'Mann-Whitney', 'mean 10 %')
    names = (*names, 'ReFrame 10 %', 'Bonferroni')
    print(f'| noise | slowed | n | {" | ".join(names)} |\n|---|---|---|{"---|" * len(names)}')
    for cv in (0.02, 0.05, 0.10):
        for n in (10, 14, 20):
            for slowed in (0, 10):
                generator = np.random.default_rng([seed, 300, n, slowed, int(1000 * cv)])
                cells = _family_cells(cv, n, slowed, repetitions, generator)
                noise = f'CV {cv:.0%}, drift'
                print(f'| {noise} | {slowed} | {n} | {" | ".join(cells)} |', flush=True)


def _family_cells(
    cv: float, n: int, slowed: int, repetitions: int, generator: np.random.Generator
) -> list[str]:
    metrics = 200
    model = NoiseModel('', cv, drift=True)
    truth = np.arange(metrics) < slowed
    shifts = np.tile(np.where(truth, SLOWDOWN, 0.0), repetitions)

    def measure(pairs: int) -> tuple[Array, Array]:
        series = runs(model, metrics * repetitions, 2 * pairs, generator)
        return interleaved(series, shifts, generator)

    before, after = measure(n)
    shape = (repetitions, metrics)
    first = ours(before, after)
    one_stage = discoveries(first.p.reshape(shape)) & _large(first.centre).reshape(shape)
    suspects = (first.p <= 0.1).reshape(shape)
    fresh = ours(*measure(2 * n))
    # Only suspects are measured again: they alone are the family of the second stage.
    second_p = np.where(suspects, fresh.p.reshape(shape), np.nan)
    two_stages = _confirmed(second_p) & _large(fresh.centre).reshape(shape)
    found = (
        one_stage,
        two_stages,
        welch(before, after).reshape(shape),
        mann_whitney(before, after).reshape(shape),
        rule(before, after, 0.1).reshape(shape),
        reframe(before, after, 0.1).reshape(shape),
        (first.p <= 0.05 / metrics).reshape(shape),
    )
    return [
        f'{(f & ~truth).sum(axis=1).mean():.2f} / {(f & truth).sum(axis=1).mean():.1f}'
        for f in found
    ]


def _large(centre: Array) -> Array:
    return np.abs(centre) > DELTA


def _confirmed(p: Array) -> Array:
    rows = []
    for family in p:
        kept = ~np.isnan(family)
        flags = np.zeros(len(family), dtype=bool)
        if kept.any():
            flags[kept] = discoveries(family[kept][None, :])[0]
        rows.append(flags)
    return np.array(rows)


def sequential(repetitions: int, seed: int) -> None:
    """Print the overall error and the saving of looking every six pairs."""
    print('\n## Looks every six pairs with alpha spending, CV 5 %, drift\n')
    print('| most pairs | true change | slower or faster | equivalent | mean pairs | naive looks |')
    print('|---|---|---|---|---|---|')
    for most in (12, 24, 60):
        looks = plan_looks(most)
        for change in (0.0, 0.05, 0.10):
            generator = np.random.default_rng([seed, 400, most, int(100 * change)])
            series = runs(DRIFT, repetitions, 2 * most, generator)
            before, after = interleaved(series, math.log1p(change), generator)
            different, equal, used = _look(before, after, most)
            naive = np.zeros(repetitions, dtype=bool)
            for n in looks.pairs:
                naive |= ours(before[:, :n], after[:, :n]).p <= 0.05
            rates = [f'{100 * x.mean():.1f} %' for x in (different, equal)]
            print(
                f'| {most} | {change:.0%} | {rates[0]} | {rates[1]} | {used.mean():.1f} |'
                f' {100 * naive.mean():.1f} % |',
                flush=True,
            )


def until(repetitions: int, seed: int) -> None:
    """Print the same where a pilot decides how many pairs there are to be."""
    print('\n## A pilot decides on the number of pairs (finds 5 %, at most 60)\n')
    print('Goal: at 0 %, at most 5 %; at 5 %, at least 80 %. The standard error is in brackets.\n')
    print('| noise | pilot | true change | slower or faster | equivalent | mean pairs |')
    print('|---|---|---|---|---|---|')
    models = (
        NoiseModel('normal 5 %', 0.05),
        DRIFT,
        NoiseModel('heavy 5 %, drift', 0.05, drift=True, heavy=True),
    )
    for number, model in enumerate(models):
        for change in (0.0, 0.05, 0.30):
            generator = np.random.default_rng([seed, 450, number, int(100 * change)])
            series = runs(model, repetitions, 2 * (SELF_CHECK_PAIRS + 60), generator)
            itself = interleaved(series[:, : 2 * SELF_CHECK_PAIRS], 0.0, generator)
            rest = series[:, 2 * SELF_CHECK_PAIRS :]
            before, after = interleaved(rest, math.log1p(change), generator)
            for pilot, most in _most_by_pilot(itself, before, after).items():
                cells = _until_cells(before, after, most)
                print(f'| {model.name} | {pilot} | {change:.0%} | {cells} |', flush=True)


def _most_by_pilot(itself: tuple[Array, Array], before: Array, after: Array) -> dict[str, Array]:
    """Return the planned number of pairs of each repetition; the last way is how not to do it."""
    n = MINIMUM_PAIRS
    found = ours(*itself)
    width = found.upper - found.lower
    size = itself[0].shape[1]
    check = [scale_of_interval(w / 2, size, 0.05) for w in width]
    differences = after[:, :n] - before[:, :n]
    pilot = ours(before[:, :n], after[:, :n])
    signed = [scale_of_interval(w / 2, n, 0.05) for w in pilot.upper - pilot.lower]
    return {
        'self-check, 8 pairs': np.array([most_pairs(s, 0.05, 60, degrees=7)[0] for s in check]),
        'sizes of the first 6': np.array(
            [most_pairs(sign_free_scale(d), 0.05, 60)[0] for d in differences]
        ),
        'first 6 with signs (not used)': np.array([most_pairs(s, 0.05, 60)[0] for s in signed]),
    }


def _until_cells(before: Array, after: Array, most: Array) -> str:
    different = equal = used = 0.0
    for number in np.unique(most):
        here = most == number
        yes, same, pairs = _look(before[here], after[here], int(number))
        different, equal, used = different + yes.sum(), equal + same.sum(), used + pairs.sum()
    rate = different / len(most)
    error = math.sqrt(rate * (1 - rate) / len(most))
    return (
        f'{100 * rate:.2f} % ({100 * error:.2f}) | {100 * equal / len(most):.1f} %'
        f' | {used / len(most):.1f}'
    )


def _look(before: Array, after: Array, most: int) -> tuple[Array, Array, Array]:
    """Return which stop as different or as equivalent, and after how many pairs."""
    looks = plan_looks(most)
    stopped = np.zeros(len(before), dtype=bool)
    different, equal, used = stopped.copy(), stopped.copy(), np.full(len(before), most)
    for n, level, inner in zip(looks.pairs, looks.levels, looks.equivalence_levels, strict=True):
        found = ours(before[:, :n], after[:, :n], inner)
        yes = (found.p <= level) & (np.abs(found.centre) > DELTA)
        same = (found.equivalence_lower > -DELTA) & (found.equivalence_upper < DELTA)
        now = ~stopped & (yes | same)
        different |= now & yes
        equal |= now & same & ~yes
        used[now] = n
        stopped |= now
    return different, equal, used


def screening(repetitions: int, seed: int) -> None:
    """Print how often stored runs are called suspect."""
    print('\n## Screening of stored runs (block design, one run a session): suspects\n')
    print(
        '| noise | sessions a side | no change | 5 % slower | 10 % slower |\n|---|---|---|---|---|'
    )
    for cv in (0.02, 0.05):
        for n in (3, 6, 10, 20):
            cells = []
            for change in (0.0, 0.05, 0.10):
                generator = np.random.default_rng([seed, 500, n, int(100 * change)])
                series = runs(NoiseModel('', cv, drift=True), repetitions, 2 * n, generator)
                sides = blocks(series, math.log1p(change))
                found = [_suspected(*pair) for pair in zip(*sides, strict=True)]
                cells.append(f'{100 * np.mean(found):.0f} %')
            print(f'| CV {cv:.0%}, drift | {n} | {" | ".join(cells)} |', flush=True)


def _suspected(before: Array, after: Array) -> bool:
    sides = [
        [StoredRun(math.exp(v), 's', str(i)) for i, v in enumerate(side)]
        for side in (before, after)
    ]
    return screen(*sides, 'lower').suspicion in (
        Suspicion.SUSPECT_SLOWER,
        Suspicion.SUSPECT_FASTER,
    )


def histories(repetitions: int, seed: int) -> None:
    """Print false alarms and hits of change points: 60 nights, 5 % at night 40."""
    print('\n## Change points: 60 nights, a step of 5 % at night 40\n')
    print('| noise | any change in a sound series | found within 4 nights |\n|---|---|---|')
    for cv in (0.02, 0.05):
        for drift in (0.0, 0.5, 0.9):
            generator = np.random.default_rng([seed, 600, int(100 * cv), int(10 * drift)])
            sound = cv * generator.standard_normal((repetitions, 60))
            if drift:
                slow = autoregressive(drift, repetitions, 60, generator)
                sound = math.sqrt(0.5) * (sound + cv * slow)
            stepped = sound.copy()
            stepped[:, 40:] += SLOWDOWN
            alarms = [bool(find_changes(np.exp(s))) for s in sound]
            hits = [any(abs(c.index - 40) <= 4 for c in find_changes(np.exp(s))) for s in stepped]
            name = f'CV {cv:.0%}' + (f', half of it AR({drift})' if drift else ', independent')
            print(f'| {name} | {100 * np.mean(alarms):.1f} % | {100 * np.mean(hits):.1f} % |')


def halving(repetitions: int, seed: int) -> None:
    """Print when the alarm is raised as speed falls from 375 to 190, 145 and 80 ns/day."""
    print(
        '\n## A halving series: 375, then 190, 145, 80 ns/day; log-normal noise on the sound runs'
    )
    print(
        f'\nOf {repetitions} series each; sound series are looked at after each of 20 more runs.\n'
    )
    print('| noise | runs before | other series | by the 1st | by the 2nd | by the 3rd | sound |')
    print('|---|---|---|---|---|---|---|')
    for cv in (0.25, 0.275, 0.30):
        for before, others in ((20, 0), (40, 0), (40, 19), (60, 19), (120, 19), (200, 19)):
            generator = np.random.default_rng([seed, 700, before, others, int(1000 * cv)])
            scale = math.sqrt(math.log1p(cv**2))
            kind = [np.exp(scale * generator.standard_normal(before)) for _ in range(others)]
            noise = pooled_noise(kind)
            first = [0, 0, 0]
            false = 0
            for _ in range(repetitions):
                sound = 375 * np.exp(scale * generator.standard_normal(before + 20))
                bad = [*sound[:before], 190, 145, 80]
                raised = [
                    check_last_runs(bad[: before + i], 'higher', noise=noise).raised
                    for i in (1, 2, 3)
                ]
                for i in range(3):
                    first[i] += any(raised[: i + 1])
                false += any(
                    check_last_runs(sound[: before + i], 'higher', noise=noise).raised
                    for i in range(1, 21)
                )
            cells = [f'{100 * f / repetitions:.0f} %' for f in first]
            print(f'| {cv:.1%} | {before} | {others} | {" | ".join(cells)} | {false} |', flush=True)


def alarm_error(looks: int, seed: int) -> None:
    """Print how often the alarm rings at a look at a sound series, by length of its baseline."""
    print('\n## The alarm at sound series of normal noise on logarithms: error of a look\n')
    print(f'Promised: at most 1 in 10,000. {looks:,} looks each.\n')
    print('| runs before | other series | rings | one look in |')
    print('|---|---|---|---|')
    for before, others in ((8, 0), (10, 0), (15, 0), (20, 0), (40, 0), (100, 0), (8, 19), (40, 19)):
        generator = np.random.default_rng([seed, 800, before, others])
        rings = 0
        for _ in range(looks // 2000):
            kind = np.exp(0.3 * generator.standard_normal((others, before)))
            noise = pooled_noise([series.tolist() for series in kind])
            logs = 0.3 * generator.standard_normal((2000, before + 3))
            for series in np.exp(logs[_may_ring(logs, noise)]):
                rings += check_last_runs(series.tolist(), 'lower', noise=noise).raised
        done = looks // 2000 * 2000
        once = f'{done / rings:,.0f}' if rings else f'more than {done:,}'
        print(f'| {before} | {others} | {rings} | {once} |', flush=True)


def _may_ring(logs: Array, noise: Noise | None) -> NDArray[np.bool_]:
    """Leave out looks that cannot ring: nearly all are far within the lines of large samples."""
    baseline, last = logs[:, :-3], logs[:, -3:]
    n = baseline.shape[1]
    far = np.abs(baseline - np.median(baseline, axis=1, keepdims=True))
    # Half of a baseline is never an outlier, and one that loses any is looked at in any case.
    doubtful = far.max(axis=1) > 4 * np.median(far, axis=1) / 0.6745
    squares, degrees = baseline.var(axis=1) * n, n - 1
    if noise is not None:
        squares, degrees = squares + noise.scale**2 * noise.degrees, degrees + noise.degrees
    scale = np.sqrt(squares / degrees)[:, None]
    out = (last - baseline.mean(axis=1, keepdims=True)) / scale
    pair = np.sort(out[:, 1:], axis=1) / math.sqrt(1 + 1 / n)
    whole = out.mean(axis=1) / math.sqrt(1 / 3 + 1 / n)
    beyond = (out[:, 2] > 3.8) | (whole > 3.8) | ((pair[:, 0] > 1.8) & (pair[:, 1] > 2.9))
    worse = (out[:, 2] > 1.5) | (whole > 1.5) | (pair[:, 0] > 0.9)
    found: NDArray[np.bool_] = beyond | (doubtful & worse)
    return found


def halving_bound() -> None:
    """Print the least error of any alarm that sees the first two bad runs of the halving series.

    The runs that fell are given; chance is in the baseline of n runs of known scale, whose mean
    errs by scale / sqrt(n). An alarm that also rings for anything worse, and sees the two runs for
    99 of 100 baselines, rings for all pairs of runs that are worse than both by the 99th
    percentile of that error. A test of the mean of both rings for a half-plane instead.
    """
    print('\n## The same: least error of an alarm that sees 190 and 145 in 99 of 100 series\n')
    print('Noise 30 % of known scale; alarms expected in 200 sound series of 20 looks.\n')
    print(
        '| runs before | any alarm, error a look | in 200 series | mean of both | in 200 series |'
    )
    print('|---|---|---|---|---|')
    scale = math.sqrt(math.log1p(0.3**2))
    fallen = np.array([math.log(375 / 190), math.log(375 / 145)]) / scale
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    for n in (40, 60, 200, math.inf):
        margin = NormalDist().inv_cdf(0.99) / math.sqrt(n)
        limits = fallen - margin
        corner = half = 0.0
        for error, weight in zip(nodes / math.sqrt(n), weights / weights.sum(), strict=True):
            corner += weight * _beyond(limits[0] + error) * _beyond(limits[1] + error)
            half += weight * _beyond((limits.sum() + 2 * error) / math.sqrt(2))
        cells = [f'{p:.1e} | {4000 * p:.2f}' for p in (corner, half)]
        print(f'| {n} | {cells[0]} | {cells[1]} |', flush=True)


def _beyond(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))
