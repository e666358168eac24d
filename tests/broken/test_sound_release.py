"""The newer release, sound as it is, is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver_answer import Driver

from eessi_validate.localstack import BuildRequest, build_stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_sound_stack_of_the_newer_release_is_accepted(local_stack: Path, validate: Driver) -> None:
    cache = local_stack.parent.parent
    root = local_stack.parent / 'newer' / 'local.eessi.io'
    build_stack(BuildRequest('2025.08', root=root, cache=cache))
    answer = validate(root)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
