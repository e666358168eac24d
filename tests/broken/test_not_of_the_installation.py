"""What is not of the installation: sound where there is none, a fault where the host's is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import faults_mpi
import faults_quantum_espresso as espresso
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
    assert all(f'mpirun comes from {host}' in reason for reason in answer.reasons())
