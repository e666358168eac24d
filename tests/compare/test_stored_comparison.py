"""Two sides of stored results: every case told, every row accounted for, nothing made up."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from stored_rows import publish, row, table

from eessi_validate.cli import app
from eessi_validate.compare.stored import (
    Options,
    Side,
    StoredComparison,
    compare_sides,
    read_side,
    render_html,
    render_json,
    render_markdown,
    render_terminal,
)
from eessi_validate.compare.stored.exceptions import Explained, read_exceptions
from eessi_validate.compare.stored.model import Fault
from eessi_validate.errors import UsageError
from eessi_validate.results.archive import open_archive

Rows = list[dict[str, Any]]


def compare(before: Rows, after: Rows, **options: Any) -> StoredComparison:
    report = compare_sides(Side('A', table(*before)), Side('B', table(*after)), Options(**options))
    for whole in report.accounting.values():
        assert whole.complete
        assert whole.rows == len(before) + len(after)
    assert sum(report.counts.values()) >= len(report.changes)
    return report


def failed(reason: str = 'sanity: wrong', **given: Any) -> dict[str, Any]:
    return row(outcome='fail', signature=reason, metric='', value=None, **given)


def only(report: StoredComparison) -> str:
    (change,) = report.changes
    return change.transition.value


NO = {'metric': '', 'value': None}


@pytest.mark.parametrize(
    ('before', 'after', 'transition', 'code'),
    [
        ([row()], [failed()], 'new failure', 1),
        ([failed()], [row()], 'fixed', 0),
        ([failed('a')], [failed('a')], 'same failure', 0),
        ([failed('a')], [failed('b')], 'different failure', 1),
        ([row()], [row(test='Other')], 'vanished', 1),
        ([row()], [row(outcome='skip', **NO)], 'skipped now', 1),
        ([row()], [row(outcome='error', **NO)], 'no result any more', 75),
        ([row()], [row(outcome='missing', **NO)], 'no result any more', 75),
        ([row()], [row(outcome='aborted', **NO)], 'no result any more', 75),
        ([row(outcome='error', **NO)], [row()], 'has a result again', 0),
        ([row(outcome='skip', **NO)], [failed()], 'new failure', 1),
        ([row()], [row(), failed(day=1)], 'flaky', 75),
        ([row()], [row(attempts='fail,pass')], 'flaky', 75),
        ([row()], [row(outcome='what is this', **NO)], 'no result any more', 75),
    ],
)
def test_each_transition_is_told_and_has_its_exit_code(
    before: Rows, after: Rows, transition: str, code: int
) -> None:
    report = compare(before, after)
    told = {change.transition.value for change in report.changes}
    assert transition in told
    assert report.exit_code == code


def test_what_passes_on_both_sides_is_counted_and_says_nothing() -> None:
    report = compare([row()], [row()])
    assert report.counts == {'still passes': 1}
    assert report.changes == ()
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ('extra', 'transition', 'code'),
    [
        (row(test='New'), 'appeared', 0),
        (failed(test='New'), 'appeared, and fails', 1),
        (row(test='New', outcome='skip', **NO), 'appeared, without being judged', 75),
    ],
)
def test_a_test_on_the_right_only_appears(
    extra: dict[str, Any], transition: str, code: int
) -> None:
    report = compare([row()], [row(), extra])
    assert only(report) == transition
    assert report.exit_code == code


def test_another_version_vanishes_and_appears_unless_versions_are_ignored() -> None:
    after = [row(version='2024.4', toolchain='foss-2024a')]
    assert compare([row()], after).counts == {'vanished': 1, 'appeared': 1}
    report = compare([row()], after, ignored=('version', 'toolchain'))
    assert report.counts == {'still passes': 1}


def test_tests_cannot_be_ignored() -> None:
    with pytest.raises(UsageError, match='cannot ignore test'):
        compare([row()], [row()], ignored=('test',))


def test_flaky_is_told_with_intervals_and_worse_only_when_shown() -> None:
    steady = [row(day=d) for d in range(20)]
    shaky = [failed(day=d) if d % 2 else row(day=d) for d in range(20)]
    report = compare(steady, shaky)
    assert 'fails more often' in report.changes[0].detail
    assert '30% to 70%' in report.changes[0].detail
    assert report.exit_code == 1
    assert compare(shaky, shaky).exit_code == 0
    assert compare(shaky, steady).exit_code == 0


def test_a_flaky_case_that_now_only_fails_is_never_fine() -> None:
    assert compare([row(), failed(day=1)], [failed()]).exit_code == 75


@pytest.mark.parametrize('empty', [0, 1])
def test_an_empty_side_is_not_known(empty: int) -> None:
    sides: list[Rows] = [[row()], [row()]]
    sides[empty] = []
    report = compare(*sides)
    assert report.exit_code == 75
    assert 'is empty' in report.problems[0]


def test_a_repeated_id_counts_once() -> None:
    report = compare([row(), row()], [row()])
    assert report.counts == {'still passes': 1}
    assert '1 repeated ids were used once' in report.notes
    assert report.exit_code == 0


def test_repeated_ids_that_contradict_each_other_are_a_problem() -> None:
    for after in ([row(), failed()], [failed(), row()]):
        report = compare([row()], after)
        assert only(report) == 'new failure'
        assert 'contradicting' in report.problems[0]
        assert report.exit_code == 1


def test_cases_of_several_systems_are_joined_each_with_itself() -> None:
    before = [row(system='one'), row(system='two')]
    report = compare(before, [row(system='one'), failed(system='two')])
    assert [(c.transition.value, c.system) for c in report.changes] == [('new failure', 'two')]
    together = compare(before, [row(system='three')])
    assert together.counts == {'still passes': 1}


# Numbers


def truth(value: float, day: int = 0, **given: Any) -> dict[str, Any]:
    fields = {'metric': 'energy', 'direction': 'truth', 'unit': 'kJ/mol', **given}
    return row(day=day, value=value, **fields)


def test_a_truth_that_moves_is_drift_though_both_passed() -> None:
    limits = {'lower': -105.0, 'upper': -95.0}
    assert compare([truth(-100, **limits)], [truth(-101, **limits)]).drifts == ()
    report = compare([truth(-100, **limits)], [truth(-104, **limits)])
    assert [d.beyond for d in report.drifts] == [True]
    assert report.exit_code == 1


def test_without_an_interval_the_scatter_before_is_the_tolerance() -> None:
    before = [truth(-100 - 0.1 * (day % 3), day) for day in range(6)]
    assert compare(before, [truth(-100.3)]).drifts == ()
    assert compare(before, [truth(-101)]).exit_code == 1


def test_a_difference_that_nobody_set_a_limit_for_is_shown_and_not_judged() -> None:
    report = compare([truth(-100)], [truth(-101)])
    assert [d.beyond for d in report.drifts] == [False]
    assert report.exit_code == 0


def speeds(level: float, days: int = 10, **given: Any) -> Rows:
    return [row(day=d, value=level * (1 + 0.002 * (d % 5)), **given) for d in range(days)]


def test_slower_stored_runs_are_suspect_never_slower() -> None:
    report = compare(speeds(100), speeds(80))
    assert [s.suspicion for s in report.speed] == ['suspect: slower']
    assert report.exit_code == 75
    text = render_terminal(report)
    assert 'screening' in text
    assert 'regression' not in text
    assert compare(speeds(100), speeds(80), allow_suspects=True).exit_code == 0
    assert compare(speeds(100), speeds(100)).exit_code == 0
    assert compare(speeds(80), speeds(100)).exit_code == 0


def test_for_times_more_is_slower() -> None:
    report = compare(
        speeds(10, direction='lower', unit='s'), speeds(13, direction='lower', unit='s')
    )
    assert [s.suspicion for s in report.speed] == ['suspect: slower']


def test_a_metric_of_unknown_direction_can_only_be_changed() -> None:
    report = compare(speeds(100, direction=''), speeds(150, direction=''))
    assert [s.suspicion for s in report.speed] == ['suspect: changed']
    assert report.exit_code == 75


@pytest.mark.parametrize('change', [{'cpu_model': 'Xeon'}, {'tasks': 8}, {'governor': 'powersave'},
                                    {'evidence': 'emulated'}, {'partition': 'fat'}])  # fmt: skip
def test_speeds_of_different_machines_or_layouts_are_refused(change: dict[str, Any]) -> None:
    base = {'tasks': 16, 'governor': 'performance'}
    report = compare(speeds(100, **base), speeds(50, **{**base, **change}))
    assert [s.suspicion for s in report.speed] == ['cannot be screened']
    assert report.exit_code == 75


def test_mixed_cpu_models_on_one_side_are_refused() -> None:
    after = speeds(100, 5) + speeds(100, 9, cpu_model='Xeon')[5:]
    report = compare(speeds(100), after)
    assert 'CPU model differs' in report.speed[0].reason


@pytest.mark.parametrize('direction', ['higher', 'truth'])
def test_units_that_differ_are_not_compared(direction: str) -> None:
    before, after = row(direction=direction), row(direction=direction, unit='h/ns', value=0.2)
    report = compare([before], [after])
    assert report.exit_code == 75
    assert 'unit' in render_terminal(report)
    assert report.drifts == ()


@pytest.mark.parametrize('value', [0.0, -1.0, float('nan'), float('inf'), None])
def test_values_that_are_no_measurement_are_left_out_and_counted(value: float | None) -> None:
    report = compare(speeds(100), [*speeds(100), row(day=20, value=value)])
    assert report.accounting['rows'].parts['value that is no number, or not positive'] == 1
    assert report.speed_counts == {'not suspect': 1}


def test_values_of_failed_runs_are_left_out_and_counted() -> None:
    after = [*speeds(100), row(day=20, value=1.0, outcome='fail', signature='x')]
    report = compare(speeds(100), after)
    assert report.accounting['rows'].parts['case did not pass'] == 1
    assert report.speed_counts == {'not suspect': 1}


def test_a_renamed_metric_is_not_compared_and_not_forgotten() -> None:
    report = compare([row(metric='perf')], [row(metric='speed')])
    assert 'metric perf vanished and speed appeared: renamed?' in report.problems[0]
    assert report.exit_code == 75


def test_a_vanished_metric_is_not_forgotten() -> None:
    report = compare([row(), row(first=False, metric='time', unit='s')], [row()])
    assert 'metric time vanished' in report.problems[0]


def test_repeating_within_a_session_is_one_session() -> None:
    after = [row(repetition=i, value=80.0, first=True) for i in range(50)]
    assert compare(speeds(100), after).speed[0].sessions == (10, 1)


def test_hundreds_of_sessions_are_screened_in_reasonable_time() -> None:
    report = compare(speeds(100, 300), speeds(90, 300))
    assert [s.suspicion for s in report.speed] == ['suspect: slower']


# Whose fault

ZEN, HASWELL = 'x86_64/amd/zen2', 'x86_64/intel/haswell'


def blamed(rows: Rows) -> Fault:
    (blame,) = compare([row(test='Unrelated')], [*rows, row(test='Unrelated')]).blames
    return blame.fault


def test_what_fails_everywhere_is_the_stack() -> None:
    assert blamed([failed(system='one'), failed(system='two')]) is Fault.STACK


def test_what_fails_on_every_machine_of_one_target_is_the_stack() -> None:
    rows = [failed(system='one'), failed(system='two')]
    rows += [row(system='one', cpu_target=HASWELL), row(system='two', cpu_target=HASWELL)]
    assert blamed(rows) is Fault.STACK


def test_one_system_failing_across_applications_is_the_site() -> None:
    rows = [
        make(system=system, test=test, software=test)
        for test in ('GROMACS', 'LAMMPS')
        for system, make in (('sick', failed), ('one', row), ('two', row))
    ]
    report = compare([row()], rows)
    assert [b.fault for b in report.blames] == [Fault.SITE, Fault.SITE]
    assert 'GROMACS, LAMMPS' in report.blames[0].evidence


def test_one_system_failing_one_application_cannot_be_told() -> None:
    assert blamed([failed(system='sick'), row(system='one')]) is Fault.UNDECIDED


def test_one_system_alone_cannot_tell() -> None:
    assert blamed([failed()]) is Fault.UNDECIDED


def test_no_judgement_is_infrastructure() -> None:
    assert blamed([row(outcome='error', **NO), row(day=1)]) is Fault.INFRASTRUCTURE


def test_both_outcomes_on_one_system_are_flakiness() -> None:
    assert blamed([row(), failed(day=1), row(system='two')]) is Fault.FLAKINESS


# Parity

TODAY = datetime.date(2026, 11, 23)


def test_parity_lists_what_does_not_pass_on_the_other_side_with_the_reason() -> None:
    before = [row(), row(software='LAMMPS', test='L'), row(software='R', test='R')]
    after = [row(version='2025.1'), failed(software='LAMMPS', test='L')]
    report = compare(before, after, parity='software', today=TODAY)
    assert [(m.subject, m.reason) for m in report.parity] == [
        ('LAMMPS', 'there, but: fail'),
        ('R', 'not tested there'),
    ]
    modules = compare(before, after, parity='module', today=TODAY).parity
    assert 'GROMACS/2024.1-foss-2023b' in [m.subject for m in modules]


def test_parity_of_targets_can_ignore_the_target() -> None:
    after = [row(cpu_target=HASWELL)]
    assert compare([row()], after, parity='module').parity
    assert not compare([row()], after, parity='module', parity_per_target=False).parity


@pytest.mark.parametrize(('expires', 'explained'), [('2026-12-01', True), ('2026-11-01', False)])
def test_exceptions_explain_until_they_expire(
    expires: str, explained: bool, tmp_path: Path
) -> None:
    path = tmp_path / 'exceptions.yaml'
    path.write_text(f'- software: R\n  reason: not built for Arm\n  expires: {expires}\n')
    report = compare(
        [row(software='R')], [row(software='S')], parity='software', today=TODAY,
        exceptions=read_exceptions(path),
    )  # fmt: skip
    assert bool(report.parity[0].explained) is explained
    assert isinstance(read_exceptions(path)[0], Explained)


@pytest.mark.parametrize('text', ['- software: R', 'a: [', '- {software: R, reasn: x}', '7'])
def test_exceptions_that_say_too_little_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / 'exceptions.yaml'
    path.write_text(text)
    with pytest.raises(UsageError, match='no list of exceptions'):
        read_exceptions(path)


# Forms and the command line


def test_text_of_others_cannot_break_out_of_any_form() -> None:
    hostile = '<script>alert(1)</script> |x| @all \x1b[31m [l](http://evil.example)'
    report = compare([row()], [failed(hostile, system='<b>')])
    assert '<script>' not in render_html(report)
    markdown = render_markdown(report)
    assert '<script>' not in markdown
    assert '](http' not in markdown
    assert '\x1b' not in render_terminal(report)
    assert json.loads(render_json(report))['exit_code'] == 1


def test_equal_input_gives_equal_bytes_in_any_order() -> None:
    rows = [failed(test=f'T{i}') for i in range(5)]
    one = compare([row()], rows)
    other = compare([row()], rows[::-1])
    assert render_json(one) == render_json(other)


def test_sides_are_releases_queries_runs_and_files(tmp_path: Path) -> None:
    store = str(tmp_path / 'store')
    archive = open_archive(store)
    name = publish(archive, row())
    publish(archive, row(run_id='later', release='2025.06'))
    for text in ('2023.06', 'release=2023.06 target=x86_64/*', 'run-0', 'run-'):
        assert read_side(text, store).table.num_rows == 1, text
    assert read_side(str(tmp_path / 'store' / name)).table.num_rows == 1
    with pytest.raises(UsageError, match='--store'):
        read_side('2023.06')


def test_a_corrupt_file_makes_the_answer_incomplete(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path))
    publish(archive, row())
    (tmp_path / publish(archive, row(day=1))).write_bytes(b'')
    side = read_side('2023.06', str(tmp_path))
    report = compare_sides(side, side)
    assert 'skipped' in report.problems[0]
    assert report.exit_code == 75


def test_the_command_writes_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = open_archive(str(tmp_path / 'store'))
    publish(archive, row())
    publish(archive, failed(run_id='later', release='2025.06'))
    page, text = tmp_path / 'c.html', tmp_path / 'c.md'
    arguments = ['compare', '2023.06', '2025.06', '--store', str(tmp_path / 'store'), '--json']
    arguments += ['--html', str(page), '--markdown', str(text)]
    assert app(arguments, standalone_mode=False) == 1
    assert json.loads(capsys.readouterr().out)['counts'] == {'new failure': 1}
    assert 'new failure' in page.read_text()
    assert 'new failure' in text.read_text()
