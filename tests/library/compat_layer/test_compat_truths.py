"""The truths themselves: arithmetic, zones, names of git objects, and the loader's language."""

import math
import subprocess
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_library.compat_layer import exact, zones
from eessi_library.compat_layer.certificates import blocks, digest
from eessi_library.compat_layer.cpu_names import flags_in, names_for, unsupported_features
from eessi_library.compat_layer.git_objects import commit_name, object_name
from eessi_library.compat_layer.loader_output import (
    foreign,
    mapped_files,
    searched_directories,
    system_search_path,
)
from eessi_library.compat_layer.session import (
    failure_of,
    leaving_status,
    parse_statuses,
    session_script,
)

FIXTURES = Path(__file__).parent / 'fixtures'


@given(st.floats(min_value=1e-250, max_value=1e250))
def test_the_exact_expansion_is_the_number(value):
    assert float(exact.scientific(value, 25)) == value
    assert abs(Decimal(exact.scientific(value, 60)) - Decimal(value)) <= Decimal(value) / 10**60


def test_the_exact_expansion_is_written_as_printf_does():
    assert exact.scientific(0.1, 25) == '1.0000000000000000555111512e-01'
    assert exact.scientific(-(2.0**400), 3) == '-2.582e+120'


@pytest.mark.parametrize('name', ['sqrt', 'exp', 'log', 'sin', 'cos', 'atan'])
@given(x=st.floats(min_value=0.01, max_value=20.01))
def test_python_s_functions_are_within_the_allowed_error(name, x):
    assert exact.error_in_ulp(name, x, getattr(math, name)(x)) <= exact.ALLOWED_ULP[name]


@pytest.mark.parametrize(('name', 'x', 'right'), [('cbrt', 27.0, 3.0), ('exp', 0.0, 1.0)])
def test_a_result_two_units_off_is_measured_as_two(name, x, right):
    wrong = math.nextafter(math.nextafter(right, 9), 9)
    assert exact.error_in_ulp(name, x, wrong) == pytest.approx(2.0)
    assert exact.error_in_ulp(name, x, math.nan) == math.inf


@pytest.mark.parametrize('name', zones.ZONES)
@given(instant=st.integers(1_199_145_600, 1_735_689_599))
def test_the_laws_agree_with_the_tz_database(name, instant):
    from datetime import datetime

    try:
        moment = datetime.fromtimestamp(instant, ZoneInfo(name))
    except ZoneInfoNotFoundError:
        pytest.skip('this host has no tz database')
    assert zones.local_time(name, instant) == moment.strftime('%Y-%m-%dT%H:%M:%S%z')


def test_names_of_git_objects():
    assert object_name('blob', b'hello\n') == 'ce013625030ba8dba906f756967f9e9ca394464a'
    assert object_name('tree', b'') == '4b825dc642cb6eb9a060e54bf8d69288fbee4904'


def test_a_commit_has_the_name_that_git_gives_it(tmp_path):
    author = {f'GIT_{who}_{what}': value for who in ('AUTHOR', 'COMMITTER') for what, value in
              {'NAME': 'N', 'EMAIL': 'n@x', 'DATE': '1600000000 +0000'}.items()}  # fmt: skip
    environment = {'PATH': '/usr/bin:/bin', 'HOME': str(tmp_path), **author}
    (tmp_path / 'data').write_text('text\n')
    for command in (['init', '-q'], ['add', 'data'], ['commit', '-q', '-m', 'message']):
        subprocess.run(['git', *command], cwd=tmp_path, env=environment, check=True)
    made = subprocess.check_output(['git', 'rev-parse', 'HEAD'], cwd=tmp_path, text=True)
    assert made.strip() == commit_name('data', b'text\n', 'N <n@x>', 1_600_000_000, 'message')


def test_trusted_directories_are_read_line_by_line():
    text = (FIXTURES / 'ld_so_help_2025.06.txt').read_text()
    compat = '/cvmfs/software.eessi.io/versions/2025.06/compat/linux/x86_64'
    assert system_search_path(text) == [
        f'{compat}/lib/override', f'{compat}/lib/nvidia', f'{compat}/lib/amd', f'{compat}/lib64'
    ]  # fmt: skip
    # Upstream's check of 2023.06 searches for one character a line: any text has them.
    assert system_search_path('\n'.join(f'{compat}/lib/override')) == []


def test_only_the_search_for_the_library_counts():
    text = (FIXTURES / 'ld_debug.txt').read_text()
    assert searched_directories(text, 'libeessi_n.so') == ['/c/usr/lib', '/trusted']
    assert searched_directories(text, 'libeessi_m.so') == []


def test_mapped_files_outside_the_compat_layer(tmp_path):
    maps = (
        '7f00-7f01 r-xp 00000000 fe:00 17 /c/usr/lib/libc.so.6\n'
        '7f01-7f02 r-xp 00000000 fe:00 18 /lib/x86_64-linux-gnu/libm.so.6\n'
        '7f02-7f03 rw-p 00000000 00:00 0 [stack]\n'
    )
    files = mapped_files(maps)
    assert foreign(files, ['/c']) == ['/lib/x86_64-linux-gnu/libm.so.6']
    assert foreign(['/cc/libc.so.6'], ['/c']) == ['/cc/libc.so.6']


def test_certificates_are_counted_and_digested():
    text = '# Name\n-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\nrest'
    [block] = blocks(text)
    assert len(digest(block, 'n')) == 64
    assert digest(block, 'n') != digest(block, 'm')
    assert digest(block.replace('AAEC', 'A!EC'), 'n') == ''


def test_a_target_that_the_cpu_cannot_run():
    targets = {
        'x86_64': {'from': [], 'features': []},
        'haswell': {'from': ['x86_64'], 'features': ['avx2', 'sse3']},
    }
    assert names_for(targets, 'haswell') == ['haswell', 'x86_64']
    flags = flags_in(['processor : 0', 'flags\t: fpu pni'])
    assert unsupported_features(targets['haswell'], flags) == ['avx2']


def test_statuses_count_only_with_this_run_s_nonce():
    text = 'format 0 abc\nmath 139 abc\niconv 0 other\nbad line\n'
    assert parse_statuses(text, 'abc') == {'format': 0, 'math': 139}


def test_a_failed_check_says_why():
    assert failure_of('a', 0, 'noise') is None
    assert failure_of('a', None, '') == 'a: did not run'
    assert failure_of('a', 139, '') == 'a: exit status 139 (SIGSEGV)'
    assert failure_of('a', 1, 'first\nlast\n') == 'a: exit status 1: last'


def test_the_last_exit_status_of_a_session_counts():
    text = 'Leaving Gentoo Prefix with exit status 0\nLeaving Gentoo Prefix with exit status 7\n'
    assert leaving_status(text) == 7
    assert leaving_status('Leaving Gentoo Prefix with exit status N') is None


def test_a_session_with_blanks_in_its_paths_is_valid_bash(tmp_path):
    script = session_script('/a b/compat', str(tmp_path), 'n', ['one'])
    assert subprocess.run(['bash', '-n'], input=script, text=True).returncode == 0
