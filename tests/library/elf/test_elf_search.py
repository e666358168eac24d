"""Search paths, tokens, hwcaps directories, cache and built-in values."""

import re
import shutil
import subprocess

import pytest

from eessi_library.elf import (
    LoaderLimit,
    MalformedCache,
    Tokens,
    UnknownLoader,
    expand,
    hwcaps_subdirectories,
    parse_cache,
    read_cache,
    read_defaults,
    split_search_path,
)

TOKENS = Tokens('/o', 'lib64', 'x86_64')


@pytest.mark.parametrize(
    ('text', 'expanded'),
    [
        ('$ORIGIN/../lib', '/o/../lib'),
        ('${ORIGIN}x', '/ox'),
        ('$ORIGINx', '$ORIGINx'),
        ('$ORIGIN_', '$ORIGIN_'),
        ('${ORIGIN', '${ORIGIN'),
        ('/a/$LIB/${PLATFORM}', '/a/lib64/x86_64'),
        ('$HOME/lib', '$HOME/lib'),
        ('$ORIGIN$ORIGIN', '/o/o'),
        ('$$ORIGIN', '$/o'),
    ],
)
def test_tokens_expand_as_in_glibc(text, expanded):
    assert expand(text, TOKENS) == expanded


def test_an_unknown_token_makes_the_text_unusable():
    assert expand('/x/$PLATFORM', Tokens('/o')) is None
    assert split_search_path('/x/$PLATFORM:/y', Tokens('/o')) == ('/y/',)


@pytest.mark.parametrize(
    ('text', 'directories'),
    [
        ('', ()),
        ('/a:/b', ('/a/', '/b/')),
        ('/a//:/a:/b/', ('/a/', '/b/')),
        ('/', ('/',)),
        (':/a', ('', '/a/')),
        ('/a:', ('/a/', '')),
        ('lib', ('lib/',)),
        ('/a;/b', ('/a;/b/',)),
    ],
)
def test_search_paths_split_as_in_glibc(text, directories):
    assert split_search_path(text, TOKENS) == directories


def test_library_path_takes_semicolons_too():
    assert split_search_path('/a;/b:/c', TOKENS, ':;') == ('/a/', '/b/', '/c/')


def test_a_search_path_beyond_the_limit_is_refused():
    with pytest.raises(LoaderLimit):
        split_search_path('/a:' * 100_000, TOKENS)


def test_hwcaps_levels_include_the_lower_ones():
    assert hwcaps_subdirectories('x86_64', 'x86-64-v3') == (
        'glibc-hwcaps/x86-64-v3/',
        'glibc-hwcaps/x86-64-v2/',
    )
    assert hwcaps_subdirectories('ppc64le', 'power9') == ('glibc-hwcaps/power9/',)
    assert hwcaps_subdirectories('aarch64', None) == ()
    with pytest.raises(ValueError, match='aarch64 has no'):
        hwcaps_subdirectories('aarch64', 'x86-64-v3')


def test_built_in_values_agree_with_list_diagnostics(host_loader):
    answer = subprocess.run([host_loader, '--list-diagnostics'], capture_output=True, text=True)
    directories = re.findall(r'^path\.system_dirs\[.*\]="(.*)"$', answer.stdout, re.M)
    defaults = read_defaults(host_loader)
    assert list(defaults.directories) == directories
    assert f'dl_dst_lib="{defaults.lib}"' in answer.stdout
    sysconfdir = re.search(r'^path\.sysconfdir="(.*)"$', answer.stdout, re.M)[1]
    assert defaults.cache == f'{sysconfdir}/ld.so.cache'


@pytest.mark.stack
def test_built_in_values_of_the_stack_agree_with_list_diagnostics(local_stack):
    loaders = list(local_stack.glob('versions/*/compat/linux/x86_64/lib64/ld-linux-x86-64.so.2'))
    assert loaders
    for loader in loaders:
        answer = subprocess.run([loader, '--list-diagnostics'], capture_output=True, text=True)
        directories = re.findall(r'^path\.system_dirs\[.*\]="(.*)"$', answer.stdout, re.M)
        assert list(read_defaults(loader).directories) == directories


def test_a_file_that_is_no_loader_has_no_built_in_values(tmp_path):
    (tmp_path / 'x').write_bytes(b'\x7fELF' + bytes(4096))
    with pytest.raises(UnknownLoader):
        read_defaults(tmp_path / 'x')


def test_the_cache_agrees_with_ldconfig():
    ldconfig = shutil.which('ldconfig') or '/sbin/ldconfig'
    try:
        text = subprocess.run([ldconfig, '-p'], capture_output=True, text=True, check=True).stdout
        cache = read_cache('/etc/ld.so.cache')
    except (OSError, subprocess.CalledProcessError):
        pytest.skip('no ldconfig or no cache on this host')
    lines = re.findall(r'^\t(\S+) \(libc6,x86-64\) => (.+)$', text, re.M)
    assert lines
    first = {}
    for name, path in lines:
        first.setdefault(name, path)
    assert {name: cache.lookup(name, (2, 1, 62)) for name in first} == first
    assert cache.lookup('libc.so.6', (2, 1, 183)) is None


def test_what_is_not_a_cache_is_refused():
    with pytest.raises(MalformedCache, match='expected'):
        parse_cache(b'something else')
