"""What another user cannot reach: the installation itself, its module, programs without x."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small_stack import SmallStack

from eessi_library.installation.layout import module_file


def with_module(small: SmallStack) -> Path:
    path = Path(small.release.software, 'modules', 'all', 'App', '1.0.lua')
    path.parent.mkdir(parents=True)
    path.write_text('conflict("App")\n')
    assert module_file(small.release, 'App/1.0') == str(path)
    return path


@pytest.mark.parametrize(
    ('place', 'mode', 'member'),
    [
        ('software/App', 0o750, 'software/App'),
        ('software/App/1.0', 0o700, 'software/App/1.0'),
        ('modules/all/App', 0o710, 'modules/all/App'),
        ('modules/all/App/1.0.lua', 0o600, 'modules/all/App/1.0.lua'),
    ],
)
def test_an_installation_that_others_cannot_reach(
    small: SmallStack, place: str, mode: int, member: str
) -> None:
    with_module(small)
    assert small.findings('files') == {}
    os.chmod(Path(small.release.software, place), mode)
    found = small.findings('files')
    assert [(f.check, f.member) for f in found.values()] == [('files/unreadable', member)]


def test_a_module_file_that_everybody_can_change(small: SmallStack) -> None:
    with_module(small).chmod(0o666)
    assert list(small.findings('files')) == ['files/world-writable']


def test_a_program_that_nobody_can_execute(small: SmallStack) -> None:
    (small.app / 'bin' / 'app').chmod(0o644)
    assert small.findings('files')['files/not-executable'].member == 'bin/app'


@pytest.mark.parametrize(
    ('name', 'text', 'sound'),
    [
        ('bin/run', '#!/bin/sh\necho\n', False),
        ('bin/functions.sh', '#!/bin/sh\nf() { :; }\n', True),
        ('bin/activate', '# to be sourced\n', True),
        ('lib/x/run', '#!/bin/sh\necho\n', True),
    ],
)
def test_a_script_that_nobody_can_execute(
    small: SmallStack, name: str, text: str, sound: bool
) -> None:
    path = small.app / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)
    assert list(small.findings('files')) == ([] if sound else ['files/not-executable'])
