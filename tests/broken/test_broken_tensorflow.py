"""Every broken TensorFlow turns the verdict red for the right reason; the sound one stays green."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pypi_stack
import pytest
from conftest import Driver
from faults import Fault
from faults_tensorflow import FAULTS, TRAINING
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope='module')
def root(local_stack: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack with TensorFlow, and a recording of a sound run in it."""
    root = pypi_stack.build(local_stack, 'breakable-tensorflow', 'TensorFlow')
    pypi_stack.record(root, TRAINING, 'recorded-tensorflow', tmp_path_factory.mktemp('sound'))
    return root


@pytest.fixture
def stack(root: Path) -> Iterator[Tampering]:
    """The stack to break; mended when the test ends."""
    tampering = Tampering(root / 'versions' / '2023.06')
    try:
        yield tampering
    finally:
        tampering.mend()


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_broken_stack_is_rejected_for_its_fault(
    fault: Fault, stack: Tampering, root: Path, validate: Driver
) -> None:
    fault.apply(stack)
    answer = validate(root, *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons


def test_sound_stack_is_accepted(root: Path, validate: Driver) -> None:
    answer = validate(root, *TRAINING)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
