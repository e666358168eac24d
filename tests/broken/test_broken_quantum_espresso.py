"""Every broken Quantum ESPRESSO turns the verdict red for its fault; the sound one is green."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Driver
from faults import Fault
from faults_quantum_espresso import FAULTS, ONE_RANK, RECORDED, RECORDED_IN
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope='module')
def recorded(breakable_full_root: Path) -> Iterator[Path]:
    """A place for the outputs of a sound run, inside the release."""
    place = breakable_full_root / 'versions' / '2023.06' / RECORDED_IN
    place.mkdir(exist_ok=True)
    yield place
    shutil.rmtree(place)


def test_sound_stack_is_accepted_and_recorded(
    breakable_full_root: Path, recorded: Path, validate: Driver, tmp_path: Path
) -> None:
    answer = validate(breakable_full_root, *ONE_RANK)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
    for name in RECORDED:
        shutil.copy(next(tmp_path.rglob(f'stage/**/{name}')), recorded)


#: Each takes about ten seconds: the first always, the others in the time that is left.
_TRIED = [
    pytest.param(fault, id=fault.name, marks=[] if number < 8 else pytest.mark.exhaustive)
    for number, fault in enumerate(FAULTS)
]


@pytest.mark.parametrize('fault', _TRIED)
def test_broken_stack_is_rejected_for_its_fault(
    fault: Fault,
    breakable_full: Tampering,
    breakable_full_root: Path,
    recorded: Path,
    validate: Driver,
) -> None:
    fault.apply(breakable_full)
    answer = validate(breakable_full_root, *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons
