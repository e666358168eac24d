"""Modules are read from the tree's file names alone, in EasyBuild's flat naming scheme."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi_validate.stack.modules import discover_modules, parse_module, split_version


@pytest.mark.parametrize(
    ('full_name', 'software', 'version', 'toolchain'),
    [
        ('GROMACS/2024.1-foss-2023b', 'GROMACS', '2024.1', 'foss-2023b'),
        ('zlib/1.2.13-GCCcore-12.3.0', 'zlib', '1.2.13', 'GCCcore-12.3.0'),
        (
            'GROMACS/2023.3-foss-2022b-CUDA-12.1.1',
            'GROMACS',
            '2023.3',
            'foss-2022b-CUDA-12.1.1',
        ),
        ('GCC/12.3.0', 'GCC', '12.3.0', ''),
        ('foss/2023a', 'foss', '2023a', ''),
        ('EESSI-extend/2023.06-easybuild', 'EESSI-extend', '2023.06-easybuild', ''),
        ('SciPy-bundle/2023.07-gfbf-2023a', 'SciPy-bundle', '2023.07', 'gfbf-2023a'),
        ('R-bundle-CRAN/2023.12-foss-2023a', 'R-bundle-CRAN', '2023.12', 'foss-2023a'),
        ('intel-compilers/2023.1.0', 'intel-compilers', '2023.1.0', ''),
        ('HDF5/1.14-iimpi-2023a', 'HDF5', '1.14', 'iimpi-2023a'),
        ('X/1.0-intel-compilers-2023.1.0', 'X', '1.0', 'intel-compilers-2023.1.0'),
        ('Boost/1.82.0-gompi-2023a-Python-3.11.3', 'Boost', '1.82.0', 'gompi-2023a-Python-3.11.3'),
        ('binutils/2.40', 'binutils', '2.40', ''),
        ('x/system', 'x', 'system', ''),
        ('lonely', 'lonely', '', ''),
    ],
)
def test_flat_name_is_split(full_name: str, software: str, version: str, toolchain: str) -> None:
    module = parse_module(full_name)
    assert (module.software, module.version, module.toolchain) == (software, version, toolchain)


def test_release_candidates_and_dates_stay_in_the_version() -> None:
    assert split_version('20230110-r1-GCC-12.2.0') == ('20230110-r1', 'GCC-12.2.0')
    assert split_version('7.0.0-rc1') == ('7.0.0-rc1', '')


@given(
    version=st.from_regex(r'[0-9]+(\.[0-9]+){0,3}', fullmatch=True),
    toolchain=st.sampled_from(['foss-2023a', 'GCCcore-12.3.0', 'GCC-12.3.0', 'gompi-2022b']),
    suffix=st.sampled_from(['', '-CUDA-12.1.1', '-Python-3.11.3', '-mt']),
)
def test_version_and_toolchain_join_to_what_was_split(
    version: str, toolchain: str, suffix: str
) -> None:
    text = f'{version}-{toolchain}{suffix}'
    assert split_version(text) == (version, f'{toolchain}{suffix}')


@given(st.text(alphabet='abcGC0123456789.-/', max_size=30))
def test_any_name_splits_without_losing_a_character(full_name: str) -> None:
    module = parse_module(full_name)
    rest = f'{module.version}-{module.toolchain}' if module.toolchain else module.version
    assert full_name in (f'{module.software}/{rest}', module.software)


def _touch(tree: Path, *names: str) -> Path:
    for name in names:
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('x')
    return tree


def test_lua_and_tcl_modules_are_found_sorted(tmp_path: Path) -> None:
    _touch(tmp_path, 'b/2.0.lua', 'b/1.0', 'a/1.0-foss-2023a.lua')
    names = [module.full_name for module in discover_modules(tmp_path)]
    assert names == ['a/1.0-foss-2023a', 'b/1.0', 'b/2.0']


def test_path_of_a_module_is_its_file(tmp_path: Path) -> None:
    _touch(tmp_path, 'a/1.0.lua')
    (module,) = discover_modules(tmp_path)
    assert module.path == str(tmp_path / 'a' / '1.0.lua')


def test_hidden_files_and_stray_files_are_no_modules(tmp_path: Path) -> None:
    _touch(tmp_path, 'a/.modulerc.lua', 'a/.version', '.cache/1.0.lua', 'README', 'a/1.0.lua')
    (tmp_path / 'a' / 'directory').mkdir()
    assert [module.full_name for module in discover_modules(tmp_path)] == ['a/1.0']


def test_dangling_link_is_still_a_module_so_that_it_can_be_complained_about(tmp_path: Path) -> None:
    _touch(tmp_path, 'a/1.0.lua')
    (tmp_path / 'a' / '2.0.lua').symlink_to(tmp_path / 'gone.lua')
    assert [module.full_name for module in discover_modules(tmp_path)] == ['a/1.0', 'a/2.0']


def test_dangling_directory_of_a_software_is_passed_over(tmp_path: Path) -> None:
    _touch(tmp_path, 'a/1.0.lua')
    (tmp_path / 'b').symlink_to(tmp_path / 'gone')
    assert [module.full_name for module in discover_modules(tmp_path)] == ['a/1.0']


def test_missing_tree_has_no_modules(tmp_path: Path) -> None:
    assert discover_modules(tmp_path / 'none') == ()
