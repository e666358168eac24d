"""What others wrote becomes rows; what does not is named."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
import report_factory as factory

from eessi_validate.errors import UsageError
from eessi_validate.report import render_json
from eessi_validate.results.archive import open_archive
from eessi_validate.results.archive.scrub import scrub
from eessi_validate.results.imports import Origin, read_results
from eessi_validate.results.imports.units import direction_of

NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.timezone.utc)
HEADER = (
    'job_completion_time|osuser|version|unique_name|info|system|partition|environ|'
    'exclusive_access|num_tasks|num_cpus_per_task|num_tasks_per_node|num_gpus_per_node|'
    'use_multithreading|modules|jobid|perf_var|perf_value|perf_lower_thres|perf_upper_thres|'
    'perf_unit'
)
INFO = (
    'EESSI_GROMACS %benchmark_info=HECBioSim/Crambin %nb_impl=cpu %scale=1_node '
    '%module_name=GROMACS/2024.1-foss-2023b /ecde4e58 @demo:cpu+default'
)


def log_line(when: str = '2026-11-20T04:39:11', value: str = '12.5') -> str:
    return (
        f'{when}|alice|4.10.4|EESSI_GROMACS_0|{INFO}|demo|cpu|default|false|16|1|16|null|null||77|'
        f'perf|{value}|-0.1|0.1|ns/day'
    )


def report(*cases: dict[str, Any], version: str = '4.2') -> dict[str, Any]:
    session = {'data_version': version, 'uuid': 'u-1', 'time_start_unix': 1795408751.0}
    session |= {'user': 'alice', 'hostname': 'login1', 'version': '4.10.4'}
    return {'session_info': session, 'runs': [{'testcases': list(cases)}], 'restored_cases': []}


def case(result: str = 'pass', **given: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        'name': INFO.partition(' /')[0],
        'result': result,
        'system': 'demo',
        'partition': 'cpu',
        'environ': 'default',
        'perfvalues': {'demo:cpu:perf': [12.5, 12.0, -0.1, 0.1, 'ns/day', 'pass']},
        'num_tasks': 16,
        'job_nodelist': ['node7'],
    }
    return {**fields, **given}


def imported(tmp_path: Path, content: Any, name: str = 'r.json') -> Any:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_results(path, NOW, Origin('2023.06', 'x86_64/generic'))


def test_a_reframe_report_becomes_cases_with_the_identity_of_this_project(tmp_path: Path) -> None:
    ((table, raw),) = imported(tmp_path, report(case())).runs
    (row,) = table.to_pylist()
    assert row['test'] == 'EESSI_GROMACS %benchmark_info=HECBioSim/Crambin %nb_impl=cpu'
    assert (row['software'], row['version'], row['toolchain']) == (
        'GROMACS',
        '2024.1',
        'foss-2023b',
    )
    assert (row['scale'], row['release'], row['cpu_target']) == (
        '1_node', '2023.06', 'x86_64/generic',
    )  # fmt: skip
    assert (row['metric'], row['value'], row['direction']) == ('perf', 12.5, 'higher')
    assert (row['lower'], row['upper']) == (10.8, 13.2)
    assert (row['tasks'], row['nodes'], row['user']) == (16, 'node7', 'alice')
    assert list(raw) == ['r.json']


@pytest.mark.parametrize(
    ('result', 'phase', 'outcome'),
    [
        ('pass', None, 'pass'),
        ('fail', 'sanity', 'fail'),
        ('fail', 'performance', 'fail'),
        ('fail', 'setup', 'error'),
        ('fail', 'run', 'error'),
        ('skip', None, 'skip'),
        ('fail_deps', None, 'skip'),
        ('xfail', None, 'fail'),
        ('xpass', None, 'fail'),
        ('abort', None, 'aborted'),
        ('brilliant', None, 'error'),
    ],
)
def test_only_a_pass_is_a_pass(result: str, phase: str, outcome: str, tmp_path: Path) -> None:
    ((table, _),) = imported(tmp_path, report(case(result, fail_phase=phase))).runs
    assert table['outcome'].to_pylist() == [outcome]


@pytest.mark.parametrize('version', ['3.1', '4.3', '5.0', 'None'])
def test_an_unknown_schema_is_refused_by_its_version(version: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f'unknown version {version} '):
        imported(tmp_path, report(case(), version=version))


@pytest.mark.parametrize('content', ['', 'hello', '[]', '{}', '{"session_info": {}}', '[' * 10**5])
def test_what_is_no_report_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        imported(tmp_path, content)


def test_fixtures_and_restored_cases_are_named_not_counted(tmp_path: Path) -> None:
    document = report(case(), case(name='Build ~demo', fixture=True))
    document['restored_cases'] = [case()]
    found = imported(tmp_path, document)
    assert found.runs[0][0].num_rows == 1
    assert len(found.left_out) == 2


def test_the_same_case_run_twice_in_a_session_is_two_repetitions(tmp_path: Path) -> None:
    ((table, _),) = imported(tmp_path, report(case(), case(), case())).runs
    assert table['repetition'].to_pylist() == [0, 1, 2]


def test_a_performance_log_becomes_a_run_per_day(tmp_path: Path) -> None:
    lines = [HEADER, log_line(), log_line('2026-11-21T01:00:00'), log_line('2026-11-21T02:00:00')]
    found = imported(tmp_path, '\n'.join(lines) + '\n', 'EESSI_GROMACS.log')
    assert [table.num_rows for table, _ in found.runs] == [1, 2]
    row = found.runs[0][0].to_pylist()[0]
    assert row['test'] == 'EESSI_GROMACS %benchmark_info=HECBioSim/Crambin %nb_impl=cpu'
    assert (row['software'], row['value'], row['outcome']) == ('GROMACS', 12.5, 'pass')
    assert (row['tasks'], row['cpus_per_task'], row['job_id']) == (16, 1, '77')


def test_a_grown_log_adds_its_new_day_only(tmp_path: Path) -> None:
    archive = open_archive(str(tmp_path / 'store'))
    for lines in ([log_line()], [log_line(), log_line('2026-11-21T01:00:00')]):
        content = '\n'.join([HEADER, *lines, ''])
        for table, raw in imported(tmp_path, content, 'EESSI_GROMACS.log').runs:
            archive.publish(table, raw, NOW)
    assert len(archive.stored()) == 2
    assert len(archive.frame()) == 2


@pytest.mark.parametrize(
    ('line', 'reason'),
    [
        (log_line()[:-20], 'fields'),
        (log_line() + '|more', 'fields'),
        (log_line('yesterday'), 'no time'),
    ],
)
def test_a_torn_line_is_named_by_its_number(line: str, reason: str, tmp_path: Path) -> None:
    found = imported(tmp_path, '\n'.join([HEADER, log_line(), line]), 'x.log')
    assert sum(table.num_rows for table, _ in found.runs) == 1
    assert len(found.left_out) == 1
    assert found.left_out[0].startswith('line 3: ')
    assert reason in found.left_out[0]


@pytest.mark.parametrize('value', ['None', 'null', ''])
def test_a_line_without_a_value_is_a_failure(value: str, tmp_path: Path) -> None:
    ((table, _),) = imported(tmp_path, f'{HEADER}\n{log_line(value=value)}\n', 'x.log').runs
    (row,) = table.to_pylist()
    assert (row['outcome'], row['value']) == ('fail', None)
    assert 'no value of perf' in row['reason']


def test_a_report_of_our_own_keeps_every_planned_case(tmp_path: Path) -> None:
    whole = factory.rejected()
    ((table, _),) = imported(tmp_path, render_json(whole)).runs
    assert sum(table['first'].to_pylist()) == len(whole.run.results)
    assert set(table['verdict'].to_pylist()) == {whole.judgement.verdict.value}


@pytest.mark.parametrize(
    ('unit', 'direction'), [('ns/day', 'higher'), ('s', 'lower'), ('GB/s', 'higher'), ('kJ', '')]
)
def test_units_say_which_direction_is_better_or_nothing(unit: str, direction: str) -> None:
    assert direction_of(unit) == direction


def test_scrubbing_hides_users_hosts_and_paths_and_keeps_equal_things_equal(tmp_path: Path) -> None:
    reason = "alice's job on node7 cannot read /home/alice/secret.in (alice@site.org, 10.0.0.7)"
    document = report(case('fail', fail_phase='sanity', fail_reason=reason), case())
    ((table, _),) = imported(tmp_path, document).runs
    clean = scrub(table.to_pandas())
    text = clean.to_csv()
    for secret in ('alice', 'node7', 'login1', '/home', '10.0.0.7', 'site.org'):
        assert secret not in text
    assert clean['nodes'].nunique() == 1
    assert clean['system'].tolist() == ['demo', 'demo']
