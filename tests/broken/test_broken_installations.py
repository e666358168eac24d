"""Every broken installation turns the verdict red without a test of its application."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Driver
from faults import Fault
from faults_installation import FAULTS, FILES, INIT, START, arguments
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.mark.parametrize('fault', FAULTS, ids=lambda fault: fault.name)
def test_broken_installation_is_rejected_for_its_fault(
    fault: Fault, breakable: Tampering, breakable_root: Path, validate: Driver
) -> None:
    fault.apply(breakable)
    answer = validate(breakable_root, *fault.arguments)
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    reasons = answer.reasons()
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons
    print(f'{fault.name}: {reasons[0]}')


def test_sound_installations_are_accepted(breakable_root: Path, validate: Driver) -> None:
    answer = validate(breakable_root, *arguments(FILES), *arguments(START), *arguments(INIT))
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
    kinds = {result['case']['kind'] for result in answer.report['run']['results']}
    assert kinds == {'installation'}


def test_installation_that_is_only_read_is_held(breakable_root: Path, validate: Driver) -> None:
    answer = validate(breakable_root, *arguments(FILES, 'hwloc'))
    assert (answer.code, answer.verdict) == (75, 'HOLD'), answer.output
    assert 'no case runs any software' in answer.report['judgement']['summary']
