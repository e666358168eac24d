"""The tests by the OSU Micro-Benchmarks, run by ReFrame on a STAND-IN: sound, and with faults.

What runs is the real library test. ``standins/`` has an ``mpirun`` that starts two processes that
know nothing of each other, and programs that print numbers of a formula in the form of 7.5.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
STANDINS = HERE / 'standins'
REPOSITORY = HERE.parents[2]

SITE = """\
site_configuration = {
    'systems': [{
        'name': 'here', 'hostnames': ['.*'],
        'partitions': [{
            'name': 'cpu', 'scheduler': 'local', 'launcher': 'mpirun', 'environs': ['default'],
        }],
    }],
    'environments': [{'name': 'default'}],
}
"""

#: Begin of each program; what follows calls ``sound`` or does something else.
PROGRAM = """\
#!/bin/bash
set -eo pipefail
sound() {{ {sound} "$@"; }}
"""

POINT_TO_POINT, ALLREDUCE = 'PointToPoint', 'Allreduce'

Answer = tuple[str, str, dict[str, float]]
Judged = Callable[..., Answer]


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    """Return a function that runs one library test: its result, reason and measurements.

    ``faults`` are shell code in the place of ``sound "$@"``, ``settings`` variables.
    """
    programs, launchers = tmp_path / 'bin', tmp_path / 'mpi'
    programs.mkdir()
    launchers.mkdir()
    python, program = (shlex.quote(f'{p}') for p in (sys.executable, STANDINS / 'osu_standin.py'))
    sound = {f'osu_{name}': f'{python} {program} {name}' for name in ('latency', 'bw', 'allreduce')}
    sound['mpirun'] = shlex.quote(str(STANDINS / 'mpirun'))

    def run(test: str, faults: dict[str, str] | None = None, **settings: str) -> Answer:
        for name, command_line in sound.items():
            body = (faults or {}).get(name, 'sound "$@"')
            file = (launchers if name == 'mpirun' else programs) / name
            file.write_text(f'{PROGRAM.format(sound=command_line)}{body}\n')
            file.chmod(0o755)
        place = tmp_path / f'run{len(list(tmp_path.glob("run*")))}'
        place.mkdir()
        (place / 'site.py').write_text(SITE)
        command = [str(Path(sys.executable).with_name('reframe')), '-C', str(place / 'site.py')]
        command += ['--system', 'here', '--prefix', str(place), '--keep-stage-files', '-r']
        command += ['--report-file', str(place / 'report.json'), '-n', f'^{test}_here']
        command += ['-c', str(HERE / 'checks/osu_here.py')]
        for name, value in settings.items():
            command += ['-S', f'{name}={value}']
        environment = {
            **os.environ,
            'PATH': os.pathsep.join([str(programs), str(launchers), os.environ['PATH']]),
            'PYTHONPATH': os.pathsep.join([str(REPOSITORY / 'library'), str(REPOSITORY)]),
            'RFM_COLORIZE': 'no',
        }
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=place)
        file = place / 'report.json'
        assert file.exists(), f'ReFrame ran nothing:\n{done.stdout}\n{done.stderr}'
        [case] = json.loads(file.read_text())['runs'][0]['testcases']
        values: dict[str, Any] = case['perfvalues'] or {}
        measured = {name.rpartition(':')[2]: row[0] for name, row in values.items()}
        reason = (case['fail_reason'] or '').removeprefix('sanity error: ')
        return case['result'], reason, measured

    return run


def test_sound_point_to_point_is_accepted_and_measured(judged: Judged) -> None:
    result, reason, measured = judged(POINT_TO_POINT)
    assert (result, reason) == ('pass', '')
    assert measured == {'latency': 1.0, 'bandwidth': 9976.21}


def test_sound_allreduce_is_accepted_and_measured(judged: Judged) -> None:
    assert judged(ALLREDUCE) == ('pass', '', {'allreduce_time': 1.0})


@pytest.mark.parametrize('device', ['cuda', 'rocm'])
@pytest.mark.parametrize('test', [POINT_TO_POINT, ALLREDUCE])
def test_messages_between_gpus_are_accepted(judged: Judged, test: str, device: str) -> None:
    assert judged(test, device=device)[:2] == ('pass', '')


def test_each_rank_of_a_node_is_told_a_gpu_of_its_own(judged: Judged, tmp_path: Path) -> None:
    tell = f'echo $LOCAL_RANK >{tmp_path}/gpu-$OMPI_COMM_WORLD_RANK; sound "$@"'
    assert judged(POINT_TO_POINT, {'osu_bw': tell}, device='cuda')[0] == 'pass'
    assert [(tmp_path / f'gpu-{rank}').read_text() for rank in (0, 1)] == ['0\n', '1\n']


@pytest.mark.parametrize(
    ('fault', 'reason'),
    [
        (
            'sound "${@/#-d*/}" | sed s/MPI-CUDA/MPI/',
            'it is another benchmark: "# OSU MPI Latency Test v7.5", not "OSU MPI-CUDA Latency',
        ),
        ('sound "${@/#D/H}"', 'not all messages lie on devices: "# Send Buffer on HOST (H) and '),
    ],
    ids=['on the host', 'buffers of the host'],
)
def test_messages_that_never_see_a_gpu_are_refused(judged: Judged, fault: str, reason: str) -> None:
    result, said, _ = judged(POINT_TO_POINT, {'osu_latency': fault}, device='cuda')
    assert result == 'fail'
    assert f'latency-fixed: {reason}' in said, said


def test_a_version_without_validation_is_not_asked_for_it(judged: Judged) -> None:
    old = '[[ " $* " != *" -c "* ]]; sound "$@" | sed "s/v7.5/v5.8/"'
    result, reason, _ = judged(
        POINT_TO_POINT, {'osu_latency': old, 'osu_bw': old}, osu_version='5.8'
    )
    assert (result, reason) == ('pass', '')


@pytest.mark.parametrize(
    ('test', 'faults', 'reason'),
    [
        pytest.param(
            POINT_TO_POINT,
            {'osu_latency': 'sound "$@" | sed s/v7.5/v7.4/'},
            r'^latency-fixed: osu_latency says version 7\.4, not 7\.5$',
            id='another version',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_bw': 'sound "$@" | sed "/^1024 /s/Pass/Fail/"'},
            r'^bw-fixed: validation does not say Pass for messages of 1024 bytes$',
            id='wrong data',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_bw': 'sound "${@/#-c/-f}"'},
            r'^bw-fixed: validation was asked for, but there is no column Validation$',
            id='no validation',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_latency': 'sound "$@" | sed "/^1024 /d"'},
            r'^latency-fixed: sizes of messages: missing \[1024\]',
            id='a size is missing',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_bw': 'export OMPI_COMM_WORLD_RANK=0; sound "$@"'},
            r'^bw-fixed: 2 titles in one run: ranks that do not see each other$',
            id='each rank alone',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_latency': 'echo JOB DONE.'},
            r'^latency-fixed: there is no title',
            id='stub that prints success',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_latency': 'exit 0'},
            r'^the run did not write latency-fixed\.out$',
            id='stub that prints nothing',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_latency': 'sound "$@"; kill -SEGV $$'},
            r'status 139|SIGSEGV',
            id='crash after the result',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_latency': 'echo This test requires exactly two processes; exit 1'},
            r'^This test requires exactly two processes; ',
            id='refuses the world',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_bw': 'sound "$@" | sed -E "/^4194304 /s/9976.21/0.09/"'},
            r'^bw-fixed: bandwidth falls from 1 MB/s with 1 bytes to 0\.09 MB/s',
            id='bandwidth that falls',
        ),
        pytest.param(
            POINT_TO_POINT,
            {'osu_bw': 'sound "$@" | sed -E "/^(1048576|4194304) /s/ [0-9.]+ / 990000.00 /"'},
            r'^\d+ bytes take .* us, which does not go with 990000 MB/s',
            id='bandwidth that the latency contradicts',
        ),
        pytest.param(
            ALLREDUCE,
            {'osu_allreduce': 'sound "$@" -i 100'},
            r'100 iterations, asked for 1\d\d$',
            id='iterations of its own',
        ),
        pytest.param(
            ALLREDUCE,
            {'osu_allreduce': 'sound "$@" | sed "/^8 /s/1.10/0.95/"'},
            r'^allreduce-fixed: 8 bytes: mean 1 us is not between 0\.9 and 0\.95 us$',
            id='mean above the maximum',
        ),
    ],
)
def test_fault_of_a_benchmark_is_named(
    judged: Judged, test: str, faults: dict[str, str], reason: str
) -> None:
    # The nonce adds up to 49 to the 100 iterations; this one adds something.
    result, said, _ = judged(test, faults, nonce='00000000000000a1')
    assert result == 'fail'
    assert re.search(reason, said), said


@pytest.mark.parametrize(
    ('test', 'program'), [(POINT_TO_POINT, 'latency'), (POINT_TO_POINT, 'bw'),
                          (ALLREDUCE, 'allreduce')],
)  # fmt: skip
def test_recorded_output_is_refused(
    judged: Judged, test: str, program: str, tmp_path: Path
) -> None:
    """The second run plays what the first one printed, fixed sizes and fresh ones."""
    kept = f'{tmp_path}/recorded-$OMPI_COMM_WORLD_RANK'
    play = f"""
case " $* " in *" -m 1:"*|*" -m 4:"*) file={kept}-fixed ;; *) file={kept}-fresh ;; esac
[ -f "$file" ] || sound "$@" >"$file"
cat "$file"
"""
    assert judged(test, {f'osu_{program}': play}, nonce='00000000000000a1')[:2] == ('pass', '')
    result, said, _ = judged(test, {f'osu_{program}': play}, nonce='00000000000000b2')
    assert result == 'fail'
    assert f"{program}-fresh: does not reflect this run's nonce" in said


def test_ranks_elsewhere_than_asked_for_are_refused(judged: Judged) -> None:
    # The benchmark itself would refuse; a program that does not must not pass either.
    result, said, _ = judged(POINT_TO_POINT, {'mpirun': 'sound -np 1 "${@:3}"'})
    assert (result, said) == ('fail', 'rank 0 reports 1 rank(s), asked for 2')
    result, said, _ = judged(POINT_TO_POINT, num_tasks_per_node='1')
    assert (result, said) == ('fail', 'ranks on the nodes: [2], asked for 1 on each')


@pytest.mark.parametrize(('inside', 'program'), [('mpi', 'osu_latency'), ('bin', 'mpirun')])
def test_a_program_of_elsewhere_is_refused(
    judged: Judged, tmp_path: Path, inside: str, program: str
) -> None:
    root = str(tmp_path / inside)
    result, said, _ = judged(POINT_TO_POINT, program_root=root)
    assert result == 'fail'
    assert re.search(rf'^{program} comes from \S+, not from {re.escape(root)}', said), said


@pytest.mark.parametrize('test', [POINT_TO_POINT, ALLREDUCE])
def test_a_single_rank_has_nobody_to_send_to(judged: Judged, test: str) -> None:
    result, _, measured = judged(test, num_tasks='1', num_tasks_per_node='1')
    assert (result, measured) == ('skip', {})
