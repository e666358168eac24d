"""The tests that exist, read from the implementation classes themselves."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from eessi_validate.errors import HoldError


@dataclass(frozen=True)
class TestInfo:
    """What the planner must know of one implementation."""

    __test__ = False  # not a pytest class

    name: str
    #: Name of the software it covers.
    covers: str
    kind: str
    default_scales: tuple[str, ...]
    #: Partition features it needs besides its scale.
    needs: tuple[str, ...]
    #: Metric -> ``higher``, ``lower`` or ``truth``.
    directions: dict[str, str]
    #: The check file.
    path: str
    #: Group in the table of compat-layer checks; '' for applications.
    group: str = ''
    #: A new build of what it covers is tested through its reverse dependencies too.
    selects_dependents: bool = False
    #: Regular expression that the full name of a module must match; '' takes every build.
    builds: str = ''
    #: It must know of an MPI of the site that stands in for the stack's.
    asks_for_injected_mpi: bool = False


def shipped_check_files() -> tuple[Path, ...]:
    """Return the check files of the generic EESSI implementations."""
    return check_files_in(Path(str(files('eessi_implementations'))))


def check_files_in(directory: Path) -> tuple[Path, ...]:
    """Return the check files in a directory of implementations."""
    machinery = {'__init__.py', 'mixin.py', 'cases.py'}
    return tuple(sorted(p for p in directory.glob('*.py') if p.name not in machinery))


@cache
def load_catalogue(paths: tuple[Path, ...] = ()) -> tuple[TestInfo, ...]:
    """Return the tests of the check files, sorted by name.

    :arg paths: check files; those that ship with the project if empty.
    :raises HoldError: if a check file cannot be imported, or two tests have one name.
    """
    found: dict[str, TestInfo] = {}
    for path in paths or shipped_check_files():
        for test in _tests_of(path):
            if test.name in found:
                raise HoldError(
                    f'two tests are called {test.name}: in {found[test.name].path} and {test.path}'
                )
            found[test.name] = test
    return tuple(found[name] for name in sorted(found))


def _tests_of(path: Path) -> list[TestInfo]:
    module = _import(path)
    # One class can have several names in a module, such as the variable of a loop.
    classes = dict.fromkeys(c for _, c in inspect.getmembers(module, inspect.isclass))
    registered = getattr(module, '_rfm_test_registry', ())
    return [
        _describe(cls, path)
        for cls in classes
        if cls in registered and hasattr(cls, 'covers') and cls.covers
    ]


def _import(path: Path) -> ModuleType:
    """Import a check file without planning any case of it."""
    saved = os.environ.get('EESSI_VALIDATE_CASES')
    os.environ['EESSI_VALIDATE_CASES'] = os.devnull
    try:
        name = f'_eessi_catalogue_{path.stem}_{abs(hash(path)):x}'
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise HoldError(f'cannot import the check file {path}')
        module = importlib.util.module_from_spec(spec)
        # ReFrame asks where a class was defined while it is being made.
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except HoldError:
        raise
    except (Exception, SystemExit) as error:  # whatever a check file raises makes it unusable
        raise HoldError(f'cannot import the check file {path}: {error}') from error
    finally:
        if saved is None:
            del os.environ['EESSI_VALIDATE_CASES']
        else:
            os.environ['EESSI_VALIDATE_CASES'] = saved
    return module


def _describe(cls: Any, path: Path) -> TestInfo:
    if not cls.directions:
        raise HoldError(f'{cls.__name__} in {path} states no metric: "directions" is empty')
    return TestInfo(
        name=cls.__name__,
        covers=cls.covers,
        kind=cls.kind,
        default_scales=tuple(cls.default_scales),
        needs=tuple(cls.needs),
        directions=dict(cls.directions),
        path=str(path),
        group=getattr(cls, 'group', ''),
        selects_dependents=bool(cls.selects_dependents),
        builds=cls.builds,
        asks_for_injected_mpi=bool(cls.asks_for_injected_mpi),
    )
