"""``junit.xml``: one ``testcase`` for every planned case, and one for the verdict itself.

The verdict's own test case keeps a run of zero cases from reading as green. A waived failure stays
a ``failure``, because JUnit tells what happened; its property ``standing`` tells what policy made
of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from eessi_validate.report.cases import Row, rows_of
from eessi_validate.report.excerpt import Excerpt, last_lines, one_line, printable
from eessi_validate.report.wording import (
    STANDING_WORDS,
    evidence_words,
    metric_limits,
    reason_words,
)
from eessi_validate.results.model import Outcome, Report, VerdictCode

#: Element that tells an outcome that is not a pass.
ELEMENTS = {
    Outcome.FAIL: 'failure',
    Outcome.ERROR: 'error',
    Outcome.MISSING: 'error',
    Outcome.ABORTED: 'error',
    Outcome.SKIP: 'skipped',
}


def render_junit(report: Report) -> str:
    """The report as JUnit XML, one ``testsuite`` per CPU target."""
    root = ET.Element('testsuites', name='eessi-validate')
    _verdict_suite(root, report)
    by_target: dict[str, list[Row]] = {}
    for row in rows_of(report).all:
        by_target.setdefault(row.case.id.cpu_target, []).append(row)
    for target in sorted(by_target):
        _target_suite(root, report, target, by_target[target])
    _count(root, root.findall('testsuite/testcase'))
    root.set('time', f'{report.run.seconds:.3f}')
    ET.indent(root, ' ')
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding='unicode') + '\n'


def _verdict_suite(root: ET.Element, report: Report) -> None:
    judgement, run, subject = report.judgement, report.run, report.subject
    suite = ET.SubElement(root, 'testsuite', name='verdict')
    counters = {name: str(count) for name, count in report.counters.model_dump().items()}
    facts = {
        'verdict': judgement.verdict.value,
        'subject': f'{subject.kind} {subject.repository} {subject.release}',
        'digest': subject.digest,
        'policy': judgement.policy,
        'run': run.id,
        'nonce': run.nonce,
    }
    _properties(suite, facts | counters | {f'version.{k}': v for k, v in run.versions.items()})
    case = ET.SubElement(suite, 'testcase', classname='eessi-validate', name='verdict')
    message = one_line(f'{judgement.verdict.value}: {judgement.summary}', 1000)
    if judgement.verdict is VerdictCode.REJECT:
        ET.SubElement(case, 'failure', type='REJECT', message=message)
    elif judgement.verdict is VerdictCode.HOLD:
        ET.SubElement(case, 'error', type='HOLD', message=message)
    notes = [f'problem: {problem}' for problem in run.problems]
    notes += [f'result that nobody planned: {name}' for name in run.unplanned]
    if notes:
        ET.SubElement(case, 'system-err').text = _output(last_lines('\n'.join(notes), 500, 60_000))
    _count(suite, [case])


def _target_suite(root: ET.Element, report: Report, target: str, rows: Sequence[Row]) -> None:
    suite = ET.SubElement(
        root,
        'testsuite',
        name=one_line(target),
        timestamp=one_line(report.run.started),
        hostname=one_line(report.run.host.hostname),
        time=f'{sum(row.result.seconds or 0.0 for row in rows):.3f}',
    )
    _count(suite, [_testcase(suite, row) for row in rows])


def _testcase(suite: ET.Element, row: Row) -> ET.Element:
    result, case = row.result, row.case
    element = ET.SubElement(
        suite,
        'testcase',
        classname=one_line(case.id.test),
        name=one_line(f'{row.subject} @{case.id.cpu_target} %{row.scale}'),
        time=f'{result.seconds or 0.0:.3f}',
    )
    facts = {
        'outcome': result.outcome.value,
        'standing': STANDING_WORDS[row.standing],
        'evidence': evidence_words(result),
        'reason': reason_words(result),
        'phase': result.phase,
        'attempts': ' '.join(attempt.value for attempt in result.attempts),
        'nodes': ' '.join(result.nodes),
        'exit_code': '' if result.exit_code is None else str(result.exit_code),
        'directory': result.directory,
        'command': result.command,
    }
    for metric in result.metrics:
        facts[f'metric.{metric.name}'] = f'{metric.value!r} {metric.unit}'.rstrip()
        facts[f'metric.{metric.name}.limits'] = metric_limits(metric)
    _properties(element, facts)
    if not row.planned:
        fault = 'a result that nobody planned: never a pass'
        ET.SubElement(element, 'error', type='unplanned', message=fault)
    elif result.outcome is not Outcome.PASS:
        reason = one_line(reason_words(result), 1000)
        told = ET.SubElement(element, ELEMENTS[result.outcome], message=reason)
        if told.tag != 'skipped':
            told.set('type', result.outcome.value)
            told.text = one_line(f'reproduce: {result.command}', 4000) if result.command else None
    for tag, text in (('system-out', result.stdout_tail), ('system-err', result.stderr_tail)):
        if excerpt := last_lines(text, 200, 20_000):
            ET.SubElement(element, tag).text = _output(excerpt)
    return element


def _properties(parent: ET.Element, facts: dict[str, str]) -> None:
    group = ET.SubElement(parent, 'properties')
    for name, value in facts.items():
        if value:
            ET.SubElement(group, 'property', name=one_line(name), value=printable(value)[:4000])


def _output(excerpt: Excerpt) -> str:
    left_out = excerpt.lines_left_out
    return f'[{left_out} earlier lines left out]\n{excerpt.text}' if left_out else excerpt.text


def _count(element: ET.Element, cases: Sequence[ET.Element]) -> None:
    element.set('tests', str(len(cases)))
    for attribute, tag in (('failures', 'failure'), ('errors', 'error'), ('skipped', 'skipped')):
        element.set(attribute, str(sum(case.find(tag) is not None for case in cases)))
