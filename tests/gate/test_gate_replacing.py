"""A compat layer takes the place of the old one: what the new one lacks is not there in tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from eessi_validate.gate.overlay.namespace import WAYS, try_overlay
from eessi_validate.gate.overlay.refusal import OverlayUnavailable
from eessi_validate.gate.overlay.replacing import require_in_place, take_the_place

HERE = [way for way in WAYS if try_overlay([way]).method]
each_way = pytest.mark.parametrize('way', HERE)

LAYER = '2023.06/compat/linux/x86_64'
PROGRAM = """
import json, sys
from pathlib import Path
from eessi_validate.gate.overlay.namespace import enter_namespace, lay_over
from eessi_validate.gate.overlay.replacing import require_in_place, take_the_place
upper, base, layer, *ways = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]
if layer:
    take_the_place(upper / layer)
enter_namespace()
lay_over(upper, base, ways)
if layer:
    require_in_place(upper / layer, base / layer)
print(json.dumps(sorted(p.relative_to(base).as_posix() for p in base.rglob('*') if p.is_file())))
"""


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    upper, base = tmp_path / 'upper', tmp_path / 'base'
    for path in (
        upper / LAYER / 'lib64/libc.so.6',
        base / LAYER / 'lib64/libc.so.6',
        base / LAYER / 'lib64/libonly_in_the_old_one.so',
        base / LAYER / 'etc/old',
        base / '2023.06/software/kept',
        base / '2023.06/compat/linux/aarch64/kept',
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    return upper, base


def seen(upper: Path, base: Path, layer: str, way: str) -> list[str]:
    command = [sys.executable, '-c', PROGRAM, str(upper), str(base), layer, way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@each_way
def test_only_what_ships_is_seen_there_and_the_rest_of_the_base_everywhere_else(trees, way):
    assert seen(*trees, LAYER, way) == [
        '2023.06/compat/linux/aarch64/kept',
        f'{LAYER}/lib64/libc.so.6',
        '2023.06/software/kept',
    ]
    _, base = trees
    assert (base / LAYER / 'lib64/libonly_in_the_old_one.so').exists(), 'the base is as it was'


@each_way
def test_anything_else_is_merged(trees, way):
    assert f'{LAYER}/lib64/libonly_in_the_old_one.so' in seen(*trees, '', way)


def test_a_layer_that_shows_the_old_one_through_is_held(trees):
    upper, base = trees
    with pytest.raises(OverlayUnavailable, match='what the base has'):
        require_in_place(upper / LAYER, base / LAYER)


def test_a_file_system_that_cannot_remember_it_is_held(trees, monkeypatch):
    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(95, 'Operation not supported')

    monkeypatch.setattr(os, 'setxattr', refuse)
    with pytest.raises(OverlayUnavailable, match='not supported'):
        take_the_place(trees[0] / LAYER)
