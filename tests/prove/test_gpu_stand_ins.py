"""A TensorFlow that sees GPUs and computes on CPUs, as it does without a word, is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.exhaustive]

RUN = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']


@pytest.mark.parametrize(
    ('test', 'who'),
    [
        ('SMALL_TensorFlow_TrainingOnGPU', 'TensorFlow'),
        ('SMALL_Horovod_DistributedTraining_GPU', 'rank 0'),
    ],
)
def test_results_that_lie_on_cpus_are_refused(
    test: str,
    who: str,
    gpu_stand_ins: Callable[..., tuple[Path, Path, Path]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, site, small = gpu_stand_ins('gpu-python', 'ml', 'horovod')
    monkeypatch.setenv('STAND_IN_COMPUTES_ON', 'CPU:0')
    command = [*RUN, '--stack', str(root), '--test', test, '--config', str(site)]
    command += ['--system', 'host', '--checks', str(small)]
    command += ['--out', str(tmp_path / 'out'), '--json', '--quiet']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    (excuse,) = json.loads(done.stdout)['judgement']['excuses']
    assert excuse['reason'] == f'{who} computed on CPU, asked for GPU'
