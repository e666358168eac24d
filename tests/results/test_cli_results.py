"""The commands of the store, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from stored_rows import publish, row

from eessi_validate.cli import app
from eessi_validate.errors import UsageError
from eessi_validate.results.archive import open_archive


def run(*arguments: str) -> int:
    return int(app(['results', *arguments], standalone_mode=False) or 0)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv('EESSI_VALIDATE_STORE', str(tmp_path / 'store'))
    archive = open_archive(str(tmp_path / 'store'))
    publish(archive, row(), row(test='Other', outcome='fail', metric='', value=None))
    publish(archive, row(day=3, release='2025.06'))
    return tmp_path / 'store'


@pytest.mark.usefixtures('store')
def test_runs_are_listed_with_their_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run('list', '2023.06', '--json') == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry['run_id'], entry['cases'], entry['passed']) == ('run-0', 2, 1)
    assert run('list') == 0
    assert '1/2 passed  run-0' in capsys.readouterr().out


@pytest.mark.usefixtures('store')
def test_rows_are_shown_newest_first_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run('show', '--limit', '1') == 0
    out = capsys.readouterr().out
    assert '2025.06' in out
    assert '1 of 3 rows' in out


@pytest.mark.parametrize('suffix', ['csv', 'jsonl', 'parquet'])
@pytest.mark.usefixtures('store')
def test_exports_are_scrubbed_when_asked(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f'out.{suffix}'
    assert run('export', str(out), '--scrub') == 0
    assert b'alice' not in out.read_bytes()
    assert run('export', str(out)) == 0
    if suffix != 'parquet':
        assert b'alice' in out.read_bytes()


@pytest.mark.usefixtures('store')
def test_an_export_of_unknown_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r'\.parquet, \.csv or \.jsonl'):
        run('export', str(tmp_path / 'out.xlsx'))


def test_gc_merges_and_loses_nothing(store: Path) -> None:
    publish(open_archive(str(store)), row(day=1))
    assert run('gc') == 0
    assert len(open_archive(str(store)).frame()) == 4
    assert run('gc', '--before', '2026-11-03') == 0


def test_a_bad_file_among_good_ones_is_refused_by_name_and_the_rest_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / 'good.json', tmp_path / 'bad.json'
    case = {'name': 'T', 'result': 'pass', 'system': 's', 'perfvalues': {}}
    good.write_text(
        json.dumps({'session_info': {'data_version': '4.2', 'uuid': 'u'},
                    'runs': [{'testcases': [case]}]})
    )  # fmt: skip
    bad.write_text('{')
    assert run('import', str(bad), str(good), '--store', str(tmp_path / 'store')) == 2
    assert 'bad.json' in capsys.readouterr().err
    assert len(open_archive(str(tmp_path / 'store')).frame()) == 1


def test_a_store_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('EESSI_VALIDATE_STORE', raising=False)
    with pytest.raises(UsageError, match='--store'):
        run('list')
