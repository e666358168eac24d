"""Every broken Spark turns the verdict red for the right reason; the sound one stays green."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Driver
from faults import Fault
from faults_spark import FAULTS, SOUND
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.exhaustive]


@pytest.mark.parametrize('arguments', SOUND, ids=lambda arguments: arguments[1])
def test_sound_stack_is_accepted(
    arguments: tuple[str, ...], breakable_spark_root: Path, validate: Driver
) -> None:
    answer = validate(breakable_spark_root, *arguments)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_broken_stack_is_rejected_for_its_fault(
    fault: Fault, breakable_spark: Tampering, breakable_spark_root: Path, validate: Driver
) -> None:
    fault.apply(breakable_spark)
    answer = validate(breakable_spark_root, *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons
