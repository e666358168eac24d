"""A series over releases: steps are places to look, an alarm is for halved speed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from stored_rows import publish, row, table

from eessi_validate.cli import app
from eessi_validate.compare.history import (
    History,
    find_history,
    references_of,
    render_json,
    render_terminal,
)
from eessi_validate.results.archive import open_archive

Rows = list[dict[str, Any]]


def nights(levels: list[float], seed: int = 1, noise: float = 0.01, **given: Any) -> Rows:
    """One session a night; the second half is of the next release."""
    chance = random.Random(seed)
    half = len(levels) // 2
    return [
        row(
            day=day,
            value=level * chance.gauss(1, noise),
            **{'release': '2023.06' if day < half else '2025.06', **given},
        )
        for day, level in enumerate(levels)
    ]


def found(rows: Rows, test: str = 'EESSI_GROMACS*') -> History:
    history = find_history(table(*rows).to_pandas(), test, stack='/cvmfs/software.eessi.io')
    return history


def test_a_series_is_named_by_what_is_known_of_it() -> None:
    (series,) = found(nights([100.0] * 10)).series
    assert series.name == (
        'EESSI_GROMACS_WaterBox GROMACS @x86_64/amd/zen2 %1_node on site: speed (ns/day)'
    )
    (series,) = found(nights([100.0] * 10, system='', scale='', unit='')).series
    assert series.name == 'EESSI_GROMACS_WaterBox GROMACS @x86_64/amd/zen2: speed'


def test_a_step_between_releases_names_the_command_that_confirms_it() -> None:
    history = found(nights([100.0] * 30 + [90.0] * 30))
    (series,) = history.series
    (step,) = series.steps
    assert step.after.release == '2025.06'
    assert step.ratio == pytest.approx(0.9, abs=0.01)
    assert step.confirm == (
        'eessi-validate ab --stack /cvmfs/software.eessi.io --before 2023.06 --after 2025.06 '
        '--tests EESSI_GROMACS_WaterBox --target x86_64/amd/zen2 --scale 1_node --module GROMACS'
    )
    assert 'not proof' in render_terminal(history)
    assert history.exit_code == 0


def test_a_step_between_modules_of_a_release_compares_the_modules() -> None:
    rows = nights([100.0] * 30 + [90.0] * 30, release='2025.06')
    for late in rows[30:]:
        late['version'] = '2024.4'
    (step,) = found(rows).series[0].steps
    assert '--before GROMACS/2024.1-foss-2023b --after GROMACS/2024.4-foss-2023b' in step.confirm


def test_a_step_without_any_change_of_software_has_no_command() -> None:
    (step,) = found(nights([100.0] * 30 + [90.0] * 30, release='2025.06')).series[0].steps
    assert 'the machine or the test changed' in step.confirm


def test_a_steady_series_has_no_step_and_no_alarm() -> None:
    history = found(nights([100.0] * 60))
    assert history.series[0].steps == ()
    assert not (history.series[0].alarm and history.series[0].alarm.raised)


def test_when_unrelated_software_steps_together_the_machine_changed() -> None:
    rows = [
        entry
        for seed, name in enumerate(('GROMACS', 'LAMMPS', 'QE', 'HPCC'))
        for entry in nights([100.0] * 30 + [80.0] * 30, seed, software=name, test=f'EESSI_{name}')
    ]
    history = found(rows)
    assert [s.key['software'] for s in history.series] == ['GROMACS']
    assert history.series[0].steps[0].environment
    assert history.environment[0][0] == 'site'


def test_halved_speed_raises_the_alarm_by_the_second_bad_run() -> None:
    sound = [375.0] * 20
    history = found(nights([*sound, 190.0, 145.0], noise=0.1))
    assert history.exit_code == 1
    assert 'ALARM' in render_terminal(history)


def test_another_cpu_model_is_another_series_not_a_step() -> None:
    rows = nights([100.0] * 30 + [90.0] * 30)
    for late in rows[30:]:
        late['cpu_model'] = 'other'
    history = found(rows)
    assert len(history.series) == 2
    assert all(series.steps == () for series in history.series)


def test_every_row_of_the_test_is_accounted_for() -> None:
    rows = [
        row(),
        row(day=1, outcome='fail'),
        row(day=2, metric='', value=None),
        row(day=3, direction='truth'),
        row(day=4, value=-1.0),
        row(day=5, value=None),
        row(day=6, test='Other'),
    ]
    history = found(rows)
    assert sum(history.rows.values()) == 6
    assert history.rows['used'] == 1


def test_no_series_is_not_known() -> None:
    history = found([row()], 'EESSI_Nothing')
    assert history.exit_code == 75
    assert 'no series' in render_terminal(history)


def test_references_are_of_the_level_since_the_last_step() -> None:
    content, left_out = references_of(found(nights([100.0] * 30 + [90.0] * 30)))
    assert left_out == []
    leaf = content['EESSI_GROMACS_WaterBox']['site:cpu']['GROMACS']['x86_64/amd/zen2']['1_node']
    value, lower, upper, unit = leaf['speed']
    assert value == pytest.approx(90, rel=0.01)
    assert -0.1 < lower <= -0.05
    assert (upper, unit) == (None, 'ns/day')


@pytest.mark.parametrize(
    ('rows', 'reason'),
    [
        (nights([100.0] * 5), '8 are needed'),
        (nights([100.0] * 20, test='EESSI_GROMACS %nb=cpu'), 'parameters'),
    ],
)
def test_a_series_without_a_reference_is_named(rows: Rows, reason: str) -> None:
    content, left_out = references_of(found(rows))
    assert content == {}
    assert reason in left_out[0]


CHECK = """
import reframe as rfm
import reframe.utility.sanity as sn
from reframe.core.builtins import *

@rfm.simple_test
class EESSI_Speed(rfm.RunOnlyRegressionTest):
    valid_systems, valid_prog_environs = ['*'], ['*']
    executable, executable_opts = 'echo', ['speed=VALUE']
    reference = {'$ref': 'refs.yaml'}
    software = variable(str, value='GROMACS')
    cpu_target = variable(str, value='x86_64/amd/zen2')
    scale = variable(str, value='1_node')

    @sanity_function
    def says_speed(self):
        return sn.assert_found('speed', self.stdout)

    @performance_function('ns/day')
    def speed(self):
        return sn.extractsingle(r'speed=(\\S+)', self.stdout, 1, float)
"""


@pytest.mark.slow
@pytest.mark.parametrize(('speed', 'code'), [('99', 0), ('80', 1)])
def test_reframe_itself_reads_the_references(speed: str, code: int, tmp_path: Path) -> None:
    rows = nights([100.0] * 20, test='EESSI_Speed', system='generic', partition='default')
    content, _ = references_of(found(rows, 'EESSI_Speed'))
    (tmp_path / 'refs.yaml').write_text(yaml.safe_dump(content))
    (tmp_path / 'check.py').write_text(CHECK.replace('VALUE', speed))
    command = [
        str(Path(sys.executable).with_name('reframe')),
        '-c',
        'check.py',
        '-r',
        '--prefix',
        'p',
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout
    assert ('performance' in done.stdout) or code == 0
    assert 'Ran 1/1 test case' in done.stdout


def test_the_command_reads_a_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = open_archive(str(tmp_path / 'store'))
    for entry in nights([100.0] * 12):
        publish(archive, entry)
    yaml_file = tmp_path / 'refs.yaml'
    arguments = ['history', 'EESSI_GROMACS*', 'target=x86_64/*', '--store', str(tmp_path / 'store')]
    arguments += ['--references', str(yaml_file), '--json']
    assert app(arguments, standalone_mode=False) == 0
    assert '"exit_code": 0' in capsys.readouterr().out
    assert 'EESSI_GROMACS_WaterBox' in yaml.safe_load(yaml_file.read_text())
    assert render_json(found(nights([100.0] * 12)))
