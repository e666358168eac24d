"""What is particular to EESSI's compat layer: its loader's cache, and the driver of a GPU."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from small_stack import APP, THING, SmallStack, gcc

from eessi_library.elf import LoaderDefaults
from eessi_library.installation import gpu_driver
from eessi_library.installation.gpu_driver import check_driver

LDCONFIG = '/sbin/ldconfig'


@pytest.fixture
def cached(small: SmallStack, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The loader of the release has a cache of its own; returns where."""
    place = small.compat / 'etc' / 'ld.so.cache'
    place.parent.mkdir()
    defaults = LoaderDefaults((), str(place), 'lib')
    monkeypatch.setattr('eessi_library.installation.linkage.read_defaults', lambda _: defaults)
    return place


@pytest.mark.skipif(not Path(LDCONFIG).exists(), reason='no ldconfig')
def test_a_library_that_only_the_cache_of_the_compat_layer_names(
    small: SmallStack, cached: Path
) -> None:
    """EESSI's loader has $EPREFIX/etc/ld.so.cache (EESSI/compatibility-layer#218)."""
    aside = small.compat / 'usr' / 'lib' / 'gcc'
    other = aside / 'libother.so.1'
    gcc(THING, other, '-shared', '-fPIC', '-Wl,-soname,libother.so.1')
    (small.app / 'lib' / 'libother.so').symlink_to(other)
    small.program(APP, '-lother')
    (small.app / 'lib' / 'libother.so').unlink()
    assert list(small.findings('linkage')) == ['linkage/missing-library']
    conf = cached.with_name('ld.so.conf')
    conf.write_text(f'{aside}\n')
    subprocess.run([LDCONFIG, '-X', '-C', str(cached), '-f', str(conf)], check=True)
    assert small.findings('linkage') == {}
    other.unlink()
    assert list(small.findings('linkage')) == ['linkage/missing-library']


def test_a_library_of_the_driver_is_not_asked_of_the_stack(small: SmallStack) -> None:
    stub = small.root / 'stub'
    gcc(THING, stub / 'libcuda.so', '-shared', '-fPIC', '-Wl,-soname,libcuda.so.1')
    small.program(APP, f'-L{stub}', '-lcuda')
    report = small.check('linkage')
    assert (report.findings, report.allowed) == ((), {'gpu-driver-library': 1})


def test_the_driver_is_looked_for_where_the_loader_looks(
    small: SmallStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver below nvidia/ that nothing links into the loader's directory is not injected."""
    release = small.release
    trusted = Path(f'{release.host_injections}/2023.06/compat/linux/x86_64/lib')
    defaults = LoaderDefaults((f'{release.compat}/lib64/', f'{trusted}/'), None, None)
    monkeypatch.setattr(gpu_driver, 'read_defaults', lambda _: defaults)
    driver = Path(f'{release.host_injections}/nvidia/x86_64/latest/host')
    for name in ('libcuda.so.1', 'libnvidia-ml.so.1'):
        gcc(THING, driver / name, '-shared', '-fPIC', f'-Wl,-soname,{name}')
    found = list(check_driver(release, '550.54.14'))
    assert [f.check for f in found] == ['gpu/not-injected'] * 2
    assert str(trusted) in found[0].reason
    trusted.parent.mkdir(parents=True)
    trusted.symlink_to(driver)
    assert list(check_driver(release, '550.54.14')) == []
