"""A run of the driver goes into the store with all it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
import report_factory as factory

from eessi_validate.cli.run import _record
from eessi_validate.report import write_all
from eessi_validate.results.archive import open_archive
from eessi_validate.results.archive.record import record_run


def test_a_run_is_recorded_with_provenance_and_raw_reports(tmp_path: Path) -> None:
    report, store = factory.rejected(), str(tmp_path / 'store')
    write_all(report, tmp_path / 'run')
    journal = tmp_path / 'run' / 'reframe' / 'functional-1' / 'report.json'
    journal.parent.mkdir(parents=True)
    journal.write_text('{}')
    name = record_run(report, tmp_path / 'run', store)
    archive = open_archive(store)
    assert sorted(archive.raw(name)) == ['reframe/functional-1/report.json', 'report.json']
    frame = archive.frame()
    assert int(frame['first'].sum()) == len(report.run.results)
    first = frame.iloc[0]
    for column in ('release', 'digest', 'cpu_model', 'kernel', 'tool_version', 'verdict', 'policy'):
        assert first[column], column


def test_a_store_that_cannot_be_written_is_said_and_changes_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'file').write_text('')
    _record(factory.rejected(), tmp_path, str(tmp_path / 'file'))
    assert 'not recorded in' in capsys.readouterr().err
