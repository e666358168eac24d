"""A local stack that tests may break, and the driver as a user starts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tampering import Tampering, mend_leftovers


@dataclass(frozen=True)
class Answer:
    """What one call of the driver gave."""

    code: int
    report: dict[str, Any]
    output: str
    out: Path

    @property
    def verdict(self) -> str:
        return str(self.report['judgement']['verdict'])

    def reasons(self) -> list[str]:
        """Reasons of all cases that did not pass."""
        return [r['reason'] for r in self.report['run']['results'] if r['outcome'] != 'pass']


Driver = Callable[..., Answer]


@pytest.fixture(scope='session')
def breakable_root(local_stack: Path) -> Path:
    """A local stack of its own, kept beside the sound one and mended before use."""
    from eessi_validate.localstack import BuildRequest, build_stack

    cache = local_stack.parent.parent
    root = local_stack.parent / 'breakable' / 'local.eessi.io'
    if root.is_dir():
        mend_leftovers(root)
    build_stack(BuildRequest('2023.06', root=root, cache=cache))
    return root


@pytest.fixture
def breakable(breakable_root: Path) -> Iterator[Tampering]:
    """The breakable stack; mended when the test ends."""
    tampering = Tampering(breakable_root / 'versions' / '2023.06')
    try:
        yield tampering
    finally:
        tampering.mend()


def start_driver(root: Path, *arguments: str, cwd: Path) -> Answer:
    """Start ``eessi-validate run`` as a user does, in a process of its own."""
    out = cwd / 'out'
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    command += ['--stack', str(root), '--out', str(out), '--quiet', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ)
    report = out / 'report.json'
    document = json.loads(report.read_text()) if report.exists() else {}
    return Answer(done.returncode, document, done.stdout + done.stderr, out)


@pytest.fixture
def validate(tmp_path: Path) -> Driver:
    """``eessi-validate run`` in a directory of the test."""

    def start(root: Path, *arguments: str) -> Answer:
        return start_driver(root, *arguments, cwd=tmp_path)

    return start


@pytest.fixture(scope='session')
def recorded(breakable_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of a sound run, kept in the release for the fault that plays them back."""
    directory = breakable_root / 'versions' / '2023.06' / 'recorded'
    arguments = ('--test', 'EESSI_GROMACS_WaterBox', '--scale', 'cores_2')
    answer = start_driver(breakable_root, *arguments, cwd=tmp_path_factory.mktemp('recorded'))
    assert answer.code == 0, answer.output
    directory.mkdir(exist_ok=True)
    for name in ('fixed.log', 'md.log'):
        (path,) = answer.out.rglob(name)
        shutil.copy(path, directory / name)
    return directory


@pytest.fixture(scope='session')
def breakable_full_root(local_stack: Path) -> Path:
    """A local stack with all applications that tests may break, mended before use."""
    from eessi_validate.localstack import BuildRequest, build_stack

    root = local_stack.parent / 'breakable-full' / 'local.eessi.io'
    if root.is_dir():
        mend_leftovers(root)
    cache = local_stack.parent.parent
    build_stack(BuildRequest('2023.06', software=('full',), root=root, cache=cache))
    return root


@pytest.fixture
def breakable_full(breakable_full_root: Path) -> Iterator[Tampering]:
    """The breakable stack with all applications; mended when the test ends."""
    tampering = Tampering(breakable_full_root / 'versions' / '2023.06')
    try:
        yield tampering
    finally:
        tampering.mend()


def _build(local_stack: Path, name: str, *software: str) -> Path:
    """Build a stack beside the sound one, once per machine and recipe; mend it before use."""
    from eessi_validate.localstack import BuildRequest, build_stack

    root = local_stack.parent / name / 'local.eessi.io'
    if root.is_dir():
        mend_leftovers(root)
    cache = local_stack.parent.parent
    return build_stack(BuildRequest('2023.06', software=software, root=root, cache=cache)).root


@pytest.fixture(scope='session')
def breakable_python_root(local_stack: Path) -> Path:
    """A local stack with TensorFlow, Horovod, NumPy, SciPy and mpi4py that tests may break."""
    return _build(local_stack, 'breakable-python', 'python', 'ml', 'horovod')


@pytest.fixture
def breakable_python(breakable_python_root: Path) -> Iterator[Tampering]:
    """The breakable stack with Python modules; mended when the test ends."""
    tampering = Tampering(breakable_python_root / 'versions' / '2023.06')
    try:
        yield tampering
    finally:
        tampering.mend()


@pytest.fixture(scope='session')
def breakable_spark_root(local_stack: Path) -> Path:
    """A local stack with Spark that tests may break."""
    return _build(local_stack, 'breakable-spark', 'spark')


@pytest.fixture
def breakable_spark(breakable_spark_root: Path) -> Iterator[Tampering]:
    """The breakable stack with Spark; mended when the test ends."""
    tampering = Tampering(breakable_spark_root / 'versions' / '2023.06')
    try:
        yield tampering
    finally:
        tampering.mend()
