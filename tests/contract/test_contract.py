"""The house rules of DESIGN.md, asked of every library test and implementation."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sources import IMPLEMENTATIONS, LIBRARY, library_files

from eessi_library.library_test import LibraryTest
from eessi_validate.rfm.catalogue import shipped_check_files

OURS = ('eessi_library', 'eessi_implementations')

#: Words that a fetch in a job script needs; ``file:`` and loopback are no network.
NETWORK = re.compile(
    r'\b(?:curl|wget|scp|rsync|git\s+clone|pip\s+install|urlretrieve|urlopen)\b'
    r'|\b(?:https?|ftp)://(?!127\.0\.0\.1|localhost|\[::1\])'
)


@cache
def library_modules() -> tuple[types.ModuleType, ...]:
    """Return the modules that can be imported; ``test_library_module_imports`` names the others."""
    found = []
    for name in library_files():
        with contextlib.suppress(Exception):
            found.append(importlib.import_module(name))
    return tuple(found)


def library_classes() -> list[type]:
    """Return every library test, the common bases among them."""
    found = {
        cls
        for module in library_modules()
        for cls in vars(module).values()
        if inspect.isclass(cls)
        and issubclass(cls, LibraryTest)
        and cls.__module__ == module.__name__
    }
    return sorted(found, key=lambda cls: cls.__qualname__)


def leaves() -> list[type]:
    """Return the library tests that can be implemented: those that no other one derives from."""
    classes = library_classes()
    return [c for c in classes if not any(c in d.__mro__[1:] for d in classes)]


@cache
def implementation_modules() -> tuple[types.ModuleType, ...]:
    """Return the check files that can be imported; ``test_check_file_imports`` names the others."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('EESSI_VALIDATE_CASES', '/dev/null')
        for path in shipped_check_files():
            with contextlib.suppress(Exception):
                found.append(_imported(path))
    return tuple(found)


def _imported(path: Path) -> types.ModuleType:
    name = f'_contract_{path.stem}'
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def implementation_classes() -> list[type]:
    return [
        cls
        for module in implementation_modules()
        for cls in vars(module).values()
        if inspect.isclass(cls) and cls.__module__ == module.__name__ and getattr(cls, 'covers', '')
    ]


def performance_functions(cls: type) -> dict[str, str]:
    """Return the performance functions of a test and their units."""
    units = {}
    for base in reversed([b for b in cls.__mro__ if b.__module__.startswith(OURS)]):
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(base)))):
            for decorator in getattr(node, 'decorator_list', ()):
                if getattr(getattr(decorator, 'func', None), 'id', '') == 'performance_function':
                    units[node.name] = ast.literal_eval(decorator.args[0])
    assert set(units) == set(cls._rfm_perf_fns)  # type: ignore[attr-defined]
    return units


def conditional_metrics(cls: type) -> set[str]:
    """Return metrics that a hook adds only to some cases, so that no pass must carry them."""
    return set(re.findall(r"self\.perf_variables\['(\w+)'\] = ", own_source(cls)))


def own_source(cls: type) -> str:
    """Return the source of a test and of its bases in the library, ``LibraryTest`` left out."""
    bases = [b for b in cls.__mro__ if issubclass(b, LibraryTest) and b is not LibraryTest]
    return '\n'.join(
        inspect.getsource(b) for b in bases if b.__module__.startswith('eessi_library')
    )


each_library_class = pytest.mark.parametrize('cls', library_classes(), ids=lambda c: c.__name__)
each_leaf = pytest.mark.parametrize('cls', leaves(), ids=lambda c: c.__name__)
each_implementation = pytest.mark.parametrize(
    'cls', implementation_classes(), ids=lambda c: c.__name__
)


#: Library tests without an implementation that ships, and why.
FOR_SITES = {'TprBenchmark': 'its input is fetched by the site that implements it'}


# Library tests


def test_there_is_something_to_ask() -> None:
    assert {'WaterBox', 'TprBenchmark'} <= {cls.__name__ for cls in leaves()}
    assert 'EESSI_GROMACS_WaterBox' in {cls.__name__ for cls in implementation_classes()}


def test_every_library_test_is_implemented_or_says_why_not() -> None:
    implemented = {base for cls in implementation_classes() for base in cls.__mro__}
    assert {cls.__name__ for cls in leaves() if cls not in implemented} == set(FOR_SITES)


@pytest.mark.parametrize('name', library_files())
def test_library_module_imports(name: str) -> None:
    importlib.import_module(name)


@pytest.mark.parametrize('module', library_modules(), ids=lambda m: m.__name__)
def test_library_registers_no_test_with_reframe(module: types.ModuleType) -> None:
    registry = getattr(module, '_rfm_test_registry', None)
    assert registry is None or not list(registry)


@each_library_class
def test_library_class_names_no_system_and_no_environment(cls: Any) -> None:
    for name in ('valid_systems', 'valid_prog_environs'):
        assert not cls._rfm_var_space[name].is_defined()


@each_library_class
def test_library_class_pins_its_prefix(cls: type) -> None:
    assert getattr(cls, '_rfm_pinned_prefix', None), 'class ...(…, pin_prefix=True)'


@each_library_class
def test_library_class_says_what_it_is_in_one_sentence(cls: type) -> None:
    first = (cls.__doc__ or '').strip().partition('\n')[0]
    assert first.endswith('.')


def _declared_variables(cls: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and the ``#:`` comment above each variable that a class declares itself."""
    lines = inspect.getsource(cls).splitlines()
    tree = ast.parse('\n'.join(inspect.getsource(cls).splitlines()))
    (definition,) = tree.body
    assert isinstance(definition, ast.ClassDef)
    for node in definition.body:
        value = getattr(node, 'value', None)
        if not (isinstance(value, ast.Call) and getattr(value.func, 'id', '') == 'variable'):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        comment: list[str] = []
        line = node.lineno - 2
        while line >= 0 and lines[line].strip().startswith('#:'):
            comment.insert(0, lines[line].strip()[2:].strip())
            line -= 1
        kind = value.args[0].id if value.args and isinstance(value.args[0], ast.Name) else ''
        yield target.id, kind, ' '.join(comment)


#: Words that make a number's unit or kind plain.
UNITS = re.compile(
    r'\b(?:nm|fs|ps|ns|s|ms|seconds?|minutes?|kJ/mol|K|bar|bytes?|[KMG]iB|[KMG]B|MB/s|GB/s|Hz|'
    r'kg/m\^3|e|fraction|relative|ratio|number of|count|steps?|ranks?|threads?|tasks?|atoms|'
    r'molecules|boxes|edge|repetitions?|iterations?|samples?|files?|points?|cells?|dimension|size '
    r'of|order|percent|%)\b',
    re.IGNORECASE,
)


@each_library_class
def test_every_variable_is_documented_right_above_it(cls: type) -> None:
    bare = [name for name, _, comment in _declared_variables(cls) if not comment]
    assert bare == []


@each_library_class
def test_every_real_number_says_its_unit(cls: type) -> None:
    silent = [
        name
        for name, kind, comment in _declared_variables(cls)
        if kind == 'float' and comment and not UNITS.search(comment)
    ]
    assert silent == []


@each_leaf
def test_library_test_has_a_truth_with_its_source(cls: Any) -> None:
    assert cls.truths
    assert all(name and source for name, source in cls.truths.items())


@each_leaf
def test_library_test_names_directions_for_exactly_its_performance_functions(cls: Any) -> None:
    functions = performance_functions(cls)
    assert functions
    assert set(cls.directions) == set(functions) - conditional_metrics(cls)
    assert set(cls.directions.values()) <= {'higher', 'lower', 'truth'}
    assert all(functions.values()), 'every performance function has a unit'


@each_leaf
def test_library_test_asserts_the_exit_status(cls: type) -> None:
    assert cls._rfm_sanity is not None  # type: ignore[attr-defined]
    assert 'self.expect_clean_end()' in own_source(cls)


@each_leaf
def test_library_test_is_replay_proof(cls: Any) -> None:
    assert cls.varies
    assert re.search(r'self\.(?:\w*nonce\w*|seed)\b', own_source(cls))


@each_leaf
def test_library_test_runs_alone_or_side_by_side(cls: Any) -> None:
    assert cls.kind in ('functional', 'performance')


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the string constants of a file, docstrings left out."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if text and id(node) not in documentation:
            yield node.lineno, node.value


def _check_sources() -> list[Path]:
    return sorted([*LIBRARY.rglob('*.py'), *IMPLEMENTATIONS.rglob('*.py')])


#: The compat layer's own curl and git are tools under test: there, only addresses are looked for.
ADDRESS = re.compile(r'\b(?:https?|ftp)://(?!127\.0\.0\.1|localhost|\[::1\])')

#: Addresses that a text of the compat layer holds, or that --resolve turns to loopback.
NO_FETCH = {'https://github.com/gentoo/gentoo.git', 'https://'}


@pytest.mark.parametrize('path', _check_sources(), ids=lambda p: '/'.join(p.parts[-2:]))
def test_no_test_fetches_anything(path: Path) -> None:
    pattern, allowed = (ADDRESS, NO_FETCH) if 'compat_layer' in path.parts else (NETWORK, set())
    found = {text for _, text in _strings(path) if pattern.search(text)}
    assert found - allowed == set()


# Implementations


@pytest.mark.parametrize('path', shipped_check_files(), ids=lambda p: p.name)
def test_check_file_imports(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('EESSI_VALIDATE_CASES', '/dev/null')
    _imported(path)


def test_every_file_of_an_implementation_is_short() -> None:
    long = {p.name: n for p in shipped_check_files() if (n := len(p.read_text().splitlines())) > 40}
    assert long == {}


#: Variables that the inputs of a case of the compat layer set.
GIVEN_BY_THE_CASE = {'compat_path', 'release', 'arch'}


@each_implementation
def test_implementation_leaves_no_variable_undefined(cls: Any) -> None:
    ours = {name for base in library_classes() for name, *_ in _declared_variables(base)}
    space = cls._rfm_var_space
    undefined = {name for name in ours if name in space and not space[name].is_defined()}
    assert undefined <= GIVEN_BY_THE_CASE


@each_implementation
def test_implementation_has_its_case_parameter(cls: Any) -> None:
    assert 'case' in cls._rfm_param_space.params


@each_implementation
def test_implementation_is_a_library_test_with_defaults_for_planning(cls: Any) -> None:
    assert issubclass(cls, LibraryTest)
    assert cls.covers
    assert cls.default_scales
    assert set(cls.directions) == set(performance_functions(cls)) - conditional_metrics(cls)
