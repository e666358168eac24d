"""Remembered answers on extensions, and what becomes of them when a dependency changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_bundle import SITE, Bundle, found_in

from eessi_library.installation import InstallationRequest, check_installations

SIX = 'six-1.16.0.dist-info'
NAMES = 'numpy-1.26.2,six-1.16.0'


class Remembered:
    """Bundle/1.0 whose ``six`` comes with Python/3.11.3, by way of Between/1.0."""

    def __init__(self, root: Path) -> None:
        self.bundle = Bundle(root)
        self.bundle.python('numpy', '1.26.2')
        self.bundle.depends.append('Between/1.0')
        self.between = self.bundle.module('Between/1.0', 'depends_on("Python/3.11.3")\n')
        self.site = self.software('Python/3.11.3') / SITE
        (self.site / SIX).mkdir(parents=True)
        (self.site / SIX / 'METADATA').write_text('Name: six\nVersion: 1.16.0\n\n')
        self.request: InstallationRequest = self.bundle.request(NAMES)
        self._cache = str(root / 'cache.sqlite')

    def software(self, name: str) -> Path:
        return Path(self.bundle.release.software, 'software', name)

    def look(self) -> tuple[dict[str, tuple[str, str]], bool]:
        """What is found, and whether it was remembered."""
        report = next(check_installations([self.request], self._cache, 1))
        return found_in(report), report.cached


@pytest.fixture
def remembered(tmp_path: Path) -> Remembered:
    return Remembered(tmp_path)


def _extension_lost(there: Remembered) -> None:
    shutil.rmtree(there.site / SIX)


def _rebuilt_in_another_version(there: Remembered) -> None:
    (there.site / SIX / 'METADATA').write_text('Name: six\nVersion: 1.17.0\n\n')


def _no_longer_loaded(there: Remembered) -> None:
    there.between.write_text('-- loads nothing\n')


def _module_gone(there: Remembered) -> None:
    there.between.unlink()


def _module_of_another_form(there: Remembered) -> None:
    there.between.unlink()
    there.between.with_suffix('').write_text('#%Module\n')


def _installation_gone(there: Remembered) -> None:
    shutil.rmtree(there.software('Python'))


@pytest.mark.parametrize(
    'change',
    [
        _extension_lost,
        _rebuilt_in_another_version,
        _no_longer_loaded,
        _module_gone,
        _module_of_another_form,
        _installation_gone,
    ],
)
def test_an_extension_that_its_dependency_has_lost(
    remembered: Remembered, change: Callable[[Remembered], None]
) -> None:
    expected = {'six': ('undecided', 'note')}
    assert [remembered.look() for _ in range(2)] == [(expected, False), (expected, True)]
    change(remembered)
    assert remembered.look() == ({'six': ('missing', 'error')}, False)


def test_an_extension_that_its_dependency_has_got(remembered: Remembered) -> None:
    remembered.request = remembered.bundle.request('numpy-1.26.2,packaging-23.1')
    missing = {'packaging': ('missing', 'error')}
    assert [remembered.look() for _ in range(2)] == [(missing, False), (missing, True)]
    (remembered.site / 'packaging-23.1.dist-info').mkdir()
    assert remembered.look() == ({'packaging': ('undecided', 'note')}, False)


@pytest.mark.parametrize('linked', ['', SIX, f'{SIX}/METADATA'])
@pytest.mark.parametrize('owner', ['Bundle/1.0', 'Python/3.11.3'])
def test_metadata_behind_a_link_is_read_each_time(
    remembered: Remembered, owner: str, linked: str
) -> None:
    """The link stays the same whatever becomes of what it leads to."""
    store = remembered.software('Store/1.0')
    shutil.move(remembered.site, store)
    place = remembered.software(owner) / SITE
    if owner == 'Bundle/1.0':
        shutil.copytree(place, store, dirs_exist_ok=True)
        shutil.rmtree(place)
    shutil.copytree(store, place) if linked else place.parent.mkdir(parents=True, exist_ok=True)
    link = place / linked
    if linked:
        shutil.rmtree(link) if link.is_dir() else link.unlink()
    link.symlink_to(store / linked)
    assert remembered.look()[0].get('six') in (None, ('undecided', 'note'))
    (store / SIX / 'METADATA').write_text('Name: six\nVersion: 1.17.0\n\n')
    assert remembered.look()[0]['six'][1] == 'error'
