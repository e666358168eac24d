"""Every broken Quantum ESPRESSO turns the verdict red for its fault; the sound one is green."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Driver, start_driver
from faults import Fault
from faults_quantum_espresso import FAULTS, ONE_RANK, RECORDED, RECORDED_IN
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope='module')
def recorded(breakable_full_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Outputs of a sound run, kept inside the release for the fault that plays them back."""
    place = breakable_full_root / 'versions' / '2023.06' / RECORDED_IN
    answer = start_driver(breakable_full_root, *ONE_RANK, cwd=tmp_path_factory.mktemp('sound'))
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
    place.mkdir(exist_ok=True)
    for name in RECORDED:
        shutil.copy(next(answer.out.rglob(f'stage/**/{name}')), place)
    yield place
    shutil.rmtree(place)


@pytest.mark.usefixtures('recorded')
def test_sound_stack_is_accepted() -> None:
    """The fixture asserts it."""


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
