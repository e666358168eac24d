"""What is only read is no proof that it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driver_answer import Driver
from faults_installation import FILES, INIT, START, arguments

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_sound_installations_are_decided_without_application_tests(
    breakable_root: Callable[[str], Path], validate: Driver
) -> None:
    cases = (*arguments(FILES), *arguments(START), *arguments(INIT))
    answer = validate(breakable_root('minimal'), *cases)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
    kinds = {result['case']['kind'] for result in answer.report['run']['results']}
    assert kinds == {'installation'}


def test_installation_that_is_only_read_is_held(
    breakable_root: Callable[[str], Path], validate: Driver
) -> None:
    answer = validate(breakable_root('minimal'), *arguments(FILES, 'hwloc'))
    assert (answer.code, answer.verdict) == (75, 'HOLD'), answer.output
    assert 'no case runs any software' in answer.report['judgement']['summary']
