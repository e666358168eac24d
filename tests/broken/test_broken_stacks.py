"""Every broken stack turns the verdict red for the right reason; the sound one stays green."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Driver
from faults import FAULTS, WATER_BOX, Fault
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_broken_stack_is_rejected_for_its_fault(
    fault: Fault, breakable: Tampering, breakable_root: Path, recorded: Path, validate: Driver
) -> None:
    fault.apply(breakable)
    answer = validate(breakable_root, *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons


def test_sound_stack_is_accepted_before_and_after(breakable_root: Path, validate: Driver) -> None:
    answer = validate(breakable_root, *WATER_BOX)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
