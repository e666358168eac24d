"""The programs of a job are found by the words of its script."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_validate.prove.programs import loaded_installations, programs_of
from eessi_validate.stack.modules import discover_modules


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        'software/App/1.0/bin/app', 'software/App/1.0/libexec/app/mpi/pt2pt/app_latency',
        'software/OpenMPI/4/bin/mpirun', 'compat/bin/python3',
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text('#!/bin/sh\n')
        path.chmod(0o755)
    for name, text in {'App/1.0': 'depends_on("OpenMPI/4")', 'OpenMPI/4': ''}.items():
        path = tmp_path / 'modules' / f'{name}.lua'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + '\n')
    return tmp_path


@pytest.mark.parametrize(
    ('script', 'names'),
    [
        ('mpirun -np 2 app --in x', ['mpirun', 'app']),
        ('"$EESSI_EPREFIX/bin/python3" program.py', ['python3']),
        ('${EBROOTAPP}/bin/app', ['app']),
        ('mpirun -np 2 app_latency -m 1:8', ['mpirun', 'app_latency']),
        ('/bin/sh application', []),
        ('echo approx', []),
    ],
)
def test_names_paths_and_variables_are_followed(root: Path, script: str, names: list[str]) -> None:
    modules = discover_modules(root / 'modules')
    places = loaded_installations(root / 'software', 'App/1.0', modules)
    assert [p.parent.name for p in places] == ['App', 'OpenMPI']
    found = programs_of(script, root, places, root / 'compat')
    assert [program.name for program in found] == names
    assert all((root / program.relative).is_file() for program in found)
