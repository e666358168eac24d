"""The test library of another time, to run a failing case under."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from eessi_validate.errors import HoldError, UsageError
from eessi_validate.rfm.catalogue import check_files_in, shipped_check_files

_PACKAGES = ('eessi_library', 'eessi_implementations')


@dataclass(frozen=True)
class PreviousTests:
    """Check files, and the packages that they import where they bring their own."""

    check_files: tuple[Path, ...]
    packages: dict[str, Path] = field(default_factory=dict)

    def may_have(self, test: str) -> bool:
        """Say whether a test can be among them: not if only today's check files name it."""
        word = re.compile(rf'\b{re.escape(test)}\b')

        def named(paths: tuple[Path, ...]) -> bool:
            return any(word.search(path.read_text(errors='replace')) for path in paths)

        return named(self.check_files) or not named(shipped_check_files())

    def lay_out(self, directory: Path) -> Path | None:
        """Make a directory in which Python finds just these packages; None if there are none.

        :raises HoldError: if it cannot be made.
        """
        if not self.packages:
            return None
        try:
            directory.mkdir(parents=True)
            for name, path in self.packages.items():
                (directory / name).symlink_to(path, target_is_directory=True)
        except OSError as error:
            raise HoldError(f'cannot lay out the previous tests: {error}') from error
        return directory


def find_previous_tests(path: Path) -> PreviousTests:
    """Return the tests at ``path``.

    :arg path: a check file; a directory of check files; a checkout of this project; or a directory
        into which it was installed or unpacked, with the packages of library and implementations.
    :raises UsageError: if there are no check files.
    """
    path = path.expanduser().absolute()
    if path.is_file():
        return PreviousTests((path,))
    for places in ((path / 'library', path / 'implementations'), (path, path)):
        packages = {name: place / name for name, place in zip(_PACKAGES, places, strict=True)}
        if all((package / '__init__.py').is_file() for package in packages.values()):
            found = check_files_in(packages['eessi_implementations'])
            return PreviousTests(found, packages)
    found = check_files_in(path) if path.is_dir() else ()
    if not found:
        raise UsageError(f'no check files at {path}')
    return PreviousTests(found)
