"""From the rows of one case: what to do next, and what its metrics say. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eessi_validate.compare.ab.journal import Asked, Phase, Row
from eessi_validate.compare.statistics import (
    MINIMUM_PAIRS,
    Comparison,
    DuetAdvice,
    Looks,
    Measurement,
    SelfCheck,
    Settings,
    Verdict,
    advise_duet,
    check_itself,
    estimate_ratio,
    judge_family,
    most_pairs,
    pair_up,
    plan_looks,
    sequential_p,
    sign_free_scale,
)
from eessi_validate.results.model import Metric, Outcome

#: Failures of one side in a row after which measuring it again is waste.
_GIVE_UP_AFTER = 3


@dataclass(frozen=True)
class Next:
    """What one case needs now."""

    #: Pairs in the phase that are due; 0 if the case is done.
    pairs: int
    phase: Phase = 'pair'
    #: Number of the first one.
    first: int = 0
    #: Why it is done.
    reason: str = ''


def next_step(rows: Sequence[Row], asked: Asked, cores: int = 1) -> Next:
    """Return the pairs that a case needs next; blocks of two, so that drift cancels.

    :arg cores: that one run of the case takes; what ``duet`` needs to know.
    """
    if side := _hopeless(rows):
        return Next(0, reason=f'{side} failed {_GIVE_UP_AFTER} times in a row')
    pilot = MINIMUM_PAIRS if asked.duet and has_room(cores, asked) else 0
    for phase, wanted in (
        ('warm-up', asked.warm_ups),
        ('duet', pilot),
        ('self-check', asked.self_check),
    ):
        tried = _tried(rows, phase)  # type: ignore[arg-type]
        if tried < wanted:
            return Next(wanted - tried, phase, tried)  # type: ignore[arg-type]
    looks = planned_looks(rows, asked)
    usable, tried = len(usable_pairs(rows)), _tried(rows, 'pair')
    if usable >= looks.pairs[-1]:
        return Next(0, reason=f'all {looks.pairs[-1]} pairs are measured')
    if tried >= 2 * looks.pairs[-1]:
        return Next(0, reason=f'only {usable} of {tried} pairs could be used')
    if usable in looks.pairs and _settled(rows, asked):
        return Next(0, reason=f'decided at the look after {usable} pairs')
    due = min(n for n in looks.pairs if n > usable) - usable
    # A block begins with an even pair; an odd one left over is completed first.
    return Next(min(due, 2 - tried % 2), 'pair', tried)


def planned_looks(rows: Sequence[Row], asked: Asked) -> Looks:
    """Return when to look; with ``until``, a pilot decides on the number of pairs.

    The pilot is the side before against itself, so that the number is known before the first pair.
    Without six such pairs it is the first six pairs, of which it sees sizes but no signs.
    """
    if asked.until is None:
        return _looks(asked.pairs, asked)
    needed = [
        most_pairs(scale, asked.until, asked.pairs, alpha=asked.alpha, degrees=degrees)[0]
        for scale, degrees in _pilot(rows)
    ]
    return _looks(max(needed, default=asked.pairs), asked)


def _pilot(rows: Sequence[Row]) -> list[tuple[float, int | None]]:
    """Return the scale of each metric and the degrees of freedom behind it."""
    check = [c.sample.log_ratios for c in _comparisons(rows, phase='self-check')]
    if check and all(len(logs) >= MINIMUM_PAIRS for logs in check):
        estimates = [estimate_ratio(logs) for logs in check]
        return [(e.scale, e.n - 1) for e in estimates if e is not None]
    first = usable_pairs(rows)[:MINIMUM_PAIRS]
    samples = [c.sample.log_ratios for c in _comparisons(rows, first)]
    # The difference that is to be found is in this scale already: no allowance for chance.
    return [(sign_free_scale(logs), None) for logs in samples if len(logs) == MINIMUM_PAIRS]


def _looks(most: int, asked: Asked) -> Looks:
    return plan_looks(most, alpha=asked.alpha, equivalence_alpha=asked.alpha)


def comparisons(rows: Sequence[Row], asked: Asked) -> list[Comparison]:
    """Return the metrics of one case as ``judge_family`` wants them, looks accounted for."""
    looks = planned_looks(rows, asked)
    pairs = usable_pairs(rows)
    done = [n for n in looks.pairs if n <= len(pairs)]
    found = []
    for comparison in _comparisons(rows):
        logs = comparison.sample.log_ratios
        made = [n for n in done if n <= len(logs)]
        estimates = [estimate_ratio(logs[:n]) for n in made]
        p_values = [e.p for e in estimates if e is not None]
        found.append(
            Comparison(
                name=comparison.name,
                direction=comparison.direction,
                sample=comparison.sample,
                p=sequential_p(looks.pairs, p_values) if p_values else 1.0,
                equivalence_alpha=looks.equivalence_levels[max(len(made) - 1, 0)],
            )
        )
    return found


def has_room(cores: int, asked: Asked) -> bool:
    """Return whether both sides of a case fit beside each other and what else runs here."""
    return 2 * cores <= _idle(asked)


def _idle(asked: Asked) -> float:
    load = asked.host.load_before
    return 0.0 if load is None else asked.host.cpus - load


def duet_advice(rows: Sequence[Row], asked: Asked, cores: int) -> DuetAdvice:
    """Return whether both sides of a case are to run at once, by its pilot; for every metric."""
    found = [
        advise_duet(c.sample.pairs, cores_of_both=2 * cores, idle_cores=_idle(asked))
        for c in _comparisons(rows, phase='duet')
    ]
    if not found:
        found = [advise_duet((), cores_of_both=2 * cores, idle_cores=_idle(asked))]
    return min(found, key=lambda advice: (advice.allowed, advice.correlation))


def settings_of(asked: Asked) -> Settings:
    """Return the settings of the verdicts."""
    return Settings(
        practical_delta=asked.practical_delta, alpha=asked.alpha, equivalence_alpha=asked.alpha
    )


def self_checks(rows: Sequence[Row]) -> dict[str, SelfCheck]:
    """Return the A/A check of each metric of one case."""
    return {
        comparison.name: check_itself(comparison.sample.pairs)
        for comparison in _comparisons(rows, phase='self-check')
        if comparison.sample.pairs
    }


def _settled(rows: Sequence[Row], asked: Asked) -> bool:
    judged = judge_family(comparisons(rows, asked), settings_of(asked))
    return bool(judged) and all(j.verdict is not Verdict.INCONCLUSIVE for j in judged)


def _comparisons(
    rows: Sequence[Row], only: Sequence[int] | None = None, phase: Phase = 'pair'
) -> list[Comparison]:
    rows = [
        row for row in _latest(rows) if row.phase == phase and (only is None or row.pair in only)
    ]
    metrics: dict[str, Metric] = {}
    for row in rows:
        for metric in row.metrics:
            if metric.direction != 'truth':
                metrics.setdefault(metric.name, metric)
    return [
        Comparison(
            name=f'{rows[0].case} {name}',
            direction=metric.direction,  # type: ignore[arg-type]
            sample=pair_up(_side(rows, 'before', metric), _side(rows, 'after', metric)),
        )
        for name, metric in metrics.items()
    ]


def _side(rows: Sequence[Row], side: str, metric: Metric) -> list[Measurement]:
    found = []
    for row in rows:
        if row.side != side:
            continue
        value = next((m for m in row.metrics if m.name == metric.name), None)
        invalid = '' if row.outcome is Outcome.PASS else f'did not pass: {row.reason}'
        if row.pair in _pairs_of_two_places(rows):
            invalid = invalid or f'ran on {", ".join(row.nodes)}, its partner elsewhere'
        if value is None:
            invalid = invalid or 'has no such metric'
            found.append(Measurement(str(row.pair), float('nan'), metric.unit, invalid))
        else:
            found.append(Measurement(str(row.pair), value.value, value.unit, invalid))
    return found


def _latest(rows: Sequence[Row]) -> list[Row]:
    """A pair that was interrupted is measured anew: the last two runs of it count."""
    last = {(row.phase, row.pair, row.side): row for row in rows}
    return list(last.values())


def usable_pairs(rows: Sequence[Row]) -> list[int]:
    """Return the pairs of one case of which both runs passed, on the same nodes."""
    passed: dict[int, set[str]] = {}
    for row in _latest(rows):
        if row.phase == 'pair' and row.outcome is Outcome.PASS:
            passed.setdefault(row.pair, set()).add(row.side)
    apart = _pairs_of_two_places([row for row in _latest(rows) if row.phase == 'pair'])
    return sorted(p for p, sides in passed.items() if len(sides) == 2 and p not in apart)


def _pairs_of_two_places(rows: Sequence[Row]) -> set[int]:
    """Return the pairs whose runs a scheduler sent to different nodes."""
    places: dict[int, set[tuple[str, ...]]] = {}
    for row in rows:
        if row.nodes:
            places.setdefault(row.pair, set()).add(tuple(sorted(row.nodes)))
    return {pair for pair, found in places.items() if len(found) > 1}


def _tried(rows: Sequence[Row], phase: Phase) -> int:
    """Return how many pairs of a phase have both runs, whatever came of them."""
    sides: dict[int, set[str]] = {}
    for row in rows:
        if row.phase == phase and row.outcome is not Outcome.ABORTED:
            sides.setdefault(row.pair, set()).add(row.side)
    done = 0
    while len(sides.get(done, ())) == 2:
        done += 1
    return done


def _hopeless(rows: Sequence[Row]) -> str:
    for side in ('before', 'after'):
        last = [row for row in rows if row.side == side and row.outcome is not Outcome.ABORTED]
        tail = last[-_GIVE_UP_AFTER:]
        if len(tail) == _GIVE_UP_AFTER and all(r.outcome is not Outcome.PASS for r in tail):
            return side
    return ''
