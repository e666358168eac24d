"""The identity of a directory changes when anything that is seen through it may have changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eessi_validate.stack.identity import directory_identity


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / 'lib').mkdir()
    (tmp_path / 'lib' / 'libm.so.6').write_text('old')
    # The clock of a file system may stand still for some milliseconds.
    os.utime(tmp_path / 'lib' / 'libm.so.6', (1, 1))
    (tmp_path / 'lib' / 'libm.so').symlink_to('libm.so.6')
    return tmp_path


def replaced_link(tree: Path) -> None:
    (tree / 'lib' / 'libm.so').unlink()
    (tree / 'lib' / 'libm.so').symlink_to('libm.so.7')


@pytest.mark.parametrize(
    'change',
    [
        lambda tree: (tree / 'lib' / 'libm.so.6').write_text('new'),
        lambda tree: (tree / 'lib' / 'libm.so.6').write_text('longer'),
        lambda tree: (tree / 'lib' / 'libm.so.6').chmod(0o755),
        lambda tree: (tree / 'lib' / 'libm.so.6').rename(tree / 'lib' / 'libm.so.7'),
        lambda tree: (tree / 'empty').mkdir(),
        replaced_link,
    ],
)
def test_every_change_changes_it(change: Callable[[Path], object], tree: Path) -> None:
    before = directory_identity(tree)
    change(tree)
    assert directory_identity(tree) != before


def test_reading_and_a_file_that_came_and_went_do_not(tree: Path) -> None:
    before = directory_identity(tree)
    (tree / 'lib' / 'libm.so.6').read_text()
    (tree / 'lib' / 'temporary').touch()
    os.remove(tree / 'lib' / 'temporary')
    assert directory_identity(tree) == before
