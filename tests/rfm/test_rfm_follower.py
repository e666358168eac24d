"""What ReFrame prints is followed for starts, skips and problems; ``recorded/`` is real."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from eessi_validate.rfm.invoke import (
    Invocation,
    _Follower,
    clean_environment,
    command_line,
)

RECORDED = (Path(__file__).parent / 'recorded' / 'output.txt').read_text(encoding='utf-8')
KEY = 'a/1@x%cores_1'


def follow(text: str, *planned: str) -> tuple[_Follower, list[tuple[str, str]], str]:
    """Return the follower, the starts it announced and the copy it made."""
    starts: list[tuple[str, str]] = []
    follower = _Follower(lambda test, key: starts.append((test, key)), frozenset(planned))
    copy = io.StringIO()
    process = SimpleNamespace(stdout=iter(text.splitlines(keepends=True)))
    follower.read(process, copy)  # type: ignore[arg-type]
    return follower, starts, copy.getvalue()


def test_every_start_is_announced_with_test_and_key() -> None:
    _, starts, _ = follow(RECORDED)
    assert ('Good', KEY) in starts
    assert len(starts) == 11


def test_output_is_copied_unchanged() -> None:
    assert follow(RECORDED)[2] == RECORDED


def test_class_that_raised_while_it_was_made_is_a_problem() -> None:
    follower, _, _ = follow(RECORDED)
    assert follower.problems == ["skipping test 'Broken': value error: exploded:"]


SKIP = (
    '[     SKIP ] ({place}) EESSI_Tool %case=Tool/1.0@x%cores_1 /0badcafe @host:default+default {r}'
)


def test_skip_keeps_its_reason() -> None:
    line = SKIP.format(place='1/1', r='[needs a licence]')
    follower, _, _ = follow(line)
    assert follower.skipped == {('EESSI_Tool', 'Tool/1.0@x%cores_1'): 'needs a licence'}


def test_skip_among_ten_or_more_cases_keeps_its_reason() -> None:
    follower, _, _ = follow(RECORDED)
    assert follower.skipped['Skipped', KEY].startswith('needs a licence')


def test_reason_of_a_skip_may_hold_brackets() -> None:
    follower, _, _ = follow(SKIP.format(place='1/1', r='[needs a licence [key]]'))
    assert list(follower.skipped.values()) == ['needs a licence [key]']


@pytest.mark.parametrize(
    ('line', 'matters'),
    [
        ("WARNING: skipping test file '/checks/x.py': no module named 'y'", True),
        ("WARNING: skipping test 'EESSI_Tool': test error: x", True),
        ("WARNING: test 'EESSI_Tool': the following variables were not set: 'no_such'", True),
        ('ERROR: failed to load configuration: no file', True),
        ('WARNING: httpjson: could not connect to server 127.0.0.1:9: Connection refused', False),
        ('WARNING: httpjson: running in debug mode; no data will be sent to the server', False),
        ('[       OK ] (1/1) EESSI_Tool %case=x /0badcafe @host:default+default', False),
    ],
)
def test_messages_that_explain_an_absent_case_are_problems(line: str, matters: bool) -> None:
    follower, _, _ = follow(line)
    assert bool(follower.problems) is matters


@pytest.mark.parametrize('planned', [True, False])
def test_test_without_cases_is_a_problem_only_if_it_should_have_some(planned: bool) -> None:
    line = "WARNING: skipping test 'EESSI_Tool': the following parameters are undefined: case"
    follower, _, _ = follow(line, *(['EESSI_Tool'] if planned else []))
    assert bool(follower.problems) is planned


#: What a session with modules leaves in the environment.
LEFT_BY_A_SESSION = (
    'MODULEPATH', 'MODULEPATH_ROOT', 'MODULESHOME', 'LOADEDMODULES', '_LMFILES_', 'LMOD_CMD',
    '__LMOD_REF_COUNT_PATH', '_ModuleTable001_', 'LD_LIBRARY_PATH', 'LD_PRELOAD', 'PYTHONPATH',
    'PYTHONHOME', 'EESSI_PREFIX', 'EBROOTGROMACS', 'EBVERSIONGCC', 'RFM_SYSTEM', 'RFM_CONFIG_FILES',
    'BASH_ENV', 'OMP_NUM_THREADS', 'OMPI_MCA_btl', 'GMX_MAXBACKUP',
)  # fmt: skip


@pytest.mark.parametrize('name', LEFT_BY_A_SESSION)
def test_nothing_of_the_callers_session_leaks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, 'left over')
    assert name not in clean_environment({})


@pytest.mark.parametrize('name', ['BASH_FUNC_module%%', 'BASH_FUNC_ml%%', 'PRTE_MCA_x', 'PMIX_x'])
def test_no_function_of_the_callers_module_system_leaks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, '() {  :\n}')
    assert name not in clean_environment({})


@pytest.mark.parametrize('name', ['HOME', 'PATH', 'SLURM_CONF', 'TMPDIR', 'LANG'])
def test_what_belongs_to_the_user_and_the_host_is_kept(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, 'kept')
    assert clean_environment({})[name] == 'kept'


def test_additions_win() -> None:
    assert clean_environment({'EESSI_X': '1', 'HOME': '/h'})['EESSI_X'] == '1'
    assert clean_environment({'HOME': '/h'})['HOME'] == '/h'


def invocation(**changes: object) -> Invocation:
    values: dict[str, object] = {
        'directory': Path('/run/x-1'), 'check_files': ('/a.py', '/b.py'), 'tests': ('A', 'B'),
        'cases': (), 'configs': (Path('/site.py'),), 'system': 'site:cpu', 'environment': {},
        'serial': True,
    }  # fmt: skip
    return Invocation(**{**values, **changes})  # type: ignore[arg-type]


def test_command_line_says_everything_and_leaves_nothing_to_the_environment() -> None:
    words = command_line(invocation(job_options=('--qos=x',)))
    text = ' '.join(words)
    assert '-C /site.py -C ' in text
    assert text.index('/site.py') < text.index('journal.py')
    for part in (
        '--system site:cpu', '--prefix /run/x-1', '--report-file /run/x-1/report.json',
        '--exec-policy serial', '-c /a.py -c /b.py', '-n ^(A|B)(%|$)', '-J --qos=x',
        '--keep-stage-files',
    ):  # fmt: skip
        assert part in text


def test_functional_cases_run_side_by_side() -> None:
    assert '--exec-policy async' in ' '.join(command_line(invocation(serial=False)))
