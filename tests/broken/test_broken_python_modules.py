"""Broken TensorFlow, Horovod, NumPy, SciPy and mpi4py are rejected for their fault."""

from __future__ import annotations

import re
from pathlib import Path

import faults_horovod
import faults_mpi4py
import faults_numpy_scipy
import faults_tensorflow
import pytest
from conftest import Driver
from faults import Fault
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.exhaustive]

MODULES = {
    'TensorFlow': faults_tensorflow,
    'Horovod': faults_horovod,
    'NumPy': faults_numpy_scipy,
    'mpi4py': faults_mpi4py,
}
FAULTS = [
    pytest.param(fault, id=f'{name}: {fault.name}')
    for name, module in MODULES.items()
    for fault in module.FAULTS
]
SOUND = [sound for module in MODULES.values() for sound in module.SOUND]


@pytest.mark.parametrize('arguments', SOUND, ids=lambda arguments: arguments[1])
def test_sound_stack_is_accepted(
    arguments: tuple[str, ...], breakable_python_root: Path, validate: Driver
) -> None:
    answer = validate(breakable_python_root, *arguments)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output


@pytest.mark.parametrize('fault', FAULTS)
def test_broken_stack_is_rejected_for_its_fault(
    fault: Fault, breakable_python: Tampering, breakable_python_root: Path, validate: Driver
) -> None:
    fault.apply(breakable_python)
    answer = validate(breakable_python_root, *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    assert any(re.search(fault.reason, reason) for reason in reasons), reasons
