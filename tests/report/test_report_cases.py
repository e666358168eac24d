"""Every planned case has a row in exactly one section; doubt puts it where action is needed."""

from __future__ import annotations

import pytest
import report_factory as factory

from eessi_validate.report.cases import rows_of
from eessi_validate.report.matrix import matrix_of
from eessi_validate.results.model import Outcome, Plan, Standing


def test_a_planned_case_without_result_is_missing_and_needs_action():
    report = factory.accepted()
    extra = factory.case(factory.QE)
    report = report.model_copy(update={'plan': Plan(cases=(*report.plan.cases, extra))})
    (row,) = rows_of(report).action
    assert row.case == extra
    assert row.state == 'missing'


def test_a_result_that_nobody_planned_is_never_a_pass():
    report = factory.accepted()
    report = report.model_copy(update={'plan': Plan(cases=report.plan.cases[1:])})
    (row,) = rows_of(report).action
    assert row.state == 'unplanned'


@pytest.mark.parametrize('outcome', [o for o in Outcome if o is not Outcome.PASS])
@pytest.mark.parametrize('standing', [None, Standing.PASSED])
def test_only_a_waiver_takes_a_case_that_did_not_pass_off_the_list(outcome, standing):
    result = factory.failed(factory.case(), outcome, 'why')
    report = factory.report_of((result,))
    key = result.case.full_key
    judged = {key: standing} if standing else {}
    report = report.model_copy(
        update={'judgement': report.judgement.model_copy(update={'standings': judged})}
    )
    assert [row.result for row in rows_of(report).action] == [result]
    waived = factory.report_of((result,), known=(key,))
    assert [row.state for row in rows_of(waived).known] == ['known']


def test_repetitions_are_cases_of_their_own():
    first = factory.case()
    second = first.model_copy(update={'repetition': 1})
    third = first.model_copy(update={'repetition': 2})
    report = factory.report_of((factory.passed(first), factory.passed(second)))
    report = report.model_copy(update={'plan': Plan(cases=(first, second, third))})
    rows = rows_of(report)
    assert [row.scale for row in rows.passed] == ['1_node', '1_node #2']
    assert [(row.scale, row.state) for row in rows.action] == [('1_node #3', 'missing')]


def test_a_pass_that_policy_holds_needs_action():
    report = factory.accepted()
    key = report.plan.cases[0].full_key
    judged = report.judgement.standings | {key: Standing.HELD}
    report = report.model_copy(
        update={'judgement': report.judgement.model_copy(update={'standings': judged})}
    )
    assert [row.state for row in rows_of(report).action] == ['held']


def test_sections_hold_every_row_once_with_its_own_anchor():
    rows = rows_of(factory.rejected())
    assert len({row.anchor for row in rows.all}) == len(rows.all) == 12


def test_anchors_stay_the_same_when_other_cases_come_and_go():
    report = factory.accepted()
    fewer = report.model_copy(update={'plan': Plan(cases=report.plan.cases[3:])})
    before = {row.case.full_key: row.anchor for row in rows_of(report).all}
    after = {row.case.full_key: row.anchor for row in rows_of(fewer).all}
    assert before == after


def test_a_cell_shows_its_worst_case_with_count_and_evidence():
    results = (
        factory.passed(factory.case()),
        factory.failed(factory.case(test='Other'), Outcome.FAIL, 'wrong'),
    )
    report = factory.report_of(results)
    cell = matrix_of(report, rows_of(report)).lines[0].cells[0]
    assert (cell.words, cell.evidence) == ('fail 1 of 2', 'native')


def test_a_case_without_result_claims_no_evidence():
    report = factory.rejected()
    lines = {line.subject: line for line in matrix_of(report, rows_of(report)).lines}
    assert [cell.evidence for cell in lines[factory.QE].cells] == [
        'no evidence',
        'no evidence',
        'emulated',
    ]


def test_an_empty_cell_says_whether_the_plan_left_it_out():
    report = factory.rejected()
    lines = {line.subject: line for line in matrix_of(report, rows_of(report)).lines}
    assert lines[factory.OSU].cells[2].words == 'not planned'
