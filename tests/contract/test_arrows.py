"""Which room may import which: the arrows of DESIGN.md, and what the library may rest on."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from sources import DRIVER, IMPLEMENTATIONS, LIBRARY, dotted, imports, library_files

#: Rooms of the driver that a room may import, besides ``errors``, ``user_cache`` and itself.
ARROWS = {
    'stack': set(),
    'rfm': {'stack'},
    'results': {'stack', 'rfm'},
    'plan': {'results', 'stack', 'rfm'},
    'run': {'plan', 'results', 'stack', 'rfm'},
    'prove': {'plan', 'results', 'stack', 'rfm', 'run'},
    'gate': {'results', 'plan', 'stack', 'run'},
    # A comparison is no report of a run: it is put into words by its own presenter.
    'compare': {'results', 'plan', 'stack', 'rfm', 'run', 'report'},
    'report': {'results'},
    'localstack': {'stack'},
    'cli': {'compare', 'gate', 'localstack', 'plan', 'prove', 'report', 'results', 'run', 'stack'},
}

#: Rooms of the library that a room of the driver may import; others import none of it.
LIBRARY_FOR = {
    'run': {'diagnosis', 'compat_layer', 'installation'},
    'localstack': {'elf'},
    'gate': {'elf'},
}


def _top(name: str) -> str:
    return name.partition('.')[0]


@pytest.mark.parametrize('path', library_files().values(), ids=dotted)
def test_library_imports_reframe_and_the_standard_library_only(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, 'reframe', 'eessi_library'}
    assert {name for name in imports(path) if _top(name) not in allowed} == set()


@pytest.mark.parametrize('path', library_files().values(), ids=dotted)
def test_no_reason_is_said_twice(path: Path) -> None:
    # The text of ReFrame's exceptions contains that of their cause.
    twice = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise)
        and isinstance(node.cause, ast.Name)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func) == 'SanityError'
    ]
    assert not twice, f'end these with "from None": lines {twice}'


@pytest.mark.parametrize('path', sorted(LIBRARY.glob('elf/*.py')), ids=lambda p: p.name)
def test_elf_reader_needs_not_even_reframe(path: Path) -> None:
    own = {name for name in imports(path) if _top(name) not in sys.stdlib_module_names}
    assert {name for name in own if not name.startswith('eessi_library.elf')} == set()


@pytest.mark.parametrize('path', sorted(IMPLEMENTATIONS.rglob('*.py')), ids=lambda p: p.name)
def test_implementations_import_library_reframe_and_stack_only(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, 'reframe', 'eessi_library', 'eessi_implementations'}
    outside = {name for name in imports(path) if _top(name) not in allowed}
    assert {n for n in outside if not f'{n}.'.startswith('eessi_validate.stack.')} == set()


def _rooms() -> list[Path]:
    return sorted(p for p in DRIVER.iterdir() if p.is_dir() and (p / '__init__.py').exists())


@pytest.mark.parametrize('room', _rooms(), ids=lambda p: p.name)
def test_arrows_between_rooms_point_one_way(room: Path) -> None:
    assert room.name in ARROWS, f'agree on the arrows of {room.name}: add it to ARROWS'
    wrong = []
    for path in room.rglob('*.py'):
        for name in imports(path):
            parts = name.split('.')
            if parts[0] == 'eessi_validate' and len(parts) > 1:
                if parts[1] not in {'errors', 'user_cache', room.name, *ARROWS[room.name]}:
                    wrong.append(f'{path.name}: {name}')
            elif parts[0] in ('eessi_implementations',) or (
                parts[0] == 'eessi_library'
                and (len(parts) == 1 or parts[1] not in LIBRARY_FOR.get(room.name, ()))
            ):
                wrong.append(f'{path.name}: {name}')
    assert wrong == []


def test_only_the_command_line_imports_it() -> None:
    for path in DRIVER.rglob('*.py'):
        if path.parent.name != 'cli' and path.name != '__main__.py':
            assert not any(name.startswith('eessi_validate.cli') for name in imports(path)), path


def test_errors_import_nothing_of_the_driver() -> None:
    assert not any(_top(n) == 'eessi_validate' for n in imports(DRIVER / 'errors.py'))


def test_only_one_room_starts_or_configures_reframe() -> None:
    for path in DRIVER.rglob('*.py'):
        if path.parent.name != 'rfm':
            assert not any(_top(name) == 'reframe' for name in imports(path)), path
