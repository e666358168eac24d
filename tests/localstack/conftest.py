from __future__ import annotations

from pathlib import Path

import pytest

from eessi_validate.localstack import BuildRequest, build_stack


@pytest.fixture(scope='session')
def packages(local_stack: Path) -> Path:
    """The cache that local_stack was built from: builds of the tests need no download."""
    return local_stack.parent.parent


@pytest.fixture(scope='module')
def own_stack(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack with little software that a test may break, if it mends it again."""
    root = tmp_path_factory.mktemp('own') / 'local.eessi.io'
    request = BuildRequest('2023.06', software=('OpenBLAS',), root=root, cache=packages)
    return build_stack(request).root
