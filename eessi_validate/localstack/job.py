"""What one build knows before it starts: the request resolved against the table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eessi_validate.localstack import inventory
from eessi_validate.localstack.catalogue import Architecture, Catalogue, Release, Software
from eessi_validate.localstack.relocate import Place

#: Name of the compat layer where installations go by their names.
COMPAT = ''


@dataclass(frozen=True)
class Job:
    """Everything one build knows before it starts; nothing here changes."""

    catalogue: Catalogue
    release: Release
    arch: Architecture
    root: Path
    names: tuple[str, ...]
    table: Mapping[str, Software]
    stage: Path
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)

    @property
    def target(self) -> str:
        return f'{self.arch.name}/generic'

    def staged(self, final: Path) -> Path:
        return self.stage / final.relative_to(self.root)

    def place(self, final: Path) -> Place:
        """Where a tree lies now: in the stage, or at its final place if it is published."""
        staged = self.staged(final)
        return Place(staged if staged.exists() else final, final)

    @property
    def mpi_of_the_site(self) -> str:
        """Where objects of the software layer look for MPI first, as EESSI's do."""
        return str(inventory.mpi_of_the_site(self.root, self.release.name, self.target))

    @property
    def compat(self) -> Path:
        return inventory.compat_of(self.root, self.release.name, self.arch.name)

    def installation(self, name: str, version: str) -> Path:
        top = inventory.target_of(self.root, self.release.name, self.target)
        return top / 'software' / name / version
