"""What an interleaved comparison does next, and what it concludes, from its rows alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eessi_validate.compare.ab.conclude import conclude
from eessi_validate.compare.ab.decide import duet_advice, next_step, planned_looks
from eessi_validate.compare.ab.journal import Asked, Journal, Phase, Row
from eessi_validate.compare.ab.present import render_json, render_markdown, render_terminal
from eessi_validate.errors import UsageError
from eessi_validate.results.model import HostFacts, Metric, Outcome

CASE = 'EESSI_Tool Tool/1.0 @x86_64/generic %cores_1'
HOST = HostFacts(
    hostname='n1', cpu_model='EPYC', cpu_target='zen3', cpus=2, kernel='6.1', os='Debian'
)


def asked(**changes: Any) -> Asked:
    fields: dict[str, Any] = {
        'seed': 's',
        'before': {'label': '2023.06', 'variables': {}},
        'after': {'label': '2025.06', 'variables': {}},
        'digests': ('a', 'b'),
        'pairs': 24,
        'practical_delta': 0.02,
        'alpha': 0.05,
        'warm_ups': 0,
        'self_check': 0,
        'host': HOST,
    }
    return Asked(**{**fields, **changes})


def row(
    pair: int,
    side: str,
    value: float,
    *,
    phase: Phase = 'pair',
    outcome: Outcome = Outcome.PASS,
    unit: str = 's',
    nodes: tuple[str, ...] = (),
) -> Row:
    metrics = (
        Metric(name='time', value=value, unit=unit, direction='lower'),
        Metric(name='energy', value=-1.0, unit='kJ', direction='truth'),
    )
    return Row(
        case=CASE,
        phase=phase,
        pair=pair,
        side=side,  # type: ignore[arg-type]
        outcome=outcome,
        reason='' if outcome is Outcome.PASS else 'a fault',
        metrics=metrics if outcome is Outcome.PASS else (),
        started='2026-11-23T00:00:00.000+00:00',
        seconds=1.0,
        nodes=nodes,
    )


def pairs(n: int, ratio: float, noise: float, first: int = 0, **more: Any) -> list[Row]:
    values = np.random.default_rng(5).standard_normal((first + n, 2))
    found = []
    for pair in range(first, first + n):
        old, new = np.exp(noise * values[pair]) * (1.0, ratio)
        found += [row(pair, 'before', old, **more), row(pair, 'after', new, **more)]
    return found


def test_phases_come_in_order_and_pairs_in_blocks_of_two() -> None:
    wanted = asked(warm_ups=1, self_check=6)
    assert next_step([], wanted).phase == 'warm-up'
    warm = pairs(1, 1, 0.01, phase='warm-up')
    assert (next_step(warm, wanted).phase, next_step(warm, wanted).pairs) == ('self-check', 6)
    checked = [*warm, *pairs(6, 1, 0.01, phase='self-check')]
    step = next_step(checked, wanted)
    assert (step.phase, step.first, step.pairs) == ('pair', 0, 2)


def test_a_block_that_was_cut_is_completed_first() -> None:
    step = next_step(pairs(3, 1, 0.05), asked())
    assert (step.first, step.pairs) == (3, 1)


def test_half_a_pair_is_measured_anew_and_its_old_half_not_used() -> None:
    half = [*pairs(6, 1.0, 0.01), row(6, 'before', 99.0)]
    assert next_step(half, asked()).first == 6
    whole = [*half, *pairs(1, 1.0, 0.01, first=6)]
    report = conclude(asked(), whole, [CASE], [], interrupted=True)
    assert report.metrics[0].n == 7
    assert report.metrics[0].spread is not None
    assert report.metrics[0].spread < 0.1
    assert report.rows == 15


def test_a_clear_slowdown_ends_at_an_early_look_and_a_small_one_does_not() -> None:
    step = next_step(pairs(18, 1.3, 0.02), asked())
    assert (step.pairs, step.reason) == (0, 'decided at the look after 18 pairs')
    assert next_step(pairs(18, 1.02, 0.05), asked()).pairs == 2


def test_nothing_is_decided_between_looks() -> None:
    assert next_step(pairs(17, 1.3, 0.02), asked()).pairs == 1
    assert next_step(pairs(16, 1.3, 0.02), asked()).pairs == 2


def test_all_pairs_end_it() -> None:
    assert next_step(pairs(24, 1.0, 0.05), asked()).reason == 'all 24 pairs are measured'


def test_until_lets_the_pilot_decide_how_many() -> None:
    quiet = planned_looks(pairs(6, 1.0, 0.005), asked(pairs=60, until=0.05))
    noisy = planned_looks(pairs(6, 1.0, 0.05), asked(pairs=60, until=0.05))
    assert quiet.pairs == (6,)
    assert 6 < noisy.pairs[-1] <= 60
    more = planned_looks(pairs(30, 1.0, 0.05), asked(pairs=60, until=0.05))
    assert more == noisy


def test_until_knows_the_number_before_the_first_pair_if_there_was_a_self_check() -> None:
    wanted = asked(pairs=60, until=0.05, self_check=8)
    check = pairs(8, 1.0, 0.04, phase='self-check')
    planned = planned_looks(check, wanted)
    assert 12 <= planned.pairs[-1] < 60
    # Neither a slowdown nor its noise changes it any more.
    assert planned_looks([*check, *pairs(6, 1.3, 0.2)], wanted) == planned


@pytest.mark.parametrize('check', [0, 8])
def test_which_side_is_faster_never_decides_on_the_number_of_pairs(check: int) -> None:
    def turned(rows: list[Row], mask: int) -> list[Row]:
        other = {'before': 'after', 'after': 'before'}
        return [
            r.model_copy(update={'side': other[r.side]}) if mask >> r.pair & 1 else r for r in rows
        ]

    wanted = asked(pairs=60, until=0.05, self_check=check)
    checked = pairs(check, 1.0, 0.05, phase='self-check')
    found = {
        planned_looks([*checked, *turned(pairs(6, 1.0, 0.04), mask)], wanted).pairs
        for mask in range(64)
    }
    assert len(found) == 1


def pilot(n: int, common: float, own: float, first: int = 0) -> list[Row]:
    """Return pairs of the same thing at once, with noise that both share and noise of their own."""
    generator = np.random.default_rng(8)
    found = []
    for pair in range(first, first + n):
        shared = common * generator.standard_normal()
        for side in ('before', 'after'):
            value = float(np.exp(shared + own * generator.standard_normal()))
            found.append(row(pair, side, value, phase='duet'))
    return found


ROOMY = HOST.model_copy(update={'cpus': 8, 'load_before': 0.5})


def test_duet_runs_a_pilot_before_it_decides() -> None:
    wanted = asked(duet=True, host=ROOMY, self_check=8)
    step = next_step([], wanted, 2)
    assert (step.phase, step.pairs) == ('duet', 6)
    assert next_step(pilot(6, 0.2, 0.02), wanted, 2).phase == 'self-check'
    assert next_step([], asked(self_check=8), 2).phase == 'self-check'


@pytest.mark.parametrize(
    ('host', 'cores', 'noise', 'allowed', 'reason'),
    [
        (ROOMY, 2, (0.2, 0.02), True, 'pilot correlation'),
        (ROOMY, 2, (0.0, 0.2), False, 'more than 0.5 is needed'),
        (ROOMY, 4, (0.2, 0.02), False, 'both sides take 8 cores, 7.5 are idle'),
        (HOST, 2, (0.2, 0.02), False, 'both sides take 4 cores, 0.0 are idle'),
    ],
)
def test_both_sides_run_at_once_only_with_room_and_common_noise(
    host: HostFacts, cores: int, noise: tuple[float, float], allowed: bool, reason: str
) -> None:
    wanted = asked(duet=True, host=host)
    advice = duet_advice(pilot(6, *noise), wanted, cores)
    assert (advice.allowed, reason in advice.reason) == (allowed, True), advice
    case = conclude(
        wanted, pilot(6, *noise), [CASE], [], interrupted=True, cores={CASE: cores}
    ).cases[0]
    assert case.duet.startswith('both sides ran at once' if allowed else 'one side after the other')


def test_without_room_no_pilot_is_run_and_without_pilot_nothing_at_once() -> None:
    wanted = asked(duet=True, host=ROOMY)
    assert next_step([], wanted, 4).phase == 'pair'
    assert not duet_advice([], wanted, 2).allowed


def test_a_side_that_keeps_failing_is_given_up_and_said() -> None:
    rows = []
    for pair in range(3):
        rows += [row(pair, 'before', 1.0), row(pair, 'after', 1.0, outcome=Outcome.FAIL)]
    assert next_step(rows, asked()).reason == 'after failed 3 times in a row'
    report = conclude(asked(), rows, [CASE], [], interrupted=False)
    assert report.state == 'undecided'
    assert report.cases[0].failed == 3
    assert len(report.metrics[0].rejected) == 6
    assert any('did not pass: a fault' in text for text in report.metrics[0].rejected)


def test_aborted_runs_are_neither_failures_nor_pairs() -> None:
    rows = [row(0, 'before', 1.0), row(0, 'after', 1.0, outcome=Outcome.ABORTED)]
    assert next_step(rows, asked()).first == 0
    assert conclude(asked(), rows, [CASE], [], interrupted=True).cases[0].failed == 0


def test_a_pair_that_a_scheduler_split_over_two_nodes_is_not_used() -> None:
    rows = pairs(6, 1.0, 0.01, nodes=('n1',))
    rows += [row(6, 'before', 1.0, nodes=('n1',)), row(6, 'after', 1.5, nodes=('n2',))]
    (metric,) = conclude(asked(), rows, [CASE], [], interrupted=False).metrics
    assert metric.n == 6
    assert any('ran on n2, its partner elsewhere' in text for text in metric.rejected)


def test_failed_pairs_are_replaced_but_not_for_ever() -> None:
    rows = []
    for pair in range(48):
        bad = Outcome.FAIL if pair % 2 else Outcome.PASS
        rows += [row(pair, 'before', 1.0 + pair / 999), row(pair, 'after', 1.2, outcome=bad)]
    assert next_step(rows[:52], asked()).pairs
    assert next_step(rows, asked()).pairs == 0


@pytest.mark.parametrize(
    ('ratio', 'state', 'verdict'),
    [
        (1.1, 'slower', 'slower'),
        (0.9, 'not slower', 'faster'),
        (1.0, 'not slower', 'equivalent'),
        (1.018, 'undecided', 'inconclusive'),
    ],
)
def test_the_state_is_that_of_the_worst_metric(ratio: float, state: str, verdict: str) -> None:
    report = conclude(asked(), pairs(24, ratio, 0.01), [CASE], [], interrupted=False)
    assert (report.state, report.metrics[0].verdict) == (state, verdict)
    assert [m.metric for m in report.metrics] == ['time']


def test_a_case_without_any_run_is_in_the_report_and_decides_nothing() -> None:
    report = conclude(asked(), pairs(24, 1.0, 0.01), [CASE, 'Other'], ['X: only before'],
                      interrupted=False)  # fmt: skip
    assert report.state == 'undecided'
    assert '1 of 2 cases gave no metric' in report.summary
    assert 'X: only before' in render_terminal(report)
    assert conclude(asked(), [], [CASE], [], interrupted=False).state == 'undecided'


def test_a_case_that_vanished_leaves_it_undecided_and_a_new_one_does_not() -> None:
    rows = pairs(24, 1.0, 0.01)
    gone = conclude(asked(), rows, [CASE], ['X: only before'], interrupted=False)
    assert (gone.state, '1 cases are only before' in gone.summary) == ('undecided', True)
    assert conclude(asked(), rows, [CASE], ['X: only after'], interrupted=False).state == (
        'not slower'
    )


def test_a_machine_that_differs_from_itself_decides_nothing() -> None:
    rows = [*pairs(8, 1.5, 0.01, phase='self-check'), *pairs(24, 1.1, 0.01)]
    report = conclude(asked(self_check=8), rows, [CASE], [], interrupted=False)
    assert report.state == 'undecided'
    assert 'differ from themselves' in report.summary
    assert 'trust no comparison' in render_terminal(report)


def test_a_unit_that_changes_between_sides_is_inconclusive_and_named() -> None:
    rows = [r for r in pairs(8, 1.0, 0.01) if r.side == 'before']
    rows += [row(i, 'after', 1000.0, unit='ms') for i in range(8)]
    report = conclude(asked(), rows, [CASE], [], interrupted=False)
    assert report.metrics[0].verdict == 'inconclusive'
    assert 'units differ' in report.metrics[0].reason


def test_a_metric_that_was_renamed_is_inconclusive_under_both_names() -> None:
    rows = [r for r in pairs(8, 1.0, 0.01) if r.side == 'before']
    for pair in range(8):
        new = row(pair, 'after', 1.0)
        renamed = tuple(m.model_copy(update={'name': 'seconds'}) for m in new.metrics[:1])
        rows.append(new.model_copy(update={'metrics': renamed}))
    report = conclude(asked(), rows, [CASE], [], interrupted=False)
    assert [(m.metric, m.verdict, m.n) for m in report.metrics] == [
        ('time', 'inconclusive', 0),
        ('seconds', 'inconclusive', 0),
    ]
    assert all(len(m.rejected) == 16 for m in report.metrics)
    assert 'has no such metric' in report.metrics[0].rejected[-1]
    assert report.state == 'undecided'


def test_every_form_says_verdict_ratio_and_noise_of_the_machine() -> None:
    rows = [*pairs(6, 1.0, 0.01, phase='self-check'), *pairs(24, 1.1, 0.01)]
    report = conclude(asked(self_check=6), rows, [CASE], [], interrupted=True)
    for text in (render_terminal(report), render_markdown(report)):
        assert 'slower' in text
        assert '1.10' in text
        assert 'A/A, 6 pairs' in text
        assert 'go on with' in text
    document = json.loads(render_json(report))
    assert document['metrics'][0]['verdict'] == 'slower'
    assert document['rows'] == sum(document['rows_by_phase'].values()) == 60


def test_the_journal_keeps_rows_and_leaves_out_a_torn_one(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / 'ab', asked())
    journal.append(row(0, 'before', 1.0))
    with (tmp_path / 'ab' / 'runs.jsonl').open('a') as stream:
        stream.write('{"case": "torn')
    journal.append(row(0, 'after', 2.0))
    again, same = Journal.open(tmp_path / 'ab')
    assert same == asked()
    assert [r.side for r in again.rows()] == ['before', 'after']


def test_a_directory_holds_one_comparison(tmp_path: Path) -> None:
    Journal.create(tmp_path, asked())
    with pytest.raises(UsageError, match='holds a comparison'):
        Journal.create(tmp_path, asked())
    with pytest.raises(UsageError, match='holds no comparison'):
        Journal.open(tmp_path / 'nothing')
