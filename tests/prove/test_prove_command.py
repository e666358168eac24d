"""``eessi-validate prove`` as a user starts it: a strong test, a weak one, and what stays."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from proving_ground import make_proving_ground, state_of

pytestmark = pytest.mark.slow
needs_view = pytest.mark.usefixtures('view')

PROVE = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'prove']


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_proving_ground(tmp_path / 'ground.eessi.io')


def command(root: Path, test: str, *more: str) -> list[str]:
    checks, out = root.parent / 'checks.py', root.parent / 'out'
    return [
        *PROVE, test, '--stack', str(root), '--implementations', str(checks), '--out', str(out),
        *more,
    ]  # fmt: skip


def prove(root: Path, test: str, *more: str) -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        command(root, test, '--json', *more), capture_output=True, text=True, env=os.environ,
        timeout=300,
    )  # fmt: skip
    document = json.loads(done.stdout) if done.stdout.startswith('{') else {}
    return done.returncode, document, done.stderr


def fates(document: dict[str, Any]) -> dict[str, str]:
    return {result['name']: result['fate'] for result in document['results']}


@needs_view
def test_strong_test_kills_every_mutant_and_the_stack_stays(root: Path) -> None:
    before = state_of(root)
    code, document, errors = prove(root, 'SITE_Strong')
    assert code == 0, errors
    assert (document['score'], set(fates(document).values())) == (1.0, {'killed'})
    assert {
        'silent stub', 'stub that prints success', 'crash after the result',
        'non-zero exit after success', 'slowed down', 'perturbed numbers', 'truncated output',
        'missing output', 'missing program', 'missing data files', 'recorded output',
    } <= set(fates(document))  # fmt: skip
    assert {m['name']: m['reason'] for m in document['inapplicable']} == {
        'fewer ranks': 'no launcher of the stack starts anything in this case',
        'missing library': 'the run opened none in the installation under test',
    }
    assert state_of(root) == before


@needs_view
def test_every_mutant_is_killed_for_its_fault(root: Path) -> None:
    _, document, _ = prove(root, 'SITE_Strong')
    reasons = {result['name']: result['reason'] for result in document['results']}
    assert 'Segmentation fault' in reasons['crash after the result']
    assert 'exit status 3' in reasons['non-zero exit after success']
    assert 'time limit' in reasons['slowed down']
    by = {result['name']: result['killed_by'] for result in document['results']}
    assert by.pop('slowed down') == 'the time limit of the driver'
    assert set(by.values()) == {'the test'}
    assert 'off by 0.01' in reasons['perturbed numbers']
    assert 'energy' in reasons['recorded output']
    assert 'did not write result.txt' in reasons['missing output: result.txt']


@needs_view
def test_weak_test_is_told_its_survivors(root: Path) -> None:
    code, document, _ = prove(root, 'SITE_Weak')
    assert code == 1
    survivors = {name for name, fate in fates(document).items() if fate == 'survived'}
    # It trusts what is printed; nonetheless the job script sees a crash.
    assert {'stub that prints success', 'perturbed numbers', 'recorded output'} <= survivors
    assert 'crash after the result' not in survivors
    assert document['score'] < 1


@needs_view
def test_results_that_a_test_calls_metrics_are_results(root: Path) -> None:
    code, document, _ = prove(root, 'SITE_EnergyAsMetric')
    assert code == 1
    assert fates(document)['perturbed numbers'] == 'survived'
    assert not next(r for r in document['results'] if r['name'] == 'perturbed numbers')['advisory']
    assert document['notes'] == []


@needs_view
def test_numbers_that_no_run_repeats_are_left_alone_and_the_others_are_asked_for(
    root: Path,
) -> None:
    code, document, _ = prove(root, 'SITE_RatesOfSizes')
    assert (code, document['score']) == (0, 1.0)
    results = {result['name']: result for result in document['results']}
    overlooked = results['perturbed numbers']
    assert (overlooked['fate'], overlooked['advisory']) == ('survived', True)
    asked = results['perturbed numbers that repeat']
    assert (asked['fate'], asked['advisory'], asked['reason']) == ('killed', False, 'sizes')
    assert '7 results that sound runs agree on' in asked['description']
    # It looks at no rate, which is told but no part of the score.
    assert (results['impossible numbers']['fate'], results['impossible numbers']['advisory']) == (
        'survived', True,
    )  # fmt: skip
    assert 'differ by more than 0.25 % in 8 numbers' in document['notes'][0]


@needs_view
@pytest.mark.parametrize(
    ('test', 'code', 'fate'),
    [('SITE_RatesOfAnything', 1, 'survived'), ('SITE_RatesThatCanBe', 0, 'killed')],
)
def test_where_no_number_repeats_impossible_ones_must_be_refused(
    root: Path, test: str, code: int, fate: str
) -> None:
    done, document, _ = prove(root, test)
    (asked,) = [r for r in document['results'] if r['name'] == 'impossible numbers']
    assert (done, asked['fate'], asked['advisory']) == (code, fate, False)
    assert 'IT PROVES NOTHING OF ANY NUMBER' in document['notes'][0]
    assert 'perturbed numbers that repeat' not in fates(document)


def test_unsound_software_holds(root: Path) -> None:
    next(root.rglob('share/factor')).write_text('3.5\n')
    code, _, errors = prove(root, 'SITE_Strong')
    assert code == 75
    assert 'does not pass on the sound software' in errors
    assert 'energy is' in errors


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('SITE_Stronk',), 'did you mean SITE_Strong'),
        (('SITE_Strong', '--scale', 'nodes_16'), 'no case of SITE_Strong here'),
    ],
)
def test_what_is_not_there_is_a_usage_error(
    root: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, errors = prove(root, *arguments)
    assert code == 2
    assert message in errors


def test_results_do_not_go_into_the_stack(root: Path) -> None:
    code, _, errors = prove(root, 'SITE_Strong', '--out', str(root / 'results'))
    assert (code, 'lies in the stack' in errors) == (2, True)


@needs_view
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL], ids=['Ctrl-C', 'kill -9'])
def test_stopped_proof_leaves_stack_and_host_as_they_were(
    root: Path, number: signal.Signals
) -> None:
    before = state_of(root)
    process = subprocess.Popen(
        command(root, 'SITE_Strong'), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _wait_for(root.parent / 'out' / 'mutants')
        process.send_signal(number)
        code = process.wait(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert code == (75 if number == signal.SIGINT else -signal.SIGKILL)
    assert state_of(root) == before
    _wait_until(lambda: not _processes_below(root.parent))


def _wait_for(path: Path) -> None:
    _wait_until(lambda: path.is_dir() and any(path.iterdir()))


def _wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _processes_below(directory: Path) -> list[str]:
    """Return the commands of processes that name a directory."""
    found = []
    for path in Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            words = path.read_bytes().replace(b'\0', b' ').decode(errors='replace')
            if str(directory) in words and path.parent.name != str(os.getpid()):
                found.append(words)
    return found


SLURM = """\
site_configuration = {
    'systems': [{
        'name': 'cluster', 'hostnames': ['.*'], 'modules_system': 'nomod',
        'partitions': [{
            'name': 'nodes', 'scheduler': 'slurm', 'launcher': 'srun', 'environs': ['default'],
            'features': ['cpu', 'cores_1'],
            'processor': {'num_cpus': 2, 'num_cpus_per_core': 1, 'num_cpus_per_socket': 2,
                          'num_sockets': 1},
        }],
    }],
    'environments': [{'name': 'default'}],
}
"""


def test_partition_whose_jobs_run_elsewhere_is_refused(root: Path) -> None:
    site = root.parent / 'cluster.py'
    site.write_text(SLURM)
    code, _, errors = prove(root, 'SITE_Strong', '--config', str(site), '--system', 'cluster')
    assert code == 2
    assert 'cluster:nodes (slurm) does not see the changed software' in ' '.join(errors.split())
