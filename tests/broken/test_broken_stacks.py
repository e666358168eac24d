"""Every broken stack turns the verdict red for the right reason; the sound one stays green."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Driver
from faults import FAULTS, WATER_BOX, Fault
from tampering import Tampering

from eessi_validate.localstack import BuildRequest, build_stack

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


@pytest.mark.slow
def test_sound_stack_of_the_newer_release_is_accepted(local_stack: Path, validate: Driver) -> None:
    cache = local_stack.parent.parent
    root = local_stack.parent / 'newer' / 'local.eessi.io'
    build_stack(BuildRequest('2025.08', root=root, cache=cache))
    answer = validate(root)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
