"""Local stacks that tests may break, and the driver as a user starts it."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from driver_answer import Answer, Driver, start_driver
from faults import Application
from tampering import Tampering, mend_leftovers

#: Module sets of the stacks that are broken, by the name that an application gives.
STACKS: dict[str, tuple[str, ...]] = {
    'minimal': ('minimal',),
    'full': ('full',),
    'python': ('python', 'ml', 'horovod'),
    'spark': ('spark',),
}


@pytest.fixture
def validate(tmp_path: Path) -> Driver:
    """``eessi-validate run`` in a directory of the test."""

    def start(root: Path, *arguments: str) -> Answer:
        return start_driver(root, *arguments, cwd=tmp_path)

    return start


@pytest.fixture(scope='session')
def no_other_breaks_them(local_stack: Path) -> Iterator[None]:
    """Wait for other runs of the tests: they break and mend the same stacks."""
    with (local_stack.parent / 'breakable.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope='session')
def breakable_root(
    stack_with: Callable[..., Path], no_other_breaks_them: None
) -> Callable[[str], Path]:
    """Root of a local stack by its name in ``STACKS``, mended before use."""

    @cache
    def of(name: str) -> Path:
        root = stack_with(f'breakable-{name}', *STACKS[name])
        mend_leftovers(root)
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
