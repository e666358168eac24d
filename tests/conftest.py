"""Fixtures of the whole suite: the embedded local stack."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path

import pytest


def _recipe() -> str:
    """A digest of everything that decides what a build makes: code, templates and table."""
    digest = hashlib.sha256(
        resources.files('eessi_configs').joinpath('localstack.yaml').read_bytes()
    )
    room = Path(str(resources.files('eessi_validate.localstack')))
    for path in sorted(p for p in room.rglob('*') if p.suffix in ('.py', '.sh', '.md')):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope='session')
def local_stack() -> Path:
    """Root of a local stack with release 2023.06, set minimal, for the host's architecture.

    Built once per machine and recipe, below ``EESSI_VALIDATE_TEST_CACHE``; treat it as read-only.
    """
    from eessi_validate.localstack import BuildRequest, build_stack

    default = Path.home() / '.cache' / 'eessi-validate' / 'tests'
    cache = Path(os.environ.get('EESSI_VALIDATE_TEST_CACHE') or default)
    root = cache / _recipe() / 'local.eessi.io'
    return build_stack(BuildRequest('2023.06', root=root, cache=cache)).root


@pytest.fixture(scope='session')
def stack_with(local_stack: Path) -> Callable[..., Path]:
    """Builds a further local stack beside the minimal one, once per machine and recipe."""
    from eessi_validate.localstack import BuildRequest, build_stack

    @cache
    def build(name: str, *software: str) -> Path:
        root = local_stack.parent / name / 'local.eessi.io'
        packages = local_stack.parent.parent
        build_stack(BuildRequest('2023.06', software=software, root=root, cache=packages))
        return root

    return build


@pytest.fixture(scope='session')
def full_stack(stack_with: Callable[..., Path]) -> Path:
    """Root of a local stack with release 2023.06 and all applications; treat it as read-only."""
    return stack_with('full', 'full')


@pytest.fixture(scope='session')
def s3_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real S3 server on loopback; whoever uses it makes a bucket or empties it."""
    from s3_server import s3_server

    with s3_server(tmp_path_factory.mktemp('s3') / 'log') as address:
        yield address
