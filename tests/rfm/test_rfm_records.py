"""ReFrame's journal and report become records; what is not understood is refused by name.

``recorded/`` holds what ReFrame 4.10.4 wrote for one test of each kind of ending.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reframe.utility.sanity import reference_bounds

from eessi_validate.errors import HoldError
from eessi_validate.rfm.records import (
    KNOWN_DATA_VERSIONS,
    CaseRecord,
    read_journal,
    read_report,
    record_from_mapping,
)

RECORDED = Path(__file__).parent / 'recorded'
REPORT, JOURNAL = RECORDED / 'report-4.2.json', RECORDED / 'journal.jsonl'


def by_test(records: tuple[CaseRecord, ...]) -> dict[str, CaseRecord]:
    return {record.test: record for record in records}


@pytest.mark.parametrize(
    ('test', 'result', 'phase', 'reason'),
    [
        ('Good', 'pass', '', ''),
        ('Insane', 'fail', 'sanity', "sanity error: pattern 'nothing' not found in 'rfm_job.out'"),
        ('Skipped', 'skip', '', ''),
        ('Hang', 'fail', 'run', 'job timed out'),
        ('Setup', 'fail', 'setup', 'value error: no processor data'),
        ('XFailed', 'xfail', '', ''),
        ('XPassed', 'fail', 'performance', 'reference(s) met unexpectedly'),
    ],
)
def test_report_says_how_each_case_ended(test: str, result: str, phase: str, reason: str) -> None:
    record = by_test(read_report(REPORT))[test]
    assert (record.result, record.phase) == (result, phase)
    assert reason in record.reason
    assert '\n' not in record.reason
    assert record.key == 'a/1@x%cores_1'


def test_report_leaves_fixtures_out() -> None:
    assert len(by_test(read_report(REPORT))) == 11
    assert 'Fix' not in by_test(read_report(REPORT))


def test_journal_agrees_with_the_report_on_what_both_have() -> None:
    journal, report = by_test(read_journal(JOURNAL)), by_test(read_report(REPORT))
    common = set(journal) & set(report)
    assert common == {
        'Good', 'Negative', 'Insane', 'Slow', 'NaN', 'Status', 'XFailed', 'XPassed',
    }  # fmt: skip
    for test in common:
        one, other = journal[test], report[test]
        assert (one.result, one.key, one.performance, one.exit_code, one.stage) == (
            other.result, other.key, other.performance, other.exit_code, other.stage,
        )  # fmt: skip


def test_status_nodes_and_time_are_kept() -> None:
    record = by_test(read_report(REPORT))['Status']
    assert (record.exit_code, record.nodes) == (3, ('node1',))
    assert record.seconds is not None
    assert 0 < record.seconds < 5


def test_case_without_a_job_has_neither_status_nor_time() -> None:
    record = by_test(read_report(REPORT))['Setup']
    assert (record.exit_code, record.seconds, record.nodes) == (None, None, ())


def test_metric_without_a_reference_has_no_bounds() -> None:
    (metric,) = by_test(read_report(REPORT))['Status'].performance
    assert (metric.name, metric.value, metric.unit) == ('bw', 42.5, 'GB/s')
    assert (metric.reference, metric.lower, metric.upper) == (None, None, None)


def test_fractions_of_a_reference_become_numbers_of_its_unit() -> None:
    (metric,) = by_test(read_report(REPORT))['Good'].performance
    assert (metric.reference, metric.lower, metric.upper) == (40.0, 36.0, 48.0)


def test_bounds_of_a_negative_reference_are_those_that_reframe_applied() -> None:
    (metric,) = by_test(read_report(REPORT))['Negative'].performance
    assert (metric.lower, metric.upper) == reference_bounds(-40.0, -0.1, 0.2)


def test_values_that_are_no_numbers_are_dropped() -> None:
    report = by_test(read_report(REPORT))
    assert report['NaN'].performance == ()
    assert report['Insane'].performance == ()


@pytest.mark.parametrize('value', [float('inf'), float('-inf'), float('nan'), None, '42', [1]])
def test_only_finite_numbers_are_metrics(value: Any) -> None:
    row = [value, 0, None, None, 's', 'pass']
    assert record_from_mapping({'perfvalues': {'s:p:x': row}}).performance == ()


def test_rows_of_older_reports_without_a_result_are_read() -> None:
    record = record_from_mapping({'perfvalues': {'s:p:x': [1, 2, -0.5, None, 's']}})
    (metric,) = record.performance
    assert (metric.value, metric.reference, metric.lower, metric.upper) == (1.0, 2, 1.0, None)


def test_bounds_about_a_reference_of_zero_are_absolute() -> None:
    record = record_from_mapping({'perfvalues': {'s:p:x': [0.5, 0, -1, 1, 'e', 'pass']}})
    (metric,) = record.performance
    assert (metric.reference, metric.lower, metric.upper) == (0, -1, 1)


def test_empty_entry_is_a_record_that_matches_no_case_and_is_no_pass() -> None:
    record = record_from_mapping({})
    assert (record.test, record.key) == ('', '')
    assert record.result != 'pass'


def test_torn_last_line_of_the_journal_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / 'journal.jsonl'
    path.write_bytes(JOURNAL.read_bytes()[:-30])
    assert len(read_journal(path)) == len(read_journal(JOURNAL)) - 1


def test_journal_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert read_journal(tmp_path / 'journal.jsonl') == ()


def report_with(tmp_path: Path, **changes: Any) -> Path:
    document = json.loads(REPORT.read_text()) | changes
    path = tmp_path / 'report.json'
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize('version', KNOWN_DATA_VERSIONS)
def test_known_versions_are_read(tmp_path: Path, version: str) -> None:
    path = report_with(tmp_path, session_info={'data_version': version})
    assert len(read_report(path)) == 11


@pytest.mark.parametrize('version', ['3.1', '4.3', '5.0', ''])
def test_unknown_version_is_refused_by_name(tmp_path: Path, version: str) -> None:
    path = report_with(tmp_path, session_info={'data_version': version})
    with pytest.raises(HoldError, match=rf'unknown report version {version}; known are 4\.0'):
        read_report(path)


@pytest.mark.parametrize('text', ['', '{', '[]', '{}', '{"session_info": {}}', 'null'])
def test_damaged_report_holds(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'report.json'
    path.write_text(text)
    with pytest.raises(HoldError, match='cannot read the ReFrame report'):
        read_report(path)


def test_missing_report_holds(tmp_path: Path) -> None:
    with pytest.raises(HoldError, match='wrote no report'):
        read_report(tmp_path / 'report.json')


def test_report_with_an_entry_that_is_no_mapping_holds(tmp_path: Path) -> None:
    path = report_with(tmp_path, runs=[{'testcases': ['x']}])
    with pytest.raises(HoldError):
        read_report(path)


def test_journal_leaves_fixtures_out_too() -> None:
    assert 'Fix' not in by_test(read_journal(JOURNAL))
