"""Today's layout and the pilot's are stacks; anything else is refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from eessi_validate.errors import UsageError
from eessi_validate.stack import open_stack


def _release(path: Path, *targets: str) -> Path:
    for target in targets or ('x86_64/generic',):
        tree = path / 'software' / 'linux' / target / 'modules' / 'all' / 'GCC'
        tree.mkdir(parents=True)
        (tree / '12.3.0.lua').write_text('x')
    (path / 'compat' / 'linux' / 'x86_64').mkdir(parents=True)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    _release(tmp_path / 'my.eessi.io' / 'versions' / '2023.06')
    _release(
        tmp_path / 'my.eessi.io' / 'versions' / '2025.06',
        'x86_64/generic', 'x86_64/intel/haswell', 'aarch64/neoverse_n1',
    )  # fmt: skip
    return tmp_path / 'my.eessi.io'


def test_releases_are_listed_oldest_first(root: Path) -> None:
    assert open_stack(root).release_names == ('2023.06', '2025.06')


def test_repository_is_the_name_of_the_root(root: Path) -> None:
    assert open_stack(root).repository == 'my.eessi.io'


def test_entries_that_are_no_releases_are_passed_over(root: Path) -> None:
    for name in ('.cvmfs', 'latest', 'host_injections'):
        (root / 'versions' / name).mkdir()
    (root / 'versions' / '2024.01').write_text('a file')
    assert open_stack(root).release_names == ('2023.06', '2025.06')


def test_targets_are_found_at_any_depth_and_sorted(root: Path) -> None:
    release = open_stack(root).release('2025.06')
    assert release.cpu_targets == ('aarch64/neoverse_n1', 'x86_64/generic', 'x86_64/intel/haswell')
    assert [m.full_name for m in release.modules('x86_64/intel/haswell')] == ['GCC/12.3.0']


def test_target_with_software_but_no_modules_is_still_a_target(root: Path) -> None:
    release = open_stack(root).release('2023.06')
    (release.path / 'software/linux/x86_64/amd/zen2/software/GCC/12.3.0').mkdir(parents=True)
    assert 'x86_64/amd/zen2' in release.cpu_targets


def test_compat_layer_and_init_are_where_users_expect_them(root: Path) -> None:
    release = open_stack(root).release('2025.06')
    assert release.compat_families() == ('x86_64',)
    assert release.compat('x86_64') == release.path / 'compat' / 'linux' / 'x86_64'
    assert release.init == release.path / 'init' / 'bash'


def test_pilot_without_versions_is_a_stack(tmp_path: Path) -> None:
    root = tmp_path / 'pilot.eessi-hpc.org'
    _release(root / '2021.06', 'x86_64/generic', 'ppc64le/power9le', 'aarch64/graviton2')
    stack = open_stack(root)
    assert stack.release_names == ('2021.06',)
    assert stack.release('2021.06').cpu_targets == (
        'aarch64/graviton2', 'ppc64le/power9le', 'x86_64/generic',
    )  # fmt: skip


def test_unknown_release_names_the_nearest(root: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown release '2025\.6'.*did you mean 2025\.06"):
        open_stack(root).release('2025.6')


def test_stack_without_a_release_says_so(tmp_path: Path) -> None:
    (tmp_path / 'versions').mkdir()
    with pytest.raises(UsageError, match='there is none here'):
        open_stack(tmp_path).release('2025.06')


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='gone: the directory does not exist'):
        open_stack(tmp_path / 'gone')


def test_path_inside_a_stack_is_answered_with_its_root(root: Path) -> None:
    inside = root / 'versions' / '2025.06' / 'software'
    with pytest.raises(UsageError, match=f'give its root, {root}$'):
        open_stack(inside)


def test_any_other_directory_is_no_stack(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='expected a directory "versions"'):
        open_stack(tmp_path)
