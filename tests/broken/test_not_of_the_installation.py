"""What is not of the installation: sound where there is none, a fault where the host's is used."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import faults_ipython
import faults_mpi
import faults_quantum_espresso as espresso
import faults_r
import pytest
from driver_answer import Driver
from faults import Application
from tampering import Tampering


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize('case', [espresso.ONE_RANK, espresso.TWO_RANKS], ids=['one', 'two'])
def test_programs_without_pseudopotentials_are_accepted(
    case: tuple[str, ...],
    broken_by: Callable[[Application], Tampering],
    breakable_root: Callable[[str], Path],
    validate: Driver,
) -> None:
    stack = broken_by(espresso.APPLICATION)
    espresso.programs_only(stack)
    # The sound module file that waits beside the changed one is none of the stack's modules.
    module = f'QuantumESPRESSO/{stack.installation("QuantumESPRESSO").name}'
    answer = validate(breakable_root(espresso.APPLICATION.stack), *case, '--module', module)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output


@pytest.mark.stack
@pytest.mark.slow
def test_a_launcher_of_the_host_does_not_pass_for_that_of_the_stack(
    broken_by: Callable[[Application], Tampering],
    breakable_root: Callable[[str], Path],
    validate: Driver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stack has lost its mpirun; a compatible one lies on the host."""
    stack = broken_by(faults_mpi.APPLICATION)
    programs = stack.installation('OpenMPI') / 'bin'
    host = tmp_path / 'host' / 'mpirun'
    host.parent.mkdir()
    host.write_text(f'#!/bin/sh\nexec {programs}/orterun "$@"\n')
    host.chmod(0o755)
    monkeypatch.setenv('PATH', str(host.parent), prepend=':')
    stack.remove(programs / 'mpirun')
    answer = validate(breakable_root(faults_mpi.APPLICATION.stack), *faults_mpi.MPI)
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    reasons = answer.reasons()
    assert reasons
    assert all(f'mpirun comes from {host}' in reason for reason in reasons)


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.parametrize(
    ('application', 'case', 'package', 'user'),
    [
        (
            faults_ipython.APPLICATION,
            faults_ipython.IPYTHON,
            'lib/python3/dist-packages/traitlets',
            '.local/lib/python3.11/site-packages',
        ),
        (
            faults_r.APPLICATION,
            faults_r.LIMMA,
            'lib/R/site-library/limma',
            'R/x86_64-pc-linux-gnu-library/4.2',
        ),
    ],
    ids=['Python', 'R'],
)
def test_packages_of_the_user_do_not_pass_for_those_of_the_stack(
    application: Application,
    case: tuple[str, ...],
    package: str,
    user: str,
    broken_by: Callable[[Application], Tampering],
    breakable_root: Callable[[str], Path],
    validate: Driver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stack has lost a package that the user has at home, where Python and R look first."""
    stack = broken_by(application)
    name = 'IPython' if application is faults_ipython.APPLICATION else 'R-bundle-Bioconductor'
    lost = stack.installation(name) / package
    shutil.copytree(lost, tmp_path / user / lost.name)
    monkeypatch.setenv('HOME', str(tmp_path))
    stack.remove(lost)
    answer = validate(breakable_root(application.stack), *case)
    assert (answer.code, answer.verdict) == (1, 'REJECT'), answer.output
    reasons = answer.reasons()
    assert reasons
    assert all(lost.name in reason for reason in reasons)
