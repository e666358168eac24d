"""Runs the pairs: one run after the other, each kept as it ends, stopped by Ctrl-C in order."""

from __future__ import annotations

import datetime
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from eessi_validate.compare.ab.conclude import conclude
from eessi_validate.compare.ab.decide import duet_advice, next_step
from eessi_validate.compare.ab.journal import Asked, Journal, Phase, Row
from eessi_validate.compare.ab.model import AbReport
from eessi_validate.compare.ab.sides import Match, Matched, Side, match_cases
from eessi_validate.compare.ab.view import prepare_side, request_of
from eessi_validate.compare.statistics import MINIMUM_PAIRS, SELF_CHECK_PAIRS, pair_order
from eessi_validate.errors import HoldError, UsageError
from eessi_validate.results.model import CaseResult, Outcome, PlannedCase
from eessi_validate.results.store import RunStore
from eessi_validate.run.engine import Execution, latest_results
from eessi_validate.run.host import host_facts
from eessi_validate.run.prepare import Prepared
from eessi_validate.run.session import stopping_on_signals
from eessi_validate.stack.identity import directory_identity

#: Told about each run: the row, and how far its case is.
Watcher = Callable[[Row, str], None]


@dataclass(frozen=True)
class Options:
    """How to measure."""

    directory: Path
    #: Most pairs of each case.
    pairs: int = 20
    #: Slowdown to be found with 80 % probability, as a fraction; None measures ``pairs``.
    until: float | None = None
    practical_delta: float = 0.02
    alpha: float = 0.05
    #: Runs of each side that are dropped, because caches are cold.
    warm_ups: int = 1
    #: A/A pairs before the comparison.
    self_check: int = SELF_CHECK_PAIRS
    #: Run both sides at once where a pilot shows that it helps.
    duet: bool = False
    #: Fixes order and inputs; '' draws one.
    seed: str = ''
    command: str = ''


@dataclass(frozen=True)
class _Planned:
    """A side with its plan."""

    side: Side
    prepared: Prepared
    #: Identity of what it stands on.
    digest: str


@dataclass
class _Bench:
    """Both sides, prepared, and where their runs go."""

    asked: Asked
    journal: Journal
    sides: dict[str, _Planned]
    matched: Matched
    watch: Watcher
    stop: threading.Event = field(default_factory=threading.Event)


def start_ab(before: Side, after: Side, options: Options, watch: Watcher) -> AbReport:
    """Measure in a fresh directory.

    :raises UsageError: if a side does not exist, no case is on both, or too few pairs are asked.
    """
    if options.pairs < MINIMUM_PAIRS:
        raise UsageError(f'--pairs {options.pairs}: no test of fewer than {MINIMUM_PAIRS} pairs')
    sides = {'before': _planned(before), 'after': _planned(after)}
    matched = _matched(sides['before'].prepared, sides['after'].prepared)
    if options.duet and any(
        partition.scheduler != 'local'
        for planned in sides.values()
        for partition in planned.prepared.partitions
    ):
        raise UsageError('--duet needs partitions of the local scheduler: jobs may be apart')
    asked = Asked(
        seed=options.seed or secrets.token_hex(8),
        before=_saved(before),
        after=_saved(after),
        digests=(sides['before'].digest, sides['after'].digest),
        pairs=options.pairs,
        until=options.until,
        practical_delta=options.practical_delta,
        alpha=options.alpha,
        warm_ups=options.warm_ups,
        self_check=options.self_check,
        duet=options.duet,
        host=host_facts(),
        command=options.command,
    )
    journal = Journal.create(options.directory, asked)
    return _measure(_Bench(asked, journal, sides, matched, watch))


def resume_ab(directory: Path, watch: Watcher) -> AbReport:
    """Go on with the comparison in ``directory``; pairs that are complete stay.

    :raises UsageError: if there is none, a side has changed, or this is another machine.
    """
    journal, asked = Journal.open(directory)
    sides: dict[str, _Planned] = {}
    for name, saved, digest in zip(
        ('before', 'after'), (asked.before, asked.after), asked.digests, strict=True
    ):
        sides[name] = _planned(_side(saved))
        if sides[name].digest != digest:
            raise UsageError(f'{saved["label"]} has changed since {directory}: start anew')
    here = host_facts()
    if (here.hostname, here.cpu_model) != (asked.host.hostname, asked.host.cpu_model):
        raise UsageError(
            f'{directory} was measured on {asked.host.hostname} ({asked.host.cpu_model}), this is'
            f' {here.hostname} ({here.cpu_model}): pairs of two machines do not mix'
        )
    matched = _matched(sides['before'].prepared, sides['after'].prepared)
    bench = _Bench(asked, journal, sides, matched, watch)
    return _measure(bench, resumed=bool(journal.rows()))


def _matched(before: Prepared, after: Prepared) -> Matched:
    matched = match_cases(before, after)
    if not matched.matches:
        left = f': {"; ".join(matched.left_out[:5])}' if matched.left_out else ''
        raise UsageError(f'no case is on both sides{left}')
    return matched


def _measure(bench: _Bench, *, resumed: bool = False) -> AbReport:
    """Cycle through the cases, two pairs each, so that an early stop leaves all of them pairs."""
    with stopping_on_signals(bench.stop):
        if resumed:
            _warm_again(bench)
        active = list(bench.matched.matches)
        while active and not bench.stop.is_set():
            active = [match for match in active if _advance(bench, match)]
    _require_unchanged(bench)
    return conclude(
        bench.asked,
        bench.journal.rows(),
        [match.name for match in bench.matched.matches],
        bench.matched.left_out,
        interrupted=bench.stop.is_set(),
        cores={match.name: _cores(bench, match) for match in bench.matched.matches},
    )


def _require_unchanged(bench: _Bench) -> None:
    for planned in bench.sides.values():
        over = planned.side.over
        if over and not planned.digest.endswith(directory_identity(Path(over))):
            raise HoldError(f'{over} has changed while it was measured: nothing is concluded')


def _advance(bench: _Bench, match: Match) -> bool:
    """Run what one case needs next; False when it needs nothing more."""
    rows = [row for row in bench.journal.rows() if row.case == match.name]
    step = next_step(rows, bench.asked, _cores(bench, match))
    at_once = step.phase == 'duet' or _at_once(bench, match, step.phase, rows)
    for pair in range(step.first, step.first + step.pairs):
        _run_pair(bench, match, step.phase, pair, at_once=at_once)
        if bench.stop.is_set():
            break
    return bool(step.pairs)


def _warm_again(bench: _Bench) -> None:
    for match in bench.matched.matches:
        rows = [row for row in bench.journal.rows() if row.case == match.name]
        due = next_step(rows, bench.asked, _cores(bench, match)).pairs
        if due and bench.asked.warm_ups and not bench.stop.is_set():
            _run_pair(bench, match, 'warm-up', bench.asked.warm_ups)


def _cores(bench: _Bench, match: Match) -> int:
    return match.cores(bench.asked.host.cpus)


def _at_once(bench: _Bench, match: Match, phase: Phase, rows: Sequence[Row]) -> bool:
    """Return whether both runs of a pair start together; the warm-up and the pilot never ask."""
    wanted = bench.asked.duet and phase in ('self-check', 'pair')
    return wanted and duet_advice(rows, bench.asked, _cores(bench, match)).allowed


def _run_pair(
    bench: _Bench, match: Match, phase: Phase, pair: int, *, at_once: bool = False
) -> None:
    text = f'{bench.asked.seed}/{match.name}/{phase}'
    nonce = hashlib.sha256(f'{text}/{pair}'.encode()).hexdigest()[:16]

    def run(name: Literal['before', 'after']) -> Row | None:
        if bench.stop.is_set():
            return None
        return _measured(bench, match, phase, pair, name, nonce, beside=at_once)

    order = pair_order(pair, text)
    if at_once:
        with ThreadPoolExecutor(2) as both:
            rows = list(both.map(run, order))
        for row in rows:
            _keep(bench, match, row)
        return
    for name in order:
        _keep(bench, match, run(name))


def _keep(bench: _Bench, match: Match, row: Row | None) -> None:
    if row is not None:
        bench.journal.append(row)
        bench.watch(row, match.name)


def _measured(
    bench: _Bench,
    match: Match,
    phase: Phase,
    pair: int,
    name: Literal['before', 'after'],
    nonce: str,
    *,
    beside: bool,
) -> Row:
    # An A/A pair is the side before, under both names.
    source = 'before' if phase in ('self-check', 'duet') else name
    case = match.before if source == 'before' else match.after
    # Two runs at once need a directory each.
    place = f'{source}-beside' if beside and source != name else source
    started, clock = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
    result = _run_once(bench, source, case, nonce, place)
    return Row(
        case=match.name,
        phase=phase,
        pair=pair,
        side=name,
        outcome=result.outcome,
        reason=result.reason,
        metrics=result.metrics,
        started=started.isoformat(timespec='milliseconds'),
        seconds=round(time.monotonic() - clock, 2),
        nodes=result.nodes,
        directory=result.directory and f'{place}/{result.directory}',
    )


def _run_once(bench: _Bench, side: str, case: PlannedCase, nonce: str, place: str) -> CaseResult:
    planned = bench.sides[side]
    directory = bench.journal.directory / place
    directory.mkdir(exist_ok=True)
    kept = _Latest(directory)
    execution = Execution(
        prepared=planned.prepared,
        store=kept,
        nonce=nonce,
        progress=_Silent(),
        stop=bench.stop,
        inputs=dict(planned.side.variables),
        shared_nonce=nonce,
        prefix=planned.side.prefix,
    )
    execution.execute([case])
    results = latest_results(kept.appended)
    if (case.id.test, case.key) not in results:
        if bench.stop.is_set():
            return CaseResult(case=case, outcome=Outcome.ABORTED, reason='stopped')
        raise HoldError(f'{case.full_key} left no result in {directory}')
    return results[case.id.test, case.key]


class _Latest(RunStore):
    """Keeps the results of one execution at hand, besides writing them."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.appended: list[CaseResult] = []

    def append(self, result: CaseResult) -> None:
        """Write and keep one result."""
        super().append(result)
        self.appended.append(result)


class _Silent:
    """Shows nothing: the comparison tells about runs itself."""

    def started(self, case: PlannedCase) -> None:
        """Show nothing."""

    def finished(self, result: CaseResult) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


def _saved(side: Side) -> dict[str, Any]:
    return {
        'label': side.label,
        'request': asdict(side.request),
        'variables': dict(side.variables),
        'prefix': list(side.prefix),
        'over': side.over,
    }


def _side(saved: dict[str, Any]) -> Side:
    return Side(
        label=saved['label'],
        request=request_of(saved['request']),
        variables=tuple(saved['variables'].items()),
        prefix=tuple(saved.get('prefix', ())),
        over=saved.get('over', ''),
    )


def _planned(side: Side) -> _Planned:
    return _Planned(side, *prepare_side(side))
