"""Local stacks that tests may break, and the driver as a user starts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from faults import Application
from tampering import Tampering, mend_leftovers

#: Module sets of the stacks that are broken, by the name that an application gives.
STACKS: dict[str, tuple[str, ...]] = {
    'minimal': ('minimal',),
    'full': ('full',),
    'python': ('python', 'ml', 'horovod'),
    'spark': ('spark',),
}


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


def start_driver(root: Path, *arguments: str, cwd: Path) -> Answer:
    """Start ``eessi-validate run`` as a user does, in a process of its own."""
    out = cwd / 'out'
    command = [sys.executable, '-c', 'from eessi_validate.cli import main; main()', 'run']
    command += ['--stack', str(root), '--out', str(out), '--quiet', *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ)
    report = out / 'report.json'
    document = json.loads(report.read_text()) if report.exists() else {}
    return Answer(done.returncode, document, done.stdout + done.stderr, out)


Driver = Callable[..., Answer]


@pytest.fixture
def validate(tmp_path: Path) -> Driver:
    """``eessi-validate run`` in a directory of the test."""

    def start(root: Path, *arguments: str) -> Answer:
        return start_driver(root, *arguments, cwd=tmp_path)

    return start


@pytest.fixture(scope='session')
def breakable_root(local_stack: Path) -> Callable[[str], Path]:
    """Root of a local stack by its name in ``STACKS``, built beside the sound one and mended."""
    from eessi_validate.localstack import BuildRequest, build_stack

    @cache
    def of(name: str) -> Path:
        root = local_stack.parent / f'breakable-{name}' / 'local.eessi.io'
        if root.is_dir():
            mend_leftovers(root)
        packages = local_stack.parent.parent
        build_stack(BuildRequest('2023.06', software=STACKS[name], root=root, cache=packages))
        return root

    return of


@pytest.fixture(scope='session')
def recorded(
    breakable_root: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Application], Path]:
    """What a sound run of an application wrote, kept for the fault that plays it back."""

    @cache
    def of(application: Application) -> Path:
        root = breakable_root(application.stack)
        place = tmp_path_factory.mktemp('recorded')
        answer = start_driver(root, *application.sound[0], cwd=tmp_path_factory.mktemp('sound'))
        assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
        for name in application.recorded:
            written = next(answer.out.rglob(f'stage/**/{name}'))
            if written.is_dir():
                shutil.copytree(written, place / name)
            else:
                shutil.copy(written, place)
        return place

    return of


@pytest.fixture
def broken_by(
    breakable_root: Callable[[str], Path], recorded: Callable[[Application], Path]
) -> Iterator[Callable[[Application], Tampering]]:
    """Breaks the stack of an application, and mends it when the test ends."""
    given: list[Tampering] = []

    def of(application: Application) -> Tampering:
        release = breakable_root(application.stack) / 'versions' / '2023.06'
        given.append(Tampering(release, recorded=lambda: recorded(application)))
        return given[-1]

    try:
        yield of
    finally:
        for tampering in given:
            tampering.mend()
