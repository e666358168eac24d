"""The engine: what it remembers, when it looks again, and what it makes of trouble."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eessi_library.installation import (
    InstallationRequest,
    Release,
    RuleError,
    Severity,
    check_installations,
    installations,
    read_rules,
)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'x86_64/generic')
    os.makedirs(release.compat)
    return release


def install(release: Release, name: str, text: str = 'x') -> Path:
    path = Path(release.software, 'software', name)
    (path / 'lib').mkdir(parents=True)
    (path / 'lib' / 'x.la').write_text(text)
    return path


def requests(release: Release) -> list[InstallationRequest]:
    return list(installations(release, ('files', 'text')))


def test_an_answer_is_remembered_and_says_so(release: Release, tmp_path: Path) -> None:
    install(release, 'App/1.0', '/tmp/eb-x/lib')
    cache = str(tmp_path / 'cache.sqlite')
    first, again = (next(check_installations(requests(release), cache, 1)) for _ in range(2))
    assert (first.cached, again.cached) == (False, True)
    assert again.findings == first.findings
    assert [f.check for f in again.findings] == ['text/build-path']


def test_a_run_that_was_cut_off_goes_on(release: Release, tmp_path: Path) -> None:
    for number in range(30):
        install(release, f'App{number:02}/1.0')
    cache = str(tmp_path / 'cache.sqlite')
    some = check_installations(requests(release), cache, 1)
    for _ in range(10):
        next(some)
    some.close()  # type: ignore[attr-defined]
    again = list(check_installations(requests(release), cache, 1))
    assert len(again) == 30
    assert all(report.cached for report in again[:10])
    assert not again[-1].cached


def test_same_times_size_and_name_do_not_hide_another_content(
    release: Release, tmp_path: Path
) -> None:
    """As when two archives with normalised times are unpacked one after the other."""
    cache = str(tmp_path / 'cache.sqlite')
    for text, sound in (('a' * 20, True), ('/tmp/eb-build/lib/xy', False)):
        path = install(release, 'App/1.0', text)
        for each in (path / 'lib' / 'x.la', path / 'lib', path):
            os.utime(each, ns=(10**18, 10**18))
        report = next(check_installations(requests(release), cache, 1))
        assert (report.is_sound, report.cached) == (sound, False)
        shutil.rmtree(path)


@pytest.mark.parametrize(
    ('name', 'text', 'check'),
    [
        ('lib/link', None, 'files/dangling-link'),
        ('bin/run', '#!@other@\n', 'text/shebang'),
    ],
)
def test_a_cached_answer_is_dropped_when_what_a_member_names_goes(
    release: Release, tmp_path: Path, name: str, text: str | None, check: str
) -> None:
    path, cache = install(release, 'App/1.0'), str(tmp_path / 'cache.sqlite')
    other = install(release, 'Other/1.0') / 'lib' / 'x.la'
    place = path / name
    place.parent.mkdir(exist_ok=True)
    if text is None:
        place.symlink_to(other)
    else:
        place.write_text(text.replace('@other@', str(other)))
        place.chmod(0o755)
    request = requests(release)[0]
    first, again = (next(check_installations([request], cache, 1)) for _ in range(2))
    assert (first.findings, again.findings, again.cached) == ((), (), True)
    other.unlink()
    last = next(check_installations([request], cache, 1))
    assert [f.check for f in last.findings] == [check]


def test_reports_come_in_the_order_of_the_requests(release: Release) -> None:
    for number in (3, 1, 2):
        install(release, f'App/{number}.0')
    wanted = list(reversed(requests(release)))
    found = [report.request.name for report in check_installations(wanted, None, 2)]
    assert found == ['App/3.0', 'App/2.0', 'App/1.0']


def test_an_installation_that_is_not_there_is_an_error_and_hides_no_other(
    release: Release,
) -> None:
    install(release, 'App/1.0')
    there = requests(release)
    gone = InstallationRequest(
        release, 'Gone/1.0', f'{release.software}/software/Gone/1.0', None, ('files',)
    )
    first, second = check_installations([gone, *there], None, 1)
    assert [f.check for f in first.errors] == ['files/unreadable']
    assert second.is_sound


def test_trouble_of_the_check_itself_is_never_a_pass(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(release, 'App/1.0')

    def fails(*_: object) -> Iterator[object]:
        raise RuntimeError('a mistake of ours')

    monkeypatch.setattr('eessi_library.installation.work.check_text', fails)
    report = next(check_installations(requests(release), None, 1))
    assert not report.is_sound
    assert 'a mistake of ours' in report.not_run[0][1]


def test_a_target_that_cannot_run_here_is_not_said_to_start(tmp_path: Path) -> None:
    release = Release(f'{tmp_path}/own.eessi.io/versions/2023.06', 'riscv64/generic')
    install(release, 'App/1.0')
    (request,) = installations(release, ('files', 'module', 'start-up'))
    report = next(check_installations([request], None, 1))
    assert not report.is_sound
    assert {group for group, _ in report.not_run} == {'module', 'start-up'}


def test_a_cache_that_is_no_database_any_more_is_begun_anew(
    release: Release, tmp_path: Path
) -> None:
    install(release, 'App/1.0')
    cache = tmp_path / 'cache.sqlite'
    cache.write_bytes(b'not a database' * 1000)
    assert next(check_installations(requests(release), str(cache), 1)).is_sound
    assert next(check_installations(requests(release), str(cache), 1)).cached


def test_every_rule_has_a_reason_and_an_id_of_its_own() -> None:
    from eessi_library.installation.rules import allow_rules

    rules = allow_rules()
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(len(rule.reason) > 30 for rule in rules)
    assert not [rule.id for rule in rules if rule.member == rule.software == ('*',)]


def test_a_finding_names_the_installation_the_member_and_the_reason(release: Release) -> None:
    install(release, 'App/1.0', '/tmp/eb-x/lib')
    (finding,) = next(check_installations(requests(release), None, 1)).findings
    assert finding.severity is Severity.ERROR
    assert finding.sentence().startswith('App/1.0: text/build-path: lib/x.la: names /tmp/eb-x/lib')


def test_a_rule_of_ones_own_explains_and_is_counted(release: Release, tmp_path: Path) -> None:
    install(release, 'App/1.0', '/tmp/eb-x/lib')
    file = tmp_path / 'rules.json'
    row = {'id': 'ours', 'check': 'text/build-path', 'software': ['App'], 'reason': 'it is so'}
    file.write_text(json.dumps([row]))
    rules = read_rules(str(file))
    report = next(check_installations(requests(release), None, 1, more_rules=rules))
    assert (report.findings, report.allowed) == ((), {'ours': 1})
    install(release, 'Other/1.0', '/tmp/eb-x/lib')
    other = list(check_installations(requests(release), None, 1, more_rules=rules))[1]
    assert not other.is_sound


@pytest.mark.parametrize(
    ('row', 'words'),
    [
        ({'id': 'a', 'check': 'text/*', 'software': ['App']}, 'has no reason'),
        ({'check': 'text/*', 'reason': 'x', 'software': ['App']}, 'has no id'),
        ({'id': 'a', 'check': '*', 'reason': 'x'}, 'would explain everything'),
        ({'id': 'a', 'check': '*', 'reason': 'x', 'sofware': ['App']}, "no key 'sofware'"),
        ({'id': 'a', 'check': '*', 'reason': 'x', 'software': 'App'}, 'must be a list'),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(
    tmp_path: Path, row: dict[str, object], words: str
) -> None:
    file = tmp_path / 'rules.json'
    file.write_text(json.dumps({'allow': [row]}))
    with pytest.raises(RuleError, match=words):
        read_rules(str(file))


def test_rules_of_the_local_stack_are_for_no_other_stack() -> None:
    from eessi_library.installation.model import Observation
    from eessi_library.installation.rules import allow_rules

    (rule,) = (rule for rule in allow_rules() if rule.id == 'isa-local-wheels')
    member = 'lib/python3.11/site-packages/tensorflow/x.so'
    seen = Observation('isa/beyond-target', Severity.ERROR, member, 'avx unguarded', 'x')
    assert rule.explains('local.eessi.io', 'TensorFlow', seen)
    assert not rule.explains('software.eessi.io', 'TensorFlow', seen)


@pytest.mark.parametrize(
    ('member', 'subject', 'explained'),
    [
        ('bin/gdb', 'sha guarded', True),
        ('bin/gdb', 'ssse3 guarded', True),
        ('bin/gdb', 'sha unguarded', False),
        ('bin/gdb', 'avx2 guarded', False),
        ('bin/gmx', 'sha guarded', False),
    ],
)
def test_the_sha1_of_libiberty_is_explained_and_nothing_else(
    member: str, subject: str, explained: bool
) -> None:
    from eessi_library.installation.model import Observation
    from eessi_library.installation.rules import allow_rules

    seen = Observation('isa/beyond-target', Severity.ERROR, member, subject, 'x')
    rules = [rule for rule in allow_rules() if rule.id == 'isa-libiberty-sha1']
    assert [rule.explains('software.eessi.io', 'GDB', seen) for rule in rules] == [explained]


def test_what_ran_depends_on_the_libraries_of_the_compat_layer(release: Release) -> None:
    """A C library that is replaced must make remembered starts be done again."""
    from eessi_library.installation.dependence import signatures
    from eessi_library.installation.work import _ran_on

    install(release, 'App/1.0')
    (request,) = requests(release)
    libc = Path(release.compat, 'lib64', 'libc.so.6')
    libc.parent.mkdir()
    libc.write_text('old')
    before = signatures(_ran_on(request, {}))
    libc.with_name('new').write_text('new')
    libc.with_name('new').rename(libc)
    assert signatures(_ran_on(request, {})) != before


@pytest.mark.parametrize(
    ('software', 'member', 'subject', 'explained'),
    [
        ('SciPy-bundle', 'numpy/core/_multiarray_umath.cpython-311.so', 'avx512 guarded', True),
        ('SciPy-bundle', 'numpy/core/_multiarray_umath.cpython-311.so', 'avx512 unguarded', False),
        ('SciPy-bundle', 'scipy/linalg/_fblas.cpython-311.so', 'avx512 guarded', False),
        ('PyTorch', 'torch/lib/libtorch_cpu.so', 'avx512 guarded', True),
        ('PyTorch', 'torch/lib/libtorch_python.so', 'avx512 guarded', False),
        ('Go', 'bin/go', 'avx2 guarded', True),
        ('GROMACS', 'bin/gmx', 'avx2 guarded', False),
    ],
)
def test_dispatch_at_run_time_is_explained_for_what_is_known_to_have_it(
    software: str, member: str, subject: str, explained: bool
) -> None:
    from eessi_library.installation.model import Observation
    from eessi_library.installation.rules import judge

    path = member if member.startswith('bin/') else f'lib/python3.11/site-packages/{member}'
    seen = Observation('isa/beyond-target', Severity.ERROR, path, subject, 'why')
    left, _ = judge('software.eessi.io', software, [seen])
    assert (left == []) is explained


def test_workers_end_with_a_caller_that_is_killed(release: Release, tmp_path: Path) -> None:
    install(release, 'App/1.0')
    code = f"""
import os, signal
from eessi_library.installation import Release, check_installations, installations
release = Release({release.path!r}, 'x86_64/generic')
reports = check_installations(installations(release, ('files',)), None, 2)
print(next(reports).is_sound, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    # The workers hold standard output open: reading to its end shows that they are gone.
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (-9, 'True\n')


def test_termination_ends_workers_that_are_busy(tmp_path: Path) -> None:
    code = """
import os, signal, time
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
from eessi_library.installation.engine import _begin_worker
pool = ProcessPoolExecutor(2, multiprocessing.get_context('fork'), initializer=_begin_worker,
                           initargs=(os.getpid(),))
busy = [pool.submit(time.sleep, 600) for _ in range(2)]
time.sleep(1)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
os.killpg(os.getpgid(0), signal.SIGTERM)
"""
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, timeout=30, start_new_session=True
    )
    assert done.returncode == -15
