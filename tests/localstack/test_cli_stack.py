"""The thin commands: what they print, and their exit codes."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eessi_validate.cli.stack import app
from eessi_validate.errors import UsageError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_help_imports_nothing_heavy():
    code = (
        'import sys; import eessi_validate.cli.stack; '
        'print([m for m in sys.modules if m.split(".")[0] in ("yaml", "pandas", "archspec")])'
    )
    assert subprocess.check_output([sys.executable, '-c', code], text=True).strip() == '[]'


def test_an_empty_root_is_said_to_be_empty(tmp_path):
    assert run('list', '--root', tmp_path).output == f'no local stack in {tmp_path}\n'
    assert json.loads(run('list', '--root', tmp_path, '--json').output) == []


@pytest.mark.parametrize('command', ['show', 'verify'])
def test_a_release_that_is_not_there_is_a_usage_error(tmp_path, command):
    assert isinstance(run(command, '2023.06', '--root', tmp_path).exception, UsageError)


def test_unknown_software_is_a_usage_error_before_anything_is_touched(tmp_path):
    result = run('build', '--set', 'GROMAX', '--root', tmp_path / 'root')
    assert isinstance(result.exception, UsageError)
    assert 'GROMACS' in str(result.exception)
    assert not (tmp_path / 'root').exists()


def test_a_root_of_another_name_is_a_usage_error_that_says_which_to_give(tmp_path):
    """Rules for a local stack are bound to its name, and it must not look like another stack."""
    result = run('build', '--root', tmp_path / 'software.eessi.io')
    assert isinstance(result.exception, UsageError)
    given = tmp_path / 'software.eessi.io' / 'local.eessi.io'
    assert str(result.exception).endswith(f'give --root {given}')
    assert not list(tmp_path.iterdir())


@pytest.mark.stack
@pytest.mark.slow
def test_list_show_and_verify_agree_on_a_real_stack(local_stack):
    (listed,) = json.loads(run('list', '--root', local_stack, '--json').output)
    (shown,) = json.loads(run('show', '2023.06', '--root', local_stack, '--json').output)
    assert listed['modules'] == shown['modules']
    assert 'GROMACS/2022.5-foss-2022b' in listed['modules']
    assert len(shown['installations']) == len(listed['modules'])
    result = run('verify', '2023.06', '--root', local_stack)
    assert result.exit_code == 0
    assert ': 0 findings;' in result.output
    again = run('build', '--root', local_stack, '--json')
    assert json.loads(again.stdout)['added'] == []


@pytest.mark.stack
@pytest.mark.slow
def test_an_installation_is_packed_taken_out_and_built_again(own_stack, packages, tmp_path):
    where = ('--root', own_stack)
    packed = run('pack', 'OpenBLAS', *where, '--out', tmp_path / 'new', '--take-out', '--json')
    answer = json.loads(packed.output)
    with tarfile.open(fileobj=zstd.open(answer['tarball']), mode='r|') as archive:
        assert any(m.name.endswith(f'software/{answer["module"]}') for m in archive)
    (listed,) = json.loads(run('list', *where, '--json').output)
    assert answer['module'] not in listed['modules']
    built = run('build', '--set', 'OpenBLAS', *where, '--cache', packages, '--json')
    assert json.loads(built.stdout)['added'] == [answer['module']]
    again = run('pack', answer['module'], *where, '--out', tmp_path)
    assert Path(again.output.strip()).is_file()


@pytest.mark.stack
@pytest.mark.slow
def test_what_others_need_is_not_taken_out(own_stack, tmp_path):
    result = run('pack', 'GCCcore', '--root', own_stack, '--out', tmp_path, '--take-out')
    assert isinstance(result.exception, UsageError)
    assert 'OpenBLAS' in str(result.exception)
    assert not list(tmp_path.iterdir())
    unknown = run('pack', 'OpenBLASS', '--root', own_stack, '--out', tmp_path)
    assert 'OpenBLAS' in str(unknown.exception)
