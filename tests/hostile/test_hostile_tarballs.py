"""No hostile tarball is accepted, crashes the inspection, or leaves anything behind."""

from __future__ import annotations

from pathlib import Path

import hostile_files  # noqa: F401 - registers its cases
import hostile_formats  # noqa: F401 - registers its cases
import hostile_members  # noqa: F401 - registers its cases
import pytest
from hostile_cases import CASES, Case
from tar_crafting import Tarball, as_json

from eessi_validate.gate.inspection import Inspection, Limits, inspect_tarball


def inspect(tarball: Tarball, directory: Path, base_stack: Path) -> Inspection:
    """Write a tarball into a directory and inspect it there."""
    path = directory / tarball.name
    path.write_bytes(tarball.packed)
    metadata = None
    if tarball.metadata is not None:
        metadata = directory / 'announced.meta.txt'
        metadata.write_bytes(as_json(tarball.metadata))
    return inspect_tarball(
        path,
        base=base_stack if tarball.with_base else None,
        metadata=metadata,
        limits=Limits(**tarball.limits),
    )


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 80


@pytest.mark.parametrize('case', CASES.values(), ids=CASES)
def test_a_hostile_tarball_is_refused_for_its_fault(
    case: Case, tmp_path: Path, base_stack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / 'working-directory'
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    before = sorted(base_stack.rglob('*'))

    inspection = inspect(case.build(), tmp_path, base_stack)

    assert set(inspection.counts) == case.findings
    assert inspection.rejected or inspection.held
    assert not list(elsewhere.iterdir())
    assert {p.name for p in tmp_path.iterdir()} <= {
        'working-directory',
        'announced.meta.txt',
        inspection.subject.name,
    }
    assert sorted(base_stack.rglob('*')) == before


@pytest.mark.parametrize('case', CASES.values(), ids=CASES)
def test_what_is_said_of_it_can_be_shown_and_repeated(
    case: Case, tmp_path: Path, base_stack: Path
) -> None:
    tarball = case.build()
    inspection = inspect(tarball, tmp_path, base_stack)

    assert all(f.member.isprintable() and f.sentence.isprintable() for f in inspection.findings)
    assert all(len(f.sentence) < 2000 for f in inspection.findings)
    assert inspect(tarball, tmp_path, base_stack) == inspection
