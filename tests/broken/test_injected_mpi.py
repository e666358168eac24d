"""Where a site injects its MPI, the test of MPI runs with it, and its ranks show that they did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from driver_answer import Driver
from faults import Application
from faults_mpi_injected import APPLICATION, CHECK, RUN, inject
from tampering import Tampering

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PYTHON = Application('MPI of the site, by mpi4py', 'python', (), sound=())


def ranks_of(out: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(out.rglob('stage/**/ranks/*.json'))]


def test_every_rank_has_the_mpi_of_the_site(
    broken_by: Callable[[Application], Tampering],
    breakable_root: Callable[[str], Path],
    validate: Driver,
) -> None:
    library = inject(broken_by(APPLICATION))
    answer = validate(breakable_root(APPLICATION.stack), *CHECK, *RUN)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
    assert len(answer.report['run']['results']) == 2
    ranks = ranks_of(answer.out)
    assert [rank['library'] for rank in ranks] == [str(library)] * 2
    for rank in ranks:
        assert 'Open MPI v4.1.99' in str(rank['library_version'])
        assert set(rank['libraries']) == set(rank['offered'])  # type: ignore[call-overload]


@pytest.mark.exhaustive
def test_every_rank_of_mpi4py_has_the_mpi_of_the_site(
    broken_by: Callable[[Application], Tampering],
    breakable_root: Callable[[str], Path],
    validate: Driver,
) -> None:
    library = inject(broken_by(PYTHON))
    case = ('--test', 'EESSI_Mpi4py_Communication', '--scale', 'cores_2')
    answer = validate(breakable_root(PYTHON.stack), *case)
    assert (answer.code, answer.verdict) == (0, 'ACCEPT'), answer.output
    assert [rank['library'] for rank in ranks_of(answer.out)] == [str(library)] * 2
