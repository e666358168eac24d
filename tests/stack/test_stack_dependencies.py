"""Dependencies are read from module files, and followed to whatever depends on something."""

from __future__ import annotations

from pathlib import Path

from eessi_validate.stack.dependencies import dependents, named_dependencies, read_dependencies
from eessi_validate.stack.modules import parse_module

LOADS = {
    'FFTW/3.3.10': (),
    'foss/2022b': ('FFTW/3.3.10',),
    'GROMACS/2022.5-foss-2022b': ('foss/2022b',),
    'anyFFTW/1.0': ('FFTW',),
    'zlib/1.2': (),
}


def test_lua_and_tcl_name_what_they_load() -> None:
    lua = 'depends_on("foss/2022b")\nload("A/1", \'B/2\')\nhelp([==[\nload("not code")\n]==])\n'
    assert named_dependencies(lua, is_lua=True) == ['foss/2022b', 'A/1', 'B/2']
    tcl = 'depends-on foss/2022b\nmodule load A/1\n'
    assert named_dependencies(tcl, is_lua=False) == ['foss/2022b', 'A/1']


def test_dependents_are_found_at_any_depth_with_the_way() -> None:
    found = dependents(LOADS, ['FFTW/3.3.10'])
    assert set(found) == {'foss/2022b', 'GROMACS/2022.5-foss-2022b', 'anyFFTW/1.0'}
    way = found['GROMACS/2022.5-foss-2022b']
    assert way == ('GROMACS/2022.5-foss-2022b', 'foss/2022b', 'FFTW/3.3.10')


def test_circle_of_dependencies_ends() -> None:
    assert set(dependents({'A/1': ('B/1',), 'B/1': ('A/1',)}, ['A/1'])) == {'B/1'}


def test_module_file_that_cannot_be_read_loads_nothing(tmp_path: Path) -> None:
    module = parse_module('A/1', str(tmp_path / 'absent.lua'))
    assert read_dependencies([module]) == {'A/1': ()}
