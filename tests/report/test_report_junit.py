from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
import report_factory as factory
from lxml import etree

from eessi_validate.report import render_junit
from eessi_validate.results.model import Outcome, Plan, Report


def suites(report: Report) -> ET.Element:
    return ET.fromstring(render_junit(report).encode())


def case_named(root: ET.Element, name: str) -> ET.Element:
    (found,) = [c for c in root.iter('testcase') if c.get('name') == name]
    return found


def properties(element: ET.Element) -> dict[str | None, str | None]:
    return {p.get('name'): p.get('value') for p in element.findall('properties/property')}


@pytest.mark.parametrize(
    ('outcome', 'tag'),
    [
        (Outcome.PASS, None),
        (Outcome.FAIL, 'failure'),
        (Outcome.ERROR, 'error'),
        (Outcome.MISSING, 'error'),
        (Outcome.ABORTED, 'error'),
        (Outcome.SKIP, 'skipped'),
    ],
)
def test_each_outcome_has_its_own_element(outcome, tag):
    result = factory.failed(factory.case(), outcome, 'The reason.')
    case = case_named(
        suites(factory.report_of((result,))), f'{factory.GROMACS} @x86_64/generic %1_node'
    )
    told = [child for child in case if child.tag in ('failure', 'error', 'skipped')]
    assert [child.tag for child in told] == ([tag] if tag else [])
    assert [child.get('message') for child in told] == (['The reason.'] if tag else [])
    assert properties(case)['outcome'] == outcome.value


def test_a_planned_case_without_result_is_an_error_and_never_absent():
    report = factory.accepted()
    extra = factory.case(factory.QE)
    report = report.model_copy(update={'plan': Plan(cases=(*report.plan.cases, extra))})
    case = case_named(suites(report), f'{factory.QE} @x86_64/generic %1_node')
    assert case.find('error') is not None


@pytest.mark.parametrize('make', [factory.rejected, factory.accepted, factory.held])
def test_counts_in_the_attributes_are_those_of_the_elements(make):
    root = suites(make())
    for element in [root, *root.findall('testsuite')]:
        assert int(element.get('tests', '')) == len(list(element.iter('testcase')))
        for attribute, tag in (
            ('failures', 'failure'),
            ('errors', 'error'),
            ('skipped', 'skipped'),
        ):
            assert int(element.get(attribute, '')) == len(list(element.iter(tag)))


def test_the_counts_of_the_rejected_report():
    root = suites(factory.rejected())
    counts = [root.get(name) for name in ('tests', 'failures', 'errors', 'skipped')]
    assert counts == ['13', '3', '3', '1']


def test_nothing_to_run_is_not_green():
    root = suites(factory.held())
    assert root.get('errors') == '1'
    error = case_named(root, 'verdict').find('error')
    assert error is not None
    assert 'nothing to run' in (error.get('message') or '')


def test_metrics_evidence_and_standing_are_properties():
    case = case_named(suites(factory.rejected()), f'{factory.GROMACS} @aarch64/generic %1_node')
    assert properties(case) | {
        'evidence': 'emulated',
        'standing': 'passed',
        'attempts': 'error pass',
        'metric.speed': '41.73 ns/day',
        'metric.potential energy.limits': 'reference -41.5, accepted -41.8 to -41.2',
    } == properties(case)


def test_the_tail_of_both_outputs_is_kept():
    case = case_named(suites(factory.rejected()), f'{factory.QE} @x86_64/generic %1_node')
    assert 'libxc.so.12' in (case.findtext('system-err') or '')


@pytest.mark.parametrize('outcome', list(Outcome))
def test_hostile_text_gives_valid_xml_without_control_characters(outcome):
    text = render_junit(factory.hostile(30, outcome))
    root = etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False))
    assert root.get('tests') == '31'
    assert not any(c < ' ' and c not in '\t\n' for c in text)
    assert '<script>alert(1)</script>' in root.findtext('.//system-out')
