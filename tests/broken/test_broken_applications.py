"""Every broken application turns the verdict red for its fault; every sound one is green."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import faults_gromacs
import faults_horovod
import faults_installation
import faults_ipython
import faults_lammps
import faults_linear_algebra
import faults_mpi
import faults_mpi4py
import faults_mpi_injected
import faults_numpy_scipy
import faults_openfoam
import faults_quantum_espresso
import faults_r
import faults_spark
import faults_tensorflow
import pytest
from driver_answer import Driver
from faults import Application, Fault
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MODULES = (
    faults_gromacs,
    faults_installation,
    faults_mpi,
    faults_mpi_injected,
    faults_linear_algebra,
    faults_lammps,
    faults_openfoam,
    faults_quantum_espresso,
    faults_r,
    faults_ipython,
    faults_mpi4py,
    faults_numpy_scipy,
    faults_tensorflow,
    faults_horovod,
    faults_spark,
)
APPLICATIONS = [module.APPLICATION for module in MODULES]


def test_every_file_of_faults_is_tried_and_has_three_or_more() -> None:
    files = {path.stem for path in Path(__file__).parent.glob('faults_*.py')}
    assert {module.__name__ for module in MODULES} == files
    assert {a.name for a in APPLICATIONS if len(a.faults) < 3} == set()


def _marks(application: Application, number: int = 0) -> list[pytest.MarkDecorator]:
    return [pytest.mark.exhaustive] if number >= application.always else []


@pytest.mark.parametrize(
    ('application', 'arguments'),
    [
        pytest.param(
            application, case, id=f'{application.name}-{number}', marks=_marks(application)
        )
        for application in APPLICATIONS
        for number, case in enumerate(application.sound, start=1)
    ],
)
def test_sound_stack_is_accepted(
    application: Application,
    arguments: tuple[str, ...],
    breakable_root: Callable[[str], Path],
    validate: Driver,
) -> None:
    answer = validate(breakable_root(application.stack), *arguments)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output


@pytest.mark.parametrize(
    ('application', 'fault'),
    [
        pytest.param(
            application,
            fault,
            id=f'{application.name}-{fault.name}'.replace(' ', '-'),
            marks=_marks(application, number),
        )
        for application in APPLICATIONS
        for number, fault in enumerate(application.faults)
    ],
)
def test_broken_stack_is_rejected_for_its_fault(
    application: Application,
    fault: Fault,
    broken_by: Callable[[Application], Tampering],
    breakable_root: Callable[[str], Path],
    validate: Driver,
    record_property: Callable[[str, str], None],
) -> None:
    record_property('application', application.name)
    record_property('fault', fault.name)
    fault.apply(broken_by(application))
    answer = validate(breakable_root(application.stack), *fault.arguments)
    reasons = answer.reasons()
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    named = [reason for reason in reasons if re.search(fault.reason, reason)]
    assert named, reasons
    record_property('reason', named[0])
